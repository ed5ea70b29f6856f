"""The index at one moment: every question that pages and APIs ask about many entities.

A snapshot does not change; whoever holds one may go on asking it while the graph moves on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from counterpoint.graph.index.column import Bools, Column
from counterpoint.graph.index.filters import Filter, Text
from counterpoint.graph.index.segment import Places, Segment, walk

__all__ = ["Order", "Part", "Row", "Snapshot"]

CHUNK = 262_144
"""Bytes of entities that are sent at once."""


@dataclass(frozen=True, slots=True)
class Order:
    """By the values of a search key, or by uid where there is none; equal values by uid, the same way round."""

    key: str | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A segment, with those of its entities that have not been replaced or deleted since."""

    segment: Segment
    alive: Bools | None = None
    """None: all of them."""

    @property
    def size(self) -> int:
        """How many entities count."""
        return self.segment.size if self.alive is None else int(np.count_nonzero(self.alive))


@dataclass(frozen=True, slots=True)
class Row:
    """One entity at its place in an order."""

    part: Part
    number: int
    value: str | None = None
    """The value by which it is ordered, in lower case."""

    @property
    def uid(self) -> str:
        """The entity's uid."""
        return self.part.segment.uids[self.number]

    @property
    def content(self) -> bytes:
        """The final entity as JSON."""
        return self.part.segment.document(self.number)

    @property
    def entity(self) -> dict[str, Any]:
        """The final entity, decoded anew each time."""
        found: dict[str, Any] = msgspec.json.decode(self.content)
        return found


class Snapshot:
    """Every entity that existed after one change, by all of its search keys."""

    def __init__(self, seq: int, parts: tuple[Part, ...]) -> None:
        """`seq` is the number of the newest change that it knows."""
        self.seq = seq
        self.parts = parts
        self._size = sum(part.size for part in parts)

    def __len__(self) -> int:
        return self._size

    def count(self, wanted: Filter | None = None, *, having: str | None = None) -> int:
        """How many entities the filter lets through; with `having`, of those that have a value for the key."""
        total = 0
        for part in self.parts:
            mask = _mask(part, wanted)
            valued = None if having is None else part.segment.valued(having)
            mask = _both(mask, valued)
            total += part.segment.size if mask is None else int(np.count_nonzero(mask))
        return total

    def page(
        self,
        wanted: Filter | None = None,
        order: Order = Order(),
        *,
        after: tuple[str | None, str] | None = None,
        backwards: bool = False,
        offset: int = 0,
        limit: int = 50,
        holding: Text | None = None,
    ) -> list[Row]:
        """Entities in an order, those that lack its key left out.

        An entity comes once for each of its values; with `holding`, for each that holds the text. `after`
        is value and uid of the row to start behind (the value is None in the order by uid); `backwards`
        goes from there to the beginning, nearest first.
        """
        descending = order.descending is not backwards
        need = offset + limit
        # The rows of one part are in order already, so that what is skipped need not be made.
        skip = offset if len(self.parts) == 1 else 0
        found = [
            _window(part, wanted, order, after, descending, (skip, need), holding) for part in self.parts
        ]
        rows = [rows for rows in found if rows]
        if len(rows) > 1:
            rows = [sorted(chain(*rows), key=_place, reverse=descending)]
        return rows[0][offset - skip : need - skip] if rows else []

    def by_reference(self, wanted: Filter | None = None, *, offset: int = 0, limit: int = 50) -> list[Row]:
        """Entities in the order of their references."""
        need = offset + limit
        found: list[list[Row]] = []
        for part in self.parts:
            by_ref = part.segment.by_ref
            places = walk(_mask(part, wanted), by_ref, (0, len(by_ref)), backwards=False, need=need)
            refs = part.segment.refs
            found.append([Row(part, int(by_ref[place]), refs[place]) for place in places.tolist()])
        rows = found[0] if len(found) == 1 else sorted(chain(*found), key=lambda row: row.value or "")
        return rows[offset:need]

    def sorted_rows(
        self, wanted: Filter | None, orders: Sequence[Order], *, offset: int = 0, limit: int | None = None
    ) -> list[Row]:
        """Entities by the values of several keys; those that lack a key come last, and ties are by uid ascending.

        By the first key an entity comes once for each of its values; of further keys the value that
        comes first in their order counts.
        """
        end = None if limit is None else offset + limit
        first, *rest = orders
        rows = list(chain(*(_valued_rows(part, wanted, first) for part in self.parts)))
        lacking = list(chain(*(_lacking_rows(part, wanted, first.key or "") for part in self.parts)))
        if len(self.parts) > 1 or rest:
            rows.sort(key=lambda row: row.uid)
            lacking.sort(key=lambda row: row.uid)
            for order in reversed(rest):
                _sort_by(rows, order)
                _sort_by(lacking, order)
            rows.sort(key=lambda row: row.value or "", reverse=first.descending)
        return (rows + lacking)[offset:end]

    def lacking(self, wanted: Filter | None, key: str) -> list[Row]:
        """Entities without a value for the key, by uid."""
        rows = [_lacking_rows(part, wanted, key) for part in self.parts]
        return rows[0] if len(rows) == 1 else sorted(chain(*rows), key=lambda row: row.uid)

    def content(self, wanted: Filter | None = None) -> Iterator[bytes]:
        """All entities that the filter lets through by uid, as JSON with commas between, in parts of some size."""
        if len(self.parts) == 1:
            part = self.parts[0]
            return _stretches(part, _mask(part, wanted))
        rows = (_rows_by_uid(part, _mask(part, wanted)) for part in self.parts)
        return _joined(row.content for _, row in merge(*rows, key=lambda pair: pair[0]))

    def facets(self, keys: Iterable[str], wanted: Filter | None = None) -> dict[str, list[tuple[str, int]]]:
        """For each key its values as they were written, by code point, each with how many entities have it."""
        masks = [_mask(part, wanted) for part in self.parts]
        found = {}
        for key in keys:
            counts: dict[str, int] = {}
            for part, mask in zip(self.parts, masks, strict=True):
                for value, count in part.segment.column(key).counts(mask).items():
                    counts[value] = counts.get(value, 0) + count
            found[key] = sorted(counts.items())
        return found

    def by_ref(self, ref: str) -> Row | None:
        """The entity with a canonical reference, or None."""
        for part in reversed(self.parts):  # what changed last is looked at first
            number = part.segment.number_of(ref)
            if number is not None and (part.alive is None or part.alive[number]):
                return Row(part, number)
        return None

    def by_refs(self, refs: Iterable[str], wanted: Filter | None = None) -> list[Row | None]:
        """The entities with canonical references, in their order; None where there is none or the filter keeps it back."""
        rows = [self.by_ref(ref) for ref in refs]
        if wanted is None:
            return rows
        masks = {id(part): part.segment.mask(wanted) for part in self.parts}
        return [row if row and masks[id(row.part)][row.number] else None for row in rows]

    def by_uid(self, uid: str) -> Row | None:
        """The entity with a uid, or None."""
        for part in self.parts:
            number = part.segment.uids.find(uid.encode())
            if number is not None and (part.alive is None or part.alive[number]):
                return Row(part, number)
        return None


