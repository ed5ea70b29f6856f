"""Whether the events of a guardrail have stopped coming: compared with how they usually come. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

__all__ = ["WINDOW", "Stream", "is_silent", "silent_metrics", "stream_of"]

WINDOW: Final = timedelta(days=14)
"""How far back it is read how events usually come; a night and a weekend are in it."""
FEWEST: Final = 10
"""Events in that time below which nothing is usual."""
MEAN_GAPS: Final = 16
"""A silence is one where it lasts so many mean gaps: by chance one gap in e^16, nine million, does (Poisson)."""
LONGEST_GAPS: Final = 2
"""And so many times the longest gap of that time, for nights, weekends and senders that send in batches."""
DAY: Final = timedelta(days=1)
"""As long as events have come for less, no night of theirs is known, and a silence lasts as long at least."""
WEEK: Final = timedelta(days=7)
"""As long as events have come for less, and none on a weekend, the hours of weekends are none of a silence."""
SATURDAY: Final = 5
LATE, SOON = timedelta(hours=6), timedelta(hours=42)
"""The middle of a weekend, from its begin in UTC: in America it is still Friday before, and in Australia Monday after."""


@dataclass(frozen=True, slots=True)
class Stream:
    """How the events of one type have come lately, whoever they are of."""

    events: int
    first: datetime
    last: datetime
    longest: timedelta
    """The longest time without one, between the first and the last."""
    on_weekends: bool = False
    """Whether some came in the middle of a weekend."""


def stream_of(parts: Iterable[tuple[datetime, datetime, int]]) -> Stream | None:
    """A stream of its parts, each with its first and last moment and number of events; none where there are none.

    Parts are short and do not overlap, such as minutes; what lies within one is no gap.
    """
    found = sorted(parts)
    if not found:
        return None
    gaps = [after[0] - before[1] for before, after in pairwise(found)]
    return Stream(
        sum(count for _, _, count in found),
        found[0][0],
        found[-1][1],
        max(gaps, default=timedelta(0)),
        any(LATE <= each[0] - weekend_of(each[0]) < SOON for each in found),
    )


def weekend_of(moment: datetime) -> datetime:
    """When the weekend of a moment's week begins: Saturday at midnight in UTC, before or after it.

    >>> from datetime import UTC
    >>> weekend_of(datetime(2026, 11, 27, 12, tzinfo=UTC)).isoformat()
    '2026-11-28T00:00:00+00:00'
    """
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (SATURDAY - moment.weekday()) * DAY


def _lasted(stream: Stream, now: datetime) -> timedelta:
    """How long nothing has come, of the time in which it might: a first weekend may be as quiet as every other."""
    lasted = now - stream.last
    if stream.on_weekends or stream.last - stream.first >= WEEK:
        return lasted
    begin = weekend_of(stream.last)
    while begin < now:
        lasted -= max(min(now, begin + 2 * DAY) - max(stream.last, begin), timedelta(0))
        begin += WEEK
    return lasted


def is_silent(stream: Stream, now: datetime, *, least_seconds: float) -> bool:
    """Whether nothing has come for longer than it usually does: rare events may be silent for long.

    Of events that have just begun neither the night nor the weekend is known. So a silence lasts a day at least until
    they have come for a day, and leaves out the hours of weekends until they have come on one, or for a week.

    Args:
        stream: How they came.
        now: The moment.
        least_seconds: Below which no silence counts.
    """
    if stream.events < FEWEST:
        return False
    mean = (stream.last - stream.first) / (stream.events - 1)
    night = DAY if stream.last - stream.first < DAY else timedelta(0)
    usual = max(MEAN_GAPS * mean, LONGEST_GAPS * stream.longest, night)
    return _lasted(stream, now).total_seconds() > max(least_seconds, usual.total_seconds())


def silent_metrics(
    types: Mapping[str, Sequence[str]],
    streams: Mapping[str, Stream],
    now: datetime,
    *,
    least_seconds: float,
) -> tuple[str, ...]:
    """The metrics, by the types of their events, of which a type has fallen silent.

    A type that never came is none: a metric without any event has no figures, which is told anyway.
    """
    silent = {each for each, stream in streams.items() if is_silent(stream, now, least_seconds=least_seconds)}
    return tuple(name for name, needed in types.items() if silent.intersection(needed))
