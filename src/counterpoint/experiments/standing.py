"""The newest result of each experiment, kept while it holds and renewed behind the reader's back when it does not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Basis", "Standing"]

R = TypeVar("R")
Basis = tuple[object, ...]
"""What a result was computed from; equal bases give equal results."""


class Standing(Generic[R]):
    """Results by experiment. A page shows the last one at once; whoever records one waits for the newest.

    An analysis costs seconds where a page may cost a tenth of one, and events that arrive all the time
    would make every page wait for a new analysis.
    """

    def __init__(self) -> None:
        self._results: dict[str, tuple[Basis, Basis, R]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._waiting: set[str] = set()
        self._renewer: ThreadPoolExecutor | None = None

    def newest(self, name: str, plan: Basis, data: Basis, compute: Callable[[], R]) -> R:
        """The result for a plan and the data of now, computed where there is none."""
        with self._lock_of(name):
            kept = self._results.get(name)
            if kept is None or kept[:2] != (plan, data):
                self._results[name] = kept = (plan, data, compute())
        return kept[2]

    def at_hand(self, name: str, plan: Basis, data: Basis, compute: Callable[[], R]) -> tuple[R, bool]:
        """The last result for a plan, and whether it holds for the data of now; if not, it is renewed meanwhile.

        Without a server's `start` there is nobody to renew it, so it is computed at once.
        """
        kept = self._results.get(name)
        if kept is None or kept[0] != plan or (kept[1] != data and self._renewer is None):
            return self.newest(name, plan, data, compute), True
        if kept[1] == data:
            return kept[2], True
        self.renew(name, lambda: self.newest(name, plan, data, compute))
        return kept[2], False

    @property
    def renews(self) -> bool:
        """Whether there is a thread that renews what does not hold any more."""
        return self._renewer is not None

    def kept(self, name: str) -> R | None:
        """The last result that is known without computing one, whatever has come since."""
        found = self._results.get(name)
        return found[2] if found else None

    def start(self) -> None:
        """Renew results in a thread from now on."""
        self._renewer = ThreadPoolExecutor(1, thread_name_prefix="experiments")

    def renew(self, name: str, work: Callable[[], object]) -> None:
        """Do the work in the renewing thread, unless the same experiment already waits for it."""
        with self._guard:
            if self._renewer is None or name in self._waiting:
                return
            self._waiting.add(name)
            self._renewer.submit(self._do, name, work)

    def stop(self) -> None:
        """Finish the analysis that runs, drop those that wait."""
        with self._guard:
            renewer, self._renewer = self._renewer, None
            self._waiting.clear()
        if renewer is not None:
            renewer.shutdown(wait=True, cancel_futures=True)

    def _do(self, name: str, work: Callable[[], object]) -> None:
        with self._guard:
            self._waiting.discard(name)
        work()  # what it raises is raised again, and told, when somebody asks for the result

    def _lock_of(self, name: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())
