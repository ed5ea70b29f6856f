"""Sums over units and all their parts, in one statement of SQL: units, people, things owned."""

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.graph.handover import RETIRED
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import relation, revision
from counterpoint.people.dates import When
from counterpoint.people.memberships import dated_select, document_select

__all__ = ["Rollup", "closure", "rollup", "rollups"]

TOGETHER = ""
"""The root under which several units are summed as one."""


class Rollup(msgspec.Struct, frozen=True):
    """What a unit and all its parts come to."""

    units: int = 0
    """The unit itself among them."""
    people: int = 0
    """Different people: who is in two parts counts once."""
    owned: int = 0
    """Things that any of the units owns."""


def rollups(reader: Reader, when: When, roots: Collection[str] | None = None) -> dict[str, Rollup]:
    """The sums of each unit, of all or of the given ones."""
    return _summed(reader, when, roots, together=False)


def rollup(reader: Reader, when: When, roots: Collection[str]) -> Rollup:
    """The sum of several units together: a unit or person that is in two of them counts once."""
    return _summed(reader, when, roots, together=True).get(TOGETHER, Rollup())


def closure(when: When, roots: Collection[str] | None, *, together: bool = False) -> sa.CTE:
    """SQL: each `root` with every `unit` that lies in it, itself among them; retired ones left out."""
    live = _live(when)
    root = sa.literal(TOGETHER, type_=revision.c.ref.type) if together else live.c.ref
    start = sa.select(root.label("root"), live.c.ref.label("unit"))
    if roots is not None:
        start = start.where(live.c.ref.in_(roots))
    found = start.cte("closure", recursive=True)
    part = _live(when)
    below = (
        sa.select(found.c.root, part.c.ref)
        .select_from(found)
        .join(
            relation,
            sa.and_(
                relation.c.source == found.c.unit, relation.c.type == "parentOf", valid(relation, when.at)
            ),
        )
        .join(part, part.c.ref == relation.c.target)
    )
    return found.union(below)  # a set, so that a circle of parents ends


def _live(when: When) -> sa.Subquery:
    """Units that existed and were not retired."""
    lifecycle = sa.func.coalesce(revision.c.lifecycle, "")
    return (
        sa.select(revision.c.ref)
        .where(revision.c.kind == "Group", lifecycle != RETIRED, valid(revision, when.at))
        .subquery()
    )


def _summed(
    reader: Reader, when: When, roots: Collection[str] | None, *, together: bool
) -> dict[str, Rollup]:
    if roots is not None and not roots:
        return {}
    found = closure(when, roots, together=together)
    held = sa.union(document_select(when), dated_select(when)).subquery()
    owned = sa.select(revision.c.ref, revision.c.owner).where(valid(revision, when.at)).subquery()
    parts = _count(found, found.c.unit, None)
    people = _count(found, held.c.person, (held, held.c.unit == found.c.unit))
    things = _count(found, owned.c.ref, (owned, owned.c.owner == found.c.unit))
    query = (
        sa.select(parts.c.root, parts.c.n, people.c.n.label("people"), things.c.n.label("things"))
        .select_from(parts)
        .outerjoin(people, people.c.root == parts.c.root)
        .outerjoin(things, things.c.root == parts.c.root)
    )
    return {
        row.root: Rollup(row.n, row.people or 0, row.things or 0) for row in reader.connection.execute(query)
    }


def _count(found: sa.CTE, counted: Any, joined: tuple[Any, Any] | None) -> sa.Subquery:
    source = found if joined is None else found.join(*joined)
    number = sa.func.count(counted.distinct()).label("n")
    return sa.select(found.c.root, number).select_from(source).group_by(found.c.root).subquery()
