"""Forgetting people: their events leave the intake and every segment in one step, and then the disk.

1. Files that hold the person are written anew without them, beside the old ones; the manifest names none yet.
2. One transaction deletes from the intake, replaces the files in the manifest, and writes the receipt.
3. What no reader needs any more is deleted, and the database is written anew, so that no free page and no
   log keeps the text. Only then the receipt counts as finished.

Killed before the second step, nothing has happened; killed after it, the next `forget` of anybody, or
`finish`, ends the third.
"""

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from counterpoint.errors import ConflictError
from counterpoint.journal.compaction import compaction_lock, remove_orphans
from counterpoint.journal.daily import drop_gone, strip
from counterpoint.journal.forgotten import hashes, key_of, write_list
from counterpoint.journal.intake import BUSY_SECONDS, connect, storage_errors, transaction
from counterpoint.journal.leases import clean_retired, lease, newest_number
from counterpoint.journal.manifest import Segment, manifest, note_removal, replace
from counterpoint.journal.model.row import identity
from counterpoint.journal.periods import DAY
from counterpoint.journal.purging import Purged, holds, purge
from counterpoint.journal.sought import COLUMNS_SEARCHED, Hashed, Named, Sought, digest
from counterpoint.journal.uncounting import remove_names
from counterpoint.moments import to_datetime
from counterpoint.syncing import sync

__all__ = [
    "UNNAMED",
    "WAIT",
    "ErasureReceipt",
    "Forgotten",
    "erasures",
    "finish",
    "forget",
    "preview",
]

WAIT: Final = 60.0
"""Seconds that an erasure waits for a compaction, and for readers of the files that it replaced."""
POLL: Final = 0.02
"""Seconds between two looks at who still reads."""
WHY: Final = "erasure"
UNNAMED: Final = "(forgotten)"
"""Stands in a receipt for an event type that is a person's text."""

Advance = Callable[[float, float | None], None]


class Forgotten(msgspec.Struct, frozen=True, rename="camel"):
    """What an erasure did, or would do."""

    number: int = 0
    """The receipt; 0 where nothing was changed."""
    people: int = 0
    events: int = 0
    types: dict[str, int] = {}
    """Events by type."""
    in_intake: int = 0
    files: int = 0
    """Segments that held the people."""
    bytes_before: int = 0
    """Of those segments."""
    bytes_after: int = 0
    waiting: int = 0
    """Replaced files that readers still use; they are not deleted yet."""
    finished: bool = False
    """Nothing of these events is on the disk any more."""


class ErasureReceipt(msgspec.Struct, frozen=True, rename="camel"):
    """What is kept of an erasure; it does not say of whom."""

    number: int
    at: datetime
    actor: str
    """Who asked for it."""
    people: int
    events: int
    types: dict[str, int]
    files: int
    bytes_before: int
    bytes_after: int
    finished: datetime | None
    """When nothing was left on the disk; none where that has yet to be ended."""


class _Found(msgspec.Struct):
    """What is to go."""

    rows: list[tuple[int, bytes, int, str]] = []
    """Of the intake: seq, identity, day of arrival, type."""
    seen: int = 0
    """The last seq that was looked at."""
    files: list[Purged] = []

    def added(self) -> list[Segment]:
        """The new files."""
        return [new for each in self.files for new in each.new]

    def types(self) -> dict[str, int]:
        counted = Counter(row[3] for row in self.rows)
        for file in self.files:
            counted[file.old.type] += file.gone
        return dict(sorted(counted.items()))


def preview(folder: Path, people: Sequence[Named | Hashed]) -> Forgotten:
    """What `forget` would remove; nothing is changed.

    Raises:
        WorkspaceError: a file of the journal cannot be read.
    """
    sought = Sought(people)
    with storage_errors(folder):
        database = connect(folder / "intake.db", create=False)
        try:
            found = _Found()
            with lease(folder, database):  # a compaction may replace the files meanwhile
                with transaction(database, "DEFERRED"):
                    _look_into_intake(database, sought, found)
                    segments = manifest(database)
                for segment in segments:
                    if gone := holds(folder, segment, sought):
                        found.files.append(Purged(segment, gone))
        finally:
            database.close()
    return _outcome(found, len(people))


