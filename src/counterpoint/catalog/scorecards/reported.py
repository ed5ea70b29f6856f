"""Facts that other systems report: coverage from a build, the last restore of a backup, and so on.

Each value has its source and the moment it was measured at; earlier values are kept.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.catalog.scorecards.builtin import RESERVED, group_of
from counterpoint.catalog.scorecards.reading import PEOPLE
from counterpoint.catalog.scorecards.tables import fact
from counterpoint.errors import InputError, NotFoundError, Problem, escape
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref
from counterpoint.graph.tables import decode, encode
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros
from counterpoint.workspace import Workspace

__all__ = ["MOST", "Report", "ReportedFact", "report", "reported_facts", "values_of"]

MOST = 100
"""Facts in one report, and of one entity."""
TEXT_LENGTH = 200
AHEAD = timedelta(hours=1)
"""How far a clock elsewhere may be ahead of ours."""
BATCH = 500
_NAME = re.compile(r"[a-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")

Value = bool | int | float | str | None


class Report(msgspec.Struct, frozen=True):
    """What a system says of one entity."""

    facts: dict[str, Value]
    """Values by name: true, false, a number, a text; null takes the fact back."""
    source: str | None = None
    """Who measured it, such as `ci`."""
    at: datetime | None = None
    """When it was measured (RFC 3339); now, where it is left out."""


class ReportedFact(msgspec.Struct, frozen=True):
    """One fact as it was reported."""

    name: str
    value: bool | int | float | str
    source: str | None
    at: datetime
    """When it was measured."""
    since: datetime
    """Since when it has this value here."""
    actor: str


def report(workspace: Workspace, actor: Actor, ref: Ref, given: Report) -> list[ReportedFact]:
    """Keep what was reported; the facts that now hold of the entity are returned.

    A value that was measured before the one at hand changes nothing, so reports may arrive in any order.

    Raises:
        InputError: a name, a value or the moment is not valid, or the entity is a person.
        NotFoundError: there is no such entity.
        NotAllowedError: the actor may not write the entity.
    """
    _check(ref, given)
    with workspace.graph.write(actor) as writer:
        writer.require_write(ref)
        measured = to_micros(given.at) if given.at is not None else writer.now
        if measured > writer.now + AHEAD // timedelta(microseconds=1):
            raise InputError(
                "The report is not valid.",
                [Problem("at is in the future; send when it was measured, in UTC.", "/at")],
            )
        _keep(writer, str(ref), given, measured)
        return _facts(writer, str(ref), fact.c.valid_to.is_(None))


def _check(ref: Ref, given: Report) -> None:
    if ref.kind == PEOPLE:
        raise InputError("No facts are kept about people: nothing here measures a person.")
    problems = []
    if len(given.facts) > MOST:
        problems.append(Problem(f"A report has {MOST} facts at most.", "/facts"))
    written: dict[str, str] = {}
    for name, value in given.facts.items():
        place = f"/facts/{escape(name)}"
        if (first := written.setdefault(name.lower(), name)) != name:
            problems.append(_told_twice(name, first))
        if not _NAME.fullmatch(name) or len(name) > TEXT_LENGTH:
            problems.append(Problem(f"{name[:60]!r} is no name; write one such as coverage.lines.", place))
        elif group_of(name).lower() in RESERVED:
            problems.append(
                Problem(f"Names that begin with {group_of(name)} are worked out here; choose another.", place)
            )
        if isinstance(value, float) and not math.isfinite(value):
            problems.append(Problem("The value is no finite number.", place))
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            problems.append(Problem("The number is too large; 64 bits are kept.", place))
        elif isinstance(value, str) and (len(value) > TEXT_LENGTH or "\x00" in value):
            problems.append(Problem(f"A text has {TEXT_LENGTH} characters at most and no NUL.", place))
    if given.source is not None and (len(given.source) > TEXT_LENGTH or "\x00" in given.source):
        problems.append(Problem(f"A source has {TEXT_LENGTH} characters at most and no NUL.", "/source"))
    if given.at is not None and given.at.tzinfo is None:
        problems.append(Problem("The time has no zone; add one, such as Z for UTC.", "/at"))
    if problems:
        raise InputError("The report is not valid.", problems)


def _told_twice(name: str, first: str) -> Problem:
    """Checks ask for facts in lower case, so two names that differ only in it would be one to them."""
    return Problem(
        f"{name!r} differs only in its case from {first!r}, and checks could not tell them apart; "
        f"write {first!r}, or take that one back with null first.",
        f"/facts/{escape(name)}",
    )


def _keep(writer: Writer, ref: str, given: Report, measured: int) -> None:
    held = {
        row.name: row
        for row in writer.connection.execute(
            sa.select(fact).where(fact.c.ref == ref, fact.c.valid_to.is_(None))
        )
    }
    if len(held.keys() | given.facts.keys()) > MOST:
        raise InputError(
            "The report is not valid.", [Problem(f"An entity has {MOST} facts at most.", "/facts")]
        )
    spelt = {name.lower(): name for name in held}
    twice = [
        _told_twice(name, spelt[name.lower()])
        for name, value in given.facts.items()
        if value is not None and name not in held and name.lower() in spelt
    ]
    if twice:
        raise InputError("The report is not valid.", twice)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in given.facts.items():
        old = held.get(name)
        if (old is None and value is None) or (old is not None and old.measured > measured):
            continue
        known = decode(old.value) if old is not None else None
        here = sa.and_(fact.c.ref == ref, fact.c.name == name, fact.c.valid_to.is_(None))
        if old is not None and known == value and isinstance(known, bool) == isinstance(value, bool):
            again = {"measured": measured, "source": given.source, "actor": writer.actor.ref}
            writer.connection.execute(sa.update(fact).where(here).values(**again))
            continue
        if old is not None:
            writer.connection.execute(sa.update(fact).where(here).values(valid_to=writer.now))
            before[name] = known
        if value is not None:
            _add(writer, ref, name, value, given.source, measured)
            after[name] = value
    if before or after:
        writer.record("fact.reported", ref, before=before, after=after)


def _add(writer: Writer, ref: str, name: str, value: Value, source: str | None, measured: int) -> None:
    writer.connection.execute(
        sa.insert(fact),
        {
            "ref": ref,
            "name": name,
            "valid_from": writer.now,
            "valid_to": None,
            "value": encode(value),
            "measured": measured,
            "source": source,
            "actor": writer.actor.ref,
        },
    )


def reported_facts(workspace: Workspace, ref: Ref, *, at: datetime | None = None) -> list[ReportedFact]:
    """What is reported of an entity, now or as it was known at a date, by name.

    Raises:
        NotFoundError: there is no such entity, and nothing was reported of one.
    """
    with workspace.graph.read() as reader:
        if at is None:
            found = _facts(reader, str(ref), fact.c.valid_to.is_(None))
        else:
            moment = to_micros(at)
            held = sa.and_(
                fact.c.valid_from <= moment, sa.or_(fact.c.valid_to.is_(None), fact.c.valid_to > moment)
            )
            found = _facts(reader, str(ref), held)
        if not found and reader.get(ref, at=at) is None:
            raise NotFoundError(f"There is no {ref}." if at is None else f"There was no {ref} then.")
    return found


def _facts(reader: Reader, ref: str, held: sa.ColumnElement[bool]) -> list[ReportedFact]:
    rows = reader.connection.execute(sa.select(fact).where(fact.c.ref == ref, held).order_by(fact.c.name))
    return [
        ReportedFact(
            row.name,
            decode(row.value),
            row.source,
            to_datetime(row.measured),
            to_datetime(row.valid_from),
            row.actor,
        )
        for row in rows
    ]


def values_of(reader: Reader, refs: Iterable[str]) -> Mapping[str, dict[str, Any]]:
    """The values of the facts that hold of each entity now, by reference and name."""
    wanted = list(refs)
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        query = sa.select(fact.c.ref, fact.c.name, fact.c.value).where(
            fact.c.ref.in_(batch), fact.c.valid_to.is_(None)
        )
        for row in reader.connection.execute(query):
            found.setdefault(row.ref, {})[row.name] = decode(row.value)
    return found
