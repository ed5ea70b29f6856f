"""Writing a file anew without some of its events."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.journal.manifest import DAY, Segment, period_names
from counterpoint.journal.segments import GROUP_BYTES, SegmentWriter, read_segment, sync_folders

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["rewritten"]


def rewritten(
    folder: Path,
    segment: Segment,
    keep: "Callable[[pa.Table], Any]",
    breathe: Callable[[], None] = lambda: None,
) -> list[Segment]:
    """New files with the rows of one for which `keep` says true, synced; the manifest is untouched.

    What is left of a long period goes into shorter ones, at most 32.

    Raises:
        DamagedError: the file cannot be read.
    """
    periods = _periods(folder, segment, keep)
    writers: dict[str, SegmentWriter] = {}
    made: list[Segment] = []
    try:
        for table in read_segment(folder, segment):
            kept = table.filter(keep(table))
            for period, part in _by_period(kept, periods):
                if period not in writers:
                    writers[period] = SegmentWriter(folder, segment.type, period, segment.columns)
                writers[period].add(part)
            if sum(writer.pending for writer in writers.values()) > GROUP_BYTES:
                for writer in writers.values():
                    writer.flush()
            breathe()
        for writer in writers.values():
            made.append(writer.finish())  # noqa: PERF401 - those that are finished are known where one fails
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        for each in made:
            (folder / each.path).unlink(missing_ok=True)
        raise
    sync_folders(folder, made)
    return made


def _periods(folder: Path, segment: Segment, keep: "Callable[[pa.Table], Any]") -> dict[int, str]:
    if len(segment.period) == 10:
        return {0: segment.period}
    days: set[int] = set()
    for table in read_segment(folder, segment):
        days.update(_days(table.filter(keep(table))))
    names = period_names(days)
    # A file of a day stays one of its day, and one of a month at least of its month.
    return {day: max(name, segment.period, key=len) for day, name in names.items()}


def _days(table: "pa.Table") -> Sequence[int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    micros = table["time"].cast(pa.int64())
    # Integer division of Arrow goes towards zero, and days before 1970 are below it.
    days = pc.divide(pc.subtract(micros, _remainder(micros)), DAY)
    found: list[int] = pc.unique(days).to_pylist()
    return found


def _remainder(micros: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    rest = pc.subtract(micros, pc.multiply(pc.divide(micros, DAY), DAY))
    return pc.if_else(pc.less(rest, 0), pc.add(rest, DAY), rest)


def _by_period(table: "pa.Table", periods: Mapping[int, str]) -> "list[tuple[str, pa.Table]]":
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(set(periods.values())) <= 1:
        return [(next(iter(periods.values())), table)] if table.num_rows else []
    micros = table["time"].cast(pa.int64())
    found = []
    for period in sorted(set(periods.values())):
        days = [day for day, name in periods.items() if name == period]
        low, high = min(days) * DAY, (max(days) + 1) * DAY
        part = table.filter(pc.and_(pc.greater_equal(micros, low), pc.less(micros, high)))
        if part.num_rows:
            found.append((period, part))
    return found