def _both(left: Bools | None, right: Bools | None) -> Bools | None:
    if left is None or right is None:
        return right if left is None else left
    return left & right


def _mask(part: Part, wanted: Filter | None) -> Bools | None:
    return _both(part.alive, None if wanted is None else part.segment.mask(wanted))


def _place(row: Row) -> tuple[str, str]:
    return row.value or "", row.uid


def _window(
    part: Part,
    wanted: Filter | None,
    order: Order,
    after: tuple[str | None, str] | None,
    descending: bool,  # noqa: FBT001 - one call, all by place
    span: tuple[int, int],
    holding: Text | None,
) -> list[Row]:
    """The first rows of one part behind a place, from one number up to another."""
    skip, need = span
    mask, segment = _mask(part, wanted), part.segment
    if order.key is None:
        bounds = (0, segment.size) if after is None else _behind_uid(segment, after[1], descending=descending)
        numbers = _numbers(mask, bounds, descending=descending, need=need)
        return [Row(part, number) for number in numbers[skip:].tolist()]
    column = segment.column(order.key)
    bounds = column.pairs if after is None else _behind(segment, column, after, descending=descending)
    entities = column.entities
    if holding is not None and column.repeats:
        mask = column.holding(holding.text, wild=holding.wild) & (True if mask is None else mask[entities])
        entities = np.arange(len(entities), dtype=np.int32)
    places = walk(mask, entities, bounds, backwards=descending, need=need)
    return _rows(part, column, places[skip:])


def _rows(part: Part, column: Column, places: Places) -> list[Row]:
    numbers = column.entities[places].tolist()
    values = column.values(column.codes_of(places).tolist())
    return [Row(part, number, value) for number, value in zip(numbers, values, strict=True)]


