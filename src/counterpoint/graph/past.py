"""Asking the graph about the past: one entity between two moments, and its relations at one of them."""

from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph.comparison import Change, compare
from counterpoint.graph.entity import Entity, Relation
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.graph.tables import relation, revision
from counterpoint.moments import rfc3339, to_datetime, to_micros

__all__ = ["Comparison", "HeldRelation", "Side", "Step", "between", "last_change", "relations_of"]

STEPS = 200
"""Versions between two moments that are listed, the newest ones."""


class Side(msgspec.Struct, frozen=True, rename="camel"):
    """An entity at one end of a comparison; without a version there was none."""

    at: datetime
    version: int | None = None
    uid: str | None = None
    etag: str | None = None


class Step(msgspec.Struct, frozen=True):
    """A version that was written between the two moments."""

    version: int
    at: datetime
    actor: str
    action: Literal["created", "updated", "deleted"]


class Comparison(msgspec.Struct, frozen=True, rename="camel"):
    """What changed of an entity between two moments."""

    ref: str
    before: Side
    after: Side
    changes: tuple[Change, ...]
    """Of the descriptor; all of it where the entity is there at one end only."""
    gained: tuple[Relation, ...]
    """Relations that it has at the end and had not at the start, whichever entity declares them."""
    lost: tuple[Relation, ...]
    steps: tuple[Step, ...]
    """The versions written after the start and up to the end, oldest first."""
    recreated: bool = False
    """Whether it was deleted in between and made anew: the same reference, another `uid`."""


class HeldRelation(msgspec.Struct, frozen=True, rename="camel"):
    """One relation at a moment."""

    type: str
    target: str
    since: datetime
    """Since when it has held without a break."""
    declared_by: tuple[str, ...]
    """What makes it: descriptors, by the reference of their entity, or records of other rooms."""


def between(reader: Reader, ref: Ref | str, start: datetime, end: datetime) -> Comparison:
    """What changed of an entity after one moment and up to another.

    Raises:
        InputError: the start is after the end.
        NotFoundError: there never was such an entity.
    """
    text = str(ref) if isinstance(ref, Ref) else str(parse_ref(ref))
    if start > end:
        message = f"from ({rfc3339(start)}) is after to ({rfc3339(end)}); turn them round"
        raise InputError("The dates are not valid.", [Problem(message)])
    old, new = reader.get(text, at=start), reader.get(text, at=end)
    steps = _steps(reader, text, start, end)
    if old is None and new is None and not steps and not _ever(reader, text):
        raise NotFoundError(f"There never was a {text}.")
    had, has = (set(entity.relations) if entity else set[Relation]() for entity in (old, new))
    return Comparison(
        text,
        _side(old, start),
        _side(new, end),
        compare(old.document if old else {}, new.document if new else {}),
        tuple(sorted(has - had)),
        tuple(sorted(had - has)),
        steps,
        recreated=old is not None and new is not None and old.uid != new.uid,
    )


def _side(entity: Entity | None, at: datetime) -> Side:
    return Side(at, entity.version, entity.uid, entity.etag) if entity else Side(at)


def _steps(reader: Reader, ref: str, start: datetime, end: datetime) -> tuple[Step, ...]:
    columns = (revision.c.version, revision.c.valid_from, revision.c.actor, revision.c.action)
    query = (
        sa.select(*columns)
        .where(
            revision.c.ref == ref,
            revision.c.valid_from > to_micros(start),
            revision.c.valid_from <= to_micros(end),
        )
        .order_by(revision.c.version.desc())
        .limit(STEPS)
    )
    rows = reader.connection.execute(query).all()
    return tuple(
        Step(row.version, to_datetime(row.valid_from), row.actor, row.action) for row in reversed(rows)
    )


def _ever(reader: Reader, ref: str) -> bool:
    query = sa.select(revision.c.seq).where(revision.c.ref == ref).limit(1)
    return reader.connection.execute(query).first() is not None


def last_change(reader: Reader, ref: Ref | str, end: datetime) -> datetime | None:
    """When an entity last changed, up to a moment; none where it did not exist yet."""
    text = str(ref) if isinstance(ref, Ref) else str(parse_ref(ref))
    query = sa.select(sa.func.max(revision.c.valid_from)).where(
        revision.c.ref == text, revision.c.valid_from <= to_micros(end)
    )
    found = reader.connection.execute(query).scalar()
    return None if found is None else to_datetime(found)


def relations_of(reader: Reader, ref: Ref | str, *, at: datetime | None = None) -> list[HeldRelation]:
    """The relations of an entity, now or at a moment, by type and target.

    Raises:
        NotFoundError: there is, or was then, no such entity.
    """
    text = str(ref) if isinstance(ref, Ref) else str(parse_ref(ref))
    if reader.get(text, at=at) is None:
        raise NotFoundError(
            f"There is no {text}." if at is None else f"There was no {text} at {rfc3339(at)}."
        )
    query = sa.select(relation).where(relation.c.source == text, valid(relation, at))
    found: dict[tuple[str, str], tuple[int, list[str]]] = {}
    for row in reader.connection.execute(
        query.order_by(relation.c.type, relation.c.target, relation.c.origin)
    ):
        since, origins = found.get((row.type, row.target), (row.valid_from, []))
        found[row.type, row.target] = (min(since, row.valid_from), [*origins, row.origin])
    return [
        HeldRelation(kind, target, to_datetime(since), tuple(origins))
        for (kind, target), (since, origins) in found.items()
    ]
