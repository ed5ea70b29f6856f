"""Asking the graph about the past: one entity between two moments, and its relations at one of them."""

from datetime import datetime
from typing import Any, Literal

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

__all__ = [
    "Comparison",
    "HeldRelation",
    "Life",
    "Side",
    "Step",
    "between",
    "last_change",
    "life_of",
    "relations_of",
    "versions_of",
]

STEPS = 200
"""Versions between two moments that are listed, the newest ones."""


class Side(msgspec.Struct, frozen=True, rename="camel"):
    """An entity at one end of a comparison; without a version there was none."""

    at: datetime
    version: int | None = None
    uid: str | None = None
    etag: str | None = None


class Step(msgspec.Struct, frozen=True):
    """A version, without its document."""

    version: int
    at: datetime
    actor: str
    action: Literal["created", "updated", "deleted"]


class Life(msgspec.Struct, frozen=True):
    """How often an entity was written, and by whom first and last."""

    versions: int
    first: Step
    last: Step


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
    steps = tuple(reversed(versions_of(reader, text, after=start, until=end)))
    if old is None and new is None and not steps and life_of(reader, text) is None:
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


_STEPS = sa.select(revision.c.version, revision.c.valid_from, revision.c.actor, revision.c.action)


def versions_of(
    reader: Reader,
    ref: Ref | str,
    *,
    after: datetime | None = None,
    until: datetime | None = None,
    limit: int = STEPS,
) -> list[Step]:
    """The newest versions of an entity, newest first, deletions included; however large, no document is read."""
    query = _STEPS.where(revision.c.ref == str(ref)).order_by(revision.c.version.desc()).limit(limit)
    if after is not None:
        query = query.where(revision.c.valid_from > to_micros(after))
    if until is not None:
        query = query.where(revision.c.valid_from <= to_micros(until))
    return [_step(row) for row in reader.connection.execute(query)]


def life_of(reader: Reader, ref: Ref | str) -> Life | None:
    """How often an entity was written, deletions included; none where there never was one."""
    mine = revision.c.ref == str(ref)
    count = reader.connection.execute(
        sa.select(sa.func.count()).select_from(revision).where(mine)
    ).scalar_one()
    if not count:
        return None
    ends = [
        reader.connection.execute(_STEPS.where(mine).order_by(order).limit(1)).one()
        for order in (revision.c.version, revision.c.version.desc())
    ]
    return Life(count, _step(ends[0]), _step(ends[1]))


def _step(row: Any) -> Step:
    return Step(row.version, to_datetime(row.valid_from), row.actor, row.action)


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
