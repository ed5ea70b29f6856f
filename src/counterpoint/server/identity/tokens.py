"""API tokens of services and scripts, and public client keys: shown once, kept as a hash."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError, Problem
from counterpoint.flags.tickets import Asked, read_ticket
from counterpoint.graph import Graph, Reader
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.moments import to_datetime, to_micros
from counterpoint.server.identity.model import MACHINE_ONLY, check_scopes, hash_secret, new_token
from counterpoint.server.identity.tables import TOKENS

__all__ = [
    "Token",
    "create_token",
    "find_token",
    "list_tokens",
    "live_tokens",
    "note_use",
    "revoke_token",
    "ticket_token",
    "token_actor",
]

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
NOTE_USE_EVERY = timedelta(minutes=1)
"""How exact the time of last use is: not every request of a service writes."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; its secret is not."""

    secret_hash: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def ref(self) -> str:
        """How the activity log names the token."""
        return f"token:default/{self.name.lower()}"

    def is_live(self, now: datetime) -> bool:
        """Whether the token still opens anything."""
        return self.expires_at is None or now < self.expires_at


def create_token(
    graph: Graph,
    actor: Actor,
    name: str,
    scopes: frozenset[str],
    *,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token and return it with its secret, which is never to be seen again.

    A token that can evaluate flags and nothing else is a public client key: it may stand in a web page.

    Raises:
        InputError: the name, a scope or the expiry is not acceptable.
        ConflictError: a token of that name exists and is not revoked.
        NotAllowedError: the actor is no administrator; or the token would act for listeners, and the actor is not
            the user of the machine: an administrator who made one would see what no role opens.
    """
    if not actor.admin:
        raise NotAllowedError("Only an administrator may create tokens.")
    if scopes & MACHINE_ONLY and actor.kind not in {"local", "system"}:
        raise NotAllowedError(
            "What was learnt of a listener no role opens, so a token that acts for listeners is made on the machine"
            f" itself: counterpoint token create {name} --scope discover"
        )
    now = datetime.now(UTC)
    _check(name, expires_at, now)
    secret = new_token(check_scopes(scopes))
    token = Token(hash_secret(secret), name, scopes, now, actor.ref, expires_at)
    with graph.write(actor) as writer:
        if _named(writer, name):
            raise ConflictError(f"There is a token {name!r} already; revoke it first or choose another name.")
        writer.connection.execute(sa.insert(TOKENS).values(_row(token)))
        writer.record("token.created", token.ref, after=_facts(token))
    return token, secret


def list_tokens(reader: Reader) -> list[Token]:
    """All tokens that are not revoked, by name; expired ones too."""
    query = sa.select(TOKENS).where(TOKENS.c.revoked_at.is_(None)).order_by(TOKENS.c.name)
    return [_token(row) for row in reader.connection.execute(query)]


def find_token(reader: Reader, secret: str, *, now: datetime) -> Token | None:
    """The token of that secret, if it is neither revoked nor expired."""
    secret_hash = hash_secret(secret)
    return live_tokens(reader, [secret_hash], now=now).get(secret_hash)


def live_tokens(reader: Reader, hashes: Iterable[str], *, now: datetime) -> dict[str, Token]:
    """Those of the tokens with these hashes that are neither revoked nor expired, by hash."""
    query = sa.select(TOKENS).where(TOKENS.c.secret_hash.in_(list(hashes)), TOKENS.c.revoked_at.is_(None))
    found = (_token(row) for row in reader.connection.execute(query))
    return {token.secret_hash: token for token in found if token.is_live(now)}


def ticket_token(reader: Reader, asked: Asked, *, now: datetime) -> Token | None:
    """The token that a stream's ticket was made for, if both still open anything."""
    ticket = read_ticket(asked.ticket or "")
    if ticket is None:
        return None
    query = sa.select(TOKENS).where(
        TOKENS.c.secret_hash.startswith(ticket.key_id, autoescape=True), TOKENS.c.revoked_at.is_(None)
    )
    for row in reader.connection.execute(query):
        token = _token(row)
        if token.is_live(now) and ticket.is_of(token.secret_hash, asked.channels, now=now.timestamp()):
            return token
    return None


def note_use(graph: Graph, token: Token, *, now: datetime) -> None:
    """Keep the time of last use, to the minute."""
    if token.last_used_at and now - token.last_used_at < NOTE_USE_EVERY:
        return
    with graph.write(SYSTEM) as writer:
        change = sa.update(TOKENS).where(TOKENS.c.secret_hash == token.secret_hash)
        writer.connection.execute(change.values(last_used_at=to_micros(now)))


def revoke_token(graph: Graph, actor: Actor, name: str) -> None:
    """Make a token useless at once.

    Raises:
        NotFoundError: there is no such token, or it is revoked already.
        NotAllowedError: the actor is no administrator.
    """
    if not actor.admin:
        raise NotAllowedError("Only an administrator may revoke tokens.")
    with graph.write(actor) as writer:
        token = _named(writer, name)
        if token is None:
            raise NotFoundError(
                f"There is no token {name!r}; `counterpoint token list` shows those that exist."
            )
        change = sa.update(TOKENS).where(TOKENS.c.secret_hash == token.secret_hash)
        writer.connection.execute(change.values(revoked_at=to_micros(datetime.now(UTC))))
        writer.record("token.revoked", token.ref, before=_facts(token))


def token_actor(token: Token) -> Actor:
    """The actor that a token acts as: a service with the token's scopes."""
    return Actor(
        ref=token.ref, name=token.name, kind="service", admin="admin" in token.scopes, scopes=token.scopes
    )


def _check(name: str, expires_at: datetime | None, now: datetime) -> None:
    if not NAME.fullmatch(name):
        rule = "1 to 63 letters, digits, '.', '_' and '-', starting and ending with a letter or a digit"
        raise InputError("The name is not valid.", [Problem(f"{name!r} must be {rule}", "/name")])
    if expires_at and expires_at <= now:
        raise InputError(
            "The expiry is not valid.", [Problem(f"{expires_at} is not in the future", "/expires")]
        )


def _named(reader: Reader, name: str) -> Token | None:
    same = sa.func.lower(TOKENS.c.name) == name.lower()
    row = reader.connection.execute(
        sa.select(TOKENS).where(same, TOKENS.c.revoked_at.is_(None))
    ).one_or_none()
    return _token(row) if row else None


def _row(token: Token) -> dict[str, str | int | None]:
    return {
        "secret_hash": token.secret_hash,
        "name": token.name,
        "scopes": " ".join(sorted(token.scopes)),
        "created_at": to_micros(token.created_at),
        "created_by": token.created_by,
        "expires_at": to_micros(token.expires_at) if token.expires_at else None,
    }


def _token(row: sa.Row[tuple[object, ...]]) -> Token:
    values = row._mapping
    return Token(
        secret_hash=values["secret_hash"],
        name=values["name"],
        scopes=frozenset(values["scopes"].split()),
        created_at=to_datetime(values["created_at"]),
        created_by=values["created_by"],
        expires_at=to_datetime(values["expires_at"]) if values["expires_at"] else None,
        last_used_at=to_datetime(values["last_used_at"]) if values["last_used_at"] else None,
    )


def _facts(token: Token) -> dict[str, object]:
    """What the activity log may say of a token: everything but its secret, the hash included."""
    expires = token.expires_at.isoformat() if token.expires_at else None
    return {"name": token.name, "scopes": sorted(token.scopes), "expires": expires}
