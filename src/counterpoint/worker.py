"""Work beside the requests: one thread that begins, is woken by what waits for it, and ends."""

import threading
from collections.abc import Callable

__all__ = ["Worker"]


class Worker:
    """A thread that runs `work` until it is stopped; what both share is read and changed while holding `changed`.

    `work` waits for `changed`, and returns as soon as `stopping` is true.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._name, self._work = name, work
        self.changed = threading.Condition()
        self.stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work from now on; nothing where it does already."""
        with self.changed:
            if self._thread is None:
                self.stopping = False
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, *, patience: float | None = None) -> None:
        """Wake it, and return when it has ended, or after so many seconds: it ends with the process then."""
        with self.changed:
            thread, self._thread = self._thread, None
            self.stopping = True
            self.changed.notify_all()
        if thread:
            thread.join(patience)