def forget(
    folder: Path, people: Sequence[Named | Hashed], *, actor: str, now: int,
    writing: threading.Lock, wait: float = WAIT, advance: Advance = lambda done, total: None,
) -> Forgotten:  # fmt: skip
    """Remove every event that is about these people, from the intake and from every segment.

    Raises:
        ConflictError: another process kept compacting or erasing for longer than `wait` seconds.
        WorkspaceError: a file cannot be read or written; nothing was changed.
    """
    sought = Sought(people)
    with storage_errors(folder), _alone(folder, wait):
        database = connect(folder / "intake.db", create=False)
        try:
            database.execute("PRAGMA secure_delete = ON")
            found = _Found()
            try:
                _look_into_intake(database, sought, found)
                _rewrite_segments(folder, manifest(database), sought, found, advance)
                number = _replace(database, sought, found, actor=actor, now=now, writing=writing)
            except BaseException:
                for new in found.added():
                    (folder / new.path).unlink(missing_ok=True)
                raise
        finally:
            database.close()
        waiting = _finish(folder, wait, now, found if sought.names_all else None, sought)
    done = _outcome(found, len(people))
    return msgspec.structs.replace(done, number=number, waiting=waiting, finished=waiting == 0)


def finish(folder: Path, *, now: int, wait: float = WAIT) -> bool:
    """End erasures that were broken off after their decisive step; whether there are none left.

    Raises:
        ConflictError: another process kept compacting or erasing for longer than `wait` seconds.
    """
    with storage_errors(folder):
        if not _unfinished(folder):
            return True
        with _alone(folder, wait):
            return _finish(folder, wait, now) == 0


def erasures(database: sqlite3.Connection, *, noted: bool | None = None) -> list[ErasureReceipt]:
    """The receipts of all erasures, oldest first; or those that the activity log knows, or does not know."""
    query = (
        "SELECT number, at, actor, (SELECT count(*) FROM forgotten WHERE erasure = number),"
        " events, types, files, bytes_before, bytes_after, finished FROM erasures"
        " WHERE ?1 IS NULL OR noted = ?1 ORDER BY number"
    )
    return [
        ErasureReceipt(
            number, to_datetime(at), actor, people, events, json.loads(types), files, before, after,
            None if finished is None else to_datetime(finished),
        )
        for number, at, actor, people, events, types, files, before, after, finished
        in database.execute(query, (noted,))
    ]  # fmt: skip


@contextmanager
def _alone(folder: Path, seconds: float) -> Iterator[None]:
    """The compaction lock, once whoever has it lets it go."""
    end = time.monotonic() + seconds
    while True:
        with compaction_lock(folder) as alone:
            if alone:
                yield
                return
        if time.monotonic() > end:
            raise ConflictError(
                f"Another process has been writing the journal's files for {seconds:.0f} seconds; nothing was changed. Try again."
            )
        time.sleep(0.05)


