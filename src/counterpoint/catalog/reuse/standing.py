"""The list of likely twins, kept while it holds and renewed behind the reader's back when it does not."""

import threading
from concurrent.futures import ThreadPoolExecutor

from counterpoint.graph.similar.things import Pair
from counterpoint.web.similar import things_of
from counterpoint.workspace import Workspace

__all__ = ["Standing", "standing_of"]


class Standing:
    """Comparing everything with everything costs a second where ten thousand things are; a page may not wait for it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._guard = threading.Lock()
        self._kept: tuple[int, list[Pair]] | None = None
        self._renewer: ThreadPoolExecutor | None = None
        self._waiting = False

    def newest(self) -> list[Pair]:
        """The pairs of now."""
        with self._lock:
            seen = self._last()
            if self._kept is None or self._kept[0] != seen:
                self._kept = (seen, things_of(self._workspace).shelf().pairs())
            return self._kept[1]

    def at_hand(self) -> tuple[list[Pair], bool]:
        """The last pairs, and whether they hold for the graph of now; if not, a server renews them meanwhile."""
        kept = self._kept
        if kept is None or (kept[0] != self._last() and self._renewer is None):
            return self.newest(), True
        if kept[0] == self._last():
            return kept[1], True
        self.renew()
        return kept[1], False

    def start(self) -> None:
        """Renew the list in a thread from now on, the first time at once."""
        self._renewer = ThreadPoolExecutor(1, thread_name_prefix="twins")
        self.renew()

    def renew(self) -> None:
        """Compute the list in the renewing thread, unless it waits there already."""
        with self._guard:
            if self._renewer is None or self._waiting:
                return
            self._waiting = True
            self._renewer.submit(self._do)

    def stop(self) -> None:
        """Finish what runs, drop what waits."""
        with self._guard:
            renewer, self._renewer = self._renewer, None
        if renewer is not None:
            renewer.shutdown(wait=True, cancel_futures=True)

    def _do(self) -> None:
        with self._guard:
            self._waiting = False
        self.newest()  # what it raises is raised again, and told, when somebody asks for the list

    def _last(self) -> int:
        with self._workspace.graph.read() as reader:
            return reader.last_activity()


def standing_of(workspace: Workspace) -> Standing:
    """The list of a workspace that this process keeps."""
    return workspace.keep(Standing, Standing)
