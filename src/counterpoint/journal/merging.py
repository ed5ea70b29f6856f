"""Merging: small files of one type and period become larger ones, in order and in bounded memory.

By itself a compaction merges only where the new file is at least GROWTH times as large as the largest of
those that go into it. So an event is written again at most log(target / first file) / log(GROWTH) times:
3 times where files begin with 50,000 events. `events compact` merges whatever is small. A file that is
large enough is never written again.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from counterpoint.journal.columns import Tally
from counterpoint.journal.manifest import LAYOUT, Segment
from counterpoint.journal.segments import (
    SORT,
    SegmentWriter,
    attributes_of,
    read_segment,
    sync_folders,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["due", "merged"]

EVENTS: Final = 4_000_000
BYTES: Final = 128 * 2**20
"""What a file should hold at most: so many events or bytes, whichever comes first."""
ENOUGH: Final = 0.5
"""Of that; a file with more is not merged."""
GROWTH: Final = 4
FILES: Final = 64
"""That are merged at once."""
MEMORY: Final = 64 * 2**20
"""For what is read of them at a time."""


def due(segments: Sequence[Segment], *, full: bool) -> list[list[Segment]]:
    """The files to merge, those of one new file together; `full` merges all that are small.

    A file of an older layout is written anew, whatever its size.
    """
    homes: dict[tuple[str, str], list[Segment]] = {}
    for segment in segments:
        if _weight(segment) < ENOUGH or segment.layout < LAYOUT:
            homes.setdefault((segment.type, segment.period), []).append(segment)
    found: list[list[Segment]] = []
    for small in homes.values():
        found += _packed(small) if full else _grown(small)
        if not full:
            chosen = {segment.path for group in found for segment in group}
            found += [[old] for old in small if old.layout < LAYOUT and old.path not in chosen]
    return found


def _weight(segment: Segment) -> float:
    return max(segment.events / EVENTS, segment.bytes / BYTES)


def _packed(small: Sequence[Segment]) -> Iterator[list[Segment]]:
    """All of them, as many together as one file may hold."""
    group: list[Segment] = []
    weight = 0.0
    for segment in sorted(small, key=_weight):
        if group and (weight + _weight(segment) > 1 or len(group) == FILES):
            if _is_work(group):
                yield group
            group, weight = [], 0.0
        group.append(segment)
        weight += _weight(segment)
    if _is_work(group):
        yield group


def _is_work(group: Sequence[Segment]) -> bool:
    return len(group) > 1 or any(segment.layout < LAYOUT for segment in group)


def _grown(small: Sequence[Segment]) -> list[list[Segment]]:
    """The most of them whose sum is GROWTH times the largest."""
    order = sorted(small, key=_weight)[:FILES]
    total, end = 0.0, 0
    for place, segment in enumerate(order, 1):
        total += _weight(segment)
        if total > 1:
            break
        if total >= GROWTH * _weight(segment):
            end = place
    return [order[:end]] if end else []


def merged(folder: Path, group: Sequence[Segment], breathe: Callable[[], None]) -> Segment:
    """One new file with the events of all, synced; the manifest is untouched.

    `breathe` is called again and again on the way; what it raises breaks off the work and leaves no file.

    Raises:
        DamagedError: one of the files cannot be read.
    """
    first = group[0]
    share = MEMORY // len(group)
    tally = Tally()
    for segment in group:
        for table in read_segment(folder, segment, memory=MEMORY, columns=("data", "attributes", "subject")):
            tally.add(*attributes_of(table))
            breathe()
    with SegmentWriter(folder, first.type, first.period, tally.columns(first.type)) as writer:
        for table in _in_order([_Run(read_segment(folder, segment, memory=share)) for segment in group]):
            writer.add(table)
            breathe()
        made = writer.finish()
    sync_folders(folder, [made])
    return made


class _Run:
    """A file that is read piece by piece: `table` is what is there now."""

    def __init__(self, tables: "Iterator[pa.Table]") -> None:
        self._tables = tables
        self.table: pa.Table | None = None

    def fill(self) -> bool:
        """Whether there is more, of which `table` is the next."""
        while self.table is None or not self.table.num_rows:
            self.table = next(self._tables, None)
            if self.table is None:
                return False
        return True

    def key(self, place: int) -> tuple[Any, ...]:
        """What the row is sorted by: as Arrow does, with none after all texts."""
        found: list[Any] = []
        for name in SORT:
            value = self.table[name][place]  # type: ignore[index]
            plain = value.value if name == "time" else value.as_py()
            found += [plain is None, plain] if plain is not None else [True, ""]
        return tuple(found)

    def last(self) -> tuple[Any, ...]:
        """The key of the last row that is there."""
        return self.key(self.table.num_rows - 1)  # type: ignore[union-attr]

    def take(self, bound: tuple[Any, ...]) -> "pa.Table":
        """The rows up to the bound, which leave."""
        table = self.table
        end = bisect_right(range(table.num_rows), bound, key=self.key)  # type: ignore[union-attr]
        self.table = table.slice(end)  # type: ignore[union-attr]
        return table.slice(0, end)  # type: ignore[union-attr]


def _in_order(runs: Sequence[_Run]) -> "Iterator[pa.Table]":
    """The rows of all runs in one order, a piece at a time: of each round all up to the first run's end."""
    import pyarrow as pa

    alive = [run for run in runs if run.fill()]
    while alive:
        bound = min(run.last() for run in alive)
        parts = [part for run in alive if (part := run.take(bound)).num_rows]
        table = pa.concat_tables(parts)
        if len(parts) > 1:
            table = table.sort_by([(column, "ascending") for column in SORT])
        yield table
        alive = [run for run in alive if run.fill()]
