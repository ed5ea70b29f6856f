"""The journal of a workspace: append, read, care for."""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from msgspec import Raw

from counterpoint.engine import DUCKDB, EngineAddress
from counterpoint.errors import Finding, WorkspaceError
from counterpoint.journal.arrivals import (
    Arrivals,
    Period,
    Sample,
    Selection,
    arrivals,
    ever,
    refusals,
    samples,
    totals,
)
from counterpoint.journal.check import check_journal
from counterpoint.journal.compaction import Background, compact
from counterpoint.journal.erasure import WAIT, ErasureReceipt, Forgotten, erasures, forget
from counterpoint.journal.intake import Intake, arrived_between, connect, count, storage_errors, transaction
from counterpoint.journal.leases import clean_retired, lease
from counterpoint.journal.manifest import manifest, removed_events
from counterpoint.journal.merging import due
from counterpoint.journal.model.event import Event
from counterpoint.journal.model.outcome import Compacted, Due, Kept, Receipt, TypeCount
from counterpoint.journal.model.plain import PlainJson, rows_of
from counterpoint.journal.model.row import Row, event_of
from counterpoint.journal.pulse import Beat, Pulse
from counterpoint.journal.recent import Filter, newest
from counterpoint.journal.refused import Refused
from counterpoint.journal.retention import expired, receipts, unknown_types
from counterpoint.journal.snapshot import Snapshot, open_snapshot
from counterpoint.journal.sought import Hashed, Named
from counterpoint.moments import to_datetime, to_micros
from counterpoint.settings import JournalSettings

__all__ = ["Journal"]


