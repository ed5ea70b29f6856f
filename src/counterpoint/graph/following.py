"""Following a graph: one thread looks at the number of its newest change, and wakes all who wait for one.

Whatever is kept up to date in the background hangs on this one look, so a graph in which nothing happens
costs one small question a second, however many follow it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["PERIOD", "Follower"]

PERIOD = 1.0
"""Seconds between two looks."""


@dataclass(eq=False, slots=True)
class _Waiting:
    wake: Callable[[], object]
    seen: int | None = None
    """The number that it was woken for last."""


class Follower:
    """Looks at a number while anybody follows it; changes by other processes count like our own."""

    def __init__(self, number: Callable[[], int], *, period: float = PERIOD) -> None:
        """Take the function that says the number, and the seconds between two looks."""
        self.period = period
        self._number = number
        self._waiting: list[_Waiting] = []
        self._lock = threading.Lock()
        self._stop: threading.Event | None = None

    @contextmanager
    def following(self, wake: Callable[[], object]) -> Iterator[None]:
        """Call `wake` once soon, and after every change while the block runs.

        It is called in a thread of the follower and must not take long: several changes are one call.
        """
        waiting = _Waiting(wake)
        with self._lock:
            self._waiting.append(waiting)
            if self._stop is None:
                self._stop = threading.Event()
                threading.Thread(
                    target=self._look, args=(self._stop,), name="graph-follower", daemon=True
                ).start()
        try:
            yield
        finally:
            with self._lock:
                self._waiting.remove(waiting)
                if not self._waiting and self._stop is not None:
                    self._stop.set()
                    self._stop = None

    def _look(self, stop: threading.Event) -> None:
        failing = False
        while not stop.is_set():
            try:
                number = self._number()
                failing = False
            except Exception:
                # A busy database is no reason to stop following it; of an outage one line is enough.
                if not failing and not stop.is_set():
                    _log("graph_following_failed")
                failing = True
            else:
                self._wake(number)
            stop.wait(self.period)

    def _wake(self, number: int) -> None:
        with self._lock:
            late = [each for each in self._waiting if each.seen != number]
            for each in late:
                each.seen = number
        for each in late:
            try:
                each.wake()
            except Exception:  # one that fails must not cost the others their call
                _log("graph_waking_failed")


def _log(event: str) -> None:
    import structlog  # a command that only writes does without it: it costs a twentieth of a second

    structlog.get_logger("counterpoint.graph").exception(event)
