"""Requests whose body cannot be read: an answer that says so, where litestar would fail."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException, SerializationException

from counterpoint.errors import InputError, Problem

__all__ = ["BodyRequest"]


class BodyRequest(Request[Any, Any, Any]):
    """litestar's request; it says that JSON is broken, but not where, and does not foresee every way of being so."""

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
            InputError: it is not JSON, with line and column; it is not UTF-8, or nests too deeply.
        """
        try:
            return await super().json()
        except SerializationException as error:
            problem = _place(await self.body(), str(error))
            raise InputError("The request's content is not JSON.", [problem]) from error
        except UnicodeDecodeError as error:
            raise InputError("The request's content is not UTF-8; send JSON as UTF-8.") from error
        except RecursionError as error:
            raise InputError("The request's content nests too deeply to be read.") from error


def _place(content: bytes, message: str) -> Problem:
    """Where JSON is broken; the decoder that read it first says what, this one where."""
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return Problem(f"{error.msg}.", line=error.lineno, column=error.colno)
    except (ValueError, RecursionError):
        pass
    return Problem(message)
