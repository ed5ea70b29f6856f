"""Every request has an id, which the answer, the logs and the error bodies carry."""

import re
import secrets

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.server.connection import header, state_of

__all__ = ["RequestIds", "chosen_id"]

VALID = re.compile(r"[A-Za-z0-9._:-]{8,128}")


def chosen_id(given: str | None) -> str:
    """The id that came with a request where it is valid, else a new one."""
    return given if given and VALID.fullmatch(given) else secrets.token_hex(16)


class RequestIds:
    """Takes over a valid `X-Request-ID`, makes one up otherwise, and echoes it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = chosen_id(header(scope, b"x-request-id"))
        state_of(scope)["request_id"] = request_id
        line = (b"x-request-id", request_id.encode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), line]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_with_id)
