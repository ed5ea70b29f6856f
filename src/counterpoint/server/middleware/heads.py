"""Answers HEAD wherever GET is answered, as HTTP demands; litestar only does where a handler says so."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.server.connection import method_of

__all__ = ["Heads"]


class Heads:
    """Asks for the whole answer and sends its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if method_of(scope) != "HEAD":
            await self.app(scope, receive, send)
            return
        asked: Scope = {**scope, "method": "GET"}  # type: ignore[assignment]

        async def send_head(message: Message) -> None:
            # The body is ended at once, so that a stream without end is not waited for.
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        try:
            await self.app(asked, receive, send_head)
        finally:
            scope["path_template"] = asked.get("path_template", "")
