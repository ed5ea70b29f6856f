"""Figures about the concerns of a unit: how early they come, how soon they are heard, and whether that led to help.

Per unit, never per person: no figure has a name in it, and none is told of fewer than `FEWEST` concerns. Only those
that everybody sees already are counted, so that a figure gives nothing away before its day.
"""

from collections.abc import Sequence
from datetime import date
from math import sqrt
from statistics import quantiles

import msgspec

from counterpoint.bets.concerns.model import HELPS, Concern, ConcernState, working_days_between

__all__ = ["FEWEST", "TARGET", "ConcernFigures", "Share", "Spread", "figures_of"]

FEWEST = 5
"""Concerns below which a figure is not told: of fewer it would be about somebody."""
TARGET = 1
"""Working days in which a concern should be acknowledged, from the day on which those outside see it."""
Z95 = 1.959963984540054


class Spread(msgspec.Struct, frozen=True):
    """The middle of some numbers of days, with the range of the middle half."""

    n: int
    median: float
    low: float
    high: float


class Share(msgspec.Struct, frozen=True):
    """A share with its 95 % interval (Wilson)."""

    n: int
    share: float
    low: float
    high: float


class ConcernFigures(msgspec.Struct, frozen=True, rename="camel"):
    """The figures of a unit; each is None where there are too few concerns to tell it."""

    fewest: int = FEWEST
    lead_days: Spread | None = None
    """Calendar days from the raising of a concern to the date that it is about; below 0 it came after it."""
    response_days: Spread | None = None
    """Working days from the day on which those outside see a concern to their first answer, of those answered."""
    in_time: Share | None = None
    """Of the concerns that were answered or are past the target, those answered within it."""
    helped: Share | None = None
    """Of the concerns that were answered, those that led to an offer of help or a changed constraint."""


def figures_of(found: Sequence[Concern], today: date) -> ConcernFigures:
    """The figures of some concerns, of which only those count that everybody sees by now.

    References:
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    """
    seen = [each for each in found if each.released(today)]
    leads = [(each.about_on - each.raised_on).days for each in seen if each.about_on is not None]
    waits = [
        (each, response_days(each))
        for each in seen
        if each.state is not ConcernState.WITHDRAWN or heard(each)
    ]
    answered = [(each, days) for each, days in waits if days is not None]
    late = [each for each, days in waits if days is None and _overdue(each, today)]
    in_time = sum(days <= TARGET for _, days in answered)
    helped = sum(any(item.move in HELPS and item.outside for item in each.answers) for each, _ in answered)
    return ConcernFigures(
        lead_days=_spread(leads),
        response_days=_spread([days for _, days in answered]),
        in_time=_share(in_time, len(answered) + len(late)),
        helped=_share(helped, len(answered)),
    )


def heard(concern: Concern) -> bool:
    """Whether somebody outside the squad has answered."""
    return any(each.outside for each in concern.answers)


def response_days(concern: Concern) -> int | None:
    """Working days until the first answer from outside; none where there is none. Early ones count as 0."""
    first = next((each.on for each in concern.answers if each.outside), None)
    return None if first is None else max(working_days_between(concern.visible_on, first), 0)


def _overdue(concern: Concern, today: date) -> bool:
    closed = next((each.on for each in concern.answers if each.move.value in ("resolve", "withdraw")), today)
    return working_days_between(concern.visible_on, closed) > TARGET


def _spread(days: Sequence[int]) -> Spread | None:
    if len(days) < FEWEST:
        return None
    low, middle, high = quantiles(days, n=4, method="inclusive")
    return Spread(len(days), middle, low, high)


def _share(part: int, whole: int) -> Share | None:
    if whole < FEWEST:
        return None
    share, z = part / whole, Z95
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return Share(whole, share, max(middle - half, 0.0), min(middle + half, 1.0))
