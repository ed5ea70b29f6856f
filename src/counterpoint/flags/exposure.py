"""Exposures: that a subject was given a variant, into the journal, in batches and off the request's path."""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from math import modf
from typing import TYPE_CHECKING, Any, Protocol

from counterpoint.errors import CounterpointError
from counterpoint.flags.exposure_event import SUBJECT, Exposure, event_of
from counterpoint.journal.model.alike import AlikeEvents
from counterpoint.journal.model.event import MAX_ATTRIBUTE
from counterpoint.journal.model.row import Row
from counterpoint.worker import Worker

if TYPE_CHECKING:
    from counterpoint.workspace import Workspace

__all__ = ["Exposures", "exposures_of", "micros_of"]

BATCH = 2_000
"""Exposures after which a batch is written before its time. Each batch costs a sync of the disk, and the
pages of an index that its random ids touch."""
PERIOD = 1.0
"""Seconds that an exposure waits for others at most."""
MOST_WAITING = 50_000
"""Exposures that may wait for the journal; further ones are dropped and counted."""
MOST_SEEN = 100_000
"""Exposures that are remembered so as not to be repeated, twice: those of now and those before. What is
forgotten keeps its event id, so that the journal knows it again."""
LONG = 64
"""Characters above which a subject is remembered by its hash, so that memory stays bounded."""
MOST_FORMS = 10_000
"""Combinations of set, flag, variant and reason whose constant parts are kept."""


class Log(Protocol):
    """What exposures are written to: the journal."""

    def append_rows(self, rows: Sequence[Row]) -> Any: ...


class _Seen:
    """Which subjects were given which variant, of now and before: what is old goes as a whole."""

    def __init__(self) -> None:
        self._now: dict[tuple[str, str, str], set[str | bytes]] = {}
        self._before: dict[tuple[str, str, str], set[str | bytes]] = {}
        self._count = 0

    def has(self, given: tuple[str, str, str], subject: str | bytes) -> bool:
        """Whether the subject was seen; who was seen before counts as seen now."""
        if subject in self._now.get(given, ()):
            return True
        if subject not in self._before.get(given, ()):
            return False
        self.add(given, subject)
        return True

    def add(self, given: tuple[str, str, str], subject: str | bytes) -> None:
        """Remember one that `has` did not find now."""
        if given not in self._now:
            self._now[given] = set()
        self._now[given].add(subject)
        self._count += 1
        if self._count >= MOST_SEEN:
            self._now, self._before, self._count = {}, self._now, 0


class _Rows:
    """Makes the journal's rows of exposures. What those of one variant share is worked out once."""

    def __init__(self) -> None:
        self._run = uuid.uuid4().bytes
        self._forms: dict[tuple[str, str, str, str], tuple[bytes, AlikeEvents]] = {}

    def of(self, batch: Iterable[Exposure], received: int) -> list[Row]:
        """The rows of those that are events; `received` in microseconds since 1970."""
        rows = []
        for flag_set, flag, variant, subject, reason, at in batch:
            told, alike = self._forms.get((flag_set, flag, variant, reason)) or self._form(
                flag_set, flag, variant, reason
            )
            identity = blake2b(told + subject.encode("utf-8", "replace"), digest_size=16, key=self._run)
            row = alike.row(identity.hexdigest(), subject, time=micros_of(at), received=received)
            if row is not None:
                rows.append(row)
        return rows

    def _form(self, flag_set: str, flag: str, variant: str, reason: str) -> tuple[bytes, AlikeEvents]:
        """The beginning of what identities are made of, which keeps texts apart by their lengths; and the rest."""
        told = b"".join(
            len(part := text.encode("utf-8", "replace")).to_bytes(4, "big") + part
            for text in (flag_set, flag, variant)
        )
        example = event_of(Exposure(flag_set, flag, variant, "x", reason, 0.0), "x")
        form = told, AlikeEvents(example, subject_key=SUBJECT)
        if len(self._forms) >= MOST_FORMS:
            self._forms.clear()
        self._forms[flag_set, flag, variant, reason] = form
        return form


def micros_of(at: float) -> int:
    """Unix seconds as microseconds, rounded as Python's `datetime` does it."""
    part, whole = modf(at)
    return int(whole) * 1_000_000 + round(part * 1e6)


class Exposures:
    """Collects exposures and writes each once a run. Whatever the journal does, `note` neither waits nor raises."""

    def __init__(self, log: Callable[[], Log], *, period: float = PERIOD) -> None:
        self._log = log
        self._period = period
        self._rows = _Rows()
        self._seen = _Seen()
        self._waiting: list[Exposure] = []
        self._worker = Worker("exposures", self._work)
        self._changed = self._worker.changed
        self._flushing = threading.Lock()
        self.dropped = 0
        """Exposures that found no place to wait, or whose texts no event may hold."""

    def note(self, exposure: Exposure) -> None:
        """Take an exposure, unless this run has had it."""
        given, text = exposure[:3], exposure[3]
        subject = (
            text if len(text) <= LONG else blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        )
        with self._changed:
            if self._seen.has(given, subject):
                return
            waiting = len(self._waiting)
            if waiting >= MOST_WAITING or len(text) > MAX_ATTRIBUTE:
                self.dropped += 1
                return
            self._seen.add(given, subject)
            self._waiting.append(exposure)
            if waiting + 1 in (1, BATCH):
                self._changed.notify()

    def start(self) -> None:
        """Write from now on, in a thread of its own."""
        self._worker.start()

    def stop(self) -> None:
        """Write what waits and end the thread."""
        self._worker.stop()
        self.flush()

    def flush(self) -> bool:
        """Write what waits now; False when the journal did not take it, which keeps it waiting."""
        with self._flushing:
            with self._changed:
                batch, self._waiting = self._waiting, []
            rows = self._rows.of(batch, time.time_ns() // 1000)
            try:
                if rows:
                    self._log().append_rows(rows)
            except (CounterpointError, OSError):
                with self._changed:
                    self._waiting = batch + self._waiting
                return False
            with self._changed:
                self.dropped += len(batch) - len(rows)
            return True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._worker.stopping or self._waiting)
                self._changed.wait_for(
                    lambda: self._worker.stopping or len(self._waiting) >= BATCH, self._period
                )
                if self._worker.stopping:
                    return
            # After a refusal the journal gets a rest, however many are waiting.
            if not self.flush():
                with self._changed:
                    if self._changed.wait_for(lambda: self._worker.stopping, self._period):
                        return


def exposures_of(workspace: "Workspace") -> Exposures:
    """The exposures of a workspace that this process has seen."""
    return workspace.keep(Exposures, lambda kept: Exposures(lambda: kept.journal))
