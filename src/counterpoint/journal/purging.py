"""Segments without the events of some people: the file is read, and where need be written anew beside itself."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from counterpoint.errors import WorkspaceError
from counterpoint.journal.segments import Segment
from counterpoint.journal.sought import COLUMNS_SEARCHED, Sought

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["Rewritten", "holds", "rewrite"]


class Rewritten(NamedTuple):
    """A segment that held people."""

    old: Segment
    gone: int
    """Events that are in the old file only."""
    new: Segment | None
    """The file without them; none where nothing is left."""


def holds(folder: Path, segment: Segment, sought: Sought) -> int:
    """How many events of a segment are about the people.

    Raises:
        WorkspaceError: the file is missing or damaged.
    """
    with _opened(folder / segment.path) as file:
        return sum(len(places) for places in _places(file, sought))


def rewrite(folder: Path, segment: Segment, sought: Sought) -> Rewritten | None:
    """The segment without the people, on the disk and in no manifest yet; none where it holds none of them.

    Its rows keep their order, and its columns their types, also those that this version does not know.

    Raises:
        WorkspaceError: the file is missing or damaged, or the disk refuses.
    """
    with _opened(folder / segment.path) as file:
        places = list(_places(file, sought))
        gone = sum(len(each) for each in places)
        if not gone:
            return None
        if gone == file.metadata.num_rows:
            return Rewritten(segment, gone, None)
        target = (folder / segment.path).with_name(f"{uuid.uuid4().hex}.parquet")
        first, last = _write(file, places, target)
    new = msgspec.structs.replace(
        segment, path=target.relative_to(folder).as_posix(), events=segment.events - gone,
        bytes=target.stat().st_size, first=first, last=last,
    )  # fmt: skip
    return Rewritten(segment, gone, new)


class _opened:  # noqa: N801 - used like a function
    """A Parquet file, with damage told in words."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "pq.ParquetFile":
        import pyarrow.parquet as pq

        try:
            self._file = pq.ParquetFile(self._path)
        except Exception as error:
            raise self._told(error) from error
        return self._file

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import pyarrow as pa

        if hasattr(self, "_file"):
            self._file.close(force=True)
        if isinstance(error, pa.ArrowException):
            raise self._told(error) from error

    def _told(self, error: BaseException) -> WorkspaceError:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else str(error).split("\n", 1)[0]
        return WorkspaceError(
            f"The journal's file {self._path} cannot be read ({reason}), so nobody can say whom it holds; nothing was"
            " changed. `counterpoint doctor` lists what to restore."
        )


def _places(file: "pq.ParquetFile", sought: Sought) -> Iterator[list[int]]:
    """For each row group the rows that are about the people."""
    known = set(file.schema_arrow.names)
    columns = [name for name in COLUMNS_SEARCHED if name in known]
    for group in range(file.num_row_groups):
        table = file.read_row_group(group, columns=columns)
        candidates = _candidates(table, sought)
        rows = _rows(table.take(candidates)) if len(candidates) else []
        yield [place for place, row in zip(candidates.to_pylist(), rows, strict=True) if sought.in_row(row)]


def _rows(table: "pa.Table") -> list[tuple[Any, ...]]:
    import pyarrow as pa

    values = []
    for name in COLUMNS_SEARCHED:
        if name not in table.column_names:
            values.append([None] * table.num_rows)
        elif name == "received":
            values.append(table.column(name).cast(pa.int64()).to_pylist())
        else:
            values.append(table.column(name).to_pylist())
    return list(zip(*values, strict=True))


def _candidates(table: "pa.Table", sought: Sought) -> "pa.Array":
    """The rows that may be about the people: what is sure is left to `Sought.in_row`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mask: Any = pa.repeat(pa.scalar(value=False), table.num_rows)
    for name in table.column_names:
        column = table.column(name)
        if name == "received":
            continue
        if name in ("data", "attributes"):
            hit = _document_mask(column, sought)
        else:
            wanted = [
                text for text in pc.unique(column).to_pylist() if text is not None and sought.places(text)
            ]
            hit = pc.is_in(column, value_set=pa.array(wanted, column.type)) if wanted else None
        if hit is not None:
            mask = pc.or_(mask, pc.fill_null(hit, fill_value=False))
    return pc.indices_nonzero(mask)


def _document_mask(column: "pa.ChunkedArray", sought: Sought) -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    from counterpoint.journal.model.row import BINARY

    if sought.needles is None:
        return pc.is_valid(column)
    # An escape such as \u0061 can spell any text, and base64 hides it: those are decoded one by one.
    mask = pc.or_(pc.match_substring(column, "\\"), pc.match_substring(column, BINARY))
    for needle in sought.needles:
        mask = pc.or_(mask, pc.match_substring(column, needle))
    return mask


def _write(file: "pq.ParquetFile", places: list[list[int]], target: Path) -> tuple[int, int]:
    """Write what is left, a row group at a time, synced; returns the first and last time in microseconds."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    first: list[int] = []
    last: list[int] = []
    try:
        with target.open("xb") as sink:
            with pq.ParquetWriter(sink, file.schema_arrow, compression="zstd") as writer:
                for group, gone in enumerate(places):
                    table = file.read_row_group(group)
                    if gone:
                        keep = np.ones(table.num_rows, dtype=bool)
                        keep[gone] = False
                        table = table.filter(pa.array(keep))
                    if table.num_rows:
                        writer.write_table(table, row_group_size=table.num_rows)
                        times = table.column("time").cast(pa.int64())
                        bounds = pc.min_max(times).as_py()
                        first.append(bounds["min"])
                        last.append(bounds["max"])
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return min(first), max(last)
