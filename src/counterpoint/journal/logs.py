"""OTLP/HTTP: the bare ASGI callable that takes OpenTelemetry's logs in JSON.

Beside the framework, since exporters compress what they send; what a body unpacks to is limited here.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from litestar.exceptions import HTTPException

from counterpoint.errors import InputError, NotFoundError, TooLargeError
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.otlp import Logs, answer, read_logs

__all__ = ["MAX_BODY", "MAX_UNPACKED", "PATH", "OtlpLogs"]

PATH: Final = "/v1/logs"
MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a request's body, as it comes."""
MAX_UNPACKED: Final = 16 * 1024 * 1024
"""Bytes of a compressed body when it is unpacked."""
INLINE: Final = 16_384
"""Bytes that are read on the event loop; a larger body goes to a thread, so that others are still answered."""

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]


class Log(Protocol):
    """Where the events go: the journal."""

    def submit(self, events: list[dict[str, Any]]) -> "Future[Receipt]": ...

    def refuse(self, reasons: list[str]) -> None: ...


class OtlpLogs:
    """Answers `POST /v1/logs` once the evaluations in it are on the disk."""

    takes_json_only = True
    """No form can be sent here, so that a program without a session needs no CSRF token."""

    def __init__(self, log: Callable[[], Log]) -> None:
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request.

        Raises:
            CounterpointError: it is refused; nothing of it was taken.
            HTTPException: it is no POST of JSON.
        """
        if scope["path"] != PATH:
            raise NotFoundError(f"There is nothing here; logs go to {PATH}.")
        if scope["method"] != "POST":
            raise HTTPException(status_code=405, detail="Send logs with POST.", headers={"allow": "POST"})
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        encoding = _encoding(headers)
        body = await _body(receive, headers)
        if len(body) <= INLINE and encoding == "identity":
            logs = read_logs(body)
            future = self._log().submit(logs.documents)
        else:
            logs = await asyncio.to_thread(_read, body, encoding)
            future = await asyncio.to_thread(self._log().submit, logs.documents)
        self._log().refuse(logs.rejected)
        receipt = await asyncio.wrap_future(future)
        reasons = [*logs.rejected, *(each.reason for each in receipt.rejected)]
        await _respond(send, msgspec.json.encode(answer(reasons)))


def _read(body: bytes, encoding: str) -> Logs:
    return read_logs(unpacked(body) if encoding == "gzip" else body)


def unpacked(body: bytes) -> bytes:
    """A gzip body unpacked, as far as the limit allows: a small one can hide a huge one.

    Raises:
        TooLargeError: it unpacks to more than the limit.
        InputError: it is no gzip, or its end is missing.
    """
    parts, size, rest = [], 0, body
    try:
        while rest:
            unpacker = zlib.decompressobj(wbits=31)
            parts.append(unpacker.decompress(rest, MAX_UNPACKED + 1 - size))
            size += len(parts[-1])
            if size > MAX_UNPACKED:
                raise TooLargeError(
                    f"The body unpacks to more than {MAX_UNPACKED:,} bytes; send less at once."
                )
            if not unpacker.eof:
                raise InputError("The gzip body is cut off.")
            rest = unpacker.unused_data
    except zlib.error as error:
        raise InputError(f"The body is no gzip: {error}.") from error
    return b"".join(parts)


def _encoding(headers: Mapping[bytes, str]) -> str:
    kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-protobuf":
        detail = (
            "Protobuf is not taken here; let the exporter send JSON (OTEL_EXPORTER_OTLP_PROTOCOL=http/json)."
        )
        raise HTTPException(status_code=415, detail=detail, headers={"accept-post": "application/json"})
    if kind != "application/json":
        detail = f"{kind or 'No content type'} is not taken here; send application/json."
        raise HTTPException(status_code=415, detail=detail, headers={"accept-post": "application/json"})
    encoding = headers.get(b"content-encoding", "").strip().lower() or "identity"
    if encoding not in ("identity", "gzip"):
        raise HTTPException(
            status_code=415,
            detail=f"The encoding {encoding!r} is not taken here; send gzip, or no Content-Encoding.",
            headers={"accept-encoding": "gzip, identity"},
        )
    return encoding


async def _body(receive: Receive, headers: Mapping[bytes, str]) -> bytes:
    too_large = TooLargeError(f"The body is larger than {MAX_BODY:,} bytes; send less at once.")
    announced = headers.get(b"content-length", "")
    if announced.isdigit() and int(announced[:20]) > MAX_BODY:
        raise too_large
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InputError("The request's content did not arrive: the client went away.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            raise too_large
        if not message.get("more_body"):
            return b"".join(parts)


async def _respond(send: Send, content: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
