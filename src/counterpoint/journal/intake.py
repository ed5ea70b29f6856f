"""The intake: where events land first, in a SQLite log that is synced before it answers.

One thread writes. It commits everything that has queued at once, so that many small appends share one
sync of the disk. Several processes may write to the same file; SQLite lets them in one after another.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Final

from counterpoint.errors import CounterpointError, OverloadedError, WorkspaceError
from counterpoint.journal import tally
from counterpoint.journal.model.outcome import Receipt, Rejected
from counterpoint.journal.model.row import COLUMNS, Row, wrong_clocks
from counterpoint.journal.schema import STEPS

__all__ = [
    "Intake",
    "arrived_between",
    "connect",
    "count",
    "insert_rows",
    "rows_after",
    "storage_errors",
    "transaction",
]

BUSY_SECONDS = 60.0
"""How long one process waits for another's transaction."""
GROUP = 50_000
"""Events of one transaction at most (one append is never split), so that others get their turn."""

CHUNK: Final = 64
"""Rows of one statement; a statement gives other threads a turn, and has a cost of its own."""


@lru_cache(maxsize=CHUNK)
def _insert(rows: int) -> str:
    """The statement that inserts so many rows, those that are known left out."""
    names = ", ".join(COLUMNS)
    chosen = ", ".join(f"column{number}" for number in range(1, len(COLUMNS) + 1))
    values = ", ".join([f"({', '.join('?' * (len(COLUMNS) + 1))})"] * rows)
    return (
        f"INSERT OR IGNORE INTO events ({names}) SELECT {chosen} FROM (VALUES {values})"
        f" WHERE NOT EXISTS (SELECT 1 FROM identities WHERE hash = column{len(COLUMNS) + 1})"
    )


