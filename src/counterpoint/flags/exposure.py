"""Exposures: that a subject was given a variant, into the journal, in batches and off the request's path."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Protocol
from urllib.parse import quote

from counterpoint.errors import CounterpointError
from counterpoint.moments import rfc3339

__all__ = ["Exposure", "Exposures", "event_of"]

BATCH = 500
"""Exposures after which a batch is written before its time."""
PERIOD = 1.0
"""Seconds that an exposure waits for others at most."""
MOST_WAITING = 50_000
"""Exposures that may wait for the journal; further ones are dropped and counted."""
MOST_SEEN = 200_000
"""Exposures that are remembered so as not to be repeated. What is forgotten keeps its event id, so that
the journal knows it again."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """That a subject was given a variant of a flag."""

    flag_set: str
    flag: str
    variant: str
    subject: str
    reason: str
    at: float
    """Unix seconds."""


class Log(Protocol):
    """What exposures are written to: the journal."""

    def append(self, events: Sequence[Mapping[str, Any]]) -> Any: ...


def event_of(exposure: Exposure, identity: str) -> dict[str, Any]:
    """The exposure as a CloudEvent with OpenTelemetry's names for what a flag evaluation is."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": f"/api/flags/sets/{quote(exposure.flag_set, safe='')}",
        "type": "feature_flag.evaluation",
        "subject": exposure.subject,
        "time": rfc3339(datetime.fromtimestamp(exposure.at, UTC)),
        "data": {
            "feature_flag.key": exposure.flag,
            "feature_flag.set.id": exposure.flag_set,
            "feature_flag.result.variant": exposure.variant,
            "feature_flag.result.reason": exposure.reason.lower(),
            "feature_flag.context.id": exposure.subject,
        },
    }


class Exposures:
    """Collects exposures and writes each once a run. Whatever the journal does, `note` neither waits nor raises."""

    def __init__(self, log: Callable[[], Log], *, period: float = PERIOD) -> None:
        self._log = log
        self._period = period
        self._run = uuid.uuid4().bytes
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self.dropped = 0
        """Exposures that found no place to wait."""

    def note(self, exposure: Exposure) -> None:
        """Take an exposure, unless this run has had it."""
        told = (exposure.flag_set, exposure.flag, exposure.variant, exposure.subject)
        parts = b"".join(
            len(part := text.encode("utf-8", "replace")).to_bytes(4, "big") + part for text in told
        )
        identity = blake2b(parts, digest_size=16, key=self._run).digest()
        with self._changed:
            if identity in self._seen:
                self._seen.move_to_end(identity)
                return
            if len(self._waiting) >= MOST_WAITING:
                self.dropped += 1
                return
            self._seen[identity] = None
            if len(self._seen) > MOST_SEEN:
                self._seen.popitem(last=False)
            self._waiting.append(event_of(exposure, identity.hex()))
            if len(self._waiting) in (1, BATCH):
                self._changed.notify()

    def start(self) -> None:
        """Write from now on, in a thread of its own."""
        with self._changed:
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(target=self._work, name="exposures", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Write what waits and end the thread."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._stopping = True
            self._changed.notify()
        if thread:
            thread.join()
        self.flush()

    def flush(self) -> bool:
        """Write what waits now; False when the journal did not take it, which keeps it waiting."""
        with self._changed:
            batch, self._waiting = self._waiting, []
        if not batch:
            return True
        try:
            self._log().append(batch)
        except (CounterpointError, OSError):
            with self._changed:
                self._waiting = batch + self._waiting
            return False
        return True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._waiting)
                self._changed.wait_for(lambda: self._stopping or len(self._waiting) >= BATCH, self._period)
                if self._stopping:
                    return
            # After a refusal the journal gets a rest, however many are waiting.
            if not self.flush():
                with self._changed:
                    if self._changed.wait_for(lambda: self._stopping, self._period):
                        return
