"""The server's watch over rollouts: the same check as `counterpoint rollouts step`, again and again.

Several servers may watch one workspace; of two that decide at once one is told that it is too late.
"""

import threading
from collections.abc import Callable

import structlog

from counterpoint.errors import CounterpointError
from counterpoint.rollouts.controller import step_all
from counterpoint.workspace import Workspace

__all__ = ["Watch"]

log = structlog.get_logger("counterpoint.rollouts")


class Watch:
    """Checks every rollout that is under way, in a thread of its own, until it is stopped."""

    def __init__(
        self,
        workspace: Workspace,
        seconds: float,
        *,
        check: Callable[[Workspace], object] = lambda workspace: step_all(workspace, failed=_say),
    ) -> None:
        self._workspace, self._seconds, self._check = workspace, seconds, check
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless the settings leave it to others."""
        if self._seconds > 0:
            self._thread = threading.Thread(target=self._run, name="rollouts", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the check that runs."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self._check(self._workspace)
            except Exception:
                # One check that fails, as where the database is away, must not end the watch; exposure holds meanwhile.
                log.exception("rollouts.check_failed")


def _say(ref: str, error: CounterpointError) -> None:
    log.warning("rollouts.not_checked", rollout=ref, reason=error.message)
