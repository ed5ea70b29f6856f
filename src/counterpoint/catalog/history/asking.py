"""Which two moments are meant by what somebody writes: dates, moments, or nothing."""

from datetime import UTC, datetime, timedelta

from counterpoint.catalog.shown import moment_of
from counterpoint.graph.past import Comparison, between, last_change
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref

__all__ = ["compare_between"]

JUST_BEFORE = timedelta(microseconds=1)


def compare_between(reader: Reader, ref: Ref, start: str | None, end: str | None) -> Comparison:
    """What changed of an entity from one date (its end, in UTC) or moment to another.

    Without an end up to now; without a start since just before the last change up to the end.

    Raises:
        InputError: a date cannot be read, or they are the wrong way round.
        NotFoundError: there never was such an entity.
    """
    until = moment_of(end, "to") if end else datetime.now(UTC)
    if start:
        since = moment_of(start, "from")
    else:
        changed = last_change(reader, ref, until)
        since = until if changed is None else changed - JUST_BEFORE
    return between(reader, ref, since, until)
