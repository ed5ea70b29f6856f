"""Counting what has the words of a text by several fields at once: the words are looked up once, not for each field."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from counterpoint.graph.kinds import canonical_kind
from counterpoint.graph.query import Filters
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.tables import revision, tag

__all__ = ["count_with_words"]


def count_with_words(
    reader: Reader, text: str, chosen: Mapping[str, str], fields: Collection[str]
) -> tuple[int, dict[str, list[tuple[str, int]]]]:
    """How many entities have the words and pass all filters, and the values of each field under the other ones.

    `chosen` and `fields` name kind, type, lifecycle, owner and tag; values come with the most frequent first.
    """
    columns = (revision.c.seq, revision.c.kind, revision.c.type, revision.c.lifecycle, revision.c.owner)
    # Databases keep the rows of an expression that is named more than once.
    having = sa.select(*columns).where(*Filters(text=text).conditions()).cte("having")
    conditions = {name: _condition(having, name, value) for name, value in chosen.items()}
    parts = [
        sa.select(sa.literal(""), sa.literal(""), sa.func.count())
        .where(*conditions.values())
        .select_from(having)
    ]
    for field in fields:
        source = having.join(tag, tag.c.revision == having.c.seq) if field == "tag" else having
        column = tag.c.value if field == "tag" else having.c[field]
        others = [condition for name, condition in conditions.items() if name != field]
        counted = sa.select(sa.literal(field), column, sa.func.count()).select_from(source)
        parts.append(counted.where(column.is_not(None), *others).group_by(column))
    passing = 0
    found: dict[str, list[tuple[str, int]]] = {field: [] for field in fields}
    for field, value, count in reader.connection.execute(sa.union_all(*parts)):
        if field:
            found[field].append((value, count))
        else:
            passing = count
    return passing, {name: sorted(each, key=lambda pair: (-pair[1], pair[0])) for name, each in found.items()}


def _condition(having: sa.CTE, name: str, value: str) -> sa.ColumnElement[bool]:
    if name == "tag":
        return having.c.seq.in_(sa.select(tag.c.revision).where(tag.c.value == value))
    if name == "kind":
        value = canonical_kind(value)
    elif name == "owner":
        value = str(parse_ref(value, default_kind="Group"))
    held: sa.ColumnElement[bool] = having.c[name] == value
    return held
