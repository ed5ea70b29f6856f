"""An immutable part of the index: some entities, numbered by uid, with a column for each search key.

Everything is a numpy array, so that a segment can be held in memory or mapped from a file alike. Answers
about sets of entities are boolean masks over the numbers.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from counterpoint.graph.index.column import (
    Arrays,
    Bools,
    Coded,
    Column,
    Gathered,
    Numbers,
    arrays_of,
    column_of,
)
from counterpoint.graph.index.filters import AllOf, AnyOf, Equals, Exists, Filter, Not, Prefix, Text
from counterpoint.graph.index.rows import Pairs, Walk
from counterpoint.graph.index.strings import Strings, pack, plain, sorted_order

__all__ = ["Builder", "Built", "Places", "Segment", "document_offsets", "sorted_up", "walk"]

Places = npt.NDArray[np.int64]

COMMON = 16
"""Entities that a key must have for a column of its own."""
MOST_COLUMNS = 4_000
"""Keys that may have columns of their own."""
KEPT = 64
"""Masks that a segment keeps for conditions that many entities meet."""

_encode = msgspec.json.Encoder().encode


class Built(msgspec.Struct, frozen=True):
    """A segment as it was built, before it is in memory or in a file."""

    arrays: dict[str, npt.NDArray[np.generic]]
    keys: tuple[str, ...]
    """The keys with columns of their own; column `i` is named `k<i>`."""
    documents: Sequence[bytes | memoryview]
    """The final entities as JSON, by number."""


class Builder:
    """Gathers entities and makes a segment of them."""

    def __init__(self) -> None:
        self._keys: dict[str, Gathered] = {}
        self._shared = Gathered()
        self._shared_nulls = Gathered()
        self._refs: list[str] = []
        self._uids: list[str] = []
        self._documents: list[bytes] = []
        self._walk = Walk(self._pairs_of, self._list)

    def __len__(self) -> int:
        return len(self._refs)

    def add(self, ref: str, entity: Mapping[str, Any], content: bytes | None = None) -> None:
        """Add a final entity; `content` is its JSON, if that is at hand."""
        number = len(self._refs)
        self._refs.append(ref)
        self._uids.append(entity["metadata"]["uid"])
        self._documents.append(_encode(entity) if content is None else content)
        self._walk.take(entity, number)

    def _pairs_of(self, key: str) -> Pairs:
        gathered = self._keys.get(key)
        if gathered is None:
            if len(self._keys) >= MOST_COLUMNS:
                return _Spill(self._share, key)
            gathered = self._keys[key] = Gathered()
        return gathered

    def _list(self, key: str, number: int) -> None:
        self._shared.add(f"{key}\x00true", number)

    def _share(self, key: str, value: str | None, number: int) -> None:
        if value is None:
            self._shared_nulls.add(key, number)
        else:
            self._shared.add(f"{key}\x00{value}", number)

    def build(self) -> Built:
        """Sort everything. The builder is used up."""
        del self._walk  # it holds this builder, and where nobody looks for cycles, nothing of either would go
        order = sorted_order(self._uids)
        numbers = np.empty(len(order), dtype=np.int32)
        numbers[order] = np.arange(len(order), dtype=np.int32)
        self._fold()
        places = order.tolist()
        return sorted_up(
            [self._uids[index] for index in places],
            (self._refs, numbers),
            {key: _placed(gathered, numbers) for key, gathered in self._keys.items() if len(gathered)},
            (_placed(self._shared, numbers), _placed(self._shared_nulls, numbers)),
            [self._documents[index] for index in places],
        )

    def _fold(self) -> None:
        """Put keys that few have into the shared column, and those that share a name with a text in a list."""
        listed = {text.partition("\x00")[0] for text in set(self._shared.values) if text}
        listed.update(key for key in self._shared_nulls.values if key)
        for key, gathered in list(self._keys.items()):
            if len(gathered) >= COMMON and key not in listed:
                continue
            del self._keys[key]
            for value, number in gathered:
                self._share(key, value, number)


class _Spill:
    """The pairs of a key for which there is no column left: they go into the shared one."""

    def __init__(self, share: Callable[[str, str | None, int], None], key: str) -> None:
        self._share, self._key = share, key
        self.values: list[str | None] = []
        self.entities = self

    def append(self, number: int) -> None:
        """Share the value that came just before, as that of the entity."""
        self._share(self._key, self.values.pop(), number)


def _placed(gathered: Gathered, numbers: Numbers) -> Coded:
    coded = gathered.coded()
    return coded._replace(entities=numbers[coded.entities], nulls=numbers[coded.nulls])


def sorted_up(
    uids: list[str],
    referred: tuple[list[str], Numbers],
    columns: Mapping[str, Coded],
    shared: tuple[Coded, Coded],
    documents: Sequence[bytes | memoryview],
) -> Built:
    """A segment of entities that are numbered by uid.

    Args:
        uids: in order.
        referred: references in any order, and for each the number of its entity.
        columns: the pairs of each key with a column of its own.
        shared: those of all other keys, each text a key, NUL and a value; and which keys are null.
        documents: the final entities as JSON, by number.
    """
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    arrays["uid/offsets"], arrays["uid/data"] = pack(uids)
    refs, numbers = referred
    by_ref = sorted_order(refs)
    arrays["ref/offsets"], arrays["ref/data"] = pack([refs[index] for index in by_ref.tolist()])
    arrays["ref/entities"] = numbers[by_ref]
    keys = tuple(sorted(columns))
    all_columns = {f"k{index}": columns[key] for index, key in enumerate(keys)}
    all_columns |= {"shared": shared[0], "shared_nulls": shared[1]}
    for name, coded in all_columns.items():
        arrays |= {f"{name}/{part}": values for part, values in arrays_of(coded, len(uids)).items()}
    return Built(arrays, keys, documents)


class Segment:
    """Entities that can be asked for by their keys."""

    def __init__(self, arrays: Arrays, keys: Iterable[str]) -> None:
        """Take the buffers that a `Builder` made, from memory or from a file."""
        self.arrays = arrays
        self.names = {key: f"k{index}" for index, key in enumerate(keys)}
        self.uids = Strings(arrays["uid/offsets"], arrays["uid/data"])  # type: ignore[arg-type]
        self.refs = Strings(arrays["ref/offsets"], arrays["ref/data"])  # type: ignore[arg-type]
        self.by_ref: Numbers = arrays["ref/entities"]  # type: ignore[assignment]
        self.size = len(self.uids)
        self._document_at = plain(arrays["document/offsets"])
        self._documents = plain(arrays["document/data"])
        self._shared = column_of(arrays, "shared")
        self._shared_nulls = column_of(arrays, "shared_nulls")
        self._columns: dict[str, Column] = {}
        self._masks: dict[Filter, Bools] = {}
        self._last: tuple[Filter | None, Bools | None] = None, None
        self._valued: dict[str, Bools | None] = {}

    @classmethod
    def in_memory(cls, built: Built) -> "Segment":
        """A segment that no file holds."""
        offsets = document_offsets(built.documents)
        data = np.frombuffer(
            b"".join(part for each in built.documents for part in (each, b",")), dtype=np.uint8
        )
        arrays = {**built.arrays, "document/offsets": offsets, "document/data": data}
        return cls(arrays, built.keys)

    @cached_property
    def ref_places(self) -> npt.NDArray[np.int64]:
        """For each number the place of its reference among the references."""
        places = np.empty(self.size, dtype=np.int64)
        places[self.by_ref] = np.arange(self.size)
        return places

    def document(self, number: int) -> bytes:
        """The final entity as JSON."""
        at = self._document_at
        return bytes(self._documents[at[number] : at[number + 1] - 1])

    def documents(self, first: int, last: int) -> Any:
        """The final entities from one number up to another as JSON with commas between them, without copying."""
        at = self._document_at
        return self._documents[at[first] : at[last] - 1]

    def views(self, numbers: Places) -> list[Any]:
        """The final entities of some numbers as JSON, without copying."""
        at, documents = self.arrays["document/offsets"], self._documents
        lows, highs = at[numbers].tolist(), at[numbers + 1].tolist()
        return [documents[low : high - 1] for low, high in zip(lows, highs, strict=True)]

    @property
    def shared(self) -> tuple[Column, Column]:
        """The column of all keys that have none of their own, and which entities have which of these as null."""
        return self._shared, self._shared_nulls

    def number_of(self, ref: str) -> int | None:
        """The number of the entity with a canonical reference."""
        place = self.refs.find(ref.encode())
        return None if place is None else int(self.by_ref[place])

    def column(self, key: str) -> Column:
        """The column of a key; an empty one where no entity has it."""
        found = self._columns.get(key)
        if found is None:
            found = self._open(key)
            if key in self.names or len(self._columns) < MOST_COLUMNS:
                self._columns[key] = found
        return found

    def _open(self, key: str) -> Column:
        if key in self.names:
            return column_of(self.arrays, self.names[key])
        return self._shared.narrowed(key.encode() + b"\x00", self._shared_nulls.having(key))

    def mask(self, wanted: Filter) -> Bools:
        """Which entities a filter lets through. The mask may be kept: do not change it."""
        last, mask = self._last
        if last is wanted and mask is not None:  # a page and its total are asked for one after the other
            return mask
        kept = self._masks.get(wanted) if isinstance(wanted, Equals | Exists | Text) else None
        found = self._made(wanted) if kept is None else kept
        self._last = wanted, found
        return found

    def _made(self, wanted: Filter) -> Bools:
        match wanted:
            case AllOf(parts):
                return self._all(parts)
            case AnyOf(parts):
                return self._any(parts)
            case Not(part):
                return ~self.mask(part)
        found = np.zeros(self.size, dtype=bool)
        for numbers in self._numbers(wanted):
            found[numbers] = True
        if self.size > 4_096 and not isinstance(wanted, Prefix):
            if len(self._masks) >= KEPT:
                self._masks.clear()
            self._masks[wanted] = found
        return found

    def _all(self, parts: tuple[Filter, ...]) -> Bools:
        found = np.ones(self.size, dtype=bool)
        for part in parts:
            found &= self.mask(part)
        return found

    def _any(self, parts: tuple[Filter, ...]) -> Bools:
        found = np.zeros(self.size, dtype=bool)
        for part in parts:
            if isinstance(part, Equals):  # the commonest, and there may be thousands
                for numbers in self._numbers(part):
                    found[numbers] = True
            else:
                found |= self.mask(part)
        return found

    def _numbers(self, wanted: Equals | Exists | Prefix | Text) -> Iterable[Numbers]:
        """The entities that meet one condition, in parts."""
        match wanted:
            case Equals(key, values):
                column = self.column(key)
                return [column.having(value) for value in values]
            case Exists(key):
                column = self.column(key)
                return (column.valued(), column.nulls)
            case Prefix(key, text):
                return (self.column(key).beginning(text),)
            case Text(keys, text, wild):
                return [self.column(key).containing(text, wild=wild) for key in keys]

    def valued(self, key: str) -> Bools | None:
        """Which entities have a value for the key, null aside; None where all do."""
        if key not in self._valued:
            numbers = self.column(key).valued()
            found: Bools | None = np.zeros(self.size, dtype=bool)
            found[numbers] = True  # type: ignore[index]
            if found.all():  # type: ignore[union-attr]
                found = None
            if len(self._valued) >= KEPT:
                self._valued.clear()
            self._valued[key] = found
            return found
        return self._valued[key]


def walk(
    mask: Bools | None, entities: Numbers, bounds: tuple[int, int], *, backwards: bool, need: int
) -> Places:
    """Places within bounds of an order of entities where the wanted ones stand, from one end: at most `need`.

    It looks at steps that grow, so that a page of a common kind costs no more than itself.
    """
    (start, end), step, have = bounds, max(4_096, 4 * need), 0
    found: list[Places] = []
    while start < end and have < need:
        low, high = (max(start, end - step), end) if backwards else (start, min(end, start + step))
        here = np.arange(low, high) if mask is None else np.flatnonzero(mask[entities[low:high]]) + low
        found.append(here[::-1] if backwards else here)
        have += len(here)
        start, end = (start, low) if backwards else (high, end)
        step *= 4
    return np.concatenate(found)[:need] if found else np.zeros(0, dtype=np.int64)


def document_offsets(documents: Sequence[bytes | memoryview]) -> npt.NDArray[np.int64]:
    """Where each of the documents begins when a comma follows each."""
    offsets = np.zeros(len(documents) + 1, dtype=np.int64)
    lengths = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
    np.cumsum(lengths + 1, out=offsets[1:])
    return offsets
