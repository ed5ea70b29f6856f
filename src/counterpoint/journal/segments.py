"""Segments: immutable Parquet files, by event type and UTC day, sorted, written a row group at a time and synced.

`manifest` says which of them the journal consists of.
"""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from counterpoint.journal.columns import REST, AttributeColumn, Tally, attribute_table
from counterpoint.journal.documents import Documents, data_documents, documents
from counterpoint.journal.hashing import HASH, hash_array
from counterpoint.journal.manifest import Segment, adopt, folder_name, home_of, manifest, orphans, replace
from counterpoint.journal.model.row import COLUMNS, Row
from counterpoint.journal.periods import by_period, days_of, period_names
from counterpoint.syncing import sync

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "GROUP_BYTES", "SORT", "STEP", "DamagedError", "Segment", "SegmentWriter", "adopt", "arrow_table", "attributes_of", "columns_of_rows", "folder_name",
    "manifest", "orphans", "read_segment", "replace", "schema", "sync_folders", "united", "write_segments",
]  # fmt: skip

STEP: Final = 1_000
"""Rows that become columns at a time: so few that they are still in the processor's cache."""
ROW_GROUP: Final = 131_072
"""Events."""
GROUP_BYTES: Final = 64 * 2**20
"""Of a row group in memory; one with large data has fewer events."""
WIDE: Final = ("data", "attributes", REST)
"""Columns without dictionary and statistics: they are read whole or not at all, and their size is told truly."""
SORT: Final = ("flag", "subject", "time", "source", "id")
"""Within a file, so that an engine skips the row groups of other flags and users; none comes last."""
_SUBJECT: Final = COLUMNS.index("subject")

Attributes = tuple[Documents, Documents]


@cache
def schema() -> "pa.Schema":
    """The columns that every segment has, and the tail that a snapshot adds."""
    import pyarrow as pa

    special = {
        "time": pa.timestamp("us", tz="UTC"),
        "received": pa.timestamp("us", tz="UTC"),
        "value": pa.float64(),
    }
    fields = [pa.field(name, special.get(name, pa.string())) for name in COLUMNS]
    return pa.schema([*fields, pa.field(HASH, pa.int64())])


def arrow_table(rows: Sequence[Row]) -> "pa.Table":
    """Rows of COLUMNS (what follows them is left out) as an Arrow table, with the subjects' hashes."""
    return united([columns_of_rows(rows[start : start + STEP]) for start in range(0, len(rows), STEP)])


def columns_of_rows(rows: Sequence[Row]) -> "pa.RecordBatch":
    """The same for one step of at least one row."""
    import pyarrow as pa

    fields = schema()
    arrays = [
        pa.array(values, type=field.type)
        for values, field in zip(zip(*rows, strict=True), list(fields)[: len(COLUMNS)], strict=False)
    ]
    return pa.RecordBatch.from_arrays([*arrays, hash_array(arrays[_SUBJECT])], schema=fields)


def united(parts: "Sequence[pa.RecordBatch]") -> "pa.Table":
    """Steps as one table."""
    import pyarrow as pa

    return pa.Table.from_batches(parts, schema=schema()).combine_chunks()


def read_segment(
    folder: Path, segment: Segment, *, memory: int = GROUP_BYTES, columns: Sequence[str] | None = None
) -> "Iterator[pa.Table]":
    """The events of a file in its order, as tables of `schema()` (or of some of its columns) of bounded size.

    Args:
        folder: the journal's.
        segment: the file; one of layout 1 gets the hashes that it lacks.
        memory: about how many bytes a table may have.
        columns: those that are wanted; default all.

    Raises:
        DamagedError: the file is missing, or is not what the manifest says.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = schema()
    wanted = [name for name in fields.names if columns is None or name in columns]
    with _damage(segment), pq.ParquetFile(folder / segment.path, memory_map=True, pre_buffer=False) as file:
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        if file.metadata.num_rows != segment.events:
            raise DamagedError(segment)
        size = sum(group.total_byte_size for group in groups) // max(segment.events, 1) + 1
        rows = min(max(memory // (2 * size), 1), ROW_GROUP)
        there = [name for name in wanted if name in file.schema_arrow.names]
        for batch in file.iter_batches(rows, columns=there, use_threads=False):
            arrays = {name: batch.column(name) for name in there}
            if HASH in wanted and HASH not in there:
                arrays[HASH] = hash_array(arrays["subject"])
            for name in wanted:
                arrays.setdefault(name, pa.nulls(batch.num_rows, fields.field(name).type))
            yield pa.table({name: arrays[name].cast(fields.field(name).type) for name in wanted})


class DamagedError(Exception):
    """A file of the journal that cannot be read; `doctor` says what is wrong with it."""

    def __init__(self, segment: Segment) -> None:
        super().__init__(f"{segment.path} cannot be read")
        self.segment = segment


@contextmanager
def _damage(segment: Segment) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise DamagedError(segment) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedError(segment) from error  # what Arrow says of a file with a broken page
    except pa.ArrowException as error:
        raise DamagedError(segment) from error


def attributes_of(table: "pa.Table") -> Attributes:
    """What a table's events say in their data and attributes; read by `data`, `attributes` and `subject`."""
    return data_documents(table["data"], table["subject"]), documents(table["attributes"])


