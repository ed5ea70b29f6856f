"""A client of an event stream, without a network between."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from counterpoint.openfeature.stream import Message, Messages

__all__ = ["DEADLINE", "Listener"]

DEADLINE = 20.0
"""Seconds."""


class Listener:
    """One stream of an ASGI callable; it reads nothing while `reading` is not set."""

    def __init__(
        self, app: Callable[..., Any], path: str, query: str = "", last_id: str | None = None
    ) -> None:
        headers = [(b"last-event-id", last_id.encode())] if last_id is not None else []
        scope: Mapping[str, Any] = {
            "method": "GET",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "state": {},
        }
        self.comments = 0
        self.reading = asyncio.Event()
        self.reading.set()
        self._parts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._messages = Messages()
        self._found: list[Message] = []
        self.served = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        await self._parts.put(message)

    def leave(self) -> None:
        self._gone.set()

    async def part(self) -> bytes:
        """The next part of the body; raises what ended the stream."""
        async with asyncio.timeout(DEADLINE):
            while True:
                asked = asyncio.ensure_future(self._parts.get())
                await asyncio.wait({asked, self.served}, return_when=asyncio.FIRST_COMPLETED)
                if not asked.done():
                    asked.cancel()
                    self.served.result()
                    return b""
                if "body" in (message := asked.result()):
                    return bytes(message["body"])

    async def message(self) -> Message:
        """The next message."""
        while not self._found:
            part = await self.part()
            assert part, "the stream has ended"
            self.comments += part.count(b": quiet")
            self._found += self._messages.feed(part)
        return self._found.pop(0)

    async def opened(self) -> bytes:
        """Wait for the first part, which tells that the stream is open."""
        part = await self.part()
        self._found += self._messages.feed(part)
        return part
