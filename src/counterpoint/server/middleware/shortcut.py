"""A shorter way for the requests that come most often: single remote evaluations with a token, and preflights.

It decides nothing by itself. It takes a request only where every check of the usual way is known to pass:
where there is nothing to say about cookies, the page that asks may ask, and the usual way has recognised
the same token a moment ago. Everything else, and whatever is refused or fails, goes the usual way untouched.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, runtime_checkable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from counterpoint.flags.tickets import secret_in
from counterpoint.graph.actor import Actor
from counterpoint.server.connection import caller_of, method_of
from counterpoint.server.identity.access import refusal
from counterpoint.server.identity.known import KnownCallers
from counterpoint.server.identity.model import Caller, hash_secret
from counterpoint.server.identity.recognition import Credentials, Recognition
from counterpoint.server.middleware.headers import ADDED
from counterpoint.server.middleware.hosts import Hosts
from counterpoint.server.middleware.logs import RequestLines
from counterpoint.server.middleware.metrics import Meters
from counterpoint.server.middleware.origins import PREFLIGHT, lines_for, may_ask
from counterpoint.server.middleware.request_ids import chosen_id

__all__ = ["Quick", "Shortcut"]

RENEWED_EVERY = 0.05
"""Seconds between two looks at the graph while requests come."""
MOST_HOSTS = 64
LARGEST = 65_536
"""Bytes of a body that are read here."""
UNUSUAL = frozenset(
    (
        b"cookie",
        b"content-encoding",
        b"transfer-encoding",
        b"expect",
        b"upgrade",
    )
)
"""Headers that the usual way has something to say about."""
OF_PAGES = frozenset((b"origin", b"sec-fetch-site"))
"""Headers of a browser: with a token the page has to be one that may ask, without one the usual way decides."""
TYPED = (b"content-type", b"application/json")


@runtime_checkable
class Quick(Protocol):
    """A mounted application that can answer a plain request without waiting for anything."""

    def at_once(
        self, scope: Scope, headers: Mapping[bytes, bytes], actor: Actor | None, body: bytes
    ) -> bytes | None:
        """The JSON of a 200; None, having done nothing, where the request has to go the usual way."""

    def renew(self) -> None:
        """Read what `at_once` needs; called in a thread while requests come."""


class Shortcut:
    """Stands in front of everything else, and does for what it answers what the others do: log, count, add headers."""

    def __init__(
        self,
        app: ASGIApp,
        path: str,
        quick: Quick,
        *,
        recognition: Recognition,
        hosts: frozenset[str] | None,
        origins: frozenset[str],
        meters: Meters,
    ) -> None:
        """Take the usual way, the path below which `quick` answers, and what tells who may ask."""
        self.app = app
        self._path = path
        self._quick = quick
        self._known = KnownCallers(recognition.workspace.graph)
        nobody = recognition.recognise(Credentials())
        self._nobody = nobody if _may(nobody, path) else None
        """Whom a request without a token is from: the local user where there is no sign-in."""
        self._hosts = None if hosts is None else Hosts(app, hosts)
        self._origins = origins
        self._admitted: set[bytes] = set()
        self._lines = RequestLines()
        self._in_flight = meters.in_flight
        self._evaluated = meters.requests.labels(path, "POST", "200"), meters.seconds.labels(path, "POST")
        self._meters = meters
        self._renewed = float("-inf")
        self._busy = False
        self._renewing: asyncio.Future[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        if (headers := self._plain(scope)) is None:
            await self.app(scope, receive, send)
            return
        if method_of(scope) == "OPTIONS":
            await self._allow(scope, headers, begun, send)
            return
        token = _token(headers)
        secret_hash = None if token is None else hash_secret(token)
        self._look_again()
        number = self._known.number
        caller = self._nobody if secret_hash is None else self._known.get(secret_hash)
        if caller is None or not self._may_ask(caller, headers):
            await self.app(scope, receive, send)
            if caller is None and secret_hash is not None:
                self._learn(secret_hash, caller_of(scope), number)
            return
        self._in_flight.inc()
        try:
            message = await receive()
            content = self._content(scope, headers, caller, message)
            if content is not None:
                await self._answer(scope, headers, caller, content, begun, send)
        finally:
            self._in_flight.dec()
        if content is None:
            await self.app(scope, _again(message, receive), send)

    def _plain(self, scope: Scope) -> dict[bytes, bytes] | None:
        """The headers of a request for which there is nothing to say on the way; None for every other one."""
        if (
            scope["type"] != ScopeType.HTTP
            or scope["query_string"]
            or not scope["path"].startswith(self._path)
        ):
            return None
        lines = list(scope["headers"])
        headers = dict(lines)
        if len(headers) != len(lines) or not UNUSUAL.isdisjoint(headers):
            return None
        below = scope["path"][len(self._path) :]
        if scope["method"] == "POST":
            length = headers.get(b"content-length", b"")
            plain = len(below) > 1 and length.isdigit() and len(length) <= 5 and int(length) <= LARGEST
        else:
            plain = scope["method"] == "OPTIONS" and b"origin" in headers and _token(headers) is None
        return (
            headers if plain and below[:1] in ("", "/") and self._admits(headers.get(b"host", b"")) else None
        )

    def _may_ask(self, caller: Caller, headers: Mapping[bytes, bytes]) -> bool:
        """Whether the usual way lets a browser's request pass; it decides itself where nothing but a page speaks."""
        if OF_PAGES.isdisjoint(headers):
            return True
        if caller.via != "token":
            return False
        origin, host = headers.get(b"origin"), headers.get(b"host", b"").decode("latin-1")
        return origin is None or may_ask(origin.decode("latin-1"), host=host, origins=self._origins)

    def _admits(self, host: bytes) -> bool:
        if self._hosts is None or host in self._admitted:
            return True
        if not self._hosts.is_ours(host.decode("latin-1").lower()):
            return False
        if len(self._admitted) < MOST_HOSTS:
            self._admitted.add(host)
        return True

    def _content(
        self, scope: Scope, headers: Mapping[bytes, bytes], caller: Caller, message: Any
    ) -> bytes | None:
        if message["type"] != "http.request" or message.get("more_body"):
            return None
        return self._quick.at_once(scope, headers, caller.actor, message.get("body", b""))

    async def _answer(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        caller: Caller,
        content: bytes,
        begun: float,
        send: Send,
    ) -> None:
        lines = [TYPED, (b"content-length", b"%d" % len(content))]
        await self._send(scope, headers, 200, lines, content, begun, send, self._evaluated, caller)

    async def _allow(self, scope: Scope, headers: Mapping[bytes, bytes], begun: float, send: Send) -> None:
        """Answer what a browser asks before a page's first request."""
        counted = self._meters.requests.labels("unmatched", "OPTIONS", "204")
        timed = self._meters.seconds.labels("unmatched", "OPTIONS")
        self._in_flight.inc()
        try:
            await self._send(scope, headers, 204, PREFLIGHT, b"", begun, send, (counted, timed), self._nobody)
        finally:
            self._in_flight.dec()

    async def _send(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        status: int,
        own: Sequence[tuple[bytes, bytes]],
        content: bytes,
        begun: float,
        send: Send,
        meters: tuple[Counter, Histogram],
        caller: Caller | None,
    ) -> None:
        """Send it with the headers that every answer has, and count and log it."""
        given, origin = headers.get(b"x-request-id"), headers.get(b"origin")
        request_id = chosen_id(given.decode("latin-1") if given else None)
        readable = () if origin is None else lines_for(origin.decode("latin-1"), self._origins)
        lines = [*own, *readable, *ADDED, (b"x-request-id", request_id.encode())]
        try:
            await send({"type": "http.response.start", "status": status, "headers": lines})
            await send({"type": "http.response.body", "body": content, "more_body": False})
        finally:
            took = time.perf_counter() - begun
            meters[0].inc()
            meters[1].observe(took)
            self._lines.add(
                method=method_of(scope),
                path=scope["path"],
                status=status,
                ms=round(took * 1000, 2),
                actor=caller.actor.ref if caller and caller.actor else None,
                request_id=request_id,
            )

    def _learn(self, secret_hash: str, caller: Caller, number: int) -> None:
        """Know the token the next time, where the usual way has just let it pass."""
        if caller.via == "token" and _may(caller, self._path):
            self._known.keep(secret_hash, caller, number=number)

    def _look_again(self) -> None:
        """Have a thread look at the graph, unless one does or has just done so. Nobody waits for it."""
        now = time.monotonic()
        if not self._busy and now - self._renewed > RENEWED_EVERY:
            self._busy, self._renewed = True, now
            self._renewing = asyncio.get_running_loop().run_in_executor(None, self._renew)

    def _renew(self) -> None:
        try:
            self._known.renew()
            self._quick.renew()
        finally:
            self._busy = False

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Write the last lines of log when the server stops, and leave no thread behind that reads."""
        try:
            yield
        finally:
            if self._renewing is not None:
                await asyncio.wait([self._renewing])
            self._lines.flush()


def _may(caller: Caller, path: str) -> bool:
    return refusal(caller, "POST", path) is None


def _token(headers: Mapping[bytes, bytes]) -> str | None:
    authorization, key = headers.get(b"authorization", b""), headers.get(b"x-api-key")
    return secret_in(authorization.decode("latin-1"), None if key is None else key.decode("latin-1"))


def _again(message: Any, receive: Receive) -> Receive:
    """The receiver as it was before a message was taken from it."""
    taken = False

    async def receive_again() -> Any:
        nonlocal taken
        if taken:
            return await receive()
        taken = True
        return message

    return receive_again