def write_segments(folder: Path, events: "pa.Table") -> list[Segment]:
    """Write a table of `schema()` as one file for each type and period, synced to the disk; the manifest is untouched."""
    segments = [
        _write(folder, type_, period, part)
        for type_, group in _by_type(events)
        for period, part in by_period(group, period_names(days_of(group)))
    ]
    sync_folders(folder, segments)
    return segments


def _by_type(events: "pa.Table") -> "Iterator[tuple[str, pa.Table]]":
    import pyarrow.compute as pc

    counts = pc.value_counts(events["type"]).to_pylist()
    if len(counts) > 1:
        events = events.take(pc.sort_indices(events["type"]))
        counts.sort(key=lambda each: each["values"].encode())  # Arrow compares bytes
    start = 0
    for each in counts:
        yield each["values"], events.slice(start, each["counts"])
        start += each["counts"]


def _write(folder: Path, type_: str, period: str, events: "pa.Table") -> Segment:
    table = events.sort_by([(column, "ascending") for column in SORT])
    found = attributes_of(table)
    tally = Tally()
    tally.add(*found)
    with SegmentWriter(folder, type_, period, tally.columns(type_)) as writer:
        writer.add(table, found)
        return writer.finish()


class SegmentWriter:
    """One file that is being written. Leaving the block without `finish` deletes it."""

    def __init__(self, folder: Path, type_: str, period: str, columns: Sequence[AttributeColumn]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._folder, self._type, self._period, self._columns = folder, type_, period, tuple(columns)
        home = home_of(folder, type_, period)
        home.mkdir(parents=True, exist_ok=True)
        self._file = home / f"{uuid.uuid4().hex}.parquet"
        further = attribute_table("", Documents(()), Documents(()), self._columns)
        fields = schema()
        for name, array in further.items():
            fields = fields.append(pa.field(name, array.type))
        self._schema = fields
        self._sink = self._file.open("xb")
        narrow = [name for name in fields.names if name not in WIDE]
        self._writer = pq.ParquetWriter(
            self._sink, fields, compression="zstd", use_dictionary=narrow, write_statistics=narrow
        )
        self._waiting: list[pa.Table] = []
        self._rows = self._bytes = self._events = 0
        self._times: list[int] = []
        self._hashes: list[int] = []
        self._done = False

    def __enter__(self) -> "SegmentWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def abandon(self) -> None:
        """Delete the file, unless it is finished."""
        if not self._done:
            with suppress(Exception):  # what broke the writing breaks the closing too
                self._writer.close()
            with suppress(OSError):
                self._sink.close()
            self._file.unlink(missing_ok=True)

    @property
    def pending(self) -> int:
        """Bytes in memory that are not in the file yet."""
        return self._bytes

    def add(self, table: "pa.Table", found: Attributes | None = None) -> None:
        """Add the next events in order: a table of `schema()`, and what `attributes_of` says of it."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not table.num_rows:
            return
        more = attribute_table(self._type, *(found or attributes_of(table)), self._columns)
        arrays = [*(table[name] for name in schema().names), *more.values()]
        whole = pa.Table.from_arrays(arrays, schema=self._schema)
        for values, column in ((self._times, "time"), (self._hashes, HASH)):
            ends = pc.min_max(whole[column].cast(pa.int64())).as_py()
            values += [end for end in ends.values() if end is not None]
            values[:] = [min(values), max(values)] if values else []
        self._waiting.append(whole)
        self._rows += whole.num_rows
        self._bytes += whole.nbytes
        self._events += whole.num_rows
        if self._rows >= ROW_GROUP or self._bytes >= GROUP_BYTES:
            self.flush(whole=False)

    def flush(self, *, whole: bool = True) -> None:
        """Write what waits as row groups; without `whole` what fills no row group goes on waiting."""
        import pyarrow as pa

        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        each = min(ROW_GROUP, max(1, table.num_rows * GROUP_BYTES // max(table.nbytes, 1)))
        end = table.num_rows if whole else table.num_rows - table.num_rows % each
        if end:
            self._writer.write_table(table.slice(0, end), row_group_size=each)
        left = table.slice(end)
        self._waiting = [left] if left.num_rows else []
        self._rows, self._bytes = left.num_rows, left.nbytes

    def finish(self) -> Segment:
        """Close the file and sync it to the disk; its folder is synced by `sync_folders`."""
        self.flush()
        self._writer.close()
        self._sink.flush()
        os.fsync(self._sink.fileno())
        self._sink.close()
        self._done = True
        lowest, highest = self._hashes or (None, None)
        return Segment(
            path=self._file.relative_to(self._folder).as_posix(), type=self._type, period=self._period,
            events=self._events, bytes=self._file.stat().st_size, first=self._times[0], last=self._times[1],
            lowest=lowest, highest=highest, columns=self._columns,
        )  # fmt: skip


def sync_folders(folder: Path, segments: Sequence[Segment]) -> None:
    """Sync the folders that name the files, up to the journal's."""
    homes = {folder / Path(segment.path).parent for segment in segments}
    for place in {place for home in homes for place in (home, home.parent, home.parent.parent, folder)}:
        sync(place)
