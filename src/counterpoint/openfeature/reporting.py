"""Exposures and tracked events: each exposure once, in batches, and never in the caller's way.

The caller looks into a set and appends to a queue. A thread of its own does all the rest, so that a
server which hangs, dies or refuses costs the caller nothing; what finds no place in the queue is counted.
"""

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from counterpoint.openfeature.connection import Server, Unreachable
from counterpoint.openfeature.pauses import Pauses
from counterpoint.openfeature.records import LOGS, Noted, export_request, identity_of, log_record, noted_event

__all__ = ["Counts", "Delivery", "Receiver", "Reporter", "ToServer", "receiver_of"]

log = logging.getLogger("counterpoint.openfeature")

BATCH = 500
"""Exposures and events of one request."""
MOST_WAITING = 50_000
"""Exposures and events that may wait; further ones are dropped and counted."""
MOST_SEEN = 100_000
"""Exposures that are remembered so as not to be repeated, twice: those of now and those before. What is
forgotten keeps its id within the window, so that the journal knows it again."""
PERIOD = 1.0
"""Seconds that an exposure waits for others."""
WINDOW = 3600.0
"""Seconds within which a subject's exposure to a variant is reported once; experiments that begin later see it again."""
PERMANENT = frozenset({400, 404, 405, 413, 415, 422})
"""Answers after which the same body need not be sent again."""


class Delivery(NamedTuple):
    """One body on its way. It is sent again as it is, so that the ids in it stay."""

    path: str
    content_type: str
    body: bytes
    items: int


class Counts(NamedTuple):
    """What became of exposures and tracked events since the start."""

    sent: int
    dropped: int
    """Those that found no place to wait."""
    rejected: int
    """Those that the receiver will never take."""
    waiting: int


