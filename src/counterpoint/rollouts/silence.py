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


@dataclass(frozen=True, slots=True)
class Stream:
    """How the events of one type have come lately, whoever they are of."""

    events: int
    first: datetime
    last: datetime
    longest: timedelta
    """The longest time without one, between the first and the last."""


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
    )


def is_silent(stream: Stream, now: datetime, *, least_seconds: float) -> bool:
    """Whether nothing has come for longer than it usually does: rare events may be silent for long.

    Args:
        stream: How they came.
        now: The moment.
        least_seconds: Below which no silence counts.
    """
    if stream.events < FEWEST:
        return False
    mean = (stream.last - stream.first) / (stream.events - 1)
    usual = max(MEAN_GAPS * mean, LONGEST_GAPS * stream.longest)
    return (now - stream.last).total_seconds() > max(least_seconds, usual.total_seconds())


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
