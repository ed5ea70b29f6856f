"""Names with a slash in paths: `%2F` within a part of a path is no slash between two parts.

ASGI hands out the path decoded, where both are the same. So what stood within a part is taken through the routing as a
character that no name has, and handed to the handler as the slash that it is.
"""

from typing import Any
from urllib.parse import unquote

from litestar.types import ASGIApp, Receive, Scope, Send

from counterpoint.errors import InputError

__all__ = ["SLASH", "Segments", "whole"]

BELOW = "/api/v1/discover/"
SLASH = "\x1f"


class Segments:
    """Stands before the routing, for the paths that hold names which people outside have given."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw, path = scope.get("raw_path") or b"", scope["path"]
        if not path.startswith(BELOW) or b"%" not in raw:
            await self.app(scope, receive, send)
            return
        parts = raw.partition(b"?")[0].decode("latin-1").split("/")
        try:
            named = [unquote(part, errors="strict") for part in parts]
        except UnicodeDecodeError:  # written with a sign for what cannot be read, several names would be one
            raise InputError(
                "A name in the address is no text: what stands behind `%` is not UTF-8. Encode it as UTF-8, or give the"
                " listener another name."
            ) from None
        scope["path"] = "/".join(part.replace("/", SLASH) for part in named)
        try:
            await self.app(scope, receive, send)
        finally:
            scope["path"] = path


def whole(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a path as they were meant."""
    return {
        name: value.replace(SLASH, "/") if isinstance(value, str) else value
        for name, value in parameters.items()
    }
