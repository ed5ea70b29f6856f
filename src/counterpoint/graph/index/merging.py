"""Segments into one, by their columns: nothing is decoded, and no entity is looked at by itself."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from counterpoint.graph.index.column import Bools, Coded, Column, Numbers
from counterpoint.graph.index.segment import MOST_COLUMNS, Built, Segment, sorted_up
from counterpoint.graph.index.strings import sorted_order

__all__ = ["merged"]


class _Taken(NamedTuple):
    """A segment, and for each of its entities the number in the new one; -1 for those that are left out."""

    segment: Segment
    numbers: Numbers


def merged(parts: Sequence[tuple[Segment, Bools | None]]) -> Built:
    """One segment of those entities of several that are alive (None: all of them)."""
    taken, uids, documents = _numbered(parts)
    own = _own_keys(taken)
    columns = {key: _together([_key_of(each, key) for each in taken]) for key in own}
    shared = [_shared_of(each, own) for each in taken]
    return sorted_up(
        uids,
        _references(taken),
        {key: coded for key, coded in columns.items() if len(coded.codes) or len(coded.nulls)},
        (_together([pair for pairs, _ in shared for pair in pairs]), _together([pair for _, pair in shared])),
        documents,
    )


def _numbered(parts: Sequence[tuple[Segment, Bools | None]]) -> tuple[list[_Taken], list[str], list[bytes]]:
    """The parts with the new numbers of their entities, by uid; the uids in order, and the documents."""
    uids: list[str] = []
    documents: list[bytes] = []
    places: list[npt.NDArray[np.int64]] = []
    for segment, alive in parts:
        found = np.arange(segment.size) if alive is None else np.flatnonzero(alive)
        texts = segment.uids.texts(0, segment.size)
        uids += texts if alive is None else [texts[number] for number in found.tolist()]
        documents += segment.views(found)
        places.append(found)
    order = sorted_order(uids)
    ranks = np.empty(len(order), dtype=np.int32)
    ranks[order] = np.arange(len(order), dtype=np.int32)
    taken, start = [], 0
    for (segment, _), found in zip(parts, places, strict=True):
        numbers = np.full(segment.size, -1, dtype=np.int32)
        numbers[found] = ranks[start : start + len(found)]
        taken.append(_Taken(segment, numbers))
        start += len(found)
    sorted_places = order.tolist()
    return taken, [uids[place] for place in sorted_places], [documents[place] for place in sorted_places]


def _references(taken: Sequence[_Taken]) -> tuple[list[str], Numbers]:
    refs: list[str] = []
    numbers: list[Numbers] = []
    for segment, mapped in taken:
        found = mapped[segment.by_ref]
        texts = segment.refs.texts(0, segment.size)
        alive = found >= 0
        refs += texts if alive.all() else [texts[place] for place in np.flatnonzero(alive).tolist()]
        numbers.append(found[alive])
    return refs, np.concatenate(numbers)


def _own_keys(taken: Sequence[_Taken]) -> list[str]:
    """The keys that get a column of their own: those that have one somewhere, the commonest if they are too many."""
    found: dict[str, int] = {}
    for segment, _ in taken:
        for key in segment.names:
            column = segment.column(key)
            found[key] = found.get(key, 0) + len(column.entities) + len(column.nulls)
    return sorted(found, key=lambda key: (-found[key], key))[:MOST_COLUMNS]


def _key_of(each: _Taken, key: str) -> Coded:
    """The pairs of a key, whether it has a column in this segment or a range of the shared one."""
    segment, numbers = each
    column = segment.column(key)
    return _alive(_coded(column, column.first, column.last), column.nulls, numbers)


def _shared_of(each: _Taken, own: Sequence[str]) -> tuple[list[Coded], Coded]:
    """What stays in the shared column, and which of its keys are null."""
    segment, numbers = each
    shared, nulls = segment.shared
    stays = [
        _alive(_coded(shared, *span), nulls.entities[:0], numbers)
        for span in _spans(shared, [f"{key}\x00".encode() for key in own])
    ]
    null = [
        _alive(_coded(nulls, *span), nulls.entities[:0], numbers)
        for span in _spans(nulls, [key.encode() for key in own], whole=True)
    ]
    for key in segment.names.keys() - set(own):  # there were too many
        coded = _key_of(each, key)
        stays.append(
            coded._replace(texts=[f"{key}\x00{text}" for text in coded.texts], nulls=coded.nulls[:0])
        )
        zeros = np.zeros(len(coded.nulls), dtype=np.int32)
        null.append(Coded([key], zeros, coded.nulls, coded.nulls[:0]))
    return stays, _together(null)


def _spans(column: Column, prefixes: Sequence[bytes], *, whole: bool = False) -> Iterator[tuple[int, int]]:
    """The ranges of codes between those that begin with, or with `whole` are, one of some texts."""
    gone = [column.lowers.prefixed(prefix) for prefix in prefixes if not whole]
    if whole:
        found = [column.lowers.find(text) for text in prefixes]
        gone = [(code, code + 1) for code in found if code is not None]
    start = 0
    for first, last in sorted(gone):
        if start < first:
            yield start, first
        start = max(start, last)
    if start < len(column.lowers):
        yield start, len(column.lowers)


def _coded(column: Column, first: int, last: int) -> Coded:
    """The pairs of a range of codes, by the texts as they were written."""
    skip = len(column.prefix)
    start, end = int(column.starts[first]), int(column.starts[last])
    entities = column.entities[start:end]
    if column.written is not None and column.originals is not None:
        used, codes = _ranked(column.written[start:end])
        if len(used) == len(column.originals):
            texts = column.originals.texts(0, len(used), skip)
        else:
            texts = column.originals.some(used.tolist(), skip)
        return Coded(texts, codes, entities, entities[:0])
    texts = (column.originals or column.lowers).texts(first, last, skip)
    counts = np.diff(column.starts[first : last + 1])
    codes = np.repeat(np.arange(last - first, dtype=np.int32), counts)
    return Coded(texts, codes, entities, entities[:0])


def _alive(coded: Coded, nulls: Numbers, numbers: Numbers) -> Coded:
    """The pairs of entities that are not left out, under their new numbers."""
    texts, codes = coded.texts, coded.codes
    entities, empty = numbers[coded.entities], numbers[nulls]
    alive = entities >= 0
    if not alive.all():
        used, codes = _ranked(codes[alive])
        texts, entities = [texts[code] for code in used.tolist()], entities[alive]
    return Coded(texts, codes, entities, empty[empty >= 0])


def _ranked(codes: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct codes in order, and the rank of each of them."""
    used, ranks = np.unique(codes, return_inverse=True)
    return used, ranks.astype(np.int32)


def _together(parts: Sequence[Coded]) -> Coded:
    """The pairs of several as one: each distinct text once."""
    found: dict[str, int] = dict.fromkeys(chain.from_iterable(coded.texts for coded in parts), 0)
    texts, start, codes = list(found), 0, []
    apart = len(texts) == sum(len(coded.texts) for coded in parts)
    if not apart:
        found = dict(zip(texts, range(len(texts)), strict=True))
    for coded in parts:
        if apart:
            codes.append(coded.codes + np.int32(start))
            start += len(coded.texts)
        else:
            ranks = np.fromiter(map(found.__getitem__, coded.texts), dtype=np.int32, count=len(coded.texts))
            codes.append(ranks[coded.codes])
    return Coded(
        texts,
        _joined(codes),
        _joined([coded.entities for coded in parts]),
        _joined([coded.nulls for coded in parts]),
    )


def _joined(parts: Sequence[Numbers]) -> Numbers:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
