"""The server's follower: versions and weeks follow who was forgotten or withdrew, in a thread beside the requests.

What has to be followed stands in the journal and in the rows of versions, so that nothing is lost with the process:
the next server goes on, or `counterpoint discover follow`. Several servers may follow one workspace; of two that fit
the same recommender one leaves it to the other.
"""

import time
from collections.abc import Callable

import structlog

from counterpoint.discover.forgetting import Followed, follow, is_due
from counterpoint.graph.actor import SYSTEM
from counterpoint.worker import Worker
from counterpoint.workspace import Workspace

__all__ = ["Follower", "follower_of"]

log = structlog.get_logger("counterpoint.discover")

PATIENCE = 10.0
"""Seconds for which the end of a server waits for a fit that is being made: what it had is not lost with it."""
Tell = Callable[[str], None]


class _ServerEndsError(Exception):
    """The server ends: what is being fitted is left as it is."""


def _follow(workspace: Workspace, tell: Tell) -> Followed:
    return follow(workspace, SYSTEM, wait=0.0, progress=tell)


class Follower:
    """Looks again and again whether anything has to be followed, and follows it. Only a server starts it."""

    def __init__(
        self, workspace: Workspace, *, work: Callable[[Workspace, Tell], Followed] = _follow
    ) -> None:
        self._workspace, self._follow = workspace, work
        self._seconds = float(workspace.settings.discover.follow_seconds)
        self._worker = Worker("discover-follower", self._work)
        self._woken = False

    def start(self) -> None:
        """Follow from now on, and first what was left; unless the settings leave it to the command."""
        if self._seconds > 0:
            self._worker.start()

    def wake(self) -> None:
        """Somebody was forgotten or withdrew: look now."""
        with self._worker.changed:
            self._woken = True
            self._worker.changed.notify_all()

    def stop(self) -> None:
        """End; a fit that is being made ends at its next step."""
        self._worker.stop(patience=PATIENCE)

    def _work(self) -> None:
        while not self._worker.stopping:
            with self._worker.changed:
                self._woken = False
            self._look()
            with self._worker.changed:
                self._worker.changed.wait_for(lambda: self._worker.stopping or self._woken, self._seconds)

    def _look(self) -> None:
        begun = time.monotonic()
        try:
            if not is_due(self._workspace):
                return
            done = self._follow(self._workspace, self._tell)
            log.info(
                "discover.followed",
                fitted=done.fitted,
                gone=done.gone,
                waiting=done.waiting,
                seconds=round(time.monotonic() - begun, 3),
            )
        except _ServerEndsError:
            return
        except Exception:
            # What fails now is tried again: until it succeeds versions answer with what everybody hears.
            log.exception("discover.not_followed")

    def _tell(self, _: str) -> None:
        if self._worker.stopping:
            raise _ServerEndsError


def follower_of(workspace: Workspace) -> Follower:
    """The follower of a workspace, shared by all that wake it."""
    return workspace.keep(Follower, Follower)
