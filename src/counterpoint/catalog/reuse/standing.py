"""The list of likely twins, kept while it holds and renewed behind the reader's back when it does not."""

import threading
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass

from counterpoint.catalog.reuse.documents import documents_of
from counterpoint.graph.similar.things import Pair, Shelf, Step, by_likeness
from counterpoint.web.similar import things_of
from counterpoint.workspace import Workspace

__all__ = ["Standing", "standing_of"]

PAUSE = 20
"""How many times as long as the last comparison took nothing is compared again: a twentieth of a core at most."""
PATIENCE = 2.0
"""Seconds that the first reader waits for the first list."""


@dataclass(frozen=True, slots=True)
class _Kept:
    shelves: tuple[Shelf, Shelf]
    """The things of the graph, and what is written about them."""
    seen: int
    """The number of the activity up to which it holds."""
    pairs: list[Pair]
    took: float
    at: float


class _StoppedError(Exception):
    """The server stops; nobody waits for the list any more."""


class Standing:
    """Comparing everything with everything costs a second where ten thousand things are; a page may not wait for it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._guard = threading.Lock()
        self._kept: _Kept | None = None
        self._renewer: ThreadPoolExecutor | None = None
        self._waiting: Future[list[Pair]] | None = None
        self._stopping = threading.Event()

    def newest(self, step: Step = lambda: None) -> list[Pair]:
        """The pairs of now; what `step` raises, which is called all the while, ends the comparing."""
        with self._lock:
            step()
            seen, kept, begun = self._last(), self._kept, time.monotonic()
            documents = documents_of(self._workspace)
            if kept is not None and kept.seen == seen and not documents.is_due:
                return kept.pairs
            shelves = (things_of(self._workspace).shelf(step), documents.shelf(step))
            if kept is not None and kept.shelves == shelves:  # nothing that is compared has changed
                self._kept = _Kept(shelves, seen, kept.pairs, kept.took, kept.at)
                return kept.pairs
            pairs = sorted((pair for shelf in shelves for pair in shelf.pairs(step)), key=by_likeness)
            done = time.monotonic()
            self._kept = _Kept(shelves, seen, pairs, done - begun, done)
            return pairs

    @property
    def left_out(self) -> int:
        """Things that are not compared, since there are too many."""
        return things_of(self._workspace).left_out + documents_of(self._workspace).left_out

    def at_hand(self, *, patience: float = PATIENCE) -> tuple[list[Pair], bool]:
        """The last pairs, and whether they hold for the graph of now; if not, a server renews them meanwhile.

        Where there are none yet, they are waited for so many seconds at most.
        """
        if self._renewer is None:
            return self.newest(), True
        kept = self._kept
        if kept is not None and kept.seen == self._last():
            if documents_of(self._workspace).is_due:  # nobody tells when a file is saved
                self.renew()
            return kept.pairs, True
        waiting = self.renew()
        if kept is not None or waiting is None:
            return (kept.pairs if kept else []), False
        try:
            return waiting.result(timeout=patience), True
        except (NotYetError, CancelledError, _StoppedError):
            return [], False

    def start(self) -> None:
        """Renew the list in a thread from now on, whenever somebody asks: a server that nobody asks rests."""
        self._stopping = threading.Event()
        self._renewer = ThreadPoolExecutor(1, thread_name_prefix="twins")

    def renew(self) -> "Future[list[Pair]] | None":
        """Compute the list in the renewing thread, unless it was computed a moment ago."""
        with self._guard:
            if self._renewer is None:
                return None
            if self._waiting is not None and not self._waiting.done():
                return self._waiting
            if self._kept is not None and time.monotonic() - self._kept.at < PAUSE * self._kept.took:
                return None
            self._waiting = self._renewer.submit(self.newest, self._step)
            return self._waiting

    def stop(self) -> None:
        """End what runs and drop what waits: a list can be made again, and a server that stops is waited for."""
        with self._guard:
            self._stopping.set()
            renewer, self._renewer = self._renewer, None
        if renewer is not None:
            renewer.shutdown(wait=True, cancel_futures=True)

    def _step(self) -> None:
        if self._stopping.is_set():
            raise _StoppedError

    def _last(self) -> int:
        with self._workspace.graph.read() as reader:
            return reader.last_activity()


def standing_of(workspace: Workspace) -> Standing:
    """The list of a workspace that this process keeps."""
    return workspace.keep(Standing, Standing)
