"""Line managers: one at a time, and no circle at any date."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.errors import ConflictError, InputError, Problem
from counterpoint.graph.reader import Reader
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros
from counterpoint.people.dates import When, edge_of, edge_text, plain_edge
from counterpoint.people.model import (
    BEGINNING,
    ManagerLine,
    cycle_of,
    holds,
    moment_of,
    overlap_of,
    span_words,
    succeeded,
    wrong_with,
)
from counterpoint.people.named import require_person
from counterpoint.people.tables import managers

__all__ = ["end_manager", "lines", "manager_of", "reports_of", "set_manager"]

_INSERT = sa.insert(managers)


def lines(
    reader: Reader,
    *,
    person: str | None = None,
    manager: str | None = None,
    when: When | None = None,
) -> list[ManagerLine]:
    """The lines of a person, of a manager, or all, over all time, the latest first.

    `when` asks as what was known at its moment.
    """
    query = sa.select(managers).where(_believed(when))
    if person is not None:
        query = query.where(managers.c.person == person)
    if manager is not None:
        query = query.where(managers.c.manager == manager)
    found = [_line(row) for row in reader.connection.execute(query)]
    return sorted(found, key=lambda each: (str(each.start or ""), each.person), reverse=True)


def manager_of(reader: Reader, person: str, when: When) -> ManagerLine | None:
    """The line manager of a person at a date; none where nobody is."""
    return next((each for each in lines(reader, person=person, when=when) if holds(each, when.moment)), None)


def reports_of(reader: Reader, manager: str, when: When) -> list[ManagerLine]:
    """Whose line manager somebody is at a date, by person."""
    found = [each for each in lines(reader, manager=manager, when=when) if holds(each, when.moment)]
    return sorted(found, key=lambda each: each.person)


def set_manager(
    writer: Writer,
    new: ManagerLine,
    *,
    reason: str | None = None,
    known: Mapping[str, Sequence[ManagerLine]] | None = None,
) -> tuple[ManagerLine, bool]:
    """Record who is the line manager of a person; returned is the line, and whether it is new.

    An open line that began earlier ends where the new one begins. The same once more changes nothing,
    and one that begins on the same day corrects what was known. Without a first day it begins now.

    Args:
        writer: the transaction.
        new: the line.
        reason: why, for the activity log.
        known: every line by person, the latest first, where the caller holds them already and knows
            that both people exist; an import of thousands does.

    Raises:
        InputError: the days are not right, or the person would be their own manager.
        NotFoundError: there is no such person.
        ConflictError: another line holds at the same time, or the lines would close a circle.
        NotAllowedError: the actor is neither the person nor one of the two managers.
    """
    if known is None:
        new = msgspec.structs.replace(
            new, person=require_person(writer, new.person), manager=require_person(writer, new.manager)
        )
    if wrong := wrong_with(new):
        raise InputError("The line manager is not valid.", [Problem(wrong)])
    theirs = lines(writer, person=new.person) if known is None else list(known.get(new.person, ()))
    _allow(writer, theirs, new)
    new = _dated(new, theirs, to_datetime(writer.now))
    same = next((each for each in theirs if each.start == new.start), None)
    if same is not None:
        new = msgspec.structs.replace(new, id=same.id)
        if (same.manager, same.end) == (new.manager, new.end):
            return same, False
    former = succeeded(theirs, new)
    others = [each for each in theirs if each not in (same, former)]
    other = overlap_of(others, new)
    if other is not None:
        message = f"{other.manager} is the line manager of {new.person} {span_words(other)}, and there is one at a time; end that first, or give another span."
        raise ConflictError("There is one line manager at a time.", [Problem(message)])
    _refuse_circle(known if known is not None else _by_person(lines(writer)), new)
    if former is not None:
        _close(writer, former)
        _insert(writer, msgspec.structs.replace(former, end=new.start))
    if same is not None:
        _close(writer, same)
    made = _insert(writer, new if new.id else msgspec.structs.replace(new, id=uuid4().hex))
    before = former or same
    writer.record(
        "manager.set",
        made.person,
        before=None if before is None else {"manager": before.manager},
        after=_facts(made),
        reason=reason,
    )
    return made, True


def end_manager(writer: Writer, person: str, day: date, *, reason: str | None = None) -> list[ManagerLine]:
    """Let whoever is the line manager of a person be so no more from a day on; lines that begin later are taken back."""
    person, day = require_person(writer, person), plain_edge(day)
    theirs = [
        each
        for each in lines(writer, person=person)
        if each.end is None or moment_of(each.end) > moment_of(day)
    ]
    changed = []
    for line in theirs:
        _allow(writer, theirs, line)
        _close(writer, line)
        if line.start is None or moment_of(line.start) < moment_of(day):
            changed.append(_insert(writer, msgspec.structs.replace(line, end=day)))
        writer.record(
            "manager.ended",
            person,
            before={"manager": line.manager},
            after={"to": edge_text(day)},
            reason=reason,
        )
    return changed


def _allow(writer: Writer, theirs: Iterable[ManagerLine], new: ManagerLine) -> None:
    actor = writer.actor.ref
    today = to_datetime(writer.now)
    if writer.actor.admin or any(each.manager == actor and holds(each, today) for each in theirs):
        return
    writer.require_write(new.person)


def _dated(new: ManagerLine, theirs: Iterable[ManagerLine], moment: datetime) -> ManagerLine:
    """The line with its first day where nobody gave one."""
    if new.start is not None:
        return msgspec.structs.replace(new, start=plain_edge(new.start))
    held = next((each for each in theirs if holds(each, moment)), None)
    if held is not None and held.manager == new.manager:
        return msgspec.structs.replace(new, start=held.start)
    if new.end is not None and moment_of(new.end) <= moment:
        return new
    return msgspec.structs.replace(new, start=plain_edge(moment))


def _refuse_circle(known: Mapping[str, Sequence[ManagerLine]], new: ManagerLine) -> None:
    found = cycle_of(known, new)
    if found is not None:
        day, people = found
        since = "from the beginning" if day == BEGINNING else f"on {day.date()}"
        message = f"The line managers would go round in a circle {since}: {' → '.join(people)}. Name somebody outside of it, or end one of these lines first."
        raise ConflictError("Line managers form no circle.", [Problem(message)])


def _by_person(every: Iterable[ManagerLine]) -> dict[str, list[ManagerLine]]:
    found: dict[str, list[ManagerLine]] = {}
    for line in every:
        found.setdefault(line.person, []).append(line)
    return found


def _insert(writer: Writer, made: ManagerLine) -> ManagerLine:
    row = {
        "id": made.id,
        "person": made.person,
        "manager": made.manager,
        "from_day": edge_text(made.start) if made.start else None,
        "to_day": edge_text(made.end) if made.end else None,
        "source": made.source,
        "actor": writer.actor.ref,
        "recorded_from": writer.now,
    }
    writer.connection.execute(_INSERT, row)
    return msgspec.structs.replace(made, recorded_at=to_datetime(writer.now))


def _close(writer: Writer, old: ManagerLine) -> None:
    change = sa.update(managers).where(managers.c.id == old.id, managers.c.recorded_to.is_(None))
    writer.connection.execute(change.values(recorded_to=writer.now))


def _facts(line: ManagerLine) -> dict[str, Any]:
    return {
        "manager": line.manager,
        "from": edge_text(line.start) if line.start else None,
        "to": edge_text(line.end) if line.end else None,
    }


def _believed(when: When | None) -> sa.ColumnElement[bool]:
    if when is None or when.known is None:
        return managers.c.recorded_to.is_(None)
    known = to_micros(when.known)
    return sa.and_(
        managers.c.recorded_from <= known,
        sa.or_(managers.c.recorded_to.is_(None), managers.c.recorded_to > known),
    )


def _line(row: Any) -> ManagerLine:
    return ManagerLine(
        person=row.person,
        manager=row.manager,
        start=edge_of(row.from_day) if row.from_day else None,
        end=edge_of(row.to_day) if row.to_day else None,
        source=row.source,
        id=row.id,
        recorded_at=to_datetime(row.recorded_from),
    )
