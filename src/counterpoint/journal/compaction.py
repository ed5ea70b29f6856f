"""Compaction: moving events from the intake into segments, now or in the background."""

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from counterpoint.journal.intake import connect, storage_errors, transaction
from counterpoint.journal.leases import clean_retired
from counterpoint.journal.manifest import adopt, manifest, orphans, replace
from counterpoint.journal.merging import due, merged
from counterpoint.journal.model.outcome import Compacted, Expired
from counterpoint.journal.model.row import COLUMNS, Row, identity
from counterpoint.journal.periods import DAY
from counterpoint.journal.retention import expire
from counterpoint.journal.segments import STEP, DamagedError, columns_of_rows, united, write_segments

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Background", "compact", "compaction_lock", "remove_orphans"]

CHUNK = 500
"""Identities of one statement."""
ROUND = 50_000
"""Events moved in one step. The step's transaction holds up appends, so it must stay short."""
ROUND_BYTES = 64 * 2**20
"""Of data in one step, about."""
STEP_BYTES = 2**20
"""Of data in rows that become columns at a time, about."""
FETCH = 50
_DATA, _RECEIVED = COLUMNS.index("data"), COLUMNS.index("received")


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


class _StoppedError(Exception):
    """The journal is being closed: what is done stays done."""


def compact(
    folder: Path, *, identity_days: int, now: int, writing: threading.Lock,
    retention: Mapping[str, int] | None = None, full: bool = False, breathe_at: int = ROUND,
    stopped: Callable[[], bool] = lambda: False,
) -> Compacted:  # fmt: skip
    """Let go what is too old, move all events of the intake into segments, and merge small ones.

    A crash at any moment leaves every event either in the intake or in a named segment.

    Args:
        folder: the journal's.
        identity_days: identities that were received more than so many days ago are forgotten.
        now: microseconds since 1970.
        writing: held during each transaction.
        retention: days that events of a type are kept, `*` for all others.
        full: whether to merge everything that is small; else only what pays (see `merging`).
        breathe_at: events in the intake at which a long merge moves them before it goes on.
        stopped: whether to end soon, with what is done.
    """
    file = folder / "intake.db"
    with storage_errors(folder), compaction_lock(folder) as alone:
        if not alone:
            return Compacted(busy=True)
        database = connect(file, create=False)
        try:
            work = _Work(folder, database, now, writing, breathe_at, stopped)
            removed = remove_orphans(folder, database)
            expired: list[Expired] = []
            with suppress(_StoppedError):
                expired = expire(
                    folder, database, retention or {}, now=now, writing=writing, breathe=work.breathe
                )
                work.move()
                work.merge(full=full)
            _forget(database, now // DAY - identity_days, writing)
            clean_retired(folder, database)
        finally:
            database.close()
    return Compacted(work.moved, work.written, removed, work.merged, tuple(expired))


def remove_orphans(folder: Path, database: sqlite3.Connection) -> int:
    """Delete the files that the manifest does not name; hold the compaction lock."""
    found = list(orphans(folder, database))
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


class _Work:
    """One compaction, which holds the lock."""

    def __init__(
        self, folder: Path, database: sqlite3.Connection, now: int, writing: threading.Lock, breathe_at: int,
        stopped: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._folder, self._database, self._now, self._writing = folder, database, now, writing
        self._breathe_at, self._stopped = breathe_at, stopped
        self.moved = self.written = self.merged = 0

    def breathe(self) -> None:
        """Between the steps of long work: see to the intake, and whether to stop."""
        if self._stopped():
            raise _StoppedError
        low, high = self._database.execute("SELECT min(seq), max(seq) FROM events").fetchone()
        if low is not None and high - low >= self._breathe_at:
            self.move()

    def move(self) -> None:
        """Move all events that are in the intake now."""
        end = int(self._database.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
        seq = 0
        while seq < end and (found := _next(self._database, seq)):
            segments = write_segments(self._folder, found.events)
            seq = found.last
            identities = [(day, sorted(each)) for day, each in found.identities.items()]
            with self._writing, transaction(self._database):
                adopt(self._database, segments, added=self._now)
                for day, each in identities:
                    _keep(self._database, day, each)
                last = self._database.execute("SELECT max(seq) FROM events").fetchone()[0]
                # Without a condition SQLite drops the table's pages instead of looking at each row.
                where = "" if last == seq else f" WHERE seq <= {seq}"
                self._database.execute(f"DELETE FROM events{where}")
            self.moved += found.events.num_rows
            self.written += len(segments)

    def merge(self, *, full: bool) -> None:
        """Merge what is due, until nothing is; files that cannot be read stay as they are, for `doctor` to tell."""
        damaged: set[str] = set()
        while groups := due([one for one in manifest(self._database) if one.path not in damaged], full=full):
            for group in groups:
                try:
                    made = merged(self._folder, group, self.breathe)
                except DamagedError as error:
                    damaged.add(error.segment.path)
                    continue
                with self._writing, transaction(self._database):
                    if not replace(self._database, group, [made], now=self._now):
                        raise RuntimeError("a file was replaced although the compaction lock was held")
                self.merged += len(group)
                clean_retired(self._folder, self._database)


class _Found(NamedTuple):
    """Events of the intake that go into segments together."""

    events: "pa.Table"
    identities: dict[int, list[bytes]]
    """By the day on which they were received."""
    last: int
    """The highest seq."""


def _next(database: sqlite3.Connection, seq: int) -> _Found | None:
    """The intake's next events, so many that they fit into memory."""
    query = f"SELECT {', '.join(COLUMNS)}, seq FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
    cursor = database.execute(query, (seq, ROUND))
    parts: list[pa.RecordBatch] = []
    identities: dict[int, list[bytes]] = {}
    size = 0
    while size <= ROUND_BYTES and (rows := _step(cursor)):
        parts.append(columns_of_rows(rows))
        for day in {row[_RECEIVED] // DAY for row in rows}:
            received = [identity(row[0], row[1]) for row in rows if row[_RECEIVED] // DAY == day]
            identities.setdefault(day, []).extend(received)
        size += parts[-1].nbytes
        seq = rows[-1][-1]
    cursor.close()
    return _Found(united(parts), identities, seq) if parts else None


def _step(cursor: sqlite3.Cursor) -> list[Row]:
    """The next STEP rows, or fewer large ones."""
    rows: list[Row] = []
    size = 0
    while len(rows) < STEP and size < STEP_BYTES and (found := cursor.fetchmany(FETCH)):
        rows += found
        size += sum(len(row[_DATA] or "") for row in found)
    return rows


def _keep(database: sqlite3.Connection, day: int, identities: Sequence[bytes]) -> None:
    """Insert a day's identities, many by one statement: appends wait meanwhile, and each statement gives other threads a turn."""
    for start in range(0, len(identities), CHUNK):
        part = identities[start : start + CHUNK]
        values = ", ".join([f"(?, {day})"] * len(part))
        database.execute(f"INSERT OR IGNORE INTO identities (hash, day) VALUES {values}", part)


def _forget(database: sqlite3.Connection, before: int, writing: threading.Lock) -> None:
    # Reading first keeps the write lock for the days on which there is something to forget.
    if database.execute("SELECT 1 FROM identities WHERE day < ? LIMIT 1", (before,)).fetchone():
        with writing, transaction(database):
            database.execute("DELETE FROM identities WHERE day < ?", (before,))


class Background:
    """A thread that compacts when it is asked to."""

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
                thread = threading.Thread(target=self._run, name="journal-compaction", daemon=True)
                thread.start()  # where none can be started, the next one who asks tries again
                self._thread = thread
        self._wanted.set()

    @property
    def closed(self) -> bool:
        """Whether it was closed, so that long work should end."""
        return self._closed

    def close(self) -> None:
        """End the compaction that is running after its present step, and stop."""
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
