"""Who owns what at any date, what nobody owns, and handing things over."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.handover import RETIRED, handed_over
from counterpoint.graph.kinds import KINDS, canonical_kind
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.tables import revision
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime
from counterpoint.people.dates import When
from counterpoint.people.rollup import closure

__all__ = ["Orphan", "Owned", "Tenure", "hand_over", "orphans", "owned", "tenures"]


class Owned(msgspec.Struct, frozen=True):
    """A thing and its owner."""

    ref: str
    kind: str
    title: str
    owner: str


class Orphan(msgspec.Struct, frozen=True):
    """A thing whose owner is no more."""

    ref: str
    kind: str
    title: str
    owner: str
    why: str
    """`missing`: no such entity; `retired`: the unit is no more."""


class Tenure(msgspec.Struct, frozen=True, kw_only=True):
    """An owner of a thing, for a span of time."""

    owner: str | None
    start: Any = msgspec.field(name="from")
    end: Any = msgspec.field(name="to", default=None)


def owned(reader: Reader, when: When, unit: str | None = None, *, nested: bool = False) -> list[Owned]:
    """What a unit (or a person) owned at a date, or what anybody did; with `nested` its parts too. By owner, then reference.

    Each thing has one owner at any date: that which its document named then.
    """
    query = _things(when)
    if unit is not None:
        ref = str(parse_ref(unit, default_kind="Group"))
        if nested:
            inside = closure(when, [ref])
            query = query.where(
                sa.or_(revision.c.owner.in_(sa.select(inside.c.unit)), revision.c.owner == ref)
            )
        else:
            query = query.where(revision.c.owner == ref)
    rows = reader.connection.execute(query.order_by(revision.c.owner, revision.c.ref))
    return [Owned(row.ref, row.kind, row.title, row.owner) for row in rows]


def orphans(reader: Reader, when: When) -> list[Orphan]:
    """What was owned at a date by somebody who did not exist then, or by a unit that was retired."""
    owner = revision.alias("owner")
    query = (
        _things(when)
        .add_columns(owner.c.ref.label("found"))
        .outerjoin(owner, sa.and_(owner.c.ref == revision.c.owner, valid(owner, when.at)))
        .where(sa.or_(owner.c.ref.is_(None), owner.c.lifecycle == RETIRED))
        .order_by(revision.c.owner, revision.c.ref)
    )
    return [
        Orphan(row.ref, row.kind, row.title, row.owner, "retired" if row.found else "missing")
        for row in reader.connection.execute(query)
    ]


def tenures(reader: Reader, ref: str) -> list[Tenure]:
    """Everybody who has owned a thing, one after the other, the first one first.

    Raises:
        NotFoundError: there never was such a thing.
    """
    query = (
        sa.select(revision.c.owner, revision.c.valid_from, revision.c.valid_to, revision.c.action)
        .where(revision.c.ref == str(parse_ref(ref)))
        .order_by(revision.c.version)
    )
    found: list[Tenure] = []
    rows = reader.connection.execute(query).all()
    if not rows:
        raise NotFoundError(f"There never was a {parse_ref(ref)}.")
    for row in rows:
        if row.action == "deleted":
            continue
        begun, ended = to_datetime(row.valid_from), to_datetime(row.valid_to) if row.valid_to else None
        last = found[-1] if found else None
        if last is not None and last.owner == row.owner and last.end == begun:
            found[-1] = Tenure(owner=row.owner, start=last.start, end=ended)
        else:
            found.append(Tenure(owner=row.owner, start=begun, end=ended))
    return found


def hand_over(writer: Writer, refs: Iterable[str], owner: str, *, reason: str | None = None) -> list[str]:
    """Give things a new owner; returned are those that had another one before.

    What a file declares is marked, so that reading the file again does not give it back (see
    `graph.handover`).

    Raises:
        NotFoundError: a thing or the new owner does not exist.
        InputError: a thing can have no owner, or the new one is retired.
        NotAllowedError: the actor may not change one of the things.
    """
    new = require_home(writer, owner, "/owner")
    changed = []
    for ref in refs:
        entity = writer.require(ref)
        if not any(field.name == "owner" for field in KINDS[canonical_kind(entity.kind)].fields):
            raise InputError(f"{entity.ref} cannot be handed over: a {entity.kind} has no owner.")
        if entity.owner == str(new):
            continue
        document = handed_over(entity.document, entity.owner or "", written(new, entity.namespace))
        if entity.location is None or entity.owner is None:  # no file will say what was before
            document = {**entity.document, "spec": document["spec"]}
        writer.put(document, reason=reason)
        changed.append(entity.ref)
    return changed


def require_home(reader: Reader, owner: str, pointer: str) -> Ref:
    """Who may own something: a unit that is not retired, or a person.

    Raises:
        NotFoundError: there is no such unit or person.
        InputError: it is neither, or retired.
    """
    ref = parse_ref(owner, default_kind="Group")
    if ref.kind not in {"group", "user"}:
        message = f"{ref} is a {ref.kind}; an owner is a unit or a person."
        raise InputError(message, [Problem(message, pointer)])
    entity = reader.get(ref)
    if entity is None:
        message = f"There is no {ref} to own anything."
        raise NotFoundError(message, [Problem(message, pointer)])
    if entity.spec.get("lifecycle") == RETIRED:
        message = f"{ref} is retired; choose an owner that is not."
        raise InputError(message, [Problem(message, pointer)])
    return ref


def written(ref: Ref, namespace: str) -> str:
    """A reference as short as a document of a namespace may write it."""
    name = ref.name if ref.namespace == namespace else f"{ref.namespace}/{ref.name}"
    return name if ref.kind == "group" else f"{ref.kind}:{name}"


def _things(when: When) -> sa.Select[Any]:
    return sa.select(revision.c.ref, revision.c.kind, revision.c.title, revision.c.owner).where(
        revision.c.owner.is_not(None), valid(revision, when.at)
    )