def _look_into_intake(database: sqlite3.Connection, sought: Sought, found: _Found) -> None:
    """Add what the intake holds of them after the last row that was looked at."""
    query = f"SELECT {', '.join(COLUMNS_SEARCHED)}, seq FROM events WHERE seq > ? ORDER BY seq"
    for *searched, seq in database.execute(query, (found.seen,)):
        found.seen = seq
        if sought.in_row(searched):
            source, id_, type_, _subject, received, *_ = searched
            found.rows.append((seq, identity(source, id_), received // DAY, type_))


def _rewrite_segments(
    folder: Path, segments: Sequence[Segment], sought: Sought, found: _Found, advance: Advance
) -> None:
    for done, segment in enumerate(segments):
        advance(done, len(segments))
        if purged := purge(folder, segment, sought):
            found.files.append(purged)


def _replace(
    database: sqlite3.Connection, sought: Sought, found: _Found, *, actor: str, now: int, writing: threading.Lock
) -> int:  # fmt: skip
    """The decisive step: one transaction, after which no reader finds the people. Returns the receipt's number."""
    with writing, transaction(database):
        _look_into_intake(database, sought, found)  # what has arrived meanwhile
        database.executemany("DELETE FROM events WHERE seq = ?", [(row[0],) for row in found.rows])
        # The identity stays for its window, as that of every compacted event: a repeat must not bring it back.
        database.executemany(
            "INSERT OR IGNORE INTO identities (hash, day) VALUES (?, ?)",
            sorted((row[1], row[2]) for row in found.rows),
        )
        if not replace(database, [each.old for each in found.files], found.added(), now=now):
            raise RuntimeError("a file was replaced although the compaction lock was held")
        remove_names(database, sought)
        events = len(found.rows) + sum(each.gone for each in found.files)
        note_removal(database, now=now, why=WHY, events=events, files=len(found.files))
        number = _write_receipt(database, sought, found, actor=actor, now=now)
        # No file, but a number: whoever reads now is waited for, also where no file was replaced.
        barrier = (f"segments/erasure-{number}", 0, 0, now)
        database.execute("INSERT INTO retired (path, events, bytes, at) VALUES (?, ?, ?, ?)", barrier)
        return number


def _write_receipt(
    database: sqlite3.Connection, sought: Sought, found: _Found, *, actor: str, now: int
) -> int:
    done = _outcome(found, 0)
    types: Counter[str] = Counter()
    for type_, events in done.types.items():
        types[UNNAMED if sought.places(type_) else type_] += events
    cursor = database.execute(
        "INSERT INTO erasures (at, actor, events, types, files, bytes_before, bytes_after) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            now, actor, done.events, json.dumps(types, ensure_ascii=False),
            done.files, done.bytes_before, done.bytes_after,
        ),
    )  # fmt: skip
    number = int(cursor.lastrowid or 0)
    key = key_of(database)
    rows = [
        (number, key, digest(key, person.text), now)
        if isinstance(person, Named)
        else (number, person.key, person.hash, now if person.until is None else person.until)
        for person in sought.people
    ]
    database.executemany("INSERT OR IGNORE INTO forgotten (erasure, key, hash, at) VALUES (?, ?, ?, ?)", rows)
    return number


def _outcome(found: _Found, people: int) -> Forgotten:
    return Forgotten(
        people=people,
        events=len(found.rows) + sum(each.gone for each in found.files),
        types=found.types(),
        in_intake=len(found.rows),
        files=len(found.files),
        bytes_before=sum(each.old.bytes for each in found.files),
        bytes_after=sum(new.bytes for new in found.added()),
    )


def _unfinished(folder: Path) -> bool:
    database = connect(folder / "intake.db", create=False)
    try:
        return (
            database.execute("SELECT 1 FROM erasures WHERE finished IS NULL LIMIT 1").fetchone() is not None
        )
    finally:
        database.close()


def _finish(
    folder: Path, wait: float, now: int, found: _Found | None = None, sought: Sought | None = None
) -> int:
    """Delete what the manifest no longer names and write the database anew; returns the files that wait for readers.

    Where it is known what went, only that leaves the kept sums; after an erasure that was broken off, all do.
    """
    start = time.time()
    database = connect(folder / "intake.db", create=False)
    try:
        write_list(folder, hashes(database))
        named = {segment.path for segment in manifest(database)}
        if found is not None and sought is not None:
            _strip(folder, sought, found, named)
        else:
            drop_gone(folder, ())
        if waiting := _delete_replaced(folder, database, wait):
            return waiting
        remove_orphans(folder, database)
        _tidy(folder, start)
        _rewrite_database(database, wait)
        with transaction(database):
            database.execute("UPDATE erasures SET finished = ? WHERE finished IS NULL", (now,))
    finally:
        database.close()
    return 0


def _strip(folder: Path, sought: Sought, found: _Found, named: Collection[str]) -> None:
    strip(
        folder,
        [person.text for person in sought.people if isinstance(person, Named)],
        {
            each.old.path: {new.path: (new.first // DAY, new.last // DAY) for new in each.new}
            for each in found.files
        },
        mixed={each.old.path for each in found.files if each.others},
        named=named,
    )


def _delete_replaced(folder: Path, database: sqlite3.Connection, wait: float) -> int:
    """Delete all files that were replaced until now; returns how many still have readers after `wait` seconds."""
    last = newest_number(database)
    end = time.monotonic() + wait
    while True:
        clean_retired(folder, database)
        left = database.execute("SELECT count(*) FROM retired WHERE number <= ?", (last,)).fetchone()[0]
        if not left or time.monotonic() > end:
            return int(left)
        time.sleep(POLL)


def _tidy(folder: Path, start: float) -> None:
    """Remove folders that have become empty, whose names say a type, and what engines and backups left before `start`."""
    for home in sorted((folder / "segments").glob("*/*"), reverse=True):
        for place in (home, home.parent):
            with suppress(OSError):
                place.rmdir()
    for name in ("spill", "scratch"):
        for file in (folder / name).rglob("*"):
            # The readers of then have ended; what is newer is of readers that do not know the people.
            with suppress(FileNotFoundError):
                if file.is_file() and file.stat().st_mtime < start:
                    file.unlink()
    for place in (folder / "segments", folder):
        if place.exists():
            sync(place)


def _rewrite_database(database: sqlite3.Connection, wait: float) -> None:
    """Leave neither free pages nor a log: both may hold what was deleted, by this erasure or by a compaction.

    Raises:
        ConflictError: somebody kept reading the log for too long.
    """
    database.execute("VACUUM")
    database.execute("PRAGMA busy_timeout = 1000")
    end = time.monotonic() + max(wait, 1)
    try:
        while database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > end:
                raise ConflictError(
                    "The events are gone for every reader, but a process still reads the database's log,"
                    " which holds them; end it and run the same command again."
                )
    finally:
        database.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
