"""Writes the history of outcomes while a server runs: soon after a change, and when a new day begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime

import structlog

from counterpoint.catalog.scorecards.history import keep
from counterpoint.catalog.scorecards.standing import standing_of
from counterpoint.errors import CounterpointError
from counterpoint.workspace import Workspace

__all__ = ["PERIOD", "recording"]

PERIOD = 5.0
"""Seconds between two looks at the activity log; a look costs microseconds, and what has not moved costs no more."""


@asynccontextmanager
async def recording(workspace: Workspace, *, period: float = PERIOD) -> AsyncIterator[None]:
    """Keep the history while the block runs."""
    task = asyncio.create_task(_record(workspace, period))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _record(workspace: Workspace, period: float) -> None:
    seen: tuple[int, date] | None = None
    while True:
        await asyncio.sleep(period)
        try:
            seen = await asyncio.to_thread(_look, workspace, seen)
        except CounterpointError as error:  # the database is busy; the next look tries again
            structlog.get_logger().warning("scorecards.not_kept", reason=str(error))


def _look(workspace: Workspace, seen: tuple[int, date] | None) -> tuple[int, date]:
    now = (workspace.graph.last_activity(), datetime.now(UTC).date())
    standing = standing_of(workspace)
    if now != seen or standing.is_stale():
        standing.now(patience=1)
        keep(workspace)
    return now
