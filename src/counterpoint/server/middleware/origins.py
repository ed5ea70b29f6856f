"""Refuses changes that a page of another site sends; lets client keys be used from any page."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.errors import NotAllowedError
from counterpoint.server.connection import caller_of, header, method_of
from counterpoint.server.identity.access import is_cross_site

__all__ = ["Origins"]

PREFLIGHT = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, flagd-selector, if-none-match, x-api-key",
    ),
    (b"access-control-max-age", b"86400"),
]
READABLE = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"etag, retry-after")]
"""No `allow-credentials`: a cookie never helps another site."""


class Origins:
    """Refuses cross-site changes unless a token came with them, and answers CORS for OFREP.

    A browser adds cookies to requests by itself, but never a token: who sends one means it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = method_of(scope)
        origin = header(scope, b"origin")
        evaluates = scope["path"].startswith("/ofrep/") and origin is not None
        if evaluates and method == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if caller_of(scope).via != "token" and is_cross_site(
            method,
            host=header(scope, b"host") or "",
            origin=origin,
            fetch_site=header(scope, b"sec-fetch-site"),
        ):
            raise NotAllowedError("A page of another site sent this change; only a token may do that.")

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *READABLE]
            await send(message)

        await self.app(scope, receive, send_readable if evaluates else send)