def connect(file: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open the intake; transactions are begun and ended by hand.

    Raises:
        WorkspaceError: it cannot be opened, or a newer version made it.
    """
    with storage_errors(file):
        if create:
            file.parent.mkdir(parents=True, exist_ok=True)
        address = f"{file.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        database = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(database, file)
        except BaseException:
            database.close()
            raise
    return database


def _prepare(database: sqlite3.Connection, file: Path) -> None:
    _write_ahead(database)
    # FULL syncs the log at each commit: what is acknowledged survives a power cut.
    for pragma in (
        "synchronous = FULL",
        "cache_size = -16000",
        "journal_size_limit = 67108864",
    ):
        database.execute(f"PRAGMA {pragma}")
    if _version(database) == len(STEPS):
        return
    with transaction(database):
        found = _version(database)
        if found > len(STEPS):
            raise WorkspaceError(
                f"{file} was made by a newer Counterpoint (layout {found}, this one knows {len(STEPS)}); upgrade to open it."
            )
        for statements in STEPS[found:]:
            for statement in statements.split(";"):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(STEPS)}")


def _write_ahead(database: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite does not wait for a process that switches at the same moment."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def storage_errors(file: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a WorkspaceError that names the remedy."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise WorkspaceError(f"The journal cannot be used: {file}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error)
    for words, remedy in (
        ("disk is full", "free some space; events that were acknowledged are safe"),
        ("No space left", "free some space; events that were acknowledged are safe"),
        # What SQLite says of a file that the system lets grow no further.
        (
            "disk I/O error",
            "see that there is space and that the disk is sound; events that were acknowledged are safe",
        ),
        ("readonly", "make the folder writable for this user"),
        ("Read-only", "make the folder writable for this user"),
        ("Permission denied", "make the folder writable for this user"),
        ("unable to open", "check that the folder exists and is writable for this user"),
        ("locked", "another process has held it for too long; try again or end that process"),
        ("malformed", "restore the file from a backup, or ask `counterpoint doctor`"),
        ("not a database", "restore the file from a backup, or ask `counterpoint doctor`"),
    ):
        if words in text:
            return f"{text} ({remedy})."
    return f"{text}."


_DATA, _ATTRIBUTES = COLUMNS.index("data"), COLUMNS.index("attributes")


class _Append:
    """One call's events on their way to the disk."""

    __slots__ = ("future", "rejected", "rows", "size")

    def __init__(self, rows: Sequence[Row], rejected: tuple[Rejected, ...]) -> None:
        self.rows = rows
        self.size = sum(len(row[_DATA] or "") + len(row[_ATTRIBUTES] or "") for row in rows)
        """Characters of what can be large; the rest of a row is a few hundred bytes."""
        self.rejected = rejected
        self.future: Future[Receipt] = Future()
        # Who waits may give up, such as a request that is broken off. Its events are written all the same: a
        # future that could be cancelled would refuse its receipt, and with it end the thread that writes.
        self.future.set_running_or_notify_cancel()

    def receipt(self, accepted: int) -> Receipt:
        """What becomes known when so many of the rows were new."""
        return Receipt(accepted, len(self.rows) - accepted, self.rejected, *wrong_clocks(self.rows))


class Intake:
    """The writing side of `intake.db`. Thread-safe."""

    def __init__(self, file: Path, *, queue: int, size: int, committed: Callable[[int], None]) -> None:
        """Take the file, how many events may wait and how many bytes of them, and whom to tell of a commit."""
        self.file = file
        self.writing = threading.Lock()
        """Held during each transaction of this process; the compactor takes turns by it."""
        self._queue = queue
        self._size = size
        self._committed = committed
        self._waiting: deque[_Append] = deque()
        self._queued = self._queued_size = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, rows: Sequence[Row], rejected: tuple[Rejected, ...] = ()) -> "Future[Receipt]":
        """Queue rows; the future gives the receipt once they are on the disk, or a WorkspaceError.

        Raises:
            OverloadedError: more is waiting than the settings `queue` and `buffer_mb` of `[journal]` allow.
            WorkspaceError: the journal is closed.
        """
        append = _Append(rows, rejected)
        if not rows:
            append.future.set_result(Receipt(rejected=rejected))
            return append.future
        with self._changed:
            if self._closed:
                raise WorkspaceError("The journal is closed.")
            if self._queued and self._queued + len(rows) > self._queue:
                raise OverloadedError(
                    f"{self._queued:,} events are waiting for the disk; the limit is {self._queue:,} ([journal] queue)."
                )
            if self._queued and self._queued_size + append.size > self._size:
                raise OverloadedError(
                    f"{self._queued_size:,} bytes of events are waiting for the disk; the limit is {self._size:,} ([journal] buffer_mb)."
                )
            self._queued += len(rows)
            self._queued_size += append.size
            self._waiting.append(append)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="journal-intake", daemon=True)
                self._thread.start()
            self._changed.notify()
        return append.future

    @property
    def queued(self) -> int:
        """Events that wait for the disk."""
        return self._queued

    def close(self) -> None:
        """Write what is queued, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _write(self) -> None:
        database: sqlite3.Connection | None = None
        while group := self._next_group():
            try:
                database = database or connect(self.file, create=False)
                receipts = self._commit(database, group)
            except Exception as error:
                failure = (
                    error
                    if isinstance(error, CounterpointError)
                    else WorkspaceError(f"The journal cannot be written: {error}.")
                )
                for append in group:
                    append.future.set_exception(failure)
                if (
                    database is not None
                ):  # a fresh connection may fare better: a mount came back, space was freed
                    database.close()
                    database = None
                continue
            for append, receipt in zip(group, receipts, strict=True):
                append.future.set_result(receipt)
            self._committed(sum(receipt.accepted for receipt in receipts))
        if database is not None:
            database.close()

    def _next_group(self) -> list[_Append]:
        """All appends that wait, up to GROUP events; none when the intake is closed and empty."""
        with self._changed:
            while not self._waiting and not self._closed:
                self._changed.wait()
            group: list[_Append] = []
            size = 0
            while self._waiting and (not group or size + len(self._waiting[0].rows) <= GROUP):
                group.append(self._waiting.popleft())
                size += len(group[-1].rows)
            self._queued -= size
            self._queued_size -= sum(append.size for append in group)
            return group

    def _commit(self, database: sqlite3.Connection, group: Sequence[_Append]) -> list[Receipt]:
        with self.writing, storage_errors(self.file), transaction(database):
            accepted = _accepted(database, [append.rows for append in group])
            tally.count(database, [append.rows for append in group], sum(accepted))
        return [append.receipt(new) for new, append in zip(accepted, group, strict=True)]


def _accepted(database: sqlite3.Connection, group: Sequence[Sequence[Row]]) -> list[int]:
    """Insert the rows of several appends; how many of each were new."""
    if len(group) > 1:
        # Hardly ever is one known already; then one statement serves many appends of one event.
        database.execute("SAVEPOINT together")
        rows = [row for part in group for row in part]
        new = insert_rows(database, rows)
        if new < len(rows):
            database.execute("ROLLBACK TO together")
        database.execute("RELEASE together")
        if new == len(rows):
            return [len(part) for part in group]
    return [insert_rows(database, part) for part in group]


def insert_rows(database: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Insert rows with their identities, in their order, within the caller's transaction; how many were new."""
    new = 0
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        new += database.execute(_insert(len(part)), tuple(chain.from_iterable(part))).rowcount
    return new


@contextmanager
def transaction(database: sqlite3.Connection, mode: str = "IMMEDIATE") -> Iterator[None]:
    """One transaction: committed at the end of the block, or as if it never was."""
    database.execute(f"BEGIN {mode}")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def count(database: sqlite3.Connection) -> int:
    """Events in the intake."""
    return int(database.execute("SELECT count(*) FROM events").fetchone()[0])


def rows_after(database: sqlite3.Connection, seq: int, limit: int) -> list[tuple[Any, ...]]:
    """The intake's next rows in order of arrival: COLUMNS, then seq."""
    query = f"SELECT {', '.join(COLUMNS)}, seq FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
    return database.execute(query, (seq, limit)).fetchall()


def arrived_between(database: sqlite3.Connection, seq: int, last: int, *, kept: int) -> list[Row] | None:
    """The events that arrived after the number `seq`, up to `last`, as COLUMNS, in order of arrival.

    None where some of these may not be in the intake any more: a compaction takes all up to a number, so nothing is
    missing while the event with the number `kept`, which is at most `seq`, is still there. Duplicates use up numbers.
    """
    query = f"SELECT {', '.join(COLUMNS)}, seq FROM events WHERE seq > ? AND seq <= ? OR seq = ? ORDER BY seq"
    rows = database.execute(query, (seq, last, kept)).fetchall()
    found = [row[: len(COLUMNS)] for row in rows if row[-1] > seq]
    is_whole = len(rows) > len(found) or len(found) == last - seq
    return found if is_whole else None
