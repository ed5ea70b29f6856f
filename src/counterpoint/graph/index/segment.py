"""An immutable part of the index: some entities, numbered by uid, with a column for each search key.

Everything is a numpy array, so that a segment can be held in memory or mapped from a file alike. Answers
about sets of entities are boolean masks over the numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from counterpoint.graph.index.column import (
    Arrays,
    Bools,
    Column,
    Gathered,
    Numbers,
    arrays_of,
    column_of,
)
from counterpoint.graph.index.filters import AllOf, AnyOf, Equals, Exists, Filter, Not, Prefix, Text
from counterpoint.graph.index.rows import rows_of
from counterpoint.graph.index.strings import Strings, pack, plain

__all__ = ["Builder", "Built", "Places", "Segment", "document_offsets", "walk"]

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
    documents: Sequence[bytes]
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

    def __len__(self) -> int:
        return len(self._refs)

    def add(self, ref: str, entity: Mapping[str, Any], content: bytes | None = None) -> None:
        """Add a final entity; `content` is its JSON, if that is at hand."""
        number = len(self._refs)
        self._refs.append(ref)
        self._uids.append(entity["metadata"]["uid"])
        self._documents.append(_encode(entity) if content is None else content)
        keys = self._keys
        pairs, listed = rows_of(entity)
        for key, value in pairs:
            gathered = keys.get(key)
            if gathered is None:
                if len(keys) >= MOST_COLUMNS:
                    self._share(key, value, number)
                    continue
                gathered = keys[key] = Gathered()
            if value is None:
                gathered.nulls.append(number)
            else:  # as `Gathered.add` does it, without a call for each of some thirty pairs
                codes = gathered.codes
                gathered.values.append(codes.setdefault(value, len(codes)))
                gathered.entities.append(number)
        for key in listed:
            self._share(key, "true", number)

    def _share(self, key: str, value: str | None, number: int) -> None:
        if value is None:
            self._shared_nulls.add(key, number)
        else:
            self._shared.add(f"{key}\x00{value}", number)

    def build(self) -> Built:
        """Sort everything. The builder is used up."""
        arrays: dict[str, npt.NDArray[np.generic]] = {}
        order = np.array(sorted(range(len(self._uids)), key=self._uids.__getitem__), dtype=np.int64)
        numbers = np.empty(len(order), dtype=np.int32)
        numbers[order] = np.arange(len(order), dtype=np.int32)
        arrays["uid/offsets"], arrays["uid/data"] = pack([self._uids[index] for index in order.tolist()])
        by_ref = sorted(range(len(self._refs)), key=self._refs.__getitem__)
        arrays["ref/offsets"], arrays["ref/data"] = pack([self._refs[index] for index in by_ref])
        arrays["ref/entities"] = numbers[np.array(by_ref, dtype=np.int64)]
        self._fold()
        keys = tuple(sorted(self._keys))
        for index, key in enumerate(keys):
            found = arrays_of(self._keys.pop(key), numbers)
            arrays |= {f"k{index}/{part}": values for part, values in found.items()}
        for name, gathered in (("shared", self._shared), ("shared_nulls", self._shared_nulls)):
            arrays |= {f"{name}/{part}": values for part, values in arrays_of(gathered, numbers).items()}
        return Built(arrays, keys, [self._documents[index] for index in order.tolist()])

    def _fold(self) -> None:
        """Put keys that few have into the shared column, and those that share a name with a text in a list."""
        listed = {text.partition("\x00")[0] for text in self._shared.codes}
        listed.update(self._shared_nulls.codes)
        for key, gathered in list(self._keys.items()):
            if len(gathered.entities) + len(gathered.nulls) >= COMMON and key not in listed:
                continue
            del self._keys[key]
            texts = list(gathered.codes)
            for code, number in zip(gathered.values, gathered.entities, strict=True):
                self._share(key, texts[code], number)
            for number in gathered.nulls:
                self._share(key, None, number)


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
        self._valued: dict[str, Bools | None] = {}

    @classmethod
    def in_memory(cls, built: Built) -> "Segment":
        """A segment that no file holds."""
        offsets = document_offsets(built.documents)
        data = np.frombuffer(b"".join(part + b"," for part in built.documents), dtype=np.uint8)
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

    def number_of(self, ref: str) -> int | None:
        """The number of the entity with a canonical reference."""
        place = self.refs.find(ref.encode())
        return None if place is None else int(self.by_ref[place])

    def column(self, key: str) -> Column:
        """The column of a key; an empty one where no entity has it."""
        found = self._columns.get(key)
        if found is None:
            found = self._open(key)
            if key in self.names:
                self._columns[key] = found
        return found

    def _open(self, key: str) -> Column:
        if key in self.names:
            return column_of(self.arrays, self.names[key])
        return self._shared.narrowed(key.encode() + b"\x00", self._shared_nulls.having(key))

    def mask(self, wanted: Filter) -> Bools:
        """Which entities a filter lets through. The mask may be kept: do not change it."""
        kept = self._masks.get(wanted) if isinstance(wanted, Equals | Exists | Text) else None
        return self._made(wanted) if kept is None else kept

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


def document_offsets(documents: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """Where each of the documents begins when a comma follows each."""
    offsets = np.zeros(len(documents) + 1, dtype=np.int64)
    lengths = np.fromiter(map(len, documents), dtype=np.int64, count=len(documents))
    np.cumsum(lengths + 1, out=offsets[1:])
    return offsets
