"""The manifest: which files the journal consists of, in a table of the intake.

A file belongs to the journal from the moment the manifest (a table of the intake) names it, until it is
retired: replaced by others, or given up. A file that neither the manifest nor the table of the retired
names is an orphan of work that was broken off, and holds nothing that is not elsewhere.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from counterpoint.journal.columns import AttributeColumn
from counterpoint.journal.leases import retired_paths

__all__ = [
    "FOLDER", "LAYOUT", "Segment", "adopt", "folder_name", "home_of", "manifest", "note_removal",
    "orphans", "removed_events", "replace",
]  # fmt: skip

FOLDER: Final = "segments"
LAYOUT: Final = 2
"""Of the files that are written now. 1 had neither the hash of the subject nor columns of attributes."""


class Segment(msgspec.Struct, frozen=True):
    """One file, as the manifest names it. A path is never given twice, and its file never changes."""

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
    layout: int = LAYOUT
    lowest: int | None = None
    """The lowest hash of a subject; none where no event has one, or the file is of layout 1."""
    highest: int | None = None
    columns: tuple[AttributeColumn, ...] = ()
    """The attributes that have a column of their own in this file."""


def home_of(folder: Path, type_: str, period: str) -> Path:
    """The folder of the files of one type and period."""
    unit = {10: "day=", 7: "month=", 4: "year=", 0: "all"}[len(period)]
    return folder / FOLDER / f"type={folder_name(type_)}" / f"{unit}{period}"


def folder_name(type_: str) -> str:
    """The event type as part of a folder's name: quoted, and cut where file systems would refuse it."""
    quoted = quote(type_, safe="")
    if len(quoted) <= 120:
        return quoted
    return f"{quoted[:80]}~{blake2b(type_.encode(), digest_size=8).hexdigest()}"


_FIELDS: Final = "path, type, period, events, bytes, first, last, layout, lowest, highest, columns"


def adopt(database: sqlite3.Connection, segments: Iterable[Segment], *, added: int) -> None:
    """Name the files in the manifest; within the caller's transaction."""
    database.executemany(
        f"INSERT INTO segments ({_FIELDS}, added) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (*msgspec.structs.astuple(segment)[:-1], msgspec.json.encode(segment.columns).decode(), added)
            for segment in segments
        ],
    )


def replace(
    database: sqlite3.Connection, removed: Sequence[Segment], added: Sequence[Segment], *, now: int
) -> bool:
    """Take files out of the manifest and name others in their place; within the caller's transaction.

    The files that are taken out are retired: `clean_retired` deletes them once no reader needs them. False,
    and nothing is done, where the manifest does not name all of them any more, because somebody else has
    replaced one. Where the new files hold fewer events, also call `note_removal`.
    """
    paths = [(segment.path,) for segment in removed]
    known = [database.execute("SELECT 1 FROM segments WHERE path = ?", path).fetchone() for path in paths]
    if not all(known):
        return False
    database.executemany("DELETE FROM segments WHERE path = ?", paths)
    database.executemany(
        "INSERT INTO retired (path, events, bytes, at) VALUES (?, ?, ?, ?)",
        [(segment.path, segment.events, segment.bytes, now) for segment in removed],
    )
    adopt(database, added, added=now)
    return True


def note_removal(
    database: sqlite3.Connection, *, now: int, why: str, events: int, files: int,
    type: str | None = None, before: int | None = None,  # noqa: A002 - CloudEvents' word
) -> None:  # fmt: skip
    """Write down that the journal gave up events, so that what was computed with them is computed again."""
    database.execute(
        "INSERT INTO removed (at, why, type, before, events, files) VALUES (?, ?, ?, ?, ?, ?)",
        (now, why, type, before, events, files),
    )


def removed_events(database: sqlite3.Connection) -> int:
    """How many events the journal has given up since it was made; it only grows."""
    return int(database.execute("SELECT coalesce(sum(events), 0) FROM removed").fetchone()[0])


_columns: Final = msgspec.json.Decoder(tuple[AttributeColumn, ...]).decode


def manifest(database: sqlite3.Connection, types: Sequence[str] = ()) -> list[Segment]:
    """The files of these types, or of all, those with the latest events first."""
    where = f" WHERE type IN ({', '.join('?' * len(types))})" if types else ""
    query = f"SELECT {_FIELDS} FROM segments{where} ORDER BY last DESC, path"
    return [
        Segment(*row[:-1], *((_columns(row[-1]),) if row[-1] != "[]" else ()))
        for row in database.execute(query, tuple(types))
    ]


def orphans(folder: Path, database: sqlite3.Connection) -> Iterator[Path]:
    """Files in the segments' folder that neither the manifest nor the table of the retired names.

    Hold the compaction lock: a file of a running compaction looks the same.
    """
    named = {segment.path for segment in manifest(database)} | retired_paths(database)
    for file in sorted((folder / FOLDER).glob("*/*/*.parquet")):
        if file.relative_to(folder).as_posix() not in named:
            yield file
