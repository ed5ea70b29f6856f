"""CloudEvents over HTTP: the bare ASGI callable that takes them.

Beside the framework, which unpacks nothing and costs each request as much as a hundred events; who may send
events, from where and in what is decided in front of it, as for every other address.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from litestar.exceptions import HTTPException

from counterpoint.errors import InputError
from counterpoint.journal.bodies import Receive, Room, Scope, Send, encoding_of, received, unpacked
from counterpoint.journal.logs import MAX_UNPACKED, WORKERS
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.wire import TYPES, Sent, completed, is_binary, read_binary, read_body

__all__ = ["PATH", "Receiving"]

PATH: Final = "/api/events"
INLINE: Final = 32_768
"""Bytes that are read on the event loop; a larger body goes to a thread, so that others are still answered."""
PROBLEM: Final = "application/problem+json"


class Answer(NamedTuple):
    """What a request is answered."""

    status: int
    media_type: str
    content: bytes


class Log(Protocol):
    """Where the events go: the journal."""

    def submit(self, events: Iterable[Any], *, personal: bool = True) -> "Future[Receipt]": ...


class Receiving:
    """Answers `POST /api/events` once the events in it are on the disk."""

    def __init__(self, log: Callable[[], Log], room: Room, *, limit: int) -> None:
        """Take where events go, the room for bodies on their way, and how many bytes one may have."""
        self._log = log
        self._room = room
        self._limit = limit
        self._workers = asyncio.Semaphore(WORKERS)

    def takes(self, scope: Scope) -> bool:
        """Whether the request is for this callable; the others at its address are the framework's."""
        return scope["method"] == "POST" and scope["path"] in (PATH, PATH + "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request; what it raises is answered further out."""
        status, media_type, content = await self.answer(scope, receive)
        headers = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """What became of a request's events.

        Raises:
            CounterpointError: the request is refused as a whole; nothing of it was taken.
            HTTPException: its content type or encoding is not taken, or it is too large.
        """
        lines = [(name, value.decode("latin-1")) for name, value in scope["headers"]]
        headers = dict(lines)
        content_type = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        binary = is_binary(content_type, headers)
        if not binary and content_type not in TYPES:
            raise _unsupported(content_type)
        packed = encoding_of(headers) == "gzip"
        # Consent and the like are a listener's word: a product's backend passes it on, by a token, and no person.
        caller = scope.setdefault("state", {}).get("caller")
        refused = {"personal": False} if getattr(caller, "via", None) == "session" else {}

        def take(body: bytes) -> "tuple[Sent, Future[Receipt]]":
            body = unpacked(body, MAX_UNPACKED) if packed else body
            sent = read_binary(lines, body) if binary else read_body(content_type, body)
            return sent, self._log().submit(sent.items, **refused)

        async with received(receive, headers, limit=self._limit, room=self._room) as body:
            if len(body) <= INLINE and not packed:
                sent, future = take(body)
            else:
                async with self._workers:
                    sent, future = await asyncio.to_thread(take, body)
            del body
            # Each event is counted by its reason, so that the request need not be.
            scope.setdefault("state", {})["events_counted"] = True
            receipt = await asyncio.wrap_future(future)
        return _answer(completed(receipt, sent))


def _unsupported(content_type: str) -> HTTPException:
    given = content_type or "No content type"
    detail = f"{given} is not taken here; send {', '.join(TYPES[:-1])} or {TYPES[-1]}, or the headers ce-id, ce-source and ce-type."
    return HTTPException(status_code=415, detail=detail, headers={"accept-post": ", ".join(TYPES)})


def _answer(receipt: Receipt) -> Answer:
    """200 when anything was taken or known already, else 400 with each reason; the counts are in both."""
    counts: dict[str, Any] = msgspec.to_builtins(receipt)
    # A clock that is right is not worth a word.
    body = {name: value for name, value in counts.items() if value or name not in ("future", "late")}
    if not receipt.rejected or receipt.accepted or receipt.duplicates:
        return Answer(200, "application/json", msgspec.json.encode(body))
    one = len(receipt.rejected) == 1
    problem = {
        "type": "urn:counterpoint:problem:the-input-is-not-valid",
        "title": InputError.title,
        "status": 400,
        "detail": f"The event was not taken: {receipt.rejected[0].reason}."
        if one
        else f"None of the {len(receipt.rejected):,} events was taken.",
        "errors": [{"pointer": f"/{each.index}", "message": each.reason} for each in receipt.rejected],
    }
    return Answer(400, PROBLEM, msgspec.json.encode(problem | body))
