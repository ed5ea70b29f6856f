"""Tells from the credentials of a request who sent it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from counterpoint.errors import CounterpointError, UnauthenticatedError
from counterpoint.flags.tickets import Asked
from counterpoint.graph import Reader
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity import sessions, tokens
from counterpoint.server.identity.model import CLIENT_KEY_PREFIX, TOKEN_PREFIX, Caller
from counterpoint.workspace import Workspace

__all__ = ["Credentials", "Recognition"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries that can say who sent it."""

    token: str | None = None
    """From `Authorization: Bearer` or `X-API-Key`."""
    session: str | None = None
    """From the session cookie."""
    browser: str | None = None
    """From the cookie that stands in for a session where nobody is signed in."""
    stream: Asked | None = None
    """From the address of a stream of flags, where it has a ticket; what was asked for belongs to it."""


class Recognition:
    """Looks credentials up in the workspace; every request anew, so that what is revoked is useless at once.

    Remote evaluation alone asks `KnownCallers` before, which forget what is revoked within a moment.
    """

    def __init__(self, workspace: Workspace, *, auth: bool) -> None:
        self.workspace = workspace
        self.auth = auth
        self.lifetime = timedelta(hours=workspace.settings.server.session_hours)
        self._local = None if auth else local_actor()

    def needs_lookup(self, credentials: Credentials) -> bool:
        """Whether `recognise` will read the database, and so should not run on the event loop."""
        return (
            self._token_of(credentials) is not None
            or credentials.stream is not None
            or (self.auth and credentials.session is not None)
        )

    def recognise(self, credentials: Credentials) -> Caller:
        """Who sent the request.

        Raises:
            UnauthenticatedError: a token came that does not exist, is revoked or has expired.
        """
        now = datetime.now(UTC)
        if (secret := self._token_of(credentials)) is not None:
            return self._by_token(lambda reader: tokens.find_token(reader, secret, now=now), now)
        if (asked := credentials.stream) is not None:
            return self._by_token(lambda reader: tokens.ticket_token(reader, asked, now=now), now)
        if self._local is not None:
            return Caller(self._local, "local", credentials.browser)
        if credentials.session is not None and (caller := self._by_session(credentials.session, now)):
            return caller
        return Caller(browser_secret=credentials.browser)

    def _token_of(self, credentials: Credentials) -> str | None:
        """The token to look up. Without sign-in, others' tokens are no concern of ours."""
        token = credentials.token
        if token is None or self.auth or token.startswith((TOKEN_PREFIX, CLIENT_KEY_PREFIX)):
            return token
        return None

    def _by_token(self, find: Callable[[Reader], tokens.Token | None], now: datetime) -> Caller:
        with self.workspace.graph.read() as reader:
            token = find(reader)
        if token is None:
            raise UnauthenticatedError("The API token is not known, is revoked or has expired.")
        with suppress(CounterpointError):  # who may enter does not depend on our bookkeeping
            tokens.note_use(self.workspace.graph, token, now=now)
        return Caller(tokens.token_actor(token), "token", expires_at=token.expires_at)

    def _by_session(self, secret: str, now: datetime) -> Caller | None:
        with self.workspace.graph.read() as reader:
            found = sessions.find_session(reader, secret, now=now)
        if found is None:
            return None
        session, actor = found
        if (renewed := session.renewal(now, self.lifetime)) is not None:
            with suppress(CounterpointError):  # as above: it holds for now, and is renewed the next time
                sessions.renew_session(self.workspace.graph, actor, session, expires_at=renewed)
        return Caller(actor, "session", secret)
