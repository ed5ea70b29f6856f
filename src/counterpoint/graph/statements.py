"""The statements of SQL that every write repeats, prepared once, and waiting rows in the form that they take."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from counterpoint.graph.tables import activity, posting, relation, revision, tag

__all__ = [
    "CLOSE",
    "CLOSE_EDGE",
    "COLUMNS",
    "FORGET_WORDS",
    "LATEST",
    "MADE_BY",
    "ORDER",
    "ORDERED",
    "rows_of",
]

ORDER = (revision, tag, relation, posting, activity)
"""The order in which waiting rows are written, so that what is referred to is there first."""
COLUMNS: dict[sa.Table, tuple[str, ...]] = {
    tag: ("value", "revision"),
    posting: ("word", "revision", "rank"),
    relation: ("origin", "source", "type", "target", "valid_from"),
}
ORDERED: dict[sa.Table, Callable[[Any], Any]] = {posting: itemgetter(0), relation: itemgetter(1)}
"""By what rows are sorted before they are written, so that a large tree is walked through once; they wait in the
order of their revisions."""
LATEST = (
    sa.select(revision)
    .where(revision.c.ref == sa.bindparam("ref"))
    .order_by(revision.c.version.desc())
    .limit(1)
)
"""The newest row of an entity, be it current or a deletion."""
CLOSE = sa.update(revision).where(revision.c.seq == sa.bindparam("old")).values(valid_to=sa.bindparam("now"))
"""Let a row be current no longer."""
CLOSE_EDGE = (
    sa.update(relation).where(relation.c.seq == sa.bindparam("old")).values(valid_to=sa.bindparam("now"))
)
"""Let a relation hold no longer."""
FORGET_WORDS = sa.delete(posting).where(posting.c.revision == sa.bindparam("old"))
"""Drop the words of a row that is not current any more: only current ones are searched."""
MADE_BY = sa.select(relation).where(
    relation.c.origin == sa.bindparam("origin"), relation.c.valid_to.is_(None)
)
"""The relations that something makes now."""


def rows_of(table: sa.Table, rows: list[Any]) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Waiting rows as tuples, with the columns that they are of."""
    names = COLUMNS.get(table)
    if names is not None:
        return names, rows
    names = tuple(rows[0])
    return names, list(map(itemgetter(*names), rows))
