"""Writes the history of outcomes while a server runs: soon after a change, and when a new day begins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from counterpoint.catalog.scorecards.history import keep
from counterpoint.catalog.scorecards.standing import Present, standing_of
from counterpoint.errors import CounterpointError
from counterpoint.workspace import Workspace

__all__ = ["PERIOD", "recording"]

PERIOD = 5.0
"""Seconds between two recordings, however much changes."""
LONGEST = 600.0
"""Seconds after which the day is looked at, which may be a new one: ages and exemptions follow it."""


@asynccontextmanager
async def recording(workspace: Workspace, *, period: float = PERIOD) -> AsyncIterator[None]:
    """Keep the history while the block runs."""
    changed = asyncio.Event()
    loop = asyncio.get_running_loop()
    with workspace.graph.follower.following(lambda: loop.call_soon_threadsafe(changed.set)):
        task = asyncio.create_task(_record(workspace, changed, period))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _record(workspace: Workspace, changed: asyncio.Event, period: float) -> None:
    kept: Present | None = None
    wait = LONGEST
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), wait)
        await asyncio.sleep(period)  # what changes meanwhile is one recording
        changed.clear()
        try:
            kept = await asyncio.to_thread(_keep, workspace, kept)
            wait = min(LONGEST, standing_of(workspace).fresh_for())
        except CounterpointError as error:  # the database is busy; it is tried again
            structlog.get_logger().warning("scorecards.not_kept", reason=str(error))
            wait = period


def _keep(workspace: Workspace, kept: Present | None) -> Present:
    """Write down what has changed since some outcomes were written down; returned are those that are now."""
    present = standing_of(workspace).now(patience=1)
    if present is not kept:
        keep(workspace)
    return present
