"""Signing in and out with a password."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import structlog
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody

from counterpoint.errors import OverloadedError
from counterpoint.graph.actor import SYSTEM
from counterpoint.server.connection import caller_of, client_address
from counterpoint.server.cookies import BROWSER, SESSION, cookie, is_secure
from counterpoint.server.identity import accounts, sessions
from counterpoint.web import PageContext, render
from counterpoint.workspace import Workspace

__all__ = ["login", "login_form", "logout"]

WRONG = "The account or the password is wrong."
LONGEST_NAME = 64


@get("/login", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def login_form(
    request: Request[Any, Any, Any],
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    next: FromQuery[str] = "/",  # noqa: A002
) -> Response[str]:
    """The form; whoever is signed in already goes on."""
    if caller_of(request.scope).actor is not None:
        return _redirect(local_path(next))
    with ws.graph.read() as reader:
        first = not accounts.list_accounts(reader)
    return _form(page, target=local_path(next), first=first)


@post("/login", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def login(
    request: Request[Any, Any, Any],
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    data: URLEncodedBody[dict[str, str]],
) -> Response[str]:
    """Check the password and begin a session."""
    scope = request.scope
    name, target = data.get("account", "").strip()[:LONGEST_NAME], local_path(data.get("next", "/"))
    secure = is_secure(scope, wanted=ws.settings.server.secure_cookies)
    if secure and scope["scheme"] == "http":
        return _form(page, target=target, account=name, error=_needs_https(), status=400)
    attempts, address = request.app.state.attempts, client_address(scope)
    try:
        attempts.begin(name, address, now=time.monotonic())
    except OverloadedError as error:
        return _form(
            page, target=target, account=name, error=error.message, status=429, retry=error.retry_after
        )
    account = accounts.verify_password(ws.graph, name, data.get("password", ""))
    if account is None:
        structlog.get_logger("counterpoint.server").warning("sign_in_failed", account=name, address=address)
        return _form(page, target=target, account=name, error=WRONG, status=400)
    attempts.succeeded(name, address)
    with ws.graph.read() as reader:
        actor = accounts.account_actor(reader, account)
    caller = caller_of(scope)
    if caller.via == "session" and caller.actor and caller.browser_secret:
        sessions.end_session(ws.graph, caller.actor, caller.browser_secret)
    lifetime = timedelta(hours=ws.settings.server.session_hours)
    secret = sessions.start_session(ws.graph, actor, account, now=datetime.now(UTC), lifetime=lifetime)
    response = _redirect(target)
    response.set_cookie(cookie(SESSION, secret, secure=secure))
    response.set_cookie(cookie(BROWSER, "", secure=secure, forget=True))
    return response


@post("/logout", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def logout(request: Request[Any, Any, Any], ws: NamedDependency[Workspace]) -> Response[str]:
    """End the session, so that its cookie is worth nothing even to who copied it."""
    caller = caller_of(request.scope)
    if caller.via == "session" and caller.browser_secret:
        sessions.end_session(ws.graph, caller.actor or SYSTEM, caller.browser_secret)
    response = _redirect("/login")
    secure = is_secure(request.scope, wanted=ws.settings.server.secure_cookies)
    response.set_cookie(cookie(SESSION, "", secure=secure, forget=True))
    return response


def local_path(target: str) -> str:
    """The path if it leads to a page of ours, else the home page: nobody is sent elsewhere by a link."""
    is_ours = (
        target.startswith("/") and not target.startswith("//") and target.isprintable() and "\\" not in target
    )
    return target if is_ours else "/"


def _redirect(target: str) -> Response[str]:
    # A header holds ASCII; a path that was typed in another script goes percent-encoded.
    location = "".join(letter if letter.isascii() else quote(letter) for letter in target)
    return Response("", status_code=303, headers={"location": location})


def _form(
    page: PageContext,
    *,
    target: str,
    account: str = "",
    error: str | None = None,
    first: bool = False,
    status: int = 200,
    retry: int | None = None,
) -> Response[str]:
    text = render(page, "server/login.html", target=target, account=account, error=error, first=first)
    headers = {"retry-after": str(retry)} if retry else {}
    return Response(text, status_code=status, media_type=MediaType.HTML, headers=headers)


def _needs_https() -> str:
    return (
        "This address is not HTTPS, so that the browser would not keep you signed in. Use HTTPS, "
        "or set secure_cookies = false in [server] of counterpoint.toml on a network that you trust."
    )
