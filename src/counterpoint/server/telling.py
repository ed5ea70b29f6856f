"""Answers of the API in the words of the organisation: every text of ours in them is told, whoever made it."""

from contextvars import ContextVar
from typing import Any

from litestar import Response
from litestar.concurrency import sync_to_thread
from litestar.types import ASGIApp, Receive, Scope, Send

from counterpoint.said import says, told
from counterpoint.server.context import customs_of
from counterpoint.workspace import Workspace

__all__ = ["Telling", "tell"]

_workspace: ContextVar[Workspace] = ContextVar("workspace")


class Telling:
    """Remembers for `tell` which workspace a request asks.

    Litestar keeps in a handler the hook that follows it, and all applications of a process share the
    handlers: a hook that knew its workspace would speak the words of the first one's ever after.
    """

    def __init__(self, app: ASGIApp, workspace: Workspace) -> None:
        self._app, self._workspace = app, workspace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _workspace.set(self._workspace)
        try:
            await self._app(scope, receive, send)
        finally:
            _workspace.reset(token)


async def tell(response: Response[Any]) -> Response[Any]:
    """Litestar's hook between a handler and the wire: tells what the handler says."""
    if says(response.content):
        customs = await sync_to_thread(customs_of(_workspace.get()).of)
        response.content = told(response.content, customs.words)
    return response
