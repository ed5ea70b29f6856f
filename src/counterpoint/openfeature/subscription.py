"""Follows one flag set of a server in a thread of its own: told of changes by a stream, else by asking.

Each turn opens the stream, reads the set (by its ETag, so that nothing new costs next to nothing), and
then reads it again at every message. Where there is no stream, turns come at the pace of `poll`.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Protocol, cast

import msgspec

from counterpoint.flags.bucketing import Bucketing
from counterpoint.flags.errors import FlagSetError
from counterpoint.flags.flag import Flag
from counterpoint.flags.model import FlagSet
from counterpoint.openfeature.connection import Fetched, Server, Unreachable
from counterpoint.openfeature.pauses import Pauses
from counterpoint.openfeature.persisted import PersistedCopy
from counterpoint.openfeature.stream import Messages

__all__ = ["Listener", "Subscription", "changed_flags"]

log = logging.getLogger("counterpoint.openfeature")
SETTLED = 10.0
"""Seconds after which a stream that ends is no sign of trouble."""


class Listener(Protocol):
    """Who is told; each call comes from the subscription's thread."""

    def got(self, flags: FlagSet) -> None:
        """There is a newer flag set."""

    def fresh(self) -> None:
        """The server has been asked: the flag set is what it has."""

    def stale(self, error: Unreachable) -> None:
        """The server cannot be asked; the flag set may be old."""

    def unusable(self, message: str) -> None:
        """The server has something that is no flag set; the one from before stays."""


class Subscription:
    """Keeps a flag set as the server has it."""

    def __init__(
        self,
        server: Server,
        flag_set: str,
        listener: Listener,
        *,
        copy: PersistedCopy | None,
        poll: float,
        pauses: Pauses,
    ) -> None:
        self._server = server
        self._flag_set = flag_set
        self._listener = listener
        self._copy = copy
        self._poll = poll
        self._pauses = pauses
        self._etag: str | None = None
        self._last_id = ""
        self._told_no_stream = False
        self._thread: threading.Thread | None = None
        self._renew_locks()

    def _renew_locks(self) -> None:
        self._stopping = threading.Event()
        self._tried = threading.Event()

    def start(self, wait: float) -> None:
        """Begin with the persisted copy, follow the server, and come back after the first attempt or `wait` seconds."""
        if self._thread is None:
            self._stopping.clear()
            self._tried.clear()
            self._begin_with_copy()
            self._run()
        self._tried.wait(wait)

    def _run(self) -> None:
        self._thread = threading.Thread(target=self._follow, name="counterpoint-flags", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and what it waits for."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        self._server.interrupt()
        if thread is not None:
            thread.join(0.3)

    def after_fork(self) -> None:
        """Follow in the child, too."""
        self._renew_locks()
        self._server.after_fork()
        if self._thread is not None:
            self._run()

    def _begin_with_copy(self) -> None:
        found = self._copy.read() if self._copy and self._etag is None else None
        if found is None:
            return
        try:
            self._take(found)
        except ValueError as error:
            cast("PersistedCopy", self._copy).ignore(str(error))

    def _take(self, fetched: Fetched) -> None:
        """Make it the flag set.

        Raises:
            ValueError: it is none.
        """
        try:
            flags = FlagSet.from_flagd(fetched.definition, cast("Bucketing", fetched.bucketing))
        except FlagSetError as error:
            problem = f" {error.problems[0]}" if error.problems else ""
            raise ValueError(f"{error.message}{problem}") from error
        self._etag = fetched.etag or None
        self._listener.got(flags)

    def _follow(self) -> None:
        stopping = self._stopping
        while not stopping.is_set():
            begun = time.monotonic()
            try:
                pause = self._turn(stopping)
            except Unreachable as error:
                pause = self._pauses.after_failure(error.retry_after)
                if not stopping.is_set():
                    self._listener.stale(error)
            except Exception as error:  # a thread that dies would keep old flags for good
                log.exception("Following the flag set %r failed; it is tried again.", self._flag_set)
                pause = self._pauses.after_failure()
                self._listener.unusable(str(error))
            if time.monotonic() - begun > SETTLED:
                self._pauses.reset()
            self._tried.set()
            stopping.wait(pause)

    def _turn(self, stopping: threading.Event) -> float:
        """One stream and all that it tells; seconds until the next turn.

        Raises:
            Unreachable: the set could not be read.
        """
        with ExitStack() as stack:
            try:
                parts = stack.enter_context(self._server.follow(self._flag_set, self._last_id))
            except Unreachable as error:
                return self._ask_only(error, stopping)
            self._read()
            self._tried.set()
            self._told_no_stream = False
            try:
                self._listen(parts, stopping)
            except (Unreachable, OSError, ValueError) as error:
                # A stream that was silent for too long may be a dead connection: begin another one.
                log.debug("The stream of %r ended: %s", self._flag_set, error)
        return self._pauses.after_failure()

    def _ask_only(self, error: Unreachable, stopping: threading.Event) -> float:
        self._read()
        if error.status and not self._told_no_stream and not stopping.is_set():
            self._told_no_stream = True
            log.warning(
                "No stream of changes, so the flag set %r is read every %g seconds: %s",
                self._flag_set, self._poll, error,
            )  # fmt: skip
        if error.status and error.status != 503:
            return max(self._pauses.spread(self._poll), error.retry_after or 0.0)
        return min(self._poll, self._pauses.after_failure(error.retry_after))

    def _listen(self, parts: Iterator[bytes], stopping: threading.Event) -> None:
        messages = Messages(self._last_id)
        for part in parts:
            for message in messages.feed(part):
                if message.event == "message" and _is_refetch(message.data):
                    self._read()
            self._last_id = messages.last_id
            if messages.retry is not None:
                self._pauses.shortest = min(max(messages.retry, 0.05), self._pauses.longest)
            if stopping.is_set():
                return

    def _read(self) -> None:
        """Ask the server for the set.

        Raises:
            Unreachable: it did not give it.
        """
        fetched = self._server.fetch(self._flag_set, self._etag)
        if fetched is not None:
            try:
                self._take(fetched)
            except ValueError as error:
                self._listener.unusable(f"The flag set {self._flag_set!r} cannot be used: {error}")
                return
            if self._copy is not None:
                self._copy.write(fetched)
        self._listener.fresh()


def _is_refetch(data: str) -> bool:
    """Whether a message asks to read again; one of a kind that we do not know is ignored."""
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("type") == "refetchEvaluation"


def changed_flags(old: FlagSet | None, new: FlagSet) -> list[str]:
    """The keys of flags that may answer differently, those that are gone among them."""
    if old is None:
        return sorted(new.flags)
    rebucketed = old.bucketing != new.bucketing
    changed = old.flags.keys() ^ new.flags.keys()
    for key in old.flags.keys() & new.flags.keys():
        before, after = old.flags[key], new.flags[key]
        if (rebucketed and after.targeting is not None) or _told(before) != _told(after):
            changed |= {key}
    return sorted(changed)


_encode: Callable[[object], bytes] = msgspec.json.encode


def _told(flag: Flag) -> bytes:
    """All that decides a flag's answers; as JSON, since to Python 1 and True are equal."""
    told = (flag.enabled, dict(flag.variants), flag.default, flag.targeting, flag.fault, dict(flag.metadata))
    try:
        return _encode(told)
    except RecursionError:
        return repr(id(flag)).encode()
