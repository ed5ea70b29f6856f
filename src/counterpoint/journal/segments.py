"""Segments: immutable Parquet files, by event type and UTC day, and the manifest that names them.

A file belongs to the journal from the moment the manifest (a table of the intake) names it. A file
that it does not name is an orphan of a compaction that was broken off, and holds nothing that is
not elsewhere.
"""

import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from counterpoint.journal.model.row import COLUMNS, Row

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Segment",
    "adopt",
    "arrow_table",
    "by_period",
    "folder_name",
    "manifest",
    "orphans",
    "schema",
    "write_segments",
]

FOLDER: Final = "segments"
DAY: Final = 86_400_000_000
"""Microseconds."""
DAYS: Final = 32
ROW_GROUP: Final = 131_072
SORT: Final = ("flag", "subject", "time", "source", "id")
"""Within a file, so that an engine skips the row groups of other flags and users."""


class Segment(msgspec.Struct, frozen=True):
    """One file, as the manifest names it."""

    path: str
    """Relative to the journal's folder, with slashes."""
    type: str
    period: str
    """UTC day of the events' time, such as 2026-05-03; for sparse types its month or year, or nothing."""
    events: int
    bytes: int
    first: int
    """Microseconds since 1970, of the earliest event."""
    last: int


def schema() -> "pa.Schema":
    """The columns of every segment, and of the tail that a snapshot adds."""
    import pyarrow as pa

    special = {
        "time": pa.timestamp("us", tz="UTC"),
        "received": pa.timestamp("us", tz="UTC"),
        "value": pa.float64(),
    }
    return pa.schema([(name, special.get(name, pa.string())) for name in COLUMNS])


def arrow_table(rows: Sequence[Row]) -> "pa.Table":
    """Rows of COLUMNS (what follows them is left out) as an Arrow table."""
    import pyarrow as pa

    fields = schema()
    columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(fields)
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, fields, strict=False)]
    return pa.Table.from_arrays(arrays, schema=fields)


def write_segments(folder: Path, rows: Sequence[Row]) -> list[Segment]:
    """Write the rows as one file for each type and day, synced to the disk; the manifest is untouched.

    Where one type spreads over more than DAYS days, as in an import of years, its files are of months
    or longer: thousands of tiny files would serve nobody.
    """
    by_type: dict[str, list[Row]] = {}
    for row in rows:
        by_type.setdefault(row[2], []).append(row)
    segments = [
        _write(folder, type_, period, part)
        for type_, group in by_type.items()
        for period, part in by_period(group).items()
    ]
    homes = {folder / Path(segment.path).parent for segment in segments}
    for place in {place for home in homes for place in (home, home.parent, home.parent.parent, folder)}:
        _sync_folder(place)
    return segments


def by_period(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows by UTC day, month, year, or all together (""): the finest that makes at most DAYS parts."""
    days = {row[4] // DAY for row in rows}
    names = {day: (date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in days}
    width = next(width for width in (10, 7, 4, 0) if len({name[:width] for name in names.values()}) <= DAYS)
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(names[row[4] // DAY][:width], []).append(row)
    return parts


def _write(folder: Path, type_: str, period: str, rows: Sequence[Row]) -> Segment:
    import pyarrow.parquet as pq

    unit = {10: "day=", 7: "month=", 4: "year=", 0: "all"}[len(period)]
    home = folder / FOLDER / f"type={folder_name(type_)}" / f"{unit}{period}"
    home.mkdir(parents=True, exist_ok=True)
    file = home / f"{uuid.uuid4().hex}.parquet"
    table = arrow_table(rows).sort_by([(column, "ascending") for column in SORT])
    with file.open("xb") as sink:
        pq.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP)
        sink.flush()
        os.fsync(sink.fileno())
    times = [row[4] for row in rows]
    return Segment(
        path=file.relative_to(folder).as_posix(), type=type_, period=period,
        events=len(rows), bytes=file.stat().st_size, first=min(times), last=max(times),
    )  # fmt: skip


def folder_name(type_: str) -> str:
    """The event type as part of a folder's name: quoted, and cut where file systems would refuse it."""
    quoted = quote(type_, safe="")
    if len(quoted) <= 120:
        return quoted
    return f"{quoted[:80]}~{blake2b(type_.encode(), digest_size=8).hexdigest()}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def adopt(database: sqlite3.Connection, segments: Iterable[Segment], *, added: int) -> None:
    """Name the files in the manifest; within the caller's transaction."""
    database.executemany(
        "INSERT INTO segments (path, type, period, events, bytes, first, last, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*msgspec.structs.astuple(segment), added) for segment in segments],
    )


def manifest(database: sqlite3.Connection, types: Sequence[str] = ()) -> list[Segment]:
    """The files of these types, or of all, those with the latest events first."""
    where = f" WHERE type IN ({', '.join('?' * len(types))})" if types else ""
    query = (
        f"SELECT path, type, period, events, bytes, first, last FROM segments{where} ORDER BY last DESC, path"
    )
    return [Segment(*row) for row in database.execute(query, tuple(types))]


def orphans(folder: Path, database: sqlite3.Connection) -> Iterator[Path]:
    """Files in the segments' folder that the manifest does not name.

    Hold the compaction lock: a file of a running compaction looks the same.
    """
    named = {segment.path for segment in manifest(database)}
    for file in sorted((folder / FOLDER).glob("*/*/*.parquet")):
        if file.relative_to(folder).as_posix() not in named:
            yield file
