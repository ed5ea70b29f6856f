"""Keeps an index in step with its graph: reads what changed, replaces it, and merges parts that grow.

Changes are found by the activity log's number, so those of other processes are found as well, and a graph in
which nothing happens costs one small question at each request and nothing in between.
"""

import fcntl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from counterpoint.graph.collector import seldom_collecting
from counterpoint.graph.index.column import Bools
from counterpoint.graph.index.file import read_segment, write_segment
from counterpoint.graph.index.merging import merged
from counterpoint.graph.index.segment import Builder, Built, Segment
from counterpoint.graph.index.snapshot import Part, Snapshot
from counterpoint.graph.index.stitching import (
    Mark,
    changed_since,
    is_of,
    mark_of,
    stitch,
)
from counterpoint.graph.index.whole import build_whole
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["Index"]

RATIO = 4
"""A part has at least so many times the entities of the part after it, or the two are merged."""
QUICK = 2_000
"""Entities that are merged at once; more are merged in a thread, while answers go on."""


@dataclass(frozen=True, slots=True)
class _State:
    mark: Mark
    parts: tuple[Part, ...]

    @property
    def snapshot(self) -> Snapshot:
        return Snapshot(self.mark.seq, self.parts)


class Index:
    """Every entity of a graph by its search keys, in memory or mapped from a file."""

    def __init__(self, graph: Graph, file: Path | None = None, *, background: bool = True) -> None:
        """Take the graph, and the file that keeps the index between starts; without one it is only in memory.

        Without `background`, large parts are merged at once too.
        """
        self._graph = graph
        self._file = file
        self._background = background
        self._state: _State | None = None
        self._current: Snapshot | None = None
        self._following = threading.Lock()
        self._merger: threading.Thread | None = None

    def is_current(self) -> bool:
        """Whether the graph has not changed since the newest snapshot."""
        current = self._current
        return current is not None and current.seq == self._graph.last_activity()

    @property
    def size(self) -> int:
        """How many entities the newest snapshot has; 0 before the first."""
        return len(self._current) if self._current is not None else 0

    def snapshot(self, stop: threading.Event | None = None) -> Snapshot:
        """The graph as it is now, whoever changed it. Reading a whole graph ends early once `stop` is set.

        Raises:
            OverloadedError: reading the changes took longer than the limit.
            WorkspaceError: the database cannot be reached.
        """
        if not self.is_current():
            with self._following:
                if not self.is_current():
                    self._follow(stop)
        assert self._current is not None  # noqa: S101 - following has made one
        return self._current

    def wait(self) -> None:
        """Wait until no parts are being merged."""
        merger = self._merger
        if merger is not None:
            merger.join()

    def _follow(self, stop: threading.Event | None) -> None:
        state = self._state or self._kept()
        with self._graph.read() as reader:
            if state is not None and is_of(reader, state.mark):
                mark = mark_of(reader)
                state = self._newer(reader, state, mark)
                refs = changed_since(reader, state.mark)
                if len(refs) <= max(QUICK, sum(part.segment.size for part in state.parts) // 2):
                    self._set(_changed(reader, state, mark, refs))
                    self._tidy()
                    return
        self._set(self._whole(stop, beyond=state))

    def _newer(self, reader: Reader, state: _State, mark: Mark) -> _State:
        """What another process has left in the file, where much has changed since this state."""
        kept = self._kept() if mark.seq - state.mark.seq > QUICK else None
        return kept if kept and kept.mark.seq > state.mark.seq and is_of(reader, kept.mark) else state

    def _set(self, state: _State) -> None:
        self._state = state
        self._current = state.snapshot

    def _kept(self) -> _State | None:
        found = read_segment(self._file) if self._file is not None else None
        return _State(found[1], (Part(found[0]),)) if found else None

    def _whole(self, stop: threading.Event | None, *, beyond: _State | None) -> _State:
        """Read the whole graph; another process that does so already is waited for, and its file taken."""
        with _alone(self._file), seldom_collecting():
            kept = self._kept()
            if kept is not None and (beyond is None or kept.mark.seq > beyond.mark.seq):
                with self._graph.read() as reader:
                    if is_of(reader, kept.mark):
                        return _changed(reader, kept, mark_of(reader), changed_since(reader, kept.mark))
            built, mark = build_whole(self._graph, self._file, stop)
            state = _State(mark, (Part(self._settled(built, mark)),))
            del built  # it may hold a gigabyte
            with self._graph.read() as reader:
                now = mark_of(reader)
                return state if now == mark else _changed(reader, state, now, changed_since(reader, mark))

    def _settled(self, built: Built, mark: Mark) -> Segment:
        """The segment of a whole graph: from the file, once it is written, since a mapped one takes no memory of ours."""
        if self._file is not None:
            with suppress(OSError):  # a full disk is no reason not to answer
                write_segment(self._file, built, mark)
                found = read_segment(self._file, fresh=True)
                if found and found[1] == mark:
                    return found[0]
        return Segment.in_memory(built)

    def _tidy(self) -> None:
        """Merge parts that have grown too near to the size of the part before them."""
        while self._state is not None and (first := _unbalanced(self._state.parts)) is not None:
            taken = self._state.parts[first:]
            if self._background and sum(part.size for part in taken) > QUICK:
                if self._merger is None or not self._merger.is_alive():
                    self._merger = threading.Thread(
                        target=self._merge, args=(self._state, first), name="index", daemon=True
                    )
                    self._merger.start()
                return
            self._replace(self._state, first, self._merged(self._state, first))

    def _merge(self, state: _State, first: int) -> None:
        merged = self._merged(state, first)
        with self._following:
            self._replace(state, first, merged)

    def _merged(self, state: _State, first: int) -> Segment:
        built = merged([(part.segment, part.alive) for part in state.parts[first:]])
        return self._settled(built, state.mark) if first == 0 else Segment.in_memory(built)

    def _replace(self, state: _State, first: int, merged: Segment) -> None:
        """Put a merged segment in the place of its parts; what was replaced meanwhile is replaced in it as well."""
        now = self._state
        assert now is not None  # noqa: S101 - parts were taken from it
        taken = state.parts[first:]
        gone: list[str] = []
        for before, after in zip(taken, now.parts[first : first + len(taken)], strict=True):
            if before.segment is not after.segment:  # everything was read anew
                return
            died = _died(before, after)
            places = before.segment.ref_places[died] if len(died) else ()
            gone += [before.segment.refs[int(place)] for place in places]
        part = _without(Part(merged), gone)
        self._set(_State(now.mark, (*now.parts[:first], part, *now.parts[first + len(taken) :])))


def _changed(reader: Reader, state: _State, mark: Mark, refs: set[str]) -> _State:
    """The state after some references have changed."""
    held = state.snapshot
    builder = Builder()
    gone = set(refs)
    for ref, entity in stitch(reader, refs):
        content = msgspec.json.encode(entity)
        row = held.by_ref(ref)
        if row is not None and row.content == content:  # the change was about something else
            gone.discard(ref)
            continue
        builder.add(ref, entity, content)
    parts = [_without(part, gone) for part in state.parts]
    parts = [part for part in parts if part.size] or parts[:1]
    if len(builder):
        parts.append(Part(Segment.in_memory(builder.build())))
    return _State(mark, tuple(parts))


def _without(part: Part, refs: Iterable[str]) -> Part:
    """A part in which some references no longer count."""
    found = [part.segment.number_of(ref) for ref in refs]
    numbers = [
        number for number in found if number is not None and (part.alive is None or part.alive[number])
    ]
    if not numbers:
        return part
    alive = np.ones(part.segment.size, dtype=bool) if part.alive is None else part.alive.copy()
    alive[numbers] = False
    return Part(part.segment, alive)


def _unbalanced(parts: tuple[Part, ...]) -> int | None:
    """The first of the parts that should be one; None where they are in balance.

    A part that is mostly dead is merged with what follows, so that what is replaced does not stay for ever.
    """
    size = 0
    found = None
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        if size and part.size < RATIO * size:
            found = index
        if part.segment.size > RATIO * max(part.size, 1) or (
            index == 0 and part.segment.size > 2 * part.size > QUICK
        ):
            found = index
        size += part.size
    return found


def _died(before: Part, after: Part) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    if after.alive is None or after.alive is before.alive:
        return np.zeros(0, dtype=np.int64)
    was: Bools = np.ones(before.segment.size, dtype=bool) if before.alive is None else before.alive
    return np.flatnonzero(was & ~after.alive)


@contextmanager
def _alone(file: Path | None) -> Iterator[None]:
    """Let one process at a time read a whole graph into a file."""
    try:
        handle = None
        if file is not None:
            file.parent.mkdir(exist_ok=True)
            handle = file.with_suffix(".lock").open("w")
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:  # a folder that cannot be written: then there is no file to fight for
        handle = None
    try:
        yield
    finally:
        if handle is not None:
            handle.close()
