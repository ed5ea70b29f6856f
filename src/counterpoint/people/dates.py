"""Which date a question is asked of: when things hold, and as what was known; and the edges of spans."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from counterpoint.errors import InputError, Problem

__all__ = ["When", "edge_of", "edge_text", "now", "plain_edge", "read_edge", "when_of"]

STORED = "%Y-%m-%dT%H:%M:%S.%fZ"
YEARS = (1900, 2200)
"""The years in which memberships begin and end; others are slips of the pen."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class When:
    """The date of a question."""

    moment: datetime
    """When memberships and managers must hold."""
    at: datetime | None = None
    """The moment of the graph's history: of documents, units and owners. None is the present."""
    known: datetime | None = None
    """As what was known at this moment of memberships and managers; None is all that is known today."""


def now() -> When:
    """The present."""
    return When(datetime.now(UTC))


def edge_text(edge: date) -> str:
    """A day or a moment as it is stored: as text that sorts by time, a day before all its moments."""
    if isinstance(edge, datetime):
        return edge.astimezone(UTC).strftime(STORED)
    return edge.isoformat()


def edge_of(text: str) -> date:
    """What `edge_text` wrote; midnight in UTC is the day."""
    if len(text) <= len("2026-05-03"):
        return date.fromisoformat(text)
    return plain_edge(datetime.fromisoformat(text))


def plain_edge(edge: date) -> date:
    """A moment as the day that begins with it, where one does: both mean the same."""
    if isinstance(edge, datetime):
        edge = edge.astimezone(UTC)
        return edge.date() if edge.time() == time() else edge
    return edge


def when_of(at: str | None, known: str | None = None) -> When:
    """The date that `?at=` and `?known=` mean: the end of a day in UTC, or a moment in RFC 3339.

    Raises:
        InputError: one of them is neither.
    """
    moment = _moment(at, "at") if at else None
    seen = _moment(known, "known") if known else None
    present = datetime.now(UTC)
    if moment is not None and moment >= present:  # what the graph will hold then, nobody knows
        return When(moment, None, seen)
    return When(moment or present, moment, seen)


def read_edge(text: str, place: str = "") -> date:
    """The day that a text writes as `2026-05-03`, or the moment in RFC 3339.

    Raises:
        InputError: it is neither; `place` is the pointer of the problem.
    """
    text = text.strip()
    try:
        edge = _edge(text)
    except (ValueError, OverflowError):
        edge = None
    if edge is not None and not YEARS[0] <= edge.year <= YEARS[1]:
        message = f"{text[:40]!r} is in the year {edge.year}; write a day between {YEARS[0]} and {YEARS[1]}, or leave it out where it is open."
        raise InputError("The date is not valid.", [Problem(message, place)])
    if edge is not None:
        return edge
    message = (
        f"{text[:40]!r} is no date; write a day such as 2026-05-03, or a moment such as 2026-05-03T12:00:00Z."
    )
    raise InputError("The date is not valid.", [Problem(message, place)])


def _edge(text: str) -> date | None:
    if _DAY.fullmatch(text):
        return date.fromisoformat(text)
    moment = datetime.fromisoformat(text)
    return plain_edge(moment) if moment.tzinfo is not None and "T" in text.upper() else None


def _moment(text: str, name: str) -> datetime:
    try:
        if len(text) <= len("2026-05-03"):
            start = datetime.combine(date.fromisoformat(text), time(), UTC)
            return start + timedelta(days=1, microseconds=-1)
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"{name} is {text[:40]!r}; write a date such as 2026-05-03, or a moment such as 2026-05-03T12:00:00Z"
        raise InputError("The date is not valid.", [Problem(message)]) from None
