"""Forgetting people: their events leave the intake and every segment in one step, and then the disk.

1. Files that hold the person are written anew without them, beside the old ones; the manifest names none yet.
2. One transaction deletes from the intake, replaces the files in the manifest, and writes the receipt.
3. What no reader needs any more is deleted, and the database is written anew, so that no free page and no
   log keeps the text. Only then the receipt counts as finished.

Killed before the second step, nothing has happened; killed after it, the next `forget` of anybody, or
`finish`, ends the third.
"""

import json
import os
import secrets
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from counterpoint.errors import ConflictError, WorkspaceError
from counterpoint.journal.compaction import compaction_lock, remove_orphans
from counterpoint.journal.holding import wait_for_readers
from counterpoint.journal.intake import BUSY_SECONDS, connect, storage_errors, transaction
from counterpoint.journal.model.row import identity
from counterpoint.journal.purging import Rewritten, holds, rewrite
from counterpoint.journal.segments import DAY, Segment, adopt, manifest
from counterpoint.journal.sought import COLUMNS_SEARCHED, Hashed, Named, Sought, digest
from counterpoint.journal.uncounting import remove_names
from counterpoint.moments import to_datetime

__all__ = [
    "WAIT",
    "ErasureReceipt",
    "Forgotten",
    "finish",
    "forget",
    "forgotten_hashes",
    "key_of",
    "preview",
    "receipts",
]

WAIT: Final = 60.0
"""Seconds that an erasure waits for a compaction, and for readers of the files that it replaced."""
LIST: Final = "forgotten.json"
"""In the journal's folder: whom a restored backup must not bring back, as keyed hashes."""

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
    """Readers that still hold replaced files; they are not deleted yet."""
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
    files: list[Rewritten] = []

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
            with transaction(database, "DEFERRED"):
                found = _Found()
                _look_into_intake(database, sought, found)
                segments = manifest(database)
            for segment in segments:
                if gone := holds(folder, segment, sought):
                    found.files.append(Rewritten(segment, gone, None))
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
                for each in found.files:
                    if each.new:
                        (folder / each.new.path).unlink(missing_ok=True)
                raise
        finally:
            database.close()
        waiting = _finish(folder, wait, now)
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


def receipts(database: sqlite3.Connection, *, noted: bool | None = None) -> list[ErasureReceipt]:
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


def forgotten_hashes(folder: Path) -> list[Hashed]:
    """Whom this journal has forgotten: from its database, or where that cannot be read from the list beside it.

    Raises:
        WorkspaceError: neither can be read, though one is there.
    """
    file = folder / "intake.db"
    if file.exists():
        try:
            database = connect(file, create=False)
        except WorkspaceError:
            return read_list(folder / LIST)
        try:
            with storage_errors(file):
                return _hashes(database)
        finally:
            database.close()
    return read_list(folder / LIST)


def read_list(file: Path) -> list[Hashed]:
    """The people of a list that an erasure wrote; none where there is no such file.

    Raises:
        WorkspaceError: it is no such list.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["forgotten"]
        return [Hashed(bytes.fromhex(e["key"]), bytes.fromhex(e["hash"]), int(e["at"])) for e in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"{file} is no list of forgotten people ({error}).") from error


def key_of(database: sqlite3.Connection) -> bytes:
    """The key of this workspace's hashes: that of its newest receipt, or a new random one."""
    row = database.execute("SELECT key FROM forgotten ORDER BY erasure DESC LIMIT 1").fetchone()
    return bytes(row[0]) if row else secrets.token_bytes(32)


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
        if rewritten := rewrite(folder, segment, sought):
            found.files.append(rewritten)


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
        database.executemany(
            "DELETE FROM segments WHERE path = ?", [(each.old.path,) for each in found.files]
        )
        adopt(database, [each.new for each in found.files if each.new], added=now)
        remove_names(database, sought)
        # A number that is never given makes what was computed before the erasure old (see Journal.version).
        database.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'events'")
        return _write_receipt(database, sought, found, actor=actor, now=now)


def _write_receipt(
    database: sqlite3.Connection, sought: Sought, found: _Found, *, actor: str, now: int
) -> int:
    done = _outcome(found, 0)
    cursor = database.execute(
        "INSERT INTO erasures (at, actor, events, types, files, bytes_before, bytes_after) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            now, actor, done.events, json.dumps(done.types, ensure_ascii=False),
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
        bytes_after=sum(each.new.bytes for each in found.files if each.new),
    )


def _unfinished(folder: Path) -> bool:
    database = connect(folder / "intake.db", create=False)
    try:
        return (
            database.execute("SELECT 1 FROM erasures WHERE finished IS NULL LIMIT 1").fetchone() is not None
        )
    finally:
        database.close()


def _finish(folder: Path, wait: float, now: int) -> int:
    """Delete what the manifest no longer names and write the database anew; returns the readers in the way."""
    start = time.time()
    database = connect(folder / "intake.db", create=False)
    try:
        write_list(folder, _hashes(database))
        if waiting := wait_for_readers(folder, wait):
            return waiting
        remove_orphans(folder, database)
        _tidy(folder, start)
        _rewrite_database(database, wait)
        with transaction(database):
            database.execute("UPDATE erasures SET finished = ? WHERE finished IS NULL", (now,))
    finally:
        database.close()
    return 0


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
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


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


def _hashes(database: sqlite3.Connection) -> list[Hashed]:
    query = "SELECT key, hash, at FROM forgotten ORDER BY at, hash"
    return [Hashed(bytes(key), bytes(hash_), at) for key, hash_, at in database.execute(query)]


def write_list(folder: Path, people: Sequence[Hashed]) -> None:
    """Write the list that a restore reads, all of it or none; readable by its owner only."""
    entries = [{"key": p.key.hex(), "hash": p.hash.hex(), "at": p.until} for p in people]
    draft = folder / f"{LIST}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
        json.dump({"forgotten": entries}, sink, indent=1)
        sink.flush()
        os.fsync(sink.fileno())
    draft.replace(folder / LIST)