def _now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """An append-only log of events in one folder. Safe to share between threads and processes."""

    def __init__(
        self,
        folder: Path,
        settings: JournalSettings | None = None,
        *,
        engine: EngineAddress = DUCKDB,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Open the journal in `folder`; it is made where there is none.

        Raises:
            WorkspaceError: the folder cannot be written, or a newer version made the journal.
        """
        self.folder = Path(folder)
        self.settings = settings or JournalSettings()
        self.engine = engine
        self._clock = clock
        self._file = self.folder / "intake.db"
        with self._reading(create=True) as database:
            self._in_intake = count(database)
        self._intake = Intake(
            self._file,
            queue=self.settings.queue,
            size=self.settings.buffer_mb * 2**20,
            committed=self._committed,
        )
        self._background = Background(self.compact)
        self._pulse = Pulse(self._file)
        self._refused = Refused(self._file, writing=self._intake.writing, clock=self.now)
        self._counting = threading.Lock()
        self._day = clock().date()
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

    def submit(
        self, events: Iterable[Mapping[str, Any] | Event | PlainJson | Raw], *, personal: bool = True
    ) -> "Future[Receipt]":
        """As `append`, without waiting: the future has the receipt once the events are on the disk.

        It takes JSON that is to be read, too: one event in a `msgspec.Raw`. Without `personal` it refuses events that
        speak for a listener (`PERSONAL`).
        """
        read = rows_of(events, received=self._clock(), personal=personal)
        future = self._intake.submit(read.rows, tuple(read.rejected))
        # Only now: whoever is told to come later sends the wrong ones again, with the others.
        if read.rejected:
            reasons = (each.reason for each in read.rejected)
            self._refused.note(zip(reasons, read.refused, strict=True))
        return future

    @contextmanager
    def snapshot(self, engine: EngineAddress | None = None) -> Iterator[Snapshot]:
        """The journal as it is now, as Ibis tables that nothing changes while the block runs.

        The tables live on the engine that is given, or on that of the settings.
        """
        shared = self.settings.shared
        with (
            self._reading() as database,
            open_snapshot(self.folder, database, engine=engine or self.engine, shared=shared) as snapshot,
        ):
            yield snapshot

    def recent(
        self, *, type: str | None = None, subject: str | None = None, flag_set: str | None = None,  # noqa: A002
        flag: str | None = None, variant: str | None = None, limit: int = 50, before: str | None = None,
        personal: bool = False,
    ) -> list[Event]:  # fmt: skip
        """The newest events by their time, at most `limit`; `before` is `cursor_after` of the last one seen.

        Events that are dated ahead of now are where they arrived. Those that tell what was recommended to a person
        (`PERSONAL`) are among them only for who acts for that person.

        Raises:
            InputError: `before` is no cursor.
        """
        wanted = Filter(
            type=type, subject=subject, flag_set=flag_set, flag=flag, variant=variant, personal=personal
        )
        with self._reading() as database:
            return newest(self.folder, database, wanted, limit=limit, before=before, now=self.now())

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

    def types(self) -> frozenset[str]:
        """The types of the events that there are."""
        return frozenset(each.type for each in self.counts())

    def version(self) -> tuple[int, int]:
        """What changes whenever events are added or removed: results computed from the journal are cached by it."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
        with self._reading() as database, transaction(database, "DEFERRED"):
            newest = database.execute(query).fetchone()
            return newest[0] if newest else 0, removed_events(database)

    def since(
        self,
        beat: Beat | None,
        *,
        wanted: Callable[[str, str | None], bool] = lambda type_, subject: True,
    ) -> tuple[Beat, list[Event] | None]:
        """How far the journal has come, and the events that came since it had come to `beat`, whatever their time.

        `wanted` says by type and subject which are read; None where that cannot be told: there was no such moment,
        events were removed since, or have left the intake.
        """
        now = self._pulse.beat()
        if beat is None or now.removed != beat.removed:
            return now, None
        if now.newest == beat.newest:
            return now, []
        with self._reading() as database, transaction(database, "DEFERRED"):
            rows = arrived_between(database, beat.newest, now.newest, kept=beat.kept)
        if rows is None:
            return now, None
        return now, [event_of(row) for row in rows if wanted(row[2], row[3])]

    def compact(self, *, full: bool = False) -> Compacted:
        """Move the events of the intake into segments, merge small ones, and let go what is too old.

        Nothing is done where another process is compacting. By itself this merges only what pays; with
        `full` it merges all that is small.
        """
        with self._compacting:
            done = compact(
                self.folder, identity_days=self.settings.identity_days, now=to_micros(self._clock()),
                writing=self._intake.writing, retention=self.settings.retention, full=full,
                breathe_at=self.settings.compact_after, stopped=lambda: self._background.closed,
            )  # fmt: skip
        with self._counting:
            self._in_intake = max(0, self._in_intake - done.events)
        return done

    def check(self, *, mend: bool = False) -> list[Finding]:
        """What is right and wrong with the files; with `mend`, orphans are removed."""
        with self._reading() as database:
            return check_journal(self.folder, database, mend=mend)

    def close(self) -> None:
        """Write what is queued, finish what is running, and stop."""
        self._pulse.close()
        self._intake.close()
        self._refused.close()
        self._background.close()
        with suppress(WorkspaceError), self._reading() as database:  # somebody else will clean
            clean_retired(self.folder, database)

    def due(self) -> Due:
        """What `compact(full=True)` would do now."""
        rules, now = self.settings.retention, to_micros(self._clock())
        with self._reading() as database, lease(self.folder, database):
            old = tuple(expired(self.folder, database, rules, now=now))
            small = sum(map(len, due(manifest(database), full=True)))
            return Due(count(database), small, old, tuple(unknown_types(database, rules)))

    def kept(self) -> Kept:
        """How long events are kept, what is due to go, and what went."""
        rules, now = self.settings.retention, to_micros(self._clock())
        with self._reading() as database, lease(self.folder, database):
            old = tuple(expired(self.folder, database, rules, now=now))
            return Kept(rules, old, tuple(receipts(database)), tuple(unknown_types(database, rules)))

    def append_rows(self, rows: Sequence[Row]) -> Receipt:
        """As `append`, for rows that our own code made as `row_of` would have (see `AlikeEvents`); nothing is checked."""
        return self._intake.submit(rows).result()

    def holds(self, paths: Collection[str]) -> bool:
        """Whether the manifest still names all these segments."""
        with self._reading() as database:
            return {segment.path for segment in manifest(database)}.issuperset(paths)

    def _committed(self, accepted: int) -> None:
        with self._counting:
            self._in_intake += accepted
            wanted = self._in_intake > self.settings.compact_after
            if self.settings.retention and (today := self._clock().date()) != self._day:
                self._day, wanted = today, True  # what is too old goes each day, however few events come
        if wanted:
            with suppress(RuntimeError):  # no thread can be started now: the next commit asks again
                self._background.ask()

    @contextmanager
    def _reading(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        database = connect(self._file, create=create)
        try:
            with storage_errors(self._file):
                yield database
        finally:
            database.close()

    @property
    def file(self) -> Path:
        """The intake's database."""
        return self._file

    def now(self) -> int:
        """The journal's clock, in microseconds since 1970."""
        return to_micros(self._clock())

    def queue(self) -> tuple[int, int]:
        """How many events of this process wait for the disk, and how many may."""
        return self._intake.queued, self.settings.queue

    def failure(self) -> str | None:
        """Why the last compaction of this process in the background failed; nothing where it did not."""
        found = self._background.failure
        return None if found is None else str(found)

    def settle(self) -> None:
        """Write the counts of what was refused that still wait; where the disk refuses, they wait on."""
        with suppress(WorkspaceError):
            self._refused.flush()

    # What arrives: counted by tally.py, read by arrivals.py.

    def refuse(self, reasons: Iterable[str], *, rows: bool = False) -> None:
        """Count what was refused before it was an event: lines that are no JSON, or `rows` that do not fit their mapping."""
        self._refused.note([(reason, None) for reason in reasons], only="row" if rows else None)

    def refuse_request(self, status: int) -> None:
        """Count a request with events that was answered with this status instead of being read."""
        self._refused.note_request(status)

    def arrivals(self, wanted: Selection) -> list[Period]:
        """What arrived in each minute or hour."""
        self.settle()
        with self._reading() as database:
            return arrivals(database, wanted)

    def totals(self) -> dict[str, Arrivals]:
        """What arrived by type, since this journal counts."""
        with self._reading() as database:
            return totals(database)

    def ever(self) -> tuple[Arrivals, dict[str, int]]:
        """Everything that arrived since this journal counts, and what was refused by reason; quick."""
        self.settle()
        with self._reading() as database:
            return ever(database)

    def refusals(self, since: int = 0) -> list[tuple[str, str, int, datetime]]:
        """Reason, source, how many and when last, since a minute since 1970; the most frequent first."""
        self.settle()
        with self._reading() as database:
            return refusals(database, since)

    def samples(self) -> dict[str, list[Sample]]:
        """The last refused events by reason, as far as anything is kept of them; the newest first."""
        self.settle()
        with self._reading() as database:
            return samples(database)

    # Forgetting people: see erasure.py.

    def forget(
        self, people: Sequence[Named | Hashed], *, actor: str = "", wait: float = WAIT,
        advance: Callable[[float, float | None], None] = lambda done, total: None,
    ) -> Forgotten:  # fmt: skip
        """Remove every event that is about these people, for good; see `erasure.forget`."""
        self.settle()  # a sample of what was refused may name them
        now = to_micros(self._clock())
        done = forget(
            self.folder, people, actor=actor, now=now, writing=self._intake.writing, wait=wait, advance=advance
        )  # fmt: skip
        with self._counting:
            self._in_intake = max(0, self._in_intake - done.in_intake)
        return done

    def erasures(self, *, noted: bool | None = None) -> list[ErasureReceipt]:
        """What is kept of each erasure, oldest first; or of those that the activity log knows, or does not know."""
        with self._reading() as database:
            return erasures(database, noted=noted)

    def last_erasure(self) -> int:
        """The number of the newest erasure; 0 where there was none. Who keeps what was made of events follows it."""
        return self._pulse.beat().erasure

    def note_erasure(self, number: int) -> None:
        """The activity log knows of this erasure."""
        with self._reading() as database, self._intake.writing, transaction(database):
            database.execute("UPDATE erasures SET noted = 1 WHERE number = ?", (number,))
