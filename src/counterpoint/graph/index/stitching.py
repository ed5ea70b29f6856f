"""Final entities out of the graph's tables: all of them, or those that a span of changes touched."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from counterpoint.graph.index.stitched import Mark, stitched
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import activity, relation, revision, status

__all__ = ["Mark", "Stitched", "changed_since", "is_of", "mark_of", "stitch", "stitch_all"]

BATCH = 500
"""References in one statement."""

STEP = 2_000
"""Entities that are read at once when everything is."""

Stitched = tuple[str, dict[str, Any]]
"""A canonical reference and its final entity."""

_decode = msgspec.json.Decoder().decode

_LAST = sa.select(activity.c.seq, activity.c.at).order_by(activity.c.seq.desc()).limit(1)
_LAST_RELATION = sa.select(sa.func.max(relation.c.seq))
_AT = sa.select(activity.c.at).where(activity.c.seq == sa.bindparam("seq"))
_CURRENT = sa.select(revision.c.ref, revision.c.uid, revision.c.etag, revision.c.document).where(
    revision.c.valid_to.is_(None)
)
_EDGES = sa.select(relation.c.source, relation.c.type, relation.c.target).where(relation.c.valid_to.is_(None))


_BEHIND = revision.c.ref > sa.bindparam("after")
_NEXT = _CURRENT.where(_BEHIND).order_by(revision.c.ref).limit(STEP)
_NEXT_UNTIL = _NEXT.where(revision.c.ref <= sa.bindparam("last"))
_EDGES_BETWEEN = _EDGES.where(
    relation.c.source > sa.bindparam("after"), relation.c.source <= sa.bindparam("last")
).order_by(relation.c.source, relation.c.type, relation.c.target)
_NTH = (
    sa.select(revision.c.ref)
    .where(revision.c.valid_to.is_(None), _BEHIND)
    .order_by(revision.c.ref)
    .offset(sa.bindparam("size"))
    .limit(1)
)


def mark_of(reader: Reader) -> Mark:
    """How far the graph has come."""
    last = reader.connection.execute(_LAST).first()
    newest = reader.connection.execute(_LAST_RELATION).scalar() or 0
    return Mark(last.seq, last.at, newest) if last else Mark(relation=newest)


def is_of(reader: Reader, mark: Mark) -> bool:
    """Whether the mark was taken from this graph: a restored or replaced database has other changes."""
    return mark.seq == 0 or reader.connection.execute(_AT, {"seq": mark.seq}).scalar() == mark.at


def changed_since(reader: Reader, mark: Mark) -> set[str]:
    """References whose entity may look different now, those of deleted ones among them."""
    # Without DISTINCT, for whose sake SQLite would walk the whole index of sources instead.
    subjects = sa.select(activity.c.subject).where(activity.c.seq > mark.seq)
    added = sa.select(relation.c.source).where(relation.c.seq > mark.relation)
    closed = sa.select(relation.c.source).where(relation.c.valid_to > mark.at)
    found: set[str] = set()
    for query in (subjects, added, closed):
        found.update(reader.connection.execute(query).scalars())
    return found


def stitch(reader: Reader, refs: Iterable[str]) -> Iterator[Stitched]:
    """The final entities of those references that exist."""
    wanted = sorted(set(refs))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        rows = reader.connection.execute(_CURRENT.where(revision.c.ref.in_(batch))).all()
        edges: dict[str, list[tuple[str, str]]] = {}
        query = _EDGES.where(relation.c.source.in_(batch))
        for source, kind, target in reader.connection.execute(query).all():
            edges.setdefault(source, []).append((kind, target))
        items = _items(reader, status.c.ref.in_(batch))
        yield from (_stitched(row, edges.get(row.ref, ()), items) for row in rows)


def stitch_all(reader: Reader, after: str = "", last: str | None = None) -> Iterator[Stitched]:
    """Every final entity behind one reference and up to another, ordered by reference.

    They are read in steps, each of which stays far below a reader's time limit.
    """
    items = _items(reader)
    while rows := _plain(reader, _NEXT if last is None else _NEXT_UNTIL, after=after, last=last):
        upto = rows[-1][0]
        edges: dict[str, list[tuple[str, str]]] = {row[0]: [] for row in rows}
        for source, kind, target in _plain(reader, _EDGES_BETWEEN, after=after, last=upto):
            if source in edges:  # others are of entities that do not exist
                edges[source].append((kind, target))
        yield from (_stitched(row, edges[row[0]], items) for row in rows)
        after = upto


def cut(reader: Reader, size: int) -> list[str]:
    """The references that end each stretch of so many entities, in order; the last stretch may be shorter."""
    ends: list[str] = []
    while found := _plain(reader, _NTH, after=ends[-1] if ends else "", size=size - 1):
        ends.append(found[0][0])
    return ends


def _plain(reader: Reader, query: sa.Select[Any], **values: Any) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them: several times as many as entities come, and each costs twice as much otherwise."""
    with reader.connection.execute(query, values) as result:
        cursor: Any = result.cursor
        return list(cursor.fetchall())


def _stitched(row: Any, edges: Sequence[tuple[str, str]], items: Mapping[str, Any]) -> Stitched:
    ref, uid, etag, text = row
    return ref, stitched(text, uid, etag, edges, items.get(ref, ()))


def _items(reader: Reader, condition: sa.ColumnElement[bool] | None = None) -> dict[str, Any]:
    query = sa.select(status.c.ref, status.c["items"])
    rows = reader.connection.execute(query if condition is None else query.where(condition))
    return {ref: _decode(items) for ref, items in rows}
