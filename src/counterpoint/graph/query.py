"""Lists of entities: filters, order and cursors as SQL over the revisions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import sqlalchemy as sa

from counterpoint.errors import InputError
from counterpoint.graph.kinds import INVERSES, canonical_kind
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.search import words_of
from counterpoint.graph.tables import posting, relation, revision, tag
from counterpoint.moments import to_micros
from counterpoint.paging import read_cursor

__all__ = [
    "FACETS",
    "ORDERS",
    "WORDS",
    "Filters",
    "after_cursor",
    "beginning_with",
    "matches_word",
    "order_of",
    "valid",
]

ORDERS: dict[str, sa.ColumnElement[Any]] = {
    "name": revision.c.name,
    "title": revision.c.title,
    "kind": revision.c.kind,
    "owner": sa.func.coalesce(revision.c.owner, ""),
    "type": sa.func.coalesce(revision.c.type, ""),
    "lifecycle": sa.func.coalesce(revision.c.lifecycle, ""),
    "updated": revision.c.valid_from,
}
"""What a list can be ordered by; a dash before it turns the order round."""
FACETS: dict[str, sa.ColumnElement[Any]] = {
    "kind": revision.c.kind,
    "namespace": revision.c.namespace,
    "owner": revision.c.owner,
    "type": revision.c.type,
    "lifecycle": revision.c.lifecycle,
    "tag": tag.c.value,
    "location": revision.c.location,
}
"""What can be counted."""
_LAST = "\U0010ffff"
WORDS = 20
"""Words of a text that narrow a list; more would cost and find nothing else."""
VALUES = 200
"""Values of one filter."""

Choice = str | Collection[str] | None


def valid(table: sa.FromClause, at: datetime | None) -> sa.ColumnElement[bool]:
    """Which rows of a table hold now, or held at a date."""
    if at is None:
        return table.c.valid_to.is_(None)
    moment = to_micros(at)
    return sa.and_(
        table.c.valid_from <= moment, sa.or_(table.c.valid_to.is_(None), table.c.valid_to > moment)
    )


def matches_word(word: str) -> sa.ColumnElement[bool]:
    """Postings whose word starts with this one."""
    return beginning_with(posting.c.word, word)


def beginning_with(column: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
    """Rows whose word starts with this one, by an index of the column."""
    return sa.and_(column >= word, column < word + _LAST)


class FilterArguments(TypedDict, total=False):
    """The filters as keyword arguments; see `Filters`."""

    kind: Choice
    owner: Choice
    type: Choice
    lifecycle: Choice
    tag: Choice
    text: str | None
    namespace: Choice
    location: Choice
    related: tuple[str, str] | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed to; several values of one field mean any of them."""

    kind: Choice = None
    owner: Choice = None
    type: Choice = None
    lifecycle: Choice = None
    tag: Choice = None
    text: str | None = None
    """Words that all occur, as a whole or as a beginning."""
    namespace: Choice = None
    location: Choice = None
    related: tuple[str, str] | None = None
    """A relation's type and target that the entity has."""
    at: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The filters as SQL over `revision`."""
        found = [valid(revision, self.at)]
        columns: tuple[tuple[sa.ColumnElement[Any], list[str] | None], ...] = (
            (revision.c.kind, _each(self.kind, canonical_kind)),
            (revision.c.owner, _each(self.owner, lambda text: str(parse_ref(text, default_kind="Group")))),
            (revision.c.type, _each(self.type)),
            (revision.c.lifecycle, _each(self.lifecycle)),
            (revision.c.namespace, _each(self.namespace, str.lower)),
            (revision.c.location, _each(self.location)),
        )
        for column, values in columns:
            if values is not None:
                found.append(column == values[0] if len(values) == 1 else column.in_(values))
        tags = _each(self.tag)
        if tags is not None:
            found.append(revision.c.seq.in_(sa.select(tag.c.revision).where(tag.c.value.in_(tags))))
        if self.related is not None:
            found.append(revision.c.ref.in_(self._related(*self.related)))
        found += [self._word(word) for word in self.words()]
        return found

    def words(self) -> list[str]:
        """The words that narrow the list."""
        return list(dict.fromkeys(words_of(self.text or "")))[:WORDS]

    def _related(self, kind: str, target: str) -> sa.Select[Any]:
        end = str(parse_ref(target))
        if kind in INVERSES:  # every relation is kept from both of its ends, and looked for from this one
            return sa.select(relation.c.target).where(
                relation.c.source == end, relation.c.type == INVERSES[kind], valid(relation, self.at)
            )
        return sa.select(relation.c.source).where(
            relation.c.type == kind, relation.c.target == end, valid(relation, self.at)
        )

    def _word(self, word: str) -> sa.ColumnElement[bool]:
        if self.at is None:
            return revision.c.seq.in_(sa.select(posting.c.revision).where(matches_word(word)))
        # Words are kept of the present only; the past is read in full, and the reader looks closer.
        return sa.func.lower(revision.c.document).contains(word, autoescape=True)


def _each(choice: Choice, read: Any = str) -> list[str] | None:
    if choice is None:
        return None
    values = [choice] if isinstance(choice, str) else choice
    if len(values) > VALUES:
        raise InputError(f"A filter has {len(values):,} values; {VALUES} are the most.")
    return [read(value) for value in values]


def order_of(order: str) -> tuple[sa.ColumnElement[Any], bool]:
    """The column that a list is ordered by, and whether the order is turned round."""
    name = order.removeprefix("-")
    if name not in ORDERS:
        raise InputError(
            f"There is no order {name!r}; it is one of {', '.join(ORDERS)}, with a dash before it to turn it round."
        )
    return ORDERS[name], order.startswith("-")


def after_cursor(cursor: str, order: str) -> sa.ColumnElement[bool]:
    """The rows that come after a cursor.

    Raises:
        InputError: the cursor was not made by this list.
    """
    column, backwards = order_of(order)
    made_for, value, ref = read_cursor(cursor, tuple[str, str | int, str])
    if made_for != order or isinstance(value, int) != (order.lstrip("-") == "updated"):
        raise InputError("The cursor was made for another order; start again without one.")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise InputError("The cursor is not valid; start again without one.")
    here = sa.tuple_(column, revision.c.ref)
    there = sa.tuple_(sa.literal(value), sa.literal(ref))
    return here < there if backwards else here > there
