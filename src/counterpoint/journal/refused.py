"""Keeping account of what is refused: counted by minute, class of reason and source, with a few samples of each.

Counts wait in memory for half a second at most and are then written together: a flood of wrong events costs the
disk one small transaction now and then. What is killed in between loses these counts, never an event.
"""

import sqlite3
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from counterpoint.errors import WorkspaceError
from counterpoint.journal.intake import connect, storage_errors, transaction
from counterpoint.journal.model.refusals import STATUSES, reason_of, sample_of, source_of
from counterpoint.journal.tally import DAY, MINUTE, OTHER, add_refusals, name_of

__all__ = ["SAMPLES", "Refused"]

PAUSE: Final = 0.5
"""Seconds."""
SAMPLES: Final = 5
"""Samples that are kept of each reason, the last ones."""
SAMPLE_DAYS: Final = 30
"""Days after which a sample goes."""
MOST: Final = 200
"""Pairs of reason and source that are counted by name at a time; beyond them the source is OTHER."""


class Refused:
    """What was refused since it was last written. Thread-safe; `note` is quick and never waits for the disk."""

    def __init__(self, file: Path, *, writing: threading.Lock, clock: Callable[[], int]) -> None:
        """Take the intake's file, the lock of its transactions, and the clock in microseconds since 1970."""
        self._file = file
        self._writing = writing
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, str, str]] = Counter()
        self._samples: defaultdict[str, deque[tuple[int, str, str]]] = defaultdict(
            lambda: deque(maxlen=SAMPLES)
        )
        self._timer: threading.Timer | None = None
        self._closed = False

    def note(self, found: Iterable[tuple[str, object]], *, only: str | None = None) -> None:
        """Count refused events by their reasons; each comes with its document, or None where it cannot be read.

        `only` is the class of all of them, where it is known.
        """
        found = list(found)
        if not found:
            return
        now = self._clock()
        last: defaultdict[str, deque[object]] = defaultdict(lambda: deque(maxlen=SAMPLES))
        counts: Counter[tuple[str, str]] = Counter()
        for text, document in found:
            reason = only or reason_of(text)
            counts[reason, name_of(source_of(document))] += 1
            if document is not None:
                last[reason].append(document)
        samples = {
            reason: [(now, name_of(source_of(each)), sample_of(each)) for each in documents]
            for reason, documents in last.items()
        }
        self._keep(now, counts, samples)

    def note_request(self, status: int) -> None:
        """Count a whole request that was answered with this status."""
        if reason := STATUSES.get(status):
            self._keep(self._clock(), Counter({(reason, ""): 1}), {})

    def flush(self) -> None:
        """Write what waits; where the disk refuses, it goes on waiting."""
        with self._lock:
            self._timer = None
            counts, self._counts = self._counts, Counter()
            samples = {reason: list(each) for reason, each in self._samples.items()}
            self._samples.clear()
        if not counts:
            return
        try:
            self._write(counts, samples)
        except WorkspaceError:
            with self._lock:
                self._counts.update(counts)
                for reason, each in samples.items():
                    newer = list(self._samples[reason])
                    self._samples[reason].extend([*each, *newer])
            raise

    def close(self) -> None:
        """Write what waits, and take no more."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
        with suppress(WorkspaceError):
            self.flush()

    def _keep(
        self, now: int, counts: Counter[tuple[str, str]], samples: dict[str, list[tuple[int, str, str]]]
    ) -> None:
        minute = now // MINUTE
        with self._lock:
            for (reason, source), number in counts.items():
                key = (minute, reason, source)
                if key not in self._counts and len(self._counts) >= MOST:
                    key = (minute, reason, OTHER)
                self._counts[key] += number
            for reason, each in samples.items():
                self._samples[reason].extend(each)
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(PAUSE, self._flush_quietly)
                self._timer.daemon = True
                self._timer.start()

    def _flush_quietly(self) -> None:
        with suppress(WorkspaceError):  # the next refusal tries again
            self.flush()

    def _write(
        self, counts: Counter[tuple[int, str, str]], samples: dict[str, list[tuple[int, str, str]]]
    ) -> None:
        database = connect(self._file, create=False)
        try:
            with self._writing, storage_errors(self._file), transaction(database):
                add_refusals(database, [(*key, number) for key, number in counts.items()])
                for reason, each in samples.items():
                    _add_samples(database, reason, each)
                oldest = self._clock() - SAMPLE_DAYS * DAY * MINUTE
                database.execute("DELETE FROM refused WHERE at < ?", (oldest,))
        finally:
            database.close()


def _add_samples(database: sqlite3.Connection, reason: str, samples: list[tuple[int, str, str]]) -> None:
    database.executemany(
        "INSERT INTO refused (reason, at, source, sample) VALUES (?, ?, ?, ?)",
        [(reason, *each) for each in samples],
    )
    database.execute(
        "DELETE FROM refused WHERE reason = ? AND number <= "
        "(SELECT number FROM refused WHERE reason = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (reason, reason, SAMPLES),
    )
