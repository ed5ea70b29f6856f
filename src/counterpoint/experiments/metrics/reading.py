"""A metric read on the events that came: figures of every span and of the whole period. Pure.

What would be about fewer than `LEAST` people is withheld, and so is a second figure wherever the first
could be had by taking all the others from their sum.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from counterpoint.experiments.metrics.definition import Definition
from counterpoint.experiments.metrics.period import Period

__all__ = ["LEAST", "OTHER", "Bin", "Figure", "Reading", "Sign", "divided", "signs_of", "too_few", "withhold"]

LEAST: Final = 5
"""People that a figure is of at least; there is no setting that weakens it."""
Sign = Literal["below 0", "at most 1", "above 100"]
"""What is told of the size of single numbers, which are people's; never the numbers themselves."""
OTHER: Final = "(other)"
"""What parts beyond the largest ones are together."""


class Figure(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One figure: of a span or of the whole period, of one part or of all."""

    span: date | None = None
    """First day of the span; none for the whole period."""
    part: str = ""
    """Value of the attribute that the reading is split by; empty where it is not."""
    value: float | None = None
    """None where there is nothing to compute it from, or where it is withheld."""
    users: int = 0
    """Different subjects of the events."""
    units: int = 0
    """What is averaged over: the users, and every event without a subject."""
    events: int = 0
    blank: int = 0
    """Events without the number that the metric needs."""
    capped: int = 0
    """Events whose number is above the cap, and counts as the cap."""
    withheld: bool = False


class Bin(msgspec.Struct, frozen=True):
    """Events whose number lies in a range."""

    low: float
    high: float | None
    """None for the last one, which has no end."""
    events: int
    users: int
    withheld: bool = False


class Reading(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A metric's figures of a period."""

    metric: Definition
    period: Period
    whole: Figure
    points: tuple[Figure, ...] = ()
    """Of every span: of all together, then of each of `parts`."""
    split: str | None = None
    parts: tuple[Figure, ...] = ()
    """Of every part over the whole period, the largest first; the others together are last."""
    signs: frozenset[Sign] = frozenset()
    """What the numbers of the events tell of their unit."""
    sql: str = ""

    def of_part(self, part: str) -> tuple[Figure, ...]:
        """The figures of one part by span."""
        return tuple(point for point in self.points if point.part == part)

    @property
    def withheld(self) -> int:
        """How many figures are withheld."""
        return sum(figure.withheld for figure in (self.whole, *self.points, *self.parts))


def too_few(users: int) -> bool:
    """Whether a figure would be about too few people; events without subjects are about none."""
    return 0 < users < LEAST


def withhold(figures: Iterable[Figure]) -> list[Figure]:
    """Withhold what is about too few people, and what would tell it by subtraction."""
    given = list(figures)
    hidden = {index for index, figure in enumerate(given) if too_few(figure.users)}
    lines: tuple[Callable[[Figure], Hashable], ...] = (
        lambda figure: (figure.span,),
        lambda figure: (figure.part,),
    )
    before = -1
    while len(hidden) > before:  # what is hidden in one line may stand alone in its other one
        before = len(hidden)
        for line in lines:
            hidden |= _beside(given, hidden, line)
    return [_hidden(figure) if index in hidden else figure for index, figure in enumerate(given)]


def _beside(given: Sequence[Figure], hidden: set[int], line: Callable[[Figure], Hashable]) -> set[int]:
    """What must be hidden too, the smallest first, so that those hidden in a line are enough people together.

    The sum of a line is told elsewhere: of all parts in a span, of all spans of a part.
    """
    lines: dict[Hashable, list[int]] = {}
    for index, figure in enumerate(given):
        if figure.units:
            lines.setdefault(line(figure), []).append(index)
    more: set[int] = set()
    for members in lines.values():
        within = [index for index in members if index in hidden]
        others = sorted(set(members) - set(within), key=lambda index: given[index].users)
        while (
            within and others and (len(within) == 1 or too_few(sum(given[index].users for index in within)))
        ):
            within.append(others.pop(0))
        more |= set(within)
    return more


def _hidden(figure: Figure) -> Figure:
    return Figure(span=figure.span, part=figure.part, withheld=True)


def signs_of(low: float | None, high: float | None) -> frozenset[Sign]:
    """What the smallest and the largest number tell of the unit that they are in."""
    if low is None or high is None:
        return frozenset()
    told: tuple[tuple[Sign, bool], ...] = (
        ("below 0", low < 0),
        ("at most 1", low >= 0 and high <= 1),
        ("above 100", high > 100),
    )
    return frozenset(sign for sign, holds in told if holds)


def divided(metric: Definition, numerator: Reading, denominator: Reading) -> Reading:
    """The reading of a ratio: each figure of the first by that of the second in the same span and part."""
    below = {(figure.span, figure.part): figure for figure in denominator.points}
    of_parts = {figure.part: figure for figure in denominator.parts}
    return Reading(
        metric=metric,
        period=numerator.period,
        whole=_quotient(numerator.whole, denominator.whole),
        points=tuple(_quotient(figure, below.get((figure.span, figure.part))) for figure in numerator.points),
        split=numerator.split,
        parts=tuple(_quotient(figure, of_parts.get(figure.part)) for figure in numerator.parts),
        sql=f"{numerator.sql}\n\n-- divided by\n\n{denominator.sql}",
    )


def _quotient(above: Figure, below: Figure | None) -> Figure:
    if below is None or above.withheld or below.withheld:
        withheld = above.withheld or (below is not None and below.withheld)
        return Figure(span=above.span, part=above.part, withheld=withheld)
    value = above.value / below.value if above.value is not None and below.value else None
    events, users = above.events + below.events, max(above.users, below.users)
    return replace(above, value=value, events=events, users=users, blank=0, capped=0)
