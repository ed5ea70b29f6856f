"""Memberships: who is in which unit at a date, from documents and from dated records alike.

What a `User` or `Group` document says is a membership without days; its time is the graph's history of
that document. What is recorded here has days, a role and a share, and makes the graph's relations
while it holds (see `settling`).
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import msgspec
import sqlalchemy as sa

from counterpoint.errors import ConflictError, InputError, NotFoundError, Problem
from counterpoint.graph.entity import Entity
from counterpoint.graph.handover import RETIRED
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import relation
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros
from counterpoint.people.dates import When, edge_of, edge_text, plain_edge
from counterpoint.people.model import Membership, holds, moment_of, overlap_of, span_words, wrong_with
from counterpoint.people.named import require_person, require_unit
from counterpoint.people.tables import memberships

__all__ = [
    "DOCUMENT",
    "ORIGIN",
    "change",
    "dated_select",
    "document_select",
    "effective",
    "end",
    "enrol",
    "find",
    "join",
    "moment_of_writing",
    "recorded",
]

DOCUMENT = "document"
"""The source of a membership that a document says."""
ORIGIN = "membership:"
"""How the origin of the relations of a dated membership begins; its id follows."""
_END = "membership;"
"""What sorts after every such origin."""
BATCH = 500
_INSERT = sa.insert(memberships)


def document_select(when: When) -> sa.Select[Any]:
    """SQL: `person` and `unit` of every membership that a document says at a date."""
    columns = (relation.c.source.label("person"), relation.c.target.label("unit"))
    return (
        sa.select(*columns)
        .where(
            relation.c.type == "memberOf",
            relation.c.source.like("user:%"),
            sa.or_(relation.c.origin < ORIGIN, relation.c.origin >= _END),
            valid(relation, when.at),
        )
        .distinct()
    )


def dated_select(when: When) -> sa.Select[Any]:
    """SQL: `person` and `unit` of every dated membership that holds at a date."""
    return sa.select(memberships.c.person, memberships.c.unit).where(*_holding(when)).distinct()


def effective(
    reader: Reader,
    when: When,
    *,
    person: str | None = None,
    units: Collection[str] | None = None,
) -> list[Membership]:
    """The memberships that hold at a date, of a person, of some units, or all; by unit, then person.

    Where a document and a dated record say that somebody is in a unit, the dated one is listed: it
    says more.
    """
    dated, plain = [], []
    for batch in _batches(units):
        rows = _narrowed(sa.select(memberships).where(*_holding(when)), memberships, person, batch)
        dated += [_membership(row) for row in reader.connection.execute(rows)]
        rows = _narrowed(document_select(when), document_select(when).selected_columns, person, batch)
        plain += [
            Membership(person=row.person, unit=row.unit, source=DOCUMENT)
            for row in reader.connection.execute(rows)
        ]
    told = {(each.person, each.unit) for each in dated}
    found = dated + [each for each in plain if (each.person, each.unit) not in told]
    return sorted(found, key=lambda each: (each.unit, each.person, each.role, each.id or ""))


def recorded(
    reader: Reader,
    *,
    person: str | None = None,
    unit: str | None = None,
    when: When | None = None,
    corrections: bool = False,
) -> list[Membership]:
    """The dated memberships of a person or unit over all time, the latest first.

    `when` asks as what was known at its moment; with `corrections` what was corrected since is listed too.
    """
    query = sa.select(memberships)
    if not corrections:
        query = query.where(_believed(when))
    query = _narrowed(query, memberships, person, None if unit is None else [unit])
    found = [_membership(row) for row in reader.connection.execute(query)]
    return sorted(found, key=lambda each: (str(each.start or ""), each.unit, each.person), reverse=True)


def find(reader: Reader, number: str) -> Membership:
    """The dated membership with an id, as it is believed now.

    Raises:
        NotFoundError: there is none.
    """
    row = reader.connection.execute(
        sa.select(memberships).where(memberships.c.id == number, memberships.c.recorded_to.is_(None))
    ).first()
    if row is None:
        raise NotFoundError(f"There is no membership {number[:60]!r}.")
    return _membership(row)


def join(writer: Writer, new: Membership, *, reason: str | None = None) -> tuple[Membership, bool]:
    """Record a membership; returned is what is believed now, and whether that is new.

    The same once more changes nothing. One that begins on the same day as a known one of the same role
    corrects it. Without a first day it is the one that holds, or else begins now: what nobody dated was
    not known before.

    Raises:
        InputError: the days or the share are not right.
        NotFoundError: there is no such person or unit.
        ConflictError: it would hold in a unit that is retired, or at the same time as another with the
            same role.
        NotAllowedError: the actor may not change the unit.
    """
    new = msgspec.structs.replace(
        new, person=require_person(writer, new.person), unit=require_unit(writer, new.unit)
    )
    writer.require_write(new.unit)
    others = [each for each in recorded(writer, person=new.person) if each.unit == new.unit]
    return enrol(writer, new, writer.require(new.unit), others, reason=reason)


def enrol(
    writer: Writer,
    new: Membership,
    unit: Entity,
    others: list[Membership],
    *,
    reason: str | None = None,
) -> tuple[Membership, bool]:
    """`join` for thousands: the caller knows the unit and that the actor may change it, and holds `others`.

    Args:
        writer: the transaction.
        new: the membership; its person and unit exist.
        unit: the unit's entity.
        others: every dated membership of this person in this unit, as believed now.
        reason: why, for the activity log.

    Raises:
        InputError, ConflictError: as `join`.
    """
    if wrong := wrong_with(new):
        raise InputError("The membership is not valid.", [Problem(wrong)])
    _refuse_retired(writer, new, unit)
    new = _dated(new, others, moment_of_writing(writer))
    same = next((each for each in others if each.role == new.role and each.start == new.start), None)
    if same is not None:
        return _corrected(writer, same, msgspec.structs.replace(new, id=same.id), others, reason)
    _refuse_overlap(others, new)
    made = _insert(writer, msgspec.structs.replace(new, id=uuid4().hex), fresh=True)
    _tell(writer, made, "joined", reason)
    return made, True


def change(
    writer: Writer,
    number: str,
    *,
    reason: str | None = None,
    asked: bool = False,
    **changes: Any,
) -> Membership:
    """Correct a membership: `role`, `start`, `end`, `share`. What was known before stays known.

    With `asked` the caller has made sure that the actor may.

    Raises:
        NotFoundError: there is no such membership.
        InputError: the result is not valid, or overlaps another.
        NotAllowedError: the actor may change neither the unit nor the person.
    """
    old = find(writer, number)
    if not asked:
        _allow(writer, old, closing=not changes.keys() - {"end"})
    new = msgspec.structs.replace(old, **changes)
    if wrong := wrong_with(new):
        raise InputError("The membership is not valid.", [Problem(wrong)])
    others = [each for each in recorded(writer, person=new.person) if each.unit == new.unit]
    return _corrected(writer, old, new, others, reason)[0]


def end(
    writer: Writer, number: str, day: date, *, reason: str | None = None, asked: bool = False
) -> Membership | None:
    """Let a membership hold no more from a day or moment on; None where it then never held, and is taken back.

    With `asked` the caller has made sure that the actor may.

    Raises:
        NotFoundError: there is no such membership.
        NotAllowedError: the actor may change neither the unit nor the person.
    """
    old = find(writer, number)
    day = plain_edge(day)
    if old.start is not None and moment_of(day) <= moment_of(old.start):
        if not asked:
            _allow(writer, old, closing=True)
        _close(writer, old)
        _settle(writer, msgspec.structs.replace(old, end=old.start))
        _tell(writer, old, "left", reason)
        return None
    if old.end is not None and moment_of(old.end) <= moment_of(day):
        return old
    return change(writer, number, end=day, reason=reason, asked=asked)


def moment_of_writing(writer: Writer) -> datetime:
    """The moment of the writer's transaction."""
    return to_datetime(writer.now)


