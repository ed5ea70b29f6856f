"""One search key over many entities: its distinct values in order, and who has which.

A common key has buffers of its own. Rare keys, and the keys that texts in lists make (`metadata.tags.java`),
of which there can be as many as there are entities, share one column: its texts are key, NUL and value,
so that the values of one key are a range of it.
"""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from counterpoint.graph.index.strings import Strings, lowered, pack, sorted_order

__all__ = ["Coded", "Column", "Gathered", "arrays_of", "column_of"]

FEW = 1_000
"""Values whose entities are gathered one value after the other rather than by a mask over all of them."""

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int32]
Arrays = Mapping[str, npt.NDArray[np.generic]]


class Column:
    """A range of texts, and for each the entities that have it, in ascending order."""

    def __init__(
        self,
        lowers: Strings,
        starts: npt.NDArray[np.int64],
        entities: Numbers,
        nulls: Numbers,
        originals: Strings | None = None,
        written: Numbers | None = None,
        *,
        prefix: bytes = b"",
        codes: tuple[int, int] | None = None,
    ) -> None:
        """Take the buffers.

        `entities[starts[c]:starts[c + 1]]` have the value `lowers[c]`. Where values differ from how they
        were written, `originals` holds that, one for each value, or by `written` one for each entity.
        `nulls` have the key without a value. `prefix` and `codes` narrow a shared column to one key.
        """
        self.lowers, self.starts, self.entities, self.nulls = lowers, starts, entities, nulls
        self.originals, self.written = originals, written
        self.prefix = prefix
        self.first, self.last = codes or (0, len(lowers))

    @property
    def pairs(self) -> tuple[int, int]:
        """The range of `entities` that belongs to the key."""
        return int(self.starts[self.first]), int(self.starts[self.last])

    def value(self, code: int) -> str:
        """The value of a code, in lower case."""
        return str(self.lowers.raw(code)[len(self.prefix) :], "utf-8")

    def values(self, codes: list[int]) -> list[str]:
        """The values of several codes, in lower case."""
        return self.lowers.some(codes, len(self.prefix))

    def narrowed(self, prefix: bytes, nulls: Numbers) -> "Column":
        """The key of a shared column whose texts begin with the prefix."""
        codes = self.lowers.prefixed(prefix)
        return Column(
            self.lowers,
            self.starts,
            self.entities,
            nulls,
            self.originals,
            self.written,
            prefix=prefix,
            codes=codes,
        )

    def having(self, value: str) -> Numbers:
        """The entities that have a value."""
        code = self.lowers.find(self.prefix + value.encode(), self.first, self.last)
        return self.entities[:0] if code is None else self._between(code, code + 1)

    def beginning(self, text: str) -> Numbers:
        """The entities that have a value which begins with the text; one may come several times."""
        return self._between(*self.lowers.prefixed(self.prefix + text.encode(), self.first, self.last))

    def valued(self) -> Numbers:
        """The entities that have any value; one may come several times."""
        return self._between(self.first, self.last)

    def _between(self, first: int, last: int) -> Numbers:
        return self.entities[int(self.starts[first]) : int(self.starts[last])]

    def codes_of(self, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The codes of places in `entities`."""
        return np.searchsorted(self.starts, pairs, side="right") - 1

    def place(self, value: str, entity: int) -> int:
        """Where in `entities` a pair of value and entity stands, or would stand."""
        text = self.prefix + value.encode()
        code = self.lowers.bisect(text, self.first, self.last)
        start = int(self.starts[code])
        if code == self.last or self.lowers.raw(code) != text:
            return start
        return start + int(np.searchsorted(self._between(code, code + 1), entity))

    def containing(self, text: str, *, wild: bool) -> Numbers:
        """The entities that have a value which holds the text; one may come several times."""
        hits = self._matching(text, wild=wild)
        if len(self.entities) == len(self.lowers):  # as with names: a value, an entity
            return self.entities[hits]
        if len(hits) < FEW:
            parts = [self._between(code, code + 1) for code in hits.tolist()]
            return np.concatenate(parts) if parts else self.entities[:0]
        found = np.zeros(len(self.lowers), dtype=bool)
        found[hits] = True
        start, end = self.pairs
        hit: Numbers = self.entities[start:end][np.repeat(found, np.diff(self.starts))[start:end]]
        return hit

    @cached_property
    def repeats(self) -> bool:
        """Whether an entity may have several values."""
        valued = self.valued()
        return len(np.unique(valued)) < len(valued)

    def holding(self, text: str, *, wild: bool) -> Bools:
        """For each pair of the whole column whether its value holds the text."""
        found = np.zeros(len(self.lowers), dtype=bool)
        found[self._matching(text, wild=wild)] = True
        return np.repeat(found, np.diff(self.starts))

    def _matching(self, text: str, *, wild: bool) -> npt.NDArray[np.int64]:
        import pyarrow.compute as pc

        if self.last - self.first < 64 and not wild:
            codes = range(self.first, self.last)
            return np.array([code for code in codes if text in self.value(code)], dtype=np.int64)
        texts = self.lowers.arrow()[self.first : self.last]
        if self.prefix:
            texts = pc.utf8_slice_codeunits(texts, len(self.prefix.decode()))
        if wild:
            found = pc.match_like(texts, "%" + text.replace("\\", "\\\\") + "%")
        else:
            found = pc.match_substring(texts, text)
        return np.flatnonzero(found.to_numpy(zero_copy_only=False)) + self.first

    def counts(self, wanted: Bools | None) -> dict[str, int]:
        """How many of the wanted entities (None: all) have each value, by the value as it was written."""
        start, end = self.pairs
        if start == end:
            return {}
        here = None if wanted is None else wanted[self.entities[start:end]]
        if self.written is not None and self.originals is not None:
            written = self.written[start:end] if here is None else self.written[start:end][here]
            found = np.bincount(written)
            codes = np.flatnonzero(found)
            return self._named(self.originals, codes, found[codes])
        starts = self.starts[self.first : self.last]
        if here is None:
            found = np.diff(self.starts[self.first : self.last + 1])
        else:
            found = np.add.reduceat(here, starts - start, dtype=np.int64)
        codes = np.flatnonzero(found)
        return self._named(self.originals or self.lowers, codes + self.first, found[codes])

    def _named(
        self, texts: Strings, codes: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
    ) -> dict[str, int]:
        skip = len(self.prefix)
        pairs = zip(codes.tolist(), counts.tolist(), strict=True)
        return {str(texts.raw(code)[skip:], "utf-8"): count for code, count in pairs}


@dataclass(slots=True)
class Gathered:
    """A key while an index is built: every pair in the order in which it came."""

    values: list[str | None] = field(default_factory=list)
    """Values as they were written; None for null."""
    entities: "array[int]" = field(default_factory=lambda: array("i"))

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[str | None, int]]:
        """Each value with its entity."""
        return zip(self.values, self.entities, strict=True)

    def add(self, value: str | None, entity: int) -> None:
        """Note that an entity has the value."""
        self.values.append(value)
        self.entities.append(entity)

    def coded(self) -> "Coded":
        """The pairs with a number in the place of each value."""
        texts: dict[str | None, Any] = dict.fromkeys(self.values)
        entities = np.frombuffer(self.entities, dtype=np.int32)
        nulls = entities[:0]
        values = self.values
        if None in texts:
            null = np.array([value is None for value in values], dtype=bool)
            entities, nulls = entities[~null], entities[null]
            values = [value for value in values if value is not None]
            del texts[None]
        if len(texts) == len(values):
            codes = np.arange(len(values), dtype=np.int32)
        else:
            texts.update(zip(texts, range(len(texts)), strict=True))
            codes = np.fromiter(map(texts.__getitem__, values), dtype=np.int32, count=len(values))
        return Coded(list(texts), codes, entities, nulls)  # type: ignore[arg-type]


class Coded(NamedTuple):
    """The pairs of one key, in any order: distinct texts, and for each pair the number of its text and its entity."""

    texts: list[str]
    codes: Numbers
    entities: Numbers
    nulls: Numbers


def arrays_of(coded: Coded, size: int) -> dict[str, npt.NDArray[np.generic]]:
    """The buffers of a column over so many entities."""
    written = coded.texts
    lowers = lowered(written)
    plain = lowers is written
    order = sorted_order(lowers) if plain else _order_of(lowers, written)
    places = order.tolist()
    sorted_lowers = [lowers[index] for index in places]
    if plain:
        distinct, groups = sorted_lowers, np.arange(len(order))
    else:
        distinct, groups = _grouped(sorted_lowers)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ranks = rank[coded.codes]
    found = _paired(
        groups[ranks], coded.entities.astype(np.int64), size, None if plain else ranks, len(distinct)
    )
    found["lower_offsets"], found["lower_data"] = pack(distinct)
    if not plain:
        texts = [written[index] for index in places]
        found["original_offsets"], found["original_data"] = pack(texts)
        if len(texts) == len(distinct):
            del found["written"]
    found["nulls"] = np.unique(coded.nulls).astype(np.int32)
    return found


def _order_of(lowers: list[str], written: list[str]) -> npt.NDArray[np.int64]:
    return sorted_order([f"{lower}\x00{text}" for lower, text in zip(lowers, written, strict=True)])


def _grouped(texts: list[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct ones of sorted texts, and for each text the place of its like among them."""
    fresh = [index == 0 or texts[index - 1] != text for index, text in enumerate(texts)]
    groups = np.cumsum(np.array(fresh, dtype=np.int64)) - 1
    return [text for text, new in zip(texts, fresh, strict=True) if new], groups


def _paired(
    codes: npt.NDArray[np.int64],
    entities: npt.NDArray[np.int64],
    size: int,
    ranks: npt.NDArray[np.int64] | None,
    distinct: int,
) -> dict[str, npt.NDArray[np.generic]]:
    """Pairs of code and entity in order, each once; of several ways of writing, the first that came stays."""
    keys = codes * max(size, 1) + entities
    found: dict[str, npt.NDArray[np.generic]] = {}
    if ranks is None:
        keys = np.sort(keys)
        keys = keys[_first_of_each(keys)]
    else:
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = _first_of_each(keys)
        keys, ranks = keys[first], ranks[order][first]
        found["written"] = ranks.astype(np.int32)
    counts = np.bincount(keys // max(size, 1), minlength=distinct)
    found["starts"] = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    found["entities"] = (keys % max(size, 1)).astype(np.int32)
    return found


def _first_of_each(keys: npt.NDArray[np.int64]) -> Bools:
    first = np.ones(len(keys), dtype=bool)
    first[1:] = keys[1:] != keys[:-1]
    return first


def column_of(arrays: Arrays, name: str) -> Column:
    """The column whose buffers are named `name/...`."""

    def take(part: str) -> npt.NDArray[np.generic] | None:
        return arrays.get(f"{name}/{part}")

    lower_offsets, lower_data = take("lower_offsets"), take("lower_data")
    original_offsets, original_data = take("original_offsets"), take("original_data")
    originals = Strings(original_offsets, original_data) if original_offsets is not None else None  # type: ignore[arg-type]
    return Column(
        Strings(lower_offsets, lower_data),  # type: ignore[arg-type]
        take("starts"),  # type: ignore[arg-type]
        take("entities"),  # type: ignore[arg-type]
        take("nulls"),  # type: ignore[arg-type]
        originals,
        take("written"),  # type: ignore[arg-type]
    )
