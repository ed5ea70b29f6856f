"""Sessions of people who signed in: kept on the server, known by the hash of a random secret."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from counterpoint.graph import Graph, Reader
from counterpoint.graph.actor import Actor
from counterpoint.moments import to_datetime, to_micros
from counterpoint.server.identity.accounts import Account, account_actor
from counterpoint.server.identity.model import hash_secret, new_secret
from counterpoint.server.identity.tables import ACCOUNTS, SESSIONS

__all__ = ["Session", "end_session", "find_session", "renew_session", "start_session"]

LONGEST = timedelta(days=30)
"""After this a person signs in again, however often they came."""
RENEW_AFTER = 0.1
"""The part of its time that must have passed before a session is renewed: not every page view writes."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser in which a person signed in."""

    secret_hash: str
    account: Account
    created_at: datetime
    expires_at: datetime

    def renewal(self, now: datetime, lifetime: timedelta) -> datetime | None:
        """The new expiry if the session has earned one, else None."""
        end = min(now + lifetime, self.created_at + LONGEST)
        return end if end - self.expires_at > lifetime * RENEW_AFTER else None


def start_session(graph: Graph, actor: Actor, account: Account, *, now: datetime, lifetime: timedelta) -> str:
    """Begin a session and return its secret, which goes into the cookie and nowhere else.

    Sessions that have expired are removed on the way.
    """
    secret = new_secret()
    row = {
        "secret_hash": hash_secret(secret),
        "account": account.name,
        "created_at": to_micros(now),
        "expires_at": to_micros(now + lifetime),
    }
    with graph.write(actor) as writer:
        writer.connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at <= to_micros(now)))
        writer.connection.execute(sa.insert(SESSIONS).values(row))
        writer.record("session.started", account.ref)
    return secret


def find_session(reader: Reader, secret: str, *, now: datetime) -> tuple[Session, Actor] | None:
    """The live session of that secret with the actor it belongs to, or None."""
    query = (
        sa.select(SESSIONS, ACCOUNTS.c.admin, ACCOUNTS.c.created_at.label("account_created_at"))
        .join(ACCOUNTS, ACCOUNTS.c.name == SESSIONS.c.account)
        .where(SESSIONS.c.secret_hash == hash_secret(secret), SESSIONS.c.expires_at > to_micros(now))
    )
    row = reader.connection.execute(query).one_or_none()
    if row is None:
        return None
    account = Account(row.account, bool(row.admin), to_datetime(row.account_created_at))
    session = Session(row.secret_hash, account, to_datetime(row.created_at), to_datetime(row.expires_at))
    return session, account_actor(reader, account)


def renew_session(graph: Graph, actor: Actor, session: Session, *, expires_at: datetime) -> None:
    """Let a session live until `expires_at`. Nothing that anyone would want to audit."""
    with graph.write(actor) as writer:
        change = sa.update(SESSIONS).where(SESSIONS.c.secret_hash == session.secret_hash)
        writer.connection.execute(change.values(expires_at=to_micros(expires_at)))


def end_session(graph: Graph, actor: Actor, secret: str) -> None:
    """Make a session useless at once; one that is unknown or over is no error."""
    with graph.write(actor) as writer:
        gone = writer.connection.execute(
            sa.delete(SESSIONS).where(SESSIONS.c.secret_hash == hash_secret(secret))
        )
        if gone.rowcount:
            writer.record("session.ended", actor.ref)
