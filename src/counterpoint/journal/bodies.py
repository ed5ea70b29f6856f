"""Bodies of requests: how much of one is taken, how much of all at once, and what a compressed one unpacks to."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from litestar.exceptions import HTTPException

from counterpoint.errors import InputError, OverloadedError, TooLargeError

__all__ = ["Receive", "Room", "Scope", "Send", "encoding_of", "received", "unpacked"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]

ENCODINGS: Final = ("identity", "gzip")


class Room:
    """Bytes of all bodies that are being received or wait for the disk. For use on the event loop alone.

    One body is always let in, however large the limit of one may be.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def take(self, size: int, *, held: int) -> None:
        """Make room for `size` more bytes of a request that holds `held`.

        Raises:
            OverloadedError: others have taken it all.
        """
        if self.taken > held and self.taken + size > self.limit:
            raise OverloadedError(
                f"{self.taken:,} bytes of events are waiting for the disk; the limit is {self.limit:,} ([journal] buffer_mb)."
            )
        self.taken += size

    def give(self, size: int) -> None:
        """Give room back."""
        self.taken -= size


@asynccontextmanager
async def received(
    receive: Receive, headers: Mapping[bytes, str], *, limit: int, room: Room
) -> AsyncIterator[bytes]:
    """The body of a request, whose bytes count until the block ends.

    Raises:
        OverloadedError: too much is on its way at once; the body has been read to its end, so that the
            client, which may look for an answer only then, gets it.
        HTTPException: it is larger than `limit` bytes.
        InputError: the client went away before its end.
    """
    announced = headers.get(b"content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    held = size = 0
    refusal: OverloadedError | None = None
    try:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise InputError("The request's content did not arrive: the client went away.")
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > limit:
                raise too_large(limit)
            if refusal is None:
                try:
                    room.take(len(part), held=held)
                except OverloadedError as error:
                    # What it held is free at once, so that of many that come together some get in.
                    refusal = error
                    room.give(held)
                    held = 0
                    parts.clear()
                else:
                    held += len(part)
                    parts.append(part)
        if refusal is not None:
            raise refusal
        yield parts[0] if len(parts) == 1 else b"".join(parts)
    finally:
        room.give(held)


def too_large(limit: int) -> HTTPException:
    """The refusal of a body beyond the limit."""
    return HTTPException(
        status_code=413, detail=f"The body is larger than {limit:,} bytes; send less at once."
    )


def encoding_of(headers: Mapping[bytes, str]) -> str:
    """How the body is compressed: `gzip` or `identity`.

    Raises:
        HTTPException: in another way.
    """
    encoding = headers.get(b"content-encoding", "").strip().lower() or "identity"
    if encoding not in ENCODINGS:
        raise HTTPException(
            status_code=415,
            detail=f"The encoding {encoding!r} is not taken here; send gzip, or no Content-Encoding.",
            headers={"accept-encoding": "gzip, identity"},
        )
    return encoding


def unpacked(body: bytes, limit: int) -> bytes:
    """A gzip body unpacked, as far as the limit allows: a small one can hide a huge one.

    Raises:
        TooLargeError: it unpacks to more than the limit.
        InputError: it is no gzip, or its end is missing.
    """
    parts, size, rest = [], 0, body
    try:
        while rest:
            unpacker = zlib.decompressobj(wbits=31)
            parts.append(unpacker.decompress(rest, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise TooLargeError(f"The body unpacks to more than {limit:,} bytes; send less at once.")
            if not unpacker.eof:
                raise InputError("The gzip body is cut off.")
            rest = unpacker.unused_data
    except zlib.error as error:
        raise InputError(f"The body is no gzip: {error}.") from error
    return b"".join(parts)
