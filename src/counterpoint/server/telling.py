"""Answers of the API in the words of the organisation: every text of ours in them is told, whoever made it."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Response
from litestar.concurrency import sync_to_thread

from counterpoint.said import says, told
from counterpoint.server.context import customs_of
from counterpoint.workspace import Workspace

__all__ = ["telling"]

Hook = Callable[[Response[Any]], Awaitable[Response[Any]]]


def telling(workspace: Workspace) -> Hook:
    """Litestar's hook between a handler and the wire: tells what the handler says."""

    async def tell(response: Response[Any]) -> Response[Any]:
        if says(response.content):
            customs = await sync_to_thread(customs_of(workspace).of)
            response.content = told(response.content, customs.words)
        return response

    return tell
