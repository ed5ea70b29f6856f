"""Compaction: moving events from the intake into segments, now or in the background."""

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from counterpoint.journal.intake import connect, rows_after, storage_errors, transaction
from counterpoint.journal.leases import clean_retired
from counterpoint.journal.manifest import DAY, adopt, orphans
from counterpoint.journal.model.outcome import Compacted
from counterpoint.journal.model.row import Row, identity
from counterpoint.journal.segments import write_segments

__all__ = ["Background", "compact", "compaction_lock", "remove_orphans"]

ROUND = 50_000
"""Events moved in one step. The step's transaction holds up appends, so it must stay short."""


@contextmanager
def compaction_lock(folder: Path) -> Iterator[bool]:
    """Whether this caller, alone among all processes and threads, may write segments now."""
    with (folder / "compact.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def compact(folder: Path, *, identity_days: int, now: int, writing: threading.Lock) -> Compacted:
    """Move all events that are in the intake at the start into segments.

    `now` is in microseconds since 1970; identities received more than `identity_days` before are
    forgotten. A crash at any moment leaves every event either in the intake or in a named segment.
    """
    file = folder / "intake.db"
    with storage_errors(folder), compaction_lock(folder) as alone:
        if not alone:
            return Compacted(busy=True)
        database = connect(file, create=False)
        try:
            removed = remove_orphans(folder, database)
            moved, written = _move(folder, database, now=now, writing=writing)
            _forget(database, now // DAY - identity_days, writing)
            clean_retired(folder, database)
        finally:
            database.close()
    return Compacted(events=moved, segments=written, orphans=removed)


def remove_orphans(folder: Path, database: sqlite3.Connection) -> int:
    """Delete the files that the manifest does not name; hold the compaction lock."""
    found = list(orphans(folder, database))
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


def _move(
    folder: Path, database: sqlite3.Connection, *, now: int, writing: threading.Lock
) -> tuple[int, int]:
    end = int(database.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
    moved = written = seq = 0
    while seq < end and (rows := rows_after(database, seq, ROUND)):
        segments = write_segments(folder, rows)
        seq = int(rows[-1][-1])
        identities = sorted(_identities(rows))
        with writing, transaction(database):
            adopt(database, segments, added=now)
            database.executemany("INSERT OR IGNORE INTO identities (hash, day) VALUES (?, ?)", identities)
            database.execute("DELETE FROM events WHERE seq <= ?", (seq,))
        moved += len(rows)
        written += len(segments)
    return moved, written


def _identities(rows: list[Row]) -> Iterator[tuple[bytes, int]]:
    for row in rows:
        yield identity(row[0], row[1]), row[5] // DAY


def _forget(database: sqlite3.Connection, before: int, writing: threading.Lock) -> None:
    # Reading first keeps the write lock for the days on which there is something to forget.
    if database.execute("SELECT 1 FROM identities WHERE day < ? LIMIT 1", (before,)).fetchone():
        with writing, transaction(database):
            database.execute("DELETE FROM identities WHERE day < ?", (before,))


class Background:
    """A thread that compacts when it is asked to, at a lower priority than the appends where the system can."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._wanted = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.failure: Exception | None = None
        """Why the last compaction failed; the events stay in the intake."""

    def ask(self) -> None:
        """Compact soon; asking again before it has begun changes nothing."""
        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="journal-compaction", daemon=True)
                self._thread.start()
        self._wanted.set()

    def close(self) -> None:
        """Finish the compaction that is running, and stop."""
        with self._lock:
            self._closed = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed:
                return
            try:
                self._work()
                self.failure = None
            except Exception as error:
                self.failure = error
