"""Turns every error into an answer: problem details (RFC 9457) for programs, a page for people."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.errors import CounterpointError, OverloadedError, Problem, UnauthenticatedError
from counterpoint.server.connection import caller_of, logged_path, request_id_of, untold, wants_html
from counterpoint.server.middleware.segments import SLASH
from counterpoint.server.parameters import wrong_parameters

__all__ = ["Failure", "Problems", "Shape", "answer_error", "describe"]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:counterpoint:problem:"
UNEXPECTED = "Something went wrong on our side. The log has the details under the request id."

Shape: TypeAlias = Callable[[Scope, BaseException, int, str], tuple[int, dict[str, str], bytes]]
"""How a foreign standard writes an error: from scope, error, status and detail to status, headers and body."""


class Failure(msgspec.Struct, frozen=True):
    """What an error means to whoever sent the request."""

    status: int
    title: str
    detail: str
    problems: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = {}
    """Further headers of the answer."""
    untold: str = ""
    """The title in our own words, where `title` is in others: programs compare the type that it makes."""

    @property
    def type(self) -> str:
        """A URI for programs to compare."""
        return TYPE_PREFIX + re.sub(r"[^a-z0-9]+", "-", (self.untold or self.title).lower()).strip("-")


def describe(error: BaseException, scope: Scope | None = None) -> Failure:
    """What an error means over HTTP. What was not foreseen says nothing about our insides.

    With the request's scope, parameters are told with what may be written in them.
    """
    if isinstance(error, CounterpointError):
        return Failure(error.status, error.title, error.message, error.problems, _headers(error))
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_litestar(error, scope)
    if isinstance(error, msgspec.ValidationError):
        text, _, place = str(error).partition(" - at `$")
        problem = Problem(text, _pointer(place.rstrip("`")))
        return Failure(400, "The input is not valid", "The request's content is not valid.", (problem,))
    if isinstance(error, msgspec.DecodeError):
        return Failure(400, "The input is not valid", f"The request's content cannot be read: {error}")
    if isinstance(error, HTTPException) and error.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return Failure(503, "Not available", error.detail, headers=error.headers or {})
    return Failure(500, "Unexpected error", UNEXPECTED)


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to a request that failed; litestar's exception handler."""
    scope = request.scope
    shapes: Mapping[str, Shape] = request.app.state.get("error_shapes", {}) if _in_litestar(scope) else {}
    shape = _shape_for(scope, shapes)
    if shape is not None:
        return _answer_in(shape, scope, error)
    failure = _told(describe(error, scope), scope)
    _note(scope, error, failure)
    headers = dict(failure.headers)
    if not wants_html(scope):
        return Response(
            _body(failure, scope), status_code=failure.status, media_type=MEDIA_TYPE, headers=headers
        )
    if isinstance(error, UnauthenticatedError):
        return Response(
            "", status_code=303, headers={"location": "/login?next=" + quote(_return_path(request))}
        )
    return Response(
        _page(failure, scope), status_code=failure.status, media_type="text/html", headers=headers
    )


def _told(failure: Failure, scope: Scope) -> Failure:
    """The failure in the words of the organisation. The type, which programs compare, stays as it is."""
    from counterpoint.server.context import organisation

    if not _in_litestar(scope):
        return failure
    words = organisation(scope).words
    if words.plain:
        return failure
    problems = tuple(replace(each, message=str(words.tell(each.message))) for each in failure.problems)
    title, detail = str(words.tell(failure.title)), str(words.tell(failure.detail))
    return msgspec.structs.replace(
        failure, title=title, detail=detail, problems=problems, untold=failure.title
    )


class Problems:
    """Answers the errors raised outside of litestar: by middleware and by mounted ASGI callables.

    `shapes` names the paths, with all below them, whose errors follow a standard of their own.
    """

    def __init__(self, app: ASGIApp, shapes: Mapping[str, Shape] | None = None) -> None:
        self.app = app
        self.shapes = shapes or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_noting_start)
        except Exception as error:
            if started or scope["type"] != ScopeType.HTTP:
                raise
            request: Request[Any, Any, Any] = Request(scope, receive=receive, send=send)
            shape = _shape_for(scope, self.shapes)
            response = _answer_in(shape, scope, error) if shape else answer_error(request, error)
            await response.to_asgi_response(app=None, request=request)(scope, receive, send)


def _in_litestar(scope: Scope) -> bool:
    """Whether the framework has taken the request already; what fails before knows no workspace."""
    return "litestar_app" in scope


