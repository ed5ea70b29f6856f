"""Checking a journal's files: is everything there that the manifest names, and nothing else?"""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from counterpoint.errors import Finding
from counterpoint.journal import daily
from counterpoint.journal.compaction import compaction_lock, remove_orphans
from counterpoint.journal.intake import count
from counterpoint.journal.leases import lease, retired
from counterpoint.journal.manifest import Segment, manifest, orphans

__all__ = ["LEAST_FREE", "check_journal", "space"]

LEAST_FREE: Final = 1024**3
"""Bytes of the disk below which it is worth a word."""


def check_journal(folder: Path, database: sqlite3.Connection, *, mend: bool) -> list[Finding]:
    """Every problem found, or one finding that all is well; `mend` removes orphans."""
    with lease(folder, database):
        segments = manifest(database)
        problems = [*_intake(database), *_files(folder, segments)]
    problems += [*_orphans(folder, database, mend=mend), *_erasures(database), *_sums(folder, mend=mend)]
    if problems:
        return problems
    events = sum(segment.events for segment in segments)
    waiting = count(database)
    text = (
        f"{events + waiting:,} events: {events:,} in {len(segments):,} segments, {waiting:,} in the intake."
    )
    if left := retired(database):
        size = sum(bytes_ for _, _, bytes_ in left) / 2**20
        text += f" Replaced files that wait for their readers: {len(left):,} ({size:,.1f} MiB)."
    return [Finding("ok", "journal", text)]


def space(folder: Path) -> Iterator[Finding]:
    """What is to be said of the disk: a warning where it is nearly full."""
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        message = f"Only {free / 2**20:,.0f} MiB are free on the disk; once it is full, no event is taken."
        yield Finding(
            "warning", "journal", message, "Free some space, or move the workspace to a larger disk."
        )


def _intake(database: sqlite3.Connection) -> Iterator[Finding]:
    for (line,) in database.execute("PRAGMA quick_check(5)"):
        if line != "ok":
            yield Finding("error", "journal/intake.db", str(line), "Restore the workspace from a backup.")


def _files(folder: Path, segments: list[Segment]) -> Iterator[Finding]:
    for segment in segments:
        if problem := _problem(folder / segment.path, segment):
            remedy = "Restore the file from a backup; its events are missing from every figure."
            yield Finding("error", f"journal/{segment.path}", problem, remedy)


def _erasures(database: sqlite3.Connection) -> Iterator[Finding]:
    query = "SELECT number FROM erasures WHERE finished IS NULL"
    for (number,) in database.execute(query):
        message = f"Erasure {number} was broken off: nobody finds the people's events any more, but their bytes are still on the disk."
        yield Finding(
            "warning",
            "journal",
            message,
            "Run it again, for the same people or for anybody: counterpoint events forget",
        )


def _problem(file: Path, segment: Segment) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        size = file.stat().st_size
        if size != segment.bytes:
            return f"The file has {size:,} bytes, the manifest says {segment.bytes:,}."
        rows = pq.read_metadata(file).num_rows
    except FileNotFoundError:
        return f"The file is missing; it held {_events(segment.events)} of type {segment.type}."
    except (OSError, pa.ArrowException) as error:
        return f"The file cannot be read: {error}"
    return (
        None
        if rows == segment.events
        else f"The file has {_events(rows)}, the manifest says {segment.events:,}."
    )


def _events(number: int) -> str:
    return f"{number:,} event{'' if number == 1 else 's'}"


def _orphans(folder: Path, database: sqlite3.Connection, *, mend: bool) -> Iterator[Finding]:
    with compaction_lock(folder) as alone:
        if not alone:
            return  # a running compaction's files are not named yet
        if mend:
            if removed := remove_orphans(folder, database):
                yield Finding("ok", "journal", f"{removed} files of broken-off compactions were removed.")
            return
        for file in orphans(folder, database):
            message = (
                "A compaction was broken off before this file became part of the journal; no event is lost."
            )
            yield Finding(
                "warning",
                f"journal/{file.relative_to(folder).as_posix()}",
                message,
                "The next compaction removes it: counterpoint events compact",
            )


def _sums(folder: Path, *, mend: bool) -> Iterator[Finding]:
    if found := daily.orphans(folder, mend=mend):
        files = f"{len(found)} file{'' if len(found) == 1 else 's'}"
        if mend:
            yield Finding("ok", "journal/daily", f"{files} of broken-off computations were removed.")
            return
        yield Finding(
            "warning",
            "journal/daily",
            f"A computation of sums by day was broken off and left {files}; no figure is wrong because of that.",
            "The next result of the experiment removes them, or delete the folder: all of it can be computed again.",
        )
