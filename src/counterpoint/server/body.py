"""Requests whose body cannot be read: an answer that says so, where litestar would fail."""

from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException

from counterpoint.errors import InputError

__all__ = ["BodyRequest"]


class BodyRequest(Request[Any, Any, Any]):
    """litestar's request; it foresees that JSON is broken, but not these two ways of being so."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in parts.

        Raises:
            InputError: the client went away before the end; nobody is there to read the answer, and
                nothing of ours has failed.
        """
        try:
            async for part in super().stream():
                yield part
        except InternalServerException as error:
            raise InputError(f"The request's content did not arrive: {error.detail}.") from error

    async def json(self) -> Any:
        """The body's JSON.

        Raises:
            InputError: it is not UTF-8, or nests too deeply.
        """
        try:
            return await super().json()
        except UnicodeDecodeError as error:
            raise InputError("The request's content is not UTF-8; send JSON as UTF-8.") from error
        except RecursionError as error:
            raise InputError("The request's content nests too deeply to be read.") from error
