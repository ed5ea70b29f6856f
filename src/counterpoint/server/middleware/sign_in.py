"""Finds out who sent each request and puts the answer where handlers and other middleware read it."""

from functools import partial

from litestar.concurrency import sync_to_thread
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from counterpoint.flags.tickets import STREAM, Asked, asked_for, secret_in
from counterpoint.server.connection import header, set_caller, state_of, wants_html
from counterpoint.server.cookies import BROWSER, SESSION, cookie, is_secure, read_cookie
from counterpoint.server.identity.model import new_secret
from counterpoint.server.identity.recognition import Credentials, Recognition

__all__ = ["SignIn"]

UNASKED = ("/healthz", "/readyz", "/metrics", "/static/")
"""Paths that are the same for everybody; a wrong token there is no reason to fail."""


class SignIn:
    """Reads token or cookies, and gives a browser without a session its cookie for CSRF tokens."""

    def __init__(self, app: ASGIApp, recognition: Recognition) -> None:
        self.app = app
        self.recognition = recognition
        self.secure_cookies = recognition.workspace.settings.server.secure_cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(UNASKED):
            await self.app(scope, receive, send)
            return
        secure = is_secure(scope, wanted=self.secure_cookies)
        browser = read_cookie(scope, BROWSER, secure=secure)
        given_cookie = None
        if browser is None and wants_html(scope):
            browser = new_secret()
            given_cookie = cookie(BROWSER, browser, secure=secure).to_encoded_header()
        token = secret_in(header(scope, b"authorization"), header(scope, b"x-api-key"))
        session = read_cookie(scope, SESSION, secure=secure)
        credentials = Credentials(token, session, browser, _stream(scope))
        if self.recognition.needs_lookup(credentials):
            caller = await sync_to_thread(self.recognition.recognise, credentials)
            # What goes on for long asks again whether who began it still may.
            state_of(scope)["recheck"] = credentials, partial(self.recognition.recognise, credentials)
        else:
            caller = self.recognition.recognise(credentials)
        set_caller(scope, caller)

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and given_cookie:
                message["headers"] = [*message.get("headers", ()), given_cookie]
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _stream(scope: Scope) -> Asked | None:
    """What a stream of flags is asked for, where its address has a ticket; it opens that and nothing else."""
    if scope["path"] != STREAM:
        return None
    asked = asked_for(scope.get("query_string", b""))
    return asked if asked.ticket is not None else None
