"""Writing a file anew without some of its events."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.journal.manifest import Segment
from counterpoint.journal.periods import by_period, days_of, period_names
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
            for period, part in by_period(kept, periods):
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
        days.update(days_of(table.filter(keep(table))))
    names = period_names(days)
    # A file of a day stays one of its day, and one of a month at least of its month.
    return {day: max(name, segment.period, key=len) for day, name in names.items()}
