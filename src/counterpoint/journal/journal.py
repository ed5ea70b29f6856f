"""The journal of a workspace: append, read, care for."""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from counterpoint.errors import Finding
from counterpoint.journal.check import check_journal
from counterpoint.journal.compaction import Background, compact
from counterpoint.journal.intake import Intake, connect, count, storage_errors
from counterpoint.journal.model.event import Event, Refusal, read_event
from counterpoint.journal.model.outcome import Compacted, Receipt, Rejected, TypeCount
from counterpoint.journal.model.row import Row, row_of
from counterpoint.journal.recent import Filter, newest
from counterpoint.journal.segments import manifest
from counterpoint.journal.snapshot import Snapshot, open_snapshot
from counterpoint.moments import to_datetime, to_micros
from counterpoint.settings import JournalSettings

__all__ = ["Journal"]


def _now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """An append-only log of events in one folder. Safe to share between threads and processes."""

    def __init__(
        self, folder: Path, settings: JournalSettings | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        """Open the journal in `folder`; it is made where there is none.

        Raises:
            WorkspaceError: the folder cannot be written, or a newer version made the journal.
        """
        self.folder = Path(folder)
        self.settings = settings or JournalSettings()
        self._clock = clock
        self._file = self.folder / "intake.db"
        with self._reading(create=True) as database:
            self._in_intake = count(database)
        self._intake = Intake(self._file, queue=self.settings.queue, committed=self._committed)
        self._background = Background(self.compact)
        self._counting = threading.Lock()
        self._compacting = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, events: Sequence[Mapping[str, Any] | Event]) -> Receipt:
        """Add events; when this returns, the accepted ones are on the disk.

        What is no event is rejected with its reason and costs the others nothing. An event whose
        (source, id) is known is a duplicate and changes nothing.

        Raises:
            OverloadedError: more is queued than the setting `[journal] queue`; nothing was taken.
            WorkspaceError: the disk refuses; nothing was taken, and what was accepted before stays.
        """
        return self.submit(events).result()

    def submit(self, events: Sequence[Mapping[str, Any] | Event]) -> "Future[Receipt]":
        """As `append`, without waiting: the future has the receipt once the events are on the disk."""
        rows: list[Row] = []
        rejected: list[Rejected] = []
        received = self._clock()
        for index, item in enumerate(events):
            found = read_event(item.document() if isinstance(item, Event) else item, received=received)
            row = row_of(found) if isinstance(found, Event) else found
            if isinstance(row, Refusal):
                rejected.append(Rejected(index, row.reason))
            else:
                rows.append(row)
        return self._intake.submit(rows, tuple(rejected))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The journal as it is now, as Ibis tables that nothing changes while the block runs."""
        with self._reading() as database, open_snapshot(self.folder, database) as snapshot:
            yield snapshot

    def recent(
        self, *, type: str | None = None, subject: str | None = None, flag_set: str | None = None,  # noqa: A002
        flag: str | None = None, variant: str | None = None, limit: int = 50, before: str | None = None,
    ) -> list[Event]:  # fmt: skip
        """The newest events by their time, at most `limit`; `before` is `cursor_after` of the last one seen.

        Raises:
            InputError: `before` is no cursor.
        """
        wanted = Filter(type=type, subject=subject, flag_set=flag_set, flag=flag, variant=variant)
        with self._reading() as database:
            return newest(self.folder, database, wanted, limit=limit, before=before)

    def counts(self) -> list[TypeCount]:
        """How many events there are of each type, with the first and last time, in order of type."""
        query = (
            "SELECT type, sum(events), min(first), max(last) FROM"
            " (SELECT type, events, first, last FROM segments UNION ALL SELECT type, 1, time, time FROM events)"
            " GROUP BY type ORDER BY type"
        )
        with self._reading() as database:
            found = database.execute(query).fetchall()
        return [
            TypeCount(type_, events, to_datetime(first), to_datetime(last))
            for type_, events, first, last in found
        ]

    def version(self) -> tuple[int, int]:
        """What changes whenever events are added or removed: results computed from the journal are cached by it."""
        query = "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'events'), (SELECT sum(events) FROM segments)"
        with self._reading() as database:
            newest, moved = database.execute(query).fetchone()
        return newest or 0, moved or 0

    def compact(self) -> Compacted:
        """Move the events of the intake into segments, unless another process is doing so."""
        with self._compacting:
            now = to_micros(self._clock())
            done = compact(
                self.folder, identity_days=self.settings.identity_days, now=now, writing=self._intake.writing
            )
        with self._counting:
            self._in_intake = max(0, self._in_intake - done.events)
        return done

    def check(self, *, mend: bool = False) -> list[Finding]:
        """What is right and wrong with the files; with `mend`, orphans are removed."""
        with self._reading() as database:
            return check_journal(self.folder, database, mend=mend)

    def close(self) -> None:
        """Write what is queued, finish what is running, and stop."""
        self._intake.close()
        self._background.close()

    def holds(self, paths: Collection[str]) -> bool:
        """Whether the manifest still names all these segments."""
        with self._reading() as database:
            return {segment.path for segment in manifest(database)}.issuperset(paths)

    def _committed(self, accepted: int) -> None:
        with self._counting:
            self._in_intake += accepted
            full = self._in_intake > self.settings.compact_after
        if full:
            self._background.ask()

    @contextmanager
    def _reading(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        database = connect(self._file, create=create)
        try:
            with storage_errors(self._file):
                yield database
        finally:
            database.close()
