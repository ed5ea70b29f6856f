"""OTLP/HTTP: the bare ASGI callable that takes OpenTelemetry's logs in JSON.

Beside the framework, since exporters compress what they send; what a body unpacks to is limited here.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Final, Protocol

import msgspec
from litestar.exceptions import HTTPException

from counterpoint.errors import NotFoundError
from counterpoint.journal.bodies import Receive, Room, Scope, Send, encoding_of, received, unpacked
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.otlp import Logs, answer, read_logs

__all__ = ["MAX_BODY", "MAX_UNPACKED", "PATH", "WORKERS", "OtlpLogs"]

PATH: Final = "/v1/logs"
MAX_BODY: Final = 4 * 1024 * 1024
"""Bytes of a request's body, as it comes."""
MAX_UNPACKED: Final = 16 * 1024 * 1024
"""Bytes of a compressed body when it is unpacked."""
INLINE: Final = 16_384
"""Bytes that are read on the event loop; a larger body goes to a thread, so that others are still answered."""
WORKERS: Final = 2
"""Bodies that are unpacked and read at once, since each may need many times its size."""


class Log(Protocol):
    """Where the events go: the journal."""

    def submit(self, events: list[dict[str, Any]]) -> "Future[Receipt]": ...

    def refuse(self, reasons: list[str]) -> None: ...


class OtlpLogs:
    """Answers `POST /v1/logs` once the evaluations in it are on the disk."""

    takes_json_only = True
    """No form can be sent here, so that a program without a session needs no CSRF token."""

    def __init__(self, log: Callable[[], Log], room: Room) -> None:
        self._log = log
        self._room = room
        self._workers = asyncio.Semaphore(WORKERS)

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
        async with received(receive, headers, limit=MAX_BODY, room=self._room) as body:
            if len(body) <= INLINE and encoding == "identity":
                logs, future = self._take(body, encoding)
            else:
                async with self._workers:
                    logs, future = await asyncio.to_thread(self._take, body, encoding)
            self._log().refuse(logs.rejected)
            receipt = await asyncio.wrap_future(future)
        reasons = [*logs.rejected, *(each.reason for each in receipt.rejected)]
        await _respond(send, msgspec.json.encode(answer(reasons)))

    def _take(self, body: bytes, encoding: str) -> "tuple[Logs, Future[Receipt]]":
        logs = read_logs(unpacked(body, MAX_UNPACKED) if encoding == "gzip" else body)
        return logs, self._log().submit(logs.documents)


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
    return encoding_of(headers)


async def _respond(send: Send, content: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