def _shape_for(scope: Scope, shapes: Mapping[str, Shape]) -> Shape | None:
    return next((shape for path, shape in shapes.items() if _is_below(scope["path"], path)), None)


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def _answer_in(shape: Shape, scope: Scope, error: BaseException) -> Response[bytes]:
    failure = describe(error, scope)
    _note(scope, error, failure)
    status, headers, content = shape(scope, error, failure.status, failure.detail)
    media_type = headers.pop("content-type")
    return Response(
        content, status_code=status, media_type=media_type, headers={**failure.headers, **headers}
    )


def _note(scope: Scope, error: BaseException, failure: Failure) -> None:
    if failure.status >= 500:
        log = structlog.get_logger("counterpoint.server")
        foreseen = isinstance(error, CounterpointError)
        if (hidden := untold(scope["path"])) is not None:
            # What a database says of an error holds the values of the row: here the kind of the error must do.
            log.error("request_failed", path=hidden, error=type(error).__name__)
            return
        log.error(
            "request_failed", path=logged_path(scope), error=str(error), exc_info=None if foreseen else error
        )


def _body(failure: Failure, scope: Scope) -> bytes:
    body: dict[str, Any] = {
        "type": failure.type,
        "title": failure.title,
        "status": failure.status,
        "detail": failure.detail,
        "instance": scope["path"].replace(SLASH, "%2F"),
        "requestId": request_id_of(scope),
    }
    if failure.problems:
        body["errors"] = [_item(problem) for problem in failure.problems]
    return msgspec.json.encode(body)


def _item(problem: Problem) -> dict[str, Any]:
    item: dict[str, Any] = {"pointer": problem.pointer, "message": problem.message}
    places = {"file": problem.file, "line": problem.line, "column": problem.column}
    return item | {name: value for name, value in places.items() if value is not None}


def _of_litestar(error: HTTPException, scope: Scope | None) -> Failure:
    phrase = HTTPStatus(error.status_code).phrase
    headers = error.headers or {}
    if error.status_code == HTTPStatus.NOT_FOUND:
        return Failure(404, "Not found", "There is nothing at this address.", headers=headers)
    wrong = wrong_parameters(error, scope) if scope is not None else []
    if wrong:
        told = "; ".join(problem.message for problem in wrong)
        return Failure(
            400, "The input is not valid", f"The request is not valid: {told}.", tuple(wrong), headers
        )
    if isinstance(error.extra, list):
        problems = tuple(_of_extra(item) for item in error.extra)
        return Failure(400, "The input is not valid", "The request is not valid.", problems, headers)
    return Failure(error.status_code, phrase, error.detail, headers=headers)


def _of_extra(item: Any) -> Problem:
    if not isinstance(item, dict):
        return Problem(str(item))
    source = str(getattr(item.get("source"), "value", item.get("source") or "body"))
    message = str(item.get("message", "is not valid"))
    key = str(item.get("key", ""))
    if source == "body":
        return Problem(message, _pointer(key.removeprefix("data.").removeprefix("data")))
    return Problem(f"{source} parameter {key!r}: {message}")


def _pointer(path: str) -> str:
    """An RFC 6901 pointer for msgspec's `.spec.items[0]` or litestar's `spec.items`."""
    parts = [part for part in re.split(r"\.|\[|\]", path) if part]
    return "".join(f"/{part}" for part in parts)


def _headers(error: CounterpointError) -> dict[str, str]:
    if isinstance(error, OverloadedError):
        return {"retry-after": str(error.retry_after)}
    if isinstance(error, UnauthenticatedError):
        return {"www-authenticate": 'Bearer realm="counterpoint"'}
    return {}


def _return_path(request: Request[Any, Any, Any]) -> str:
    if request.method not in {"GET", "HEAD"}:
        return "/"
    query = request.scope.get("query_string", b"").decode("latin-1")
    # The path comes decoded: what was encoded in it, such as a question mark, must be so again.
    return quote(request.scope["path"]) + (f"?{query}" if query else "")


def _page(failure: Failure, scope: Scope) -> str:
    try:
        from counterpoint.server.context import page_context
        from counterpoint.web import render

        return render(
            page_context(scope),
            "web/error.html",
            status=failure.status,
            title=failure.title,
            detail=failure.detail,
            problems=failure.problems,
            request_id=request_id_of(scope),
            alone=caller_of(scope).actor is None,
        )
    except Exception:
        # The page that explains failures must not fail itself.
        structlog.get_logger("counterpoint.server").exception("error_page_failed")
        return _plain_page(failure, request_id_of(scope))


def _plain_page(failure: Failure, request_id: str) -> str:
    items = "".join(f"<li>{escape(str(problem))}</li>" for problem in failure.problems)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(failure.title)}</title>'
        f"<h1>{escape(failure.title)}</h1><p>{escape(failure.detail)}</p><ul>{items}</ul>"
        f'<p>Request {escape(request_id)}</p><p><a href="/">Home</a></p></html>'
    )
