"""Which bet comes first, from ranges: chances, not scores; an order only where it is likely. Pure.

Cost of delay divided by duration (CD3) is the value per week of whatever blocks a squad: doing the highest first
loses least in total. Both are ranges, and so is their ratio.

References:
    Reinertsen (2009), The Principles of Product Development Flow, principle B7 and F22.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from counterpoint.bets.judgement.estimates import Quantity, Range, fit
from counterpoint.said import Said

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DRAWS", "LIKELY", "Contender", "Group", "Order", "Standing", "beats", "cd3_draws", "order"]

DRAWS = 10_000
"""Draws of each distribution: a chance has a standard error of at most 0.005."""
LIKELY = 0.8
"""A bet is put before another only where it beats it with at least this chance."""
SEED = 20260727
"""The same ranges give the same figures on every page, and at every look."""
TIE: Said = "A tie: the ranges do not tell these apart. Leaders choose, and record the reason."


class Contender(msgspec.Struct, frozen=True, rename="camel"):
    """A bet with its ranges; `unit` is what they count in."""

    bet: str
    cost_of_delay: Range
    duration: Range
    unit: str = ""


class Standing(msgspec.Struct, frozen=True, rename="camel"):
    """Where one bet stands: its CD3 as a range, in units a week per week, and its chance to be the first of all."""

    bet: str
    cd3: Range
    first: float


class Group(msgspec.Struct, frozen=True, rename="camel"):
    """Bets between which there is no order; one alone is simply next. `note` says what to do about a tie."""

    standings: tuple[Standing, ...]
    note: Said = ""

    @property
    def tie(self) -> bool:
        """Whether there is more than one."""
        return len(self.standings) > 1


class Order(msgspec.Struct, frozen=True, rename="camel"):
    """The bets of one unit of value, in an order as far as there is one, and each chance that one beats another."""

    unit: str
    groups: tuple[Group, ...]
    bets: tuple[str, ...]
    """In the order of the rows and columns of `chances`, which is that of the groups."""
    chances: tuple[tuple[float, ...], ...]
    """`chances[i][j]`: the chance that bet i beats bet j; 0.5 on the diagonal."""


def cd3_draws(contender: Contender, generator: "np.random.Generator") -> "NDArray[np.float64]":
    """Draws of cost of delay divided by duration, which are taken to be independent; shape (DRAWS,)."""
    delay = fit(Quantity.COST_OF_DELAY, contender.cost_of_delay).draws(DRAWS, generator)
    duration = fit(Quantity.DURATION, contender.duration).draws(DRAWS, generator)
    return delay / duration


def beats(one: "NDArray[np.float64]", other: "NDArray[np.float64]") -> float:
    """The chance that a draw of `one` is above a draw of `other`, over all pairs; equal ones count a half.

    It is the Mann–Whitney statistic divided by the number of pairs, so no draw is compared with its partner alone.

    >>> import numpy as np
    >>> beats(np.array([1.0, 2.0]), np.array([0.0, 2.0]))
    0.625
    """
    import numpy as np

    ordered = np.sort(other)
    below = (
        np.searchsorted(ordered, one, side="left").sum() + np.searchsorted(ordered, one, side="right").sum()
    )
    return float(below / 2 / len(one) / len(other))


def order(contenders: Sequence[Contender]) -> tuple[Order, ...]:
    """The order of the bets of each unit of value, units by name; bets in different units are not compared."""
    units = sorted({contender.unit for contender in contenders})
    return tuple(_order(unit, [one for one in contenders if one.unit == unit]) for unit in units)


def _order(unit: str, contenders: Sequence[Contender]) -> Order:
    import numpy as np

    generator = np.random.default_rng(SEED)
    named = sorted(contenders, key=lambda one: one.bet)
    draws = {one.bet: cd3_draws(one, generator) for one in named}
    ranked = sorted(draws, key=lambda bet: (-float(np.median(draws[bet])), bet))
    chances = tuple(
        tuple(0.5 if one == other else beats(draws[one], draws[other]) for other in ranked) for one in ranked
    )
    stacked = np.vstack([draws[bet] for bet in ranked])
    best = stacked == stacked.max(axis=0)
    wins = (best / best.sum(axis=0)).mean(axis=1)  # who are first together share it
    standings = [
        Standing(bet, Range(*np.quantile(draws[bet], (0.1, 0.5, 0.9)).tolist()), float(wins[place]))
        for place, bet in enumerate(ranked)
    ]
    return Order(unit, _groups(standings, chances), tuple(ranked), chances)


def _groups(standings: Sequence[Standing], chances: Sequence[Sequence[float]]) -> tuple[Group, ...]:
    """Cut where everything before beats everything after with a likely chance: a chain of ties is one tie."""
    groups: list[list[Standing]] = []
    for place, standing in enumerate(standings):
        clear = all(row[after] >= LIKELY for row in chances[:place] for after in range(place, len(standings)))
        if clear or not groups:
            groups.append([])
        groups[-1].append(standing)
    return tuple(Group(tuple(group), TIE if len(group) > 1 else "") for group in groups)


def contenders_of(
    estimates: Mapping[str, Mapping[Quantity, Range]], units: Mapping[str, str]
) -> list[Contender]:
    """The bets that have both ranges, by name."""
    wanted = (Quantity.COST_OF_DELAY, Quantity.DURATION)
    return [
        Contender(bet, found[wanted[0]], found[wanted[1]], units.get(bet, ""))
        for bet, found in sorted(estimates.items())
        if all(quantity in found for quantity in wanted)
    ]
