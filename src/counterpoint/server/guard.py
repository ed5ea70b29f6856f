"""Refuses what the caller may not do, before any handler runs. One check for litestar and mounted apps."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope
from litestar.utils.path import normalize_path

from counterpoint.errors import NotAllowedError
from counterpoint.server.connection import caller_of, header, method_of
from counterpoint.server.identity.access import needs_csrf, refusal, scope_needed
from counterpoint.server.identity.model import csrf_matches
from counterpoint.server.middleware.segments import whole

__all__ = ["CSRF_FIELD", "check_access", "check_csrf_header", "guard"]

CSRF_FIELD = "_csrf_token"
ASKING = {"read", "flags:evaluate"}
"""Scopes with which nothing can be changed."""
FORMS = {RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART}
FORGED = "The form is too old or did not come from this server; go back, load the page again and repeat."


async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Litestar's guard of every route: access first, then the CSRF token from header or form; names of the path are mended.

    Raises:
        UnauthenticatedError: nobody is signed in.
        NotAllowedError: the caller may not do this, or the CSRF token is missing or wrong.
    """
    check_access(connection.scope)
    check_encoding(connection.scope)
    if isinstance(connection, Request):
        connection.scope["path_params"] = whole(connection.scope["path_params"])
    if (
        not isinstance(connection, Request)
        or not wants_token(connection.scope)
        or has_header(connection.scope)
    ):
        return
    if connection.content_type[0] in FORMS:
        form = await connection.form()
        given = form.get(CSRF_FIELD)
        if isinstance(given, str) and csrf_matches(caller_of(connection.scope).browser_secret, given):
            return
    raise NotAllowedError(FORGED)


def check_encoding(scope: Scope) -> None:
    """Refuse a compressed body, which nothing here unpacks: a small one can hide a huge one.

    Raises:
        HTTPException: with the status 415.
    """
    if (header(scope, b"content-encoding") or "identity").strip().lower() != "identity":
        detail = "Compressed bodies are not taken; send it without Content-Encoding."
        raise HTTPException(status_code=415, detail=detail, headers={"accept-encoding": "identity"})


def check_access(scope: Scope) -> None:
    """Raise what `refusal` returns, if anything."""
    # Litestar routes //settings/tokens as /settings/tokens: both must mean the same here.
    path = normalize_path(scope["path"])
    if (error := refusal(caller_of(scope), method_of(scope), path)) is not None:
        raise error


def check_csrf_header(scope: Scope, *, json_only: bool = False) -> None:
    """The CSRF check of mounted ASGI callables, which no form of ours posts to.

    One that takes JSON only refuses a form by itself, whatever it holds, and says so in its own words: without
    a session, and where nothing says that a browser sent it, there is nothing to forge.

    Raises:
        NotAllowedError: a token is needed and the header does not hold it.
    """
    if wants_token(scope, json_only=json_only) and not has_header(scope):
        raise NotAllowedError("This needs the header X-CSRF-Token, or an API token instead of a session.")


def wants_token(scope: Scope, *, json_only: bool = False) -> bool:
    """Whether the request must carry a CSRF token; one that only asks, such as OFREP's POST, need not."""
    if scope_needed(method_of(scope), normalize_path(scope["path"])) in ASKING:
        return False
    signs = (b"origin", b"sec-fetch-site")
    return needs_csrf(
        method_of(scope),
        caller_of(scope),
        from_browser=any(header(scope, name) is not None for name in signs),
        content_type="" if json_only else header(scope, b"content-type") or "",
    )


def has_header(scope: Scope) -> bool:
    """Whether the request carries the right CSRF token in its header."""
    return csrf_matches(caller_of(scope).browser_secret, header(scope, b"x-csrf-token"))