class Receiver(Protocol):
    """Whom exposures and tracked events are reported to."""

    def pack(self, noted: Sequence[tuple[Noted, str]], tracked: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Deliveries that hold all of it."""

    def deliver(self, delivery: Any) -> int:
        """Hand one over; how many of it were rejected. It may raise `Unreachable`, or anything else."""

    def interrupt(self) -> None:
        """End what is under way."""


class ToServer:
    """To a Counterpoint server: exposures as OpenTelemetry's logs, tracked events as CloudEvents."""

    def __init__(self, server: Server, service: str) -> None:
        self._server = server
        self._service = service

    def pack(
        self, noted: Sequence[tuple[Noted, str]], tracked: Sequence[Mapping[str, Any]]
    ) -> list[Delivery]:
        """At most two bodies."""
        packed = []
        if noted:
            body = export_request([log_record(each, identity) for each, identity in noted], self._service)
            packed.append(Delivery(LOGS, "application/json", body, len(noted)))
        if tracked:
            body = msgspec.json.encode(tracked)
            packed.append(Delivery("/api/events", "application/cloudevents-batch+json", body, len(tracked)))
        return packed

    def deliver(self, delivery: Delivery) -> int:
        """Send it; how many the server rejected."""
        answer = self._server.send(
            delivery.path, delivery.content_type, delivery.body, compressed=delivery.path == LOGS
        )
        return _rejected(answer, delivery.items)

    def interrupt(self) -> None:
        """End the request under way."""
        self._server.interrupt()


class ToFunction:
    """To a function of this process, as CloudEvents."""

    def __init__(self, take: Callable[[list[dict[str, Any]]], Any]) -> None:
        self._take = take

    def pack(
        self, noted: Sequence[tuple[Noted, str]], tracked: Sequence[Mapping[str, Any]]
    ) -> list[list[dict[str, Any]]]:
        """One list of all."""
        return [[*(noted_event(each, identity) for each, identity in noted), *map(dict, tracked)]]

    def deliver(self, delivery: list[dict[str, Any]]) -> int:
        """Call the function; a receipt of a journal tells what it rejected."""
        return len(getattr(self._take(delivery), "rejected", ()))

    def interrupt(self) -> None:
        """Nothing of ours can end a function."""


def receiver_of(given: Any) -> Receiver:
    """Whom to report to: a workspace, its journal, or a function that takes a list of CloudEvents.

    Raises:
        TypeError: it is none of them.
    """
    if hasattr(given, "graph") and hasattr(given, "journal"):
        return ToFunction(given.journal.append)
    if callable(append := getattr(given, "append", None)) and not isinstance(given, list):
        return ToFunction(append)
    if callable(given):
        return ToFunction(given)
    raise TypeError(
        f"exposures is a {type(given).__name__}, must be a Workspace, a Journal, a function that takes a list of "
        "CloudEvents, True or False."
    )


class Reporter:
    """Collects exposures and tracked events and reports them. Whatever the receiver does, `note` never waits for it."""

    def __init__(
        self, receiver: Receiver, *, pauses: Pauses, period: float = PERIOD, window: float = WINDOW
    ) -> None:
        self.seen: set[tuple[str, str, str]] = set()
        """Flag, variant and subject of those that need no reporting; look here before calling `note`."""
        self._before: set[tuple[str, str, str]] = set()
        self._receiver = receiver
        self._pauses = pauses
        self._period = period
        self._window = window
        self._run = uuid.uuid4().bytes
        self._begun = time.monotonic()
        self._windows = 0
        self._sent = self._dropped = self._rejected = 0
        self._queue: deque[Noted | dict[str, Any]] = deque()
        self._packed: deque[Any] = deque()
        self._complained = ""
        self._thread: threading.Thread | None = None
        self._busy = False
        self._urgent = False
        """Somebody waits for what is here to be gone: one attempt more, and no rest before it."""
        self._renew_locks()

    def _renew_locks(self) -> None:
        self._noting = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._settled = threading.Event()
        """All is gone, or an urgent attempt has failed."""

    @property
    def counts(self) -> Counts:
        """What became of exposures and tracked events."""
        waiting = len(self._queue) + sum(_size(each) for each in tuple(self._packed))
        return Counts(self._sent, self._dropped, self._rejected, waiting)

    def note(
        self, flag_set: str, flag: str, variant: str, subject: str, reason: str, version: object
    ) -> None:
        """Take an exposure, unless it was taken in this window."""
        told = (flag, variant, subject)
        now = time.time()
        with self._noting:
            if len(self.seen) >= MOST_SEEN:
                self._before, self.seen = self.seen, set()
            if told in self._before:
                self.seen.add(told)
                return
            if not self._enqueue(
                Noted(flag_set, flag, variant, subject, reason, str(version or ""), now, self._windows)
            ):
                return
            self.seen.add(told)
        self._alert()

    def track(self, event: dict[str, Any]) -> None:
        """Take an event as it is.

        Raises:
            TypeError: it holds what JSON cannot say.
        """
        msgspec.json.encode(event)
        with self._noting:
            taken = self._enqueue(event)
        if taken:
            self._alert()

    def _enqueue(self, item: "Noted | dict[str, Any]") -> bool:
        if len(self._queue) >= MOST_WAITING:
            self._dropped += 1
            return False
        self._queue.append(item)
        return True

    def _alert(self) -> None:
        if not self._wake.is_set():
            self._wake.set()
        if len(self._queue) >= BATCH and not self._hurry.is_set():
            self._hurry.set()

    def start(self) -> None:
        """Report from now on, in a thread of its own."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._work, name="counterpoint-exposures", daemon=True)
            self._thread.start()

    def flush(self, seconds: float) -> bool:
        """Report what waits now; False when it is not all gone within that time, or was refused."""
        end = time.monotonic() + seconds
        while self._waits() and self._thread is not None and self._thread.is_alive():
            self._settled.clear()
            self._urgent = True
            self._wake.set()
            self._hurry.set()
            if not self._settled.wait(max(0.0, end - time.monotonic())) or not self._urgent:
                break
        return not self._waits()

    def _waits(self) -> bool:
        return bool(self._queue or self._packed or self._busy)

    def stop(self, seconds: float) -> None:
        """Report what waits, for that long at most, and end the thread."""
        thread = self._thread
        if thread is None:
            return
        self.flush(seconds)
        self._stopping.set()
        self._wake.set()
        self._hurry.set()
        thread.join(0.1)
        if thread.is_alive():
            self._receiver.interrupt()
            thread.join(0.2)
        self._thread = None

    def after_fork(self) -> None:
        """Go on in the child. What waited is the parent's to report."""
        self._queue.clear()
        self._packed.clear()
        self._run = uuid.uuid4().bytes
        self._sent = self._dropped = self._rejected = 0
        self._busy = self._urgent = False
        self._renew_locks()
        if self._thread is not None:
            self._thread = None
            self.start()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._till_next_window())
            self._turn_window()
            if not self._wake.is_set():
                continue
            if not self._stopping.is_set() and not self._urgent:
                self._hurry.wait(self._period)
            self._busy = True
            self._hurry.clear()
            self._wake.clear()
            while (self._packed or self._pack()) and not self._stopping.is_set():
                self._hand_over()
            self._busy = False
            self._settled.set()

    def _till_next_window(self) -> float:
        return max(0.0, self._begun + self._window - time.monotonic()) + 0.001

    def _turn_window(self) -> None:
        """When a window ends, everything counts as new."""
        if time.monotonic() < self._begun + self._window:
            return
        with self._noting:
            self._begun = time.monotonic()
            self._windows += 1
            self.seen, self._before = set(), set()

    def _pack(self) -> bool:
        """Make a batch of what waits; whether there was any."""
        noted: list[tuple[Noted, str]] = []
        tracked: list[dict[str, Any]] = []
        while self._queue and len(noted) + len(tracked) < BATCH:
            item = self._queue.popleft()
            if isinstance(item, Noted):
                noted.append((item, identity_of(item, self._run)))
            else:
                tracked.append(item)
        if not noted and not tracked:
            return False
        try:
            self._packed.extend(self._receiver.pack(noted, tracked))
        except Exception as error:
            self._lose(len(noted) + len(tracked), f"they cannot be written as JSON: {error}")
        return True

    def _hand_over(self) -> None:
        delivery = self._packed[0]
        items = _size(delivery)
        try:
            rejected = self._receiver.deliver(delivery)
        except Exception as error:
            if isinstance(error, Unreachable) and error.status in PERMANENT:
                self._packed.popleft()
                self._lose(items, str(error))
                return
            self._complain(str(error), f"Exposures wait: {error}")
            wish = error.retry_after if isinstance(error, Unreachable) else None
            if self._urgent:
                self._urgent = False
                self._settled.set()
            self._rest(self._pauses.after_failure(wish))
            return
        self._packed.popleft()
        self._pauses.reset()
        self._complained = ""
        self._sent += items - rejected
        if rejected:
            self._lose(rejected, "the receiver rejected them")

    def _rest(self, seconds: float) -> None:
        """Wait for the next attempt; only who flushes is in a hurry."""
        end = time.monotonic() + seconds
        while not self._stopping.is_set() and not self._urgent and (left := end - time.monotonic()) > 0:
            self._hurry.wait(left)
            if not self._stopping.is_set() and not self._urgent:
                self._hurry.clear()

    def _lose(self, number: int, why: str) -> None:
        self._rejected += number
        self._complain(why, f"{number:,} exposures or events are lost: {why}")

    def _complain(self, about: str, message: str) -> None:
        """Say it once, until something goes well or another thing goes wrong."""
        if about != self._complained:
            self._complained = about
            log.warning("%s", message)


def _size(delivery: Any) -> int:
    return delivery.items if isinstance(delivery, Delivery) else len(delivery)


def _rejected(answer: bytes, items: int) -> int:
    """How many a server rejected, by OTLP's partial success or the journal's receipt."""
    try:
        found = msgspec.json.decode(answer) if answer.strip() else {}
        partial = found.get("partialSuccess") or {}
        number = int(partial.get("rejectedLogRecords") or 0) or len(found.get("rejected") or ())
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError):
        return 0  # It took them, whatever it says about it.
    return max(0, min(number, items))
