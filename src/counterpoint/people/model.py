"""What people and units are to each other: values and invariants, pure.

A span begins with its first day and ends before its `to`, the first day on which it holds no more; a
missing end is open. So one span may begin on the day on which another ends. Both ends are days, which
begin at midnight in UTC, or moments: who leaves now leaves now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

import msgspec

__all__ = [
    "BEGINNING",
    "LEFT",
    "MEMBER",
    "ManagerLine",
    "Membership",
    "cycle_of",
    "holds",
    "moment_of",
    "overlap_of",
    "overlaps",
    "share_advice",
    "span_words",
    "succeeded",
    "wrong_with",
]

LEFT = "left"
"""The `lifecycle` of a person who has left the organisation."""
MEMBER = "member"
"""The role of somebody of whom no other is known."""
CHAIN = 200
"""Managers above one person at most; what is longer is not looked through."""
BEGINNING = datetime.min.replace(tzinfo=UTC)
"""Before everything; the first moment of a span without a beginning."""
_END = datetime.max.replace(tzinfo=UTC)
ROUNDING = 1e-9
"""Shares such as three thirds are whole."""


class Membership(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person in a unit, for a span of days."""

    person: str
    unit: str
    role: str = MEMBER
    start: date | None = msgspec.field(default=None, name="from")
    """The first day, or a moment; none where it is not known."""
    end: date | None = msgspec.field(default=None, name="to")
    """The first day on which it holds no more; none while it is open."""
    share: float | None = None
    """Which part of the person's time, above 0 and at most 1; none where nobody said."""
    source: str = "written"
    """Who says so: `document`, `scim`, a file, or `written` here."""
    id: str | None = None
    """None where a document says it: it is then changed in the document."""
    recorded_at: datetime | None = None
    """Since when this is known."""


class ManagerLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is the line manager of a person, for a span of days."""

    person: str
    manager: str
    start: date | None = msgspec.field(default=None, name="from")
    end: date | None = msgspec.field(default=None, name="to")
    source: str = "written"
    id: str | None = None
    recorded_at: datetime | None = None


Span = TypeVar("Span", Membership, ManagerLine)


def moment_of(edge: date) -> datetime:
    """The moment at which a day begins; a moment is itself."""
    return edge if isinstance(edge, datetime) else datetime.combine(edge, time(), UTC)


def holds(span: Membership | ManagerLine, moment: datetime) -> bool:
    """Whether it holds at a moment."""
    return _first(span) <= moment < _last(span)


def overlaps(one: Membership | ManagerLine, other: Membership | ManagerLine) -> bool:
    """Whether there is a moment at which both hold."""
    return _first(one) < _last(other) and _first(other) < _last(one)


def span_words(span: Membership | ManagerLine) -> str:
    """The span in words, as messages say it."""
    since = f"from {span.start}" if span.start else "from the beginning"
    return f"{since} until {span.end}" if span.end else f"{since} on"


def wrong_with(span: Membership | ManagerLine) -> str | None:
    """What is wrong with one in itself, with the remedy; None where it is right."""
    if span.start is not None and span.end is not None and _first(span) >= _last(span):
        return (
            f"from is {span.start} and to is {span.end}; to is the first day on which it holds no more, "
            "so it comes after from."
        )
    if isinstance(span, Membership) and span.share is not None and not 0 < span.share <= 1:
        return f"share is {span.share:g}; it is above 0 and at most 1, such as 0.5 for half of the time."
    if isinstance(span, ManagerLine) and span.person == span.manager:
        return f"{span.person} cannot be their own line manager; name another person."
    return None


def overlap_of(others: Iterable[Span], new: Span) -> Span | None:
    """One of those about the same thing (unit and role; or the person's manager) that holds at the same time."""
    return next(
        (each for each in others if not _same(each, new) and _alike(each, new) and overlaps(each, new)), None
    )


def succeeded(others: Iterable[ManagerLine], new: ManagerLine) -> ManagerLine | None:
    """The open line that ends where the new one begins; None where none does.

    A person gets a new manager far more often than two: a line without an end that began earlier
    gives way. Any other overlap is a mistake that a person has to resolve.
    """
    for line in others:
        if line.end is None and new.start is not None and _first(line) < _first(new) and not _same(line, new):
            return line
    return None


def cycle_of(
    lines: Mapping[str, Sequence[ManagerLine]], new: ManagerLine
) -> tuple[datetime, list[str]] | None:
    """The first circle that a new line would close: a moment at which it holds, and the people along it.

    Args:
        lines: the lines that hold already, by person; those of one person do not overlap.
        new: the line that comes on top of them.
    """
    for moment, chain in _above(lines, new.manager, _first(new), _last(new), (new.person, new.manager)):
        if chain[-1] == new.person:
            return moment, list(chain)
    return None


def _above(
    lines: Mapping[str, Sequence[ManagerLine]],
    person: str,
    first: datetime,
    last: datetime,
    chain: tuple[str, ...],
) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    """Every chain of managers above a person within a span, each longer by one."""
    waiting = [(person, first, last, chain)]
    while waiting:
        here, begin, end, path = waiting.pop()
        for line in lines.get(here, ()):
            since, until = max(begin, _first(line)), min(end, _last(line))
            if since < until:
                longer = (*path, line.manager)
                yield since, longer
                if line.manager not in path and len(longer) < CHAIN:
                    waiting.append((line.manager, since, until, longer))


def share_advice(memberships: Iterable[Membership], moment: datetime) -> str | None:
    """What to look at where a person's shares at a moment add up to more than all of the time; never a refusal."""
    shares = [each.share for each in memberships if each.share is not None and holds(each, moment)]
    total = sum(shares)
    if total <= 1 + ROUNDING:
        return None
    return f"The shares of {len(shares)} memberships add up to {total:.0%} on {moment.date()}; nothing is refused, but nobody has more than 100%."


def _alike(one: Membership | ManagerLine, other: Any) -> bool:
    if one.person != other.person:
        return False
    if isinstance(one, Membership):
        return bool(one.unit == other.unit and one.role == other.role)
    return True


def _same(one: Membership | ManagerLine, other: Membership | ManagerLine) -> bool:
    return one.id is not None and one.id == other.id


def _first(span: Membership | ManagerLine) -> datetime:
    return BEGINNING if span.start is None else moment_of(span.start)


def _last(span: Membership | ManagerLine) -> datetime:
    return _END if span.end is None else moment_of(span.end)
