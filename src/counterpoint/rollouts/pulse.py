"""Signs of life of what is under way in this process: where it is killed they stop, and others know in seconds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

__all__ = ["BEAT", "Key", "Pulse"]

Key = tuple[tuple[str, Any], ...]
"""The columns that name a row, with their values."""

BEAT: Final = 2.0
"""Seconds from one sign to the next."""
log = structlog.get_logger("counterpoint.rollouts")


class Pulse:
    """Gives a sign of all that is under way, again and again, in a thread that lasts as long as anything is."""

    def __init__(self, beat: Callable[[list[Key]], None], *, seconds: float = BEAT) -> None:
        self._beat, self._seconds = beat, seconds
        self._guard = threading.Lock()
        self._keys: list[Key] = []
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @contextmanager
    def of(self, key: Key) -> Iterator[None]:
        """Give signs of something while the block lasts."""
        self.begin(key)
        try:
            yield
        finally:
            self.end(key)

    def begin(self, key: Key) -> None:
        """Give signs of something from now on, until it ends as often as it began."""
        with self._guard:
            self._keys.append(key)
            if self._thread is None:
                self._ended = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._ended,), name="simulation-pulse", daemon=True
                )
                self._thread.start()

    def end(self, key: Key) -> None:
        """Give no more signs of it; the thread ends with the last."""
        with self._guard:
            if key in self._keys:
                self._keys.remove(key)
            if self._keys or self._thread is None:
                return
            self._ended.set()
            thread, self._thread = self._thread, None
        thread.join()

    def _run(self, ended: threading.Event) -> None:
        while not ended.wait(self._seconds):
            with self._guard:
                keys = list(self._keys)
            try:
                self._beat(keys)
            except Exception:
                # Where the database is away or busy for a moment, the next sign tells.
                log.warning("rollouts.no_sign", exc_info=True)
