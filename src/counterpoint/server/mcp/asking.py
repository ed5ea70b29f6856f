"""Asks the application itself, as another request of whoever asks: what it tells is what its API tells them."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlencode

from litestar.types import ASGIApp, Message

from counterpoint.web.tools import Read

__all__ = ["Answer", "ask", "credentials_of"]

PASSED_ON: Final = frozenset({b"authorization", b"x-api-key", b"cookie", b"host", b"x-request-id"})
"""Headers that say who asks, and by which name of the server."""


class Answer:
    """The status of an answer and its body."""

    def __init__(self) -> None:
        self.status = 500
        self.body = bytearray()

    async def take(self, message: Message) -> None:
        """Take what the application sends."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


def credentials_of(request: Any) -> list[tuple[bytes, bytes]]:
    """Those headers of a request that say who asks; none where there was no request, as on stdio."""
    if request is None:
        return []
    return [(name.lower(), value) for name, value in request.scope["headers"] if name.lower() in PASSED_ON]


async def ask(app: ASGIApp, read: Read, request: Any = None) -> Answer:
    """What the application answers to a read of its API, with the credentials of the request that it is for."""
    outer: Mapping[str, Any] = request.scope if request is not None else {}
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": outer.get("scheme", "http"),
        "path": unquote(read.path),
        "raw_path": read.path.encode(),
        "root_path": "",
        "query_string": urlencode(read.query).encode(),
        "headers": [*credentials_of(request), (b"accept", b"application/json")],
        "client": outer.get("client"),
        "server": outer.get("server"),
        "extensions": {},
    }
    answer = Answer()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive, answer.take)  # type: ignore[arg-type]
    return answer