def _numbers(mask: Bools | None, bounds: tuple[int, int], *, descending: bool, need: int) -> Places:
    low, high = bounds
    if mask is None:
        low, high = (max(low, high - need), high) if descending else (low, min(high, low + need))
        found = np.arange(low, high)
        return found[::-1] if descending else found
    found = np.flatnonzero(mask[low:high]) + low
    return found[::-1][:need] if descending else found[:need]


def _behind_uid(segment: Segment, uid: str, *, descending: bool) -> tuple[int, int]:
    number = segment.uids.bisect(uid.encode())
    if descending:
        return 0, number
    known = number < segment.size and segment.uids[number] == uid
    return number + known, segment.size


def _behind(
    segment: Segment, column: Column, after: tuple[str | None, str], *, descending: bool
) -> tuple[int, int]:
    """The pairs of a column behind a place."""
    start, end = column.pairs
    value, uid = after
    if value is None:  # nothing without a value is in the order
        return end, end
    number = segment.uids.bisect(uid.encode())
    place = column.place(value, number)
    if descending:
        return start, place
    # The pair itself stands at the place, if this segment has it.
    known = (
        place < end
        and int(column.entities[place]) == number
        and segment.uids[number] == uid
        and column.value(int(column.codes_of(np.array([place]))[0])) == value
    )
    return place + known, end


def _valued_rows(part: Part, wanted: Filter | None, order: Order) -> list[Row]:
    column, mask = part.segment.column(order.key or ""), _mask(part, wanted)
    start, end = column.pairs
    entities = column.entities[start:end]
    places = np.arange(start, end) if mask is None else np.flatnonzero(mask[entities]) + start
    if order.descending:  # values the other way round, and within one the uids as they are
        places = places[np.argsort(-column.codes_of(places), kind="stable")]
    return _rows(part, column, places)


def _lacking_rows(part: Part, wanted: Filter | None, key: str) -> list[Row]:
    valued = part.segment.valued(key)
    if valued is None:
        return []
    mask = _both(_mask(part, wanted), ~valued)
    assert mask is not None  # noqa: S101 - one of the two is there
    return [Row(part, number) for number in np.flatnonzero(mask).tolist()]


def _sort_by(rows: list[Row], order: Order) -> None:
    """Sort by one more key, keeping the order of equal ones; those that lack it last."""
    values: dict[tuple[int, int], str] = {}
    for part in {id(row.part): row.part for row in rows}.values():
        column = part.segment.column(order.key or "")
        start, end = column.pairs
        pairs = column.entities[start:end].tolist()
        codes = column.codes_of(np.arange(start, end)).tolist()
        named = zip(pairs, codes, strict=True)
        # The value that comes first in the order is kept: the last one written.
        for number, code in named if order.descending else reversed(list(named)):
            values[id(part), number] = column.value(code)

    def has(row: Row) -> bool:
        return (id(row.part), row.number) in values

    rows.sort(key=lambda row: values.get((id(row.part), row.number), ""), reverse=order.descending)
    rows.sort(key=lambda row: not has(row))


def _stretches(part: Part, mask: Bools | None) -> Iterator[bytes]:
    """The entities of one part in stretches that lie side by side."""
    segment = part.segment
    numbers = np.arange(segment.size) if mask is None else np.flatnonzero(mask)
    if not len(numbers):
        return
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    firsts = numbers[np.concatenate([[0], breaks])].tolist()
    lasts = numbers[np.concatenate([breaks, [len(numbers)]]) - 1].tolist()
    held: list[Any] = []
    size = 0
    for first, last in zip(firsts, lasts, strict=True):
        for low, high in _pieces(segment, first, last + 1):
            if size >= CHUNK:
                yield b",".join(held) + b","
                held, size = [], 0
            held.append(segment.documents(low, high))
            size += len(held[-1])
    yield b",".join(held)


def _pieces(segment: Segment, first: int, last: int) -> Iterator[tuple[int, int]]:
    """A stretch in pieces of about the size that is sent at once."""
    offsets = segment.arrays["document/offsets"]
    while first < last:
        beyond = int(np.searchsorted(offsets, int(offsets[first]) + CHUNK, side="right")) - 1
        piece = min(last, max(first + 1, beyond))
        yield first, piece
        first = piece


def _rows_by_uid(part: Part, mask: Bools | None) -> Iterator[tuple[str, Row]]:
    numbers = np.arange(part.segment.size) if mask is None else np.flatnonzero(mask)
    uids = part.segment.uids
    return ((uids[number], Row(part, number)) for number in numbers.tolist())


def _joined(contents: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for content in contents:
        if size >= CHUNK:
            yield b",".join(held) + b","
            held, size = [], 0
        held.append(content)
        size += len(content)
    if held:
        yield b",".join(held)
