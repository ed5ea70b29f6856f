"""Server-sent events on bare ASGI: what every stream of ours does alike.

References:
    WHATWG HTML, section 9.2 "Server-sent events".

A stream has no queue. Whoever serves one says, when asked, what is new since it was last asked, so that a slow
reader gets the newest state when it is ready for it, however much happened in between.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

__all__ = ["LONGEST", "QUIET", "Listener", "encoded", "last_id", "open_and_end", "serve"]

QUIET: Final = 15.0
"""Seconds of silence after which a comment tells proxies and clients that the stream lives."""
LONGEST: Final = 600.0
"""Seconds after which a stream ends that nobody checks; clients come back by themselves, and who lost access does not."""
STALLED: Final = 60.0
"""Seconds after which a client that reads nothing is left."""
RETRY: Final = (1000, 3000)
"""Milliseconds after which clients come back; spread, so that after a restart not all do at once."""
HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    # The address can hold a ticket.
    (b"referrer-policy", b"no-referrer"),
)
COMMENT: Final = b": quiet\n\n"


class Listener:
    """One open stream."""

    __slots__ = ("_future", "_woken", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._woken = False
        self._future: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Let the stream look whether there is something to say."""
        self._woken = True
        self._go_on()

    def end(self) -> None:
        """Let the stream end."""
        self.ended = True
        self.wake()

    async def wait(self, seconds: float) -> bool:
        """Until it is woken; False when it was not for so long."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._future = loop.create_future()
            timer = loop.call_later(seconds, self._go_on)
            try:
                await self._future
            finally:
                timer.cancel()
                self._future = None
        woken, self._woken = self._woken, False
        return woken

    async def rest(self, seconds: float) -> None:
        """So long, whatever wakes it, unless the stream is to end; what woke it is not forgotten."""
        loop = asyncio.get_running_loop()
        until, woken = loop.time() + seconds, False
        while not self.ended and (left := until - loop.time()) > 0:
            woken = await self.wait(left) or woken
        self._woken = self._woken or woken

    def _go_on(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)


async def serve(
    listener: Listener,
    receive: Callable[[], Any],
    send: Callable[[Any], Any],
    say: Callable[[], bytes],
    *,
    quiet: float = QUIET,
    pause: float = 0.0,
    longest: float | None = None,
) -> None:
    """Serve a stream until its listener is to end, its client has gone, or reads nothing for too long.

    `say` returns what is new since it was last asked, or nothing. Between two messages lie `pause` seconds or more.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + longest if longest is not None else float("inf")
    gone = asyncio.ensure_future(_watch(receive, listener))
    try:
        await send(_start())
        content = b"retry: %d\n: connected\n\n" % random.randint(*RETRY)  # noqa: S311
        while not listener.ended and loop.time() < end:
            content, said = content + (new := say()), bool(new)
            if content:
                async with asyncio.timeout(STALLED):
                    await send({"type": "http.response.body", "body": content, "more_body": True})
            if said and pause:
                await listener.rest(pause)
            content = b"" if await listener.wait(min(quiet, max(end - loop.time(), 0.0))) else COMMENT
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        pass  # it reads nothing: leaving it closes the connection
    finally:
        gone.cancel()


async def open_and_end(send: Callable[[Any], Any]) -> None:
    """Let a client that comes while the server stops come again: after any answer but 200 none would."""
    await send(_start())
    await send({"type": "http.response.body", "body": b"retry: %d\n\n" % random.randint(*RETRY)})  # noqa: S311


def encoded(data: bytes, *, event: str, identity: str) -> bytes:
    """One message; `data` is one line, as JSON is."""
    return b"event: %s\nid: %s\ndata: %s\n\n" % (event.encode(), identity.encode(), data)


def last_id(scope: Mapping[str, Any]) -> str:
    """What a client that comes back was told last."""
    values = [value for name, value in scope["headers"] if name == b"last-event-id"]
    return values[0].decode("latin-1") if values else ""


def _start() -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, "headers": list(HEADERS)}


async def _watch(receive: Callable[[], Any], listener: Listener) -> None:
    """End the stream when its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()
