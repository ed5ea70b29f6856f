"""The callable at `/api/catalog`: finds the operation, checks the request, runs it, sends the answer.

A path that no operation has, and a method that a path does not have, are an empty 404, as in Backstage.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from counterpoint.catalog.api.call import Answer, Call
from counterpoint.catalog.api.checks import Parameter, Schema, check_body, read_body, read_query
from counterpoint.catalog.api.refusals import BASE, relative_url
from counterpoint.errors import InputError, TooLargeError
from counterpoint.workspace import Workspace

__all__ = ["CatalogApi", "Operation", "openapi_of"]

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]

MEBIBYTE = 1024 * 1024
_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table: what is asked for, what it takes, and the function that does it."""

    method: str
    path: str
    """Below `/api/catalog`; `{name}` stands for one segment, and nothing follows the last."""
    run: Callable[[Call], Answer]
    summary: str
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    """The shape of the body; None: the operation reads none."""
    body_required: bool = True
    quick: Callable[[Workspace], bool] = lambda _: False
    """Whether it answers so fast just now that a thread of its own would only delay it."""

    @property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path."""
        return tuple(self.path.strip("/").split("/"))


class CatalogApi:
    """Answers everything under `/api/catalog`. Errors are raised; `refusals` says how they are shown."""

    takes_json_only = True
    """A form is refused whatever it holds."""

    def __init__(self, workspace: Workspace, operations: Iterable[Operation]) -> None:
        self._workspace = workspace
        self._most = workspace.settings.server.max_body_mb * MEBIBYTE
        self._table: dict[int, list[tuple[tuple[str, ...], Operation]]] = {}
        for operation in operations:
            row = (operation.segments, operation)
            self._table.setdefault(len(operation.segments), []).append(row)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await _refuse_websocket(scope, receive, send)
            return
        method = scope["method"]
        found = self._find(_segments(scope))
        if method == "OPTIONS" and found:
            await _send(scope, send, _options(found))
            return
        operation, path = found.get(method, (None, {}))
        if operation is None:
            await _send(scope, send, Answer(404))
            return
        await _send(scope, send, await self._run(operation, path, scope, receive))

    def _find(self, segments: tuple[str, ...]) -> dict[str, tuple[Operation | None, dict[str, str]]]:
        """The operations of a path by method, each with the values of its names; a written segment wins over a name.

        Written segments are found in any case, as express finds them.
        """
        found: dict[str, tuple[Operation | None, dict[str, str]]] = {}
        for pattern, operation in self._table.get(len(segments), ()):
            names = {}
            for part, segment in zip(pattern, segments, strict=True):
                if part.startswith("{") and segment:
                    names[part[1:-1]] = segment
                elif part != segment.lower():
                    break
            else:
                if operation.method not in found or len(names) < len(found[operation.method][1]):
                    found[operation.method] = (operation, names)
        return found

    async def _run(
        self, operation: Operation, path: dict[str, str], scope: Scope, receive: Receive
    ) -> Answer:
        query = read_query(scope.get("query_string", b""), operation.parameters)
        body = None
        if operation.body is not None:
            content = await _content(receive, self._most)
            body = read_body(content, _header(scope, b"content-type"), required=operation.body_required)
            if body is not None:
                check_body(operation.body, body)
        actor = scope["state"]["caller"].actor
        url = "/" + relative_url(scope).lstrip("/")
        call = Call(self._workspace, actor, url, path, query, body)
        if operation.quick(self._workspace):
            return operation.run(call)
        return await asyncio.to_thread(operation.run, call)


def openapi_of(operations: Sequence[Operation]) -> dict[str, Any]:
    """What the operations say of themselves in the OpenAPI document."""
    paths: dict[str, Any] = {}
    for operation in operations:
        item: dict[str, Any] = {
            "summary": operation.summary,
            "tags": ["catalog"],
            "parameters": [
                *(
                    {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
                    for part in operation.segments
                    if part.startswith("{")
                ),
                *(
                    {"name": given.name, "in": "query", "required": given.required, "schema": given.schema}
                    | ({"explode": False} if given.shape == "list" else {})
                    for given in operation.parameters
                ),
            ],
            "responses": {
                "200": {"description": "As Backstage answers", **_JSON_OBJECT},
                "400": {"description": "An error in Backstage's shape", **_JSON_OBJECT},
            },
        }
        if operation.body is not None:
            content = {"application/json": {"schema": dict(operation.body)}}
            item["requestBody"] = {"required": operation.body_required, "content": content}
        paths.setdefault(BASE + operation.path, {})[operation.method.lower()] = item
    return paths


_JSON_OBJECT: dict[str, Any] = {"content": {"application/json": {"schema": {}}}}


def _segments(scope: Scope) -> tuple[str, ...]:
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].removeprefix(BASE.encode()).lstrip(b"/").removesuffix(b"/")
    if _BROKEN.search(path):
        raise InputError("malformed uri'")
    try:
        return tuple(unquote_to_bytes(part).decode() for part in path.split(b"/"))
    except UnicodeDecodeError as error:
        raise InputError("malformed uri'") from error


def _options(found: Mapping[str, Any]) -> Answer:
    methods = ",".join(
        name for method in found for name in ((method, "HEAD") if method == "GET" else (method,))
    )
    return Answer(200, methods.encode(), {"allow": methods, "content-type": "text/html; charset=utf-8"})


async def _content(receive: Receive, most: int) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise InputError("The request's content did not arrive.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise TooLargeError(
                f"The request's content has more than {most // MEBIBYTE} MiB; send less at once."
            )
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _send(scope: Scope, send: Send, answer: Answer) -> None:
    headers, status, content = dict(answer.headers), answer.status, answer.content
    if headers:  # what has no content does not depend on how it may be encoded
        headers["vary"] = "Accept-Encoding"
    if answer.etag is not None:
        headers["etag"] = answer.etag
        if status == 200 and scope["method"] == "GET" and _is_known(scope, answer.etag):
            status, content = 304, b""
            headers.pop("content-type", None)
    if isinstance(content, bytes):
        if status not in (204, 304):
            headers["content-length"] = str(len(content))
        await _start(send, status, headers)
        await send({"type": "http.response.body", "body": content})
        return
    await _start(send, status, headers)
    for part in content:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


def _is_known(scope: Scope, etag: str) -> bool:
    """Whether the client says that it has this very answer (RFC 9110, 13.1.2: weak comparison)."""
    known = _header(scope, b"if-none-match")
    if known is None or "no-cache" in (_header(scope, b"cache-control") or ""):
        return False
    plain = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in (plain, "*") for tag in known.split(","))


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


async def _refuse_websocket(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1000})
