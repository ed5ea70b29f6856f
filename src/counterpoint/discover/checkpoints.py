"""Where a fit stands, so that one that is broken off goes on from there and comes to the same, bit for bit. Pure.

A fit asks for what it has done before each long step and gives it away after; who calls decides where that is kept
(`resuming.py` keeps files). A stage that is kept again takes the place of what it was.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

__all__ = ["NOWHERE", "Checkpoints", "Stage", "done_once"]

Stage = Mapping[str, Any]
"""Arrays and CSR matrices by name."""


class Checkpoints(Protocol):
    """What a fit keeps of its stages."""

    def found(self, stage: str) -> Stage | None:
        """What was kept of a stage; None where nothing was."""

    def keep(self, stage: str, values: Stage) -> None:
        """Keep what a stage came to."""


class _Nowhere:
    """Keeps nothing: a fit that is broken off begins again."""

    def found(self, stage: str) -> Stage | None:
        return None

    def keep(self, stage: str, values: Stage) -> None:
        pass


NOWHERE: Checkpoints = _Nowhere()


def done_once(checkpoints: Checkpoints, stage: str, work: Callable[[], Stage]) -> Stage:
    """What a stage came to: as it was kept, or else worked out and kept."""
    known = checkpoints.found(stage)
    if known is None:
        known = work()
        checkpoints.keep(stage, known)
    return known