def _allow(writer: Writer, old: Membership, *, closing: bool) -> None:
    """Members of the unit may change it; whoever it is about may always leave."""
    if not (closing and writer.actor.ref == old.person) and writer.exists(old.unit):
        writer.require_write(old.unit)


def _corrected(
    writer: Writer, old: Membership, new: Membership, others: list[Membership], reason: str | None
) -> tuple[Membership, bool]:
    new = msgspec.structs.replace(new, recorded_at=old.recorded_at)
    if msgspec.structs.replace(new, source=old.source) == old:
        return old, False
    _refuse_overlap(others, new)
    _close(writer, old)
    made = _insert(writer, new)
    ended = made.end is not None and old.end != made.end and not holds(made, moment_of_writing(writer))
    _tell(writer, made, "left" if ended else "changed", reason, old)
    return made, True


def _dated(new: Membership, others: Iterable[Membership], moment: datetime) -> Membership:
    """The membership with its first day where nobody gave one."""
    if new.start is not None:
        return msgspec.structs.replace(new, start=plain_edge(new.start))
    held = next((each for each in others if each.role == new.role and holds(each, moment)), None)
    if held is not None:
        return msgspec.structs.replace(new, start=held.start)
    if new.end is not None and moment_of(new.end) <= moment:
        return new
    return msgspec.structs.replace(new, start=plain_edge(moment))


