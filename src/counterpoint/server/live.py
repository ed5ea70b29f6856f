"""The activity log as a live stream, woken by the one follower of the graph."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress

import msgspec
from litestar import Litestar
from litestar.concurrency import sync_to_thread
from litestar.response.sse import ServerSentEventMessage

from counterpoint.graph.entity import Activity
from counterpoint.moments import rfc3339
from counterpoint.streams import LONGEST, QUIET
from counterpoint.workspace import Workspace

__all__ = ["Live", "activity_item"]

BATCH = 500


class ActivityItem(msgspec.Struct, frozen=True, rename="camel"):
    """One change as the API and the stream show it."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    before: object = None
    after: object = None
    reason: str | None = None


def activity_item(entry: Activity) -> ActivityItem:
    """The public form of an entry of the log."""
    at = rfc3339(entry.at)
    return ActivityItem(
        entry.seq, at, entry.actor, entry.action, entry.subject, entry.before, entry.after, entry.reason
    )


class Live:
    """Wakes whoever listens when something has changed, and ends all streams when the server stops."""

    def __init__(self, workspace: Workspace, others: Collection[Callable[[], None]] = ()) -> None:
        """Take the workspace, and what ends the streams that are served elsewhere."""
        self.workspace = workspace
        self.others = others
        self.listeners = 0
        self._closing = asyncio.Event()
        self._moved = asyncio.Event()

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Follow the graph while the application runs."""
        loop = asyncio.get_running_loop()
        with self.workspace.graph.follower.following(lambda: loop.call_soon_threadsafe(self._move)):
            try:
                yield
            finally:
                self.close()

    def close(self) -> None:
        """End every stream. Called before the server waits for its connections to end."""
        self._closing.set()
        self._moved.set()
        for close in self.others:
            close()

    async def stream(
        self, after: int | None, *, hidden: Collection[str] = ()
    ) -> AsyncIterator[ServerSentEventMessage]:
        """The entries after the given number, or those from now on, as they are written.

        Actions that begin with one of `hidden` are left out.
        """
        self.listeners += 1
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST
        try:
            last = await sync_to_thread(self.workspace.graph.last_activity) if after is None else after
            yield ServerSentEventMessage(data=None, comment="connected", retry=2000)
            while not self._closing.is_set() and loop.time() < end:
                moved = self._moved
                entries = await sync_to_thread(self._after, last, hidden)
                for entry in entries:
                    last = entry.seq
                    text = msgspec.json.encode(activity_item(entry))
                    yield ServerSentEventMessage(data=text, event="activity", id=last)
                if not entries and not await _happens(moved, QUIET):
                    yield ServerSentEventMessage(data=None, comment="quiet")
        finally:
            self.listeners -= 1

    def _move(self) -> None:
        waiting, self._moved = self._moved, asyncio.Event()
        waiting.set()

    def _after(self, seq: int, hidden: Collection[str]) -> list[Activity]:
        """The next entries; a client that was away for long gets the others after these."""
        with self.workspace.graph.read() as reader:
            return reader.activity(after=seq, hidden=hidden, oldest_first=True, limit=BATCH)


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
