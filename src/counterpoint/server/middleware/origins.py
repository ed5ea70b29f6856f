"""Refuses changes that a page of another site sends; lets client keys be used from the pages they are for."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.errors import NotAllowedError
from counterpoint.server.connection import caller_of, header, is_loopback, method_of
from counterpoint.server.identity.access import is_cross_site

__all__ = ["EVALUATION", "PREFLIGHT", "Origins", "Readable", "lines_for", "may_ask"]

EVALUATION = "/ofrep/"
"""What pages of other sites may ask for, since a client key opens nothing else."""
ANY = b"*"
PREFLIGHT = [
    (b"access-control-allow-methods", b"POST, GET"),
    (
        b"access-control-allow-headers",
        b"authorization, cache-control, content-type, flagd-selector, if-none-match, last-event-id, x-api-key",
    ),
    (b"access-control-max-age", b"86400"),
]
EXPOSED = (b"access-control-expose-headers", b"etag, retry-after, x-request-id")


def lines_for(origin: str, origins: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """The headers that let a page read an answer about flags; `origins` may be empty, which means every page."""
    if not origins:
        return [(b"access-control-allow-origin", ANY), EXPOSED]
    # What stands between us and the browser must not give one page the answer made for another.
    varied = [(b"vary", b"Origin")]
    if origin not in origins:
        return varied
    return [(b"access-control-allow-origin", origin.encode("latin-1")), EXPOSED, *varied]


def may_ask(origin: str, *, host: str, origins: frozenset[str]) -> bool:
    """Whether a page may have flags evaluated with a token."""
    ours = origin.partition("://")[2].lower() == host.lower()
    return ours or not origins or origin in origins


class Readable:
    """Lets pages of other sites read what they were answered about flags, refusals included.

    It stands outside of all that refuses: a page that cannot read a 401 or a 429 takes it for an outage
    and asks again. There is no `allow-credentials`: a cookie never helps another site.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self.app = app
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = header(scope, b"origin")
        if origin is None or not scope["path"].startswith(EVALUATION):
            await self.app(scope, receive, send)
            return
        lines = lines_for(origin, self.origins)

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *lines]
            await send(message)

        await self.app(scope, receive, send_readable)


class Origins:
    """Refuses cross-site changes unless a token came with them, and answers preflights about flags.

    A browser adds cookies to requests by itself, but never a token: who sends one means it. Without
    sign-in, pages that this machine serves may evaluate flags, as a web application under development does.
    """

    def __init__(self, app: ASGIApp, origins: frozenset[str]) -> None:
        self.app = app
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = method_of(scope)
        origin = header(scope, b"origin")
        evaluates = scope["path"].startswith(EVALUATION)
        if evaluates and origin is not None and method == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        host = header(scope, b"host") or ""
        if caller_of(scope).via == "token":
            if evaluates and origin is not None and not may_ask(origin, host=host, origins=self.origins):
                raise NotAllowedError(
                    f"Flags are not evaluated for pages of {origin!r}; `origins` in [flags] names those that may ask."
                )
        elif is_cross_site(
            # A stream is asked for as an evaluation is: by GET, and still by nobody else's page.
            "POST" if evaluates else method,
            host=host,
            origin=origin,
            fetch_site=header(scope, b"sec-fetch-site"),
        ) and not (evaluates and self._is_harmless(scope, origin)):
            raise NotAllowedError("A page of another site sent this change; only a token may do that.")
        await self.app(scope, receive, send)

    def _is_harmless(self, scope: Scope, origin: str | None) -> bool:
        """Whether an evaluation rests on nothing that a browser added: who has no key is refused further in."""
        via = caller_of(scope).via
        return via == "nothing" or (via == "local" and _is_of_this_machine(origin))


def _is_of_this_machine(origin: str | None) -> bool:
    """Whether a page comes from a server on this machine; a name that another site points here does not count."""
    scheme, _, host = (origin or "").partition("://")
    return scheme in ("http", "https") and is_loopback(host)