def _refuse_retired(writer: Writer, new: Membership, unit: Entity) -> None:
    retired = unit.spec.get("lifecycle") == RETIRED
    if retired and (new.end is None or moment_of(new.end) > moment_of_writing(writer)):
        message = f"{new.unit} is retired; give a membership that has ended, or another unit."
        raise ConflictError("Nobody can be in a unit that is no more.", [Problem(message, "/unit")])


def _refuse_overlap(others: Iterable[Membership], new: Membership) -> None:
    other = overlap_of(others, new)
    if other is not None:
        message = (
            f"{new.person} is {new.role} of {new.unit} {span_words(other)} already, which overlaps with "
            f"{span_words(new)}; end that one first, or give another span."
        )
        raise ConflictError("The membership overlaps with another.", [Problem(message)])


def _insert(writer: Writer, made: Membership, *, fresh: bool = False) -> Membership:
    row = {
        "id": made.id,
        "person": made.person,
        "unit": made.unit,
        "role": made.role,
        "share": made.share,
        "from_day": edge_text(made.start) if made.start else None,
        "to_day": edge_text(made.end) if made.end else None,
        "source": made.source,
        "actor": writer.actor.ref,
        "recorded_from": writer.now,
    }
    writer.connection.execute(_INSERT, row)
    made = msgspec.structs.replace(made, recorded_at=to_datetime(writer.now))
    _settle(writer, made, fresh=fresh)
    return made


def _close(writer: Writer, old: Membership) -> None:
    change = sa.update(memberships).where(memberships.c.id == old.id, memberships.c.recorded_to.is_(None))
    writer.connection.execute(change.values(recorded_to=writer.now))


def _settle(writer: Writer, membership: Membership, *, fresh: bool = False) -> None:
    """Let the graph's relations be what the membership says today; a `fresh` one has made none yet."""
    held = holds(membership, moment_of_writing(writer))
    edges = [(membership.person, "memberOf", membership.unit)] if held else []
    writer.relate(f"{ORIGIN}{membership.id}", edges, fresh=fresh)


def _tell(
    writer: Writer, made: Membership, what: str, reason: str | None, old: Membership | None = None
) -> None:
    facts: dict[str, Any] = {"person": made.person, "unit": made.unit, "role": made.role, "share": made.share}
    after = facts | _days(made) | {"membership": made.id}
    before: dict[str, Any] | None = (
        None if old is None else {"role": old.role, "share": old.share, **_days(old)}
    )
    writer.record(f"member.{what}", made.unit, before=before, after=after, reason=reason)
    writer.record(f"person.{what}", made.person, before=before, after=after, reason=reason)


def _days(span: Membership) -> dict[str, str | None]:
    return {
        "from": edge_text(span.start) if span.start else None,
        "to": edge_text(span.end) if span.end else None,
    }


def _believed(when: When | None) -> sa.ColumnElement[bool]:
    if when is None or when.known is None:
        return memberships.c.recorded_to.is_(None)
    known = to_micros(when.known)
    return sa.and_(
        memberships.c.recorded_from <= known,
        sa.or_(memberships.c.recorded_to.is_(None), memberships.c.recorded_to > known),
    )


def _holding(when: When) -> tuple[sa.ColumnElement[bool], ...]:
    moment = edge_text(when.moment)
    return (
        _believed(when),
        sa.or_(memberships.c.from_day.is_(None), memberships.c.from_day <= moment),
        sa.or_(memberships.c.to_day.is_(None), memberships.c.to_day > moment),
    )


def _narrowed(
    query: sa.Select[Any], columns: Any, person: str | None, units: Collection[str] | None
) -> sa.Select[Any]:
    columns = columns.c if hasattr(columns, "c") else columns
    if person is not None:
        query = query.where(_plain(columns["person"]) == person)
    if units is not None:
        query = query.where(_plain(columns["unit"]).in_(units))
    return query


def _plain(column: Any) -> Any:
    return column.element if isinstance(column, sa.Label) else column


def _batches(units: Collection[str] | None) -> Iterable[list[str] | None]:
    if units is None:
        return [None]
    wanted = list(dict.fromkeys(units))
    return [wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH)]


def _membership(row: Any) -> Membership:
    return Membership(
        person=row.person,
        unit=row.unit,
        role=row.role,
        start=edge_of(row.from_day) if row.from_day else None,
        end=edge_of(row.to_day) if row.to_day else None,
        share=row.share,
        source=row.source,
        id=row.id,
        recorded_at=to_datetime(row.recorded_from),
    )
