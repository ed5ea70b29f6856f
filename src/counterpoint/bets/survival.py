"""How many bets got through each stage, how many ended there, and how long it took. Pure; of a portfolio, never of one unit."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import sqrt
from statistics import median

import msgspec

from counterpoint.bets.model import Decision, Stage, State

__all__ = ["FEW", "StageSurvival", "Stay", "stays_of", "survival"]

FEW = 5
"""Bets that have left a stage, below which a share would say nothing."""
Z = 1.959963984540054


class Stay(msgspec.Struct, frozen=True, rename="camel"):
    """One bet's time in one stage."""

    bet: str
    stage: Stage
    entered: datetime | None
    left: datetime | None = None
    outcome: str = "there"
    """`onward`, `back`, `ended`, or `there` while it lasts."""

    @property
    def days(self) -> float | None:
        """Days in the stage, where both ends are known."""
        return (self.left - self.entered).total_seconds() / 86_400 if self.left and self.entered else None


class StageSurvival(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of the bets that stood in a stage."""

    stage: Stage
    entered: int
    onward: int
    back: int
    ended: int
    there: int
    share: float | None = None
    """Of those that left, the share that went on; none below `FEW`."""
    low: float | None = None
    """The 95 % interval around the share, by Wilson."""
    high: float | None = None
    median_days: float | None = None
    """Of the stays with both ends known; none below `FEW`, where it would be about one unit."""


def stays_of(
    bet: str, decisions: Sequence[Decision], pitched: datetime | None, stage: Stage, state: State
) -> tuple[Stay, ...]:
    """The stages in which a bet stood, one after the other.

    `decisions` are its own, oldest first; `pitched` says when it was written, `stage` and `state` where it
    stands now, which counts where nothing was decided.
    """
    found: list[Stay] = []
    current = decisions[0].stage_before if decisions else stage
    entered: datetime | None = pitched
    closed = False
    for each in decisions:
        ends = each.state_after.closed and not each.state_before.closed
        if each.state_before.closed and not each.state_after.closed:
            entered, closed, current = each.at, False, each.stage_after
        elif each.stage_after is not each.stage_before:
            onward = each.stage_after.rank > each.stage_before.rank
            found.append(Stay(bet, current, entered, each.at, "onward" if onward else "back"))
            current, entered = each.stage_after, each.at
        elif ends:
            retired = each.state_after is State.RETIRED
            found.append(Stay(bet, current, entered, each.at, "onward" if retired else "ended"))
            closed = True
    if not decisions and state.closed:
        found.append(Stay(bet, stage, pitched, None, "onward" if state is State.RETIRED else "ended"))
    elif not closed:
        found.append(Stay(bet, current, entered))
    return tuple(found)


def survival(stays: Iterable[Stay]) -> tuple[StageSurvival, ...]:
    """What became of the bets in each stage, in the order of the stages."""
    rows = list(stays)
    return tuple(_of_stage(stage, [stay for stay in rows if stay.stage is stage]) for stage in Stage)


def _of_stage(stage: Stage, stays: list[Stay]) -> StageSurvival:
    counts = {
        word: sum(stay.outcome == word for stay in stays) for word in ("onward", "back", "ended", "there")
    }
    left = len(stays) - counts["there"]
    days = [stay.days for stay in stays if stay.days is not None]
    low, high = _wilson(counts["onward"], left) if left >= FEW else (None, None)
    return StageSurvival(
        stage=stage,
        entered=len(stays),
        **counts,
        share=counts["onward"] / left if left >= FEW else None,
        low=low,
        high=high,
        median_days=round(median(days), 1) if len(days) >= FEW else None,
    )


def _wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22.

    >>> tuple(round(bound, 3) for bound in _wilson(5, 10))
    (0.237, 0.763)
    """
    share, square = successes / trials, Z * Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials)) / (1 + square / trials)
    return max(0.0, middle - half), min(1.0, middle + half)
