"""Local accounts: people who sign in with a password."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from counterpoint.errors import ConflictError, NotAllowedError, NotFoundError
from counterpoint.graph import Graph, Reader
from counterpoint.graph.actor import Actor
from counterpoint.moments import to_datetime, to_micros
from counterpoint.server.identity.model import check_account_name, check_password
from counterpoint.server.identity.tables import ACCOUNTS, SESSIONS

__all__ = [
    "Account",
    "account_actor",
    "change_password",
    "create_account",
    "find_account",
    "list_accounts",
    "remove_account",
    "verify_password",
]


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in with a password."""

    name: str
    admin: bool
    created_at: datetime

    @property
    def ref(self) -> str:
        """The person's entity reference, whether or not the catalog has such a User."""
        return f"user:default/{self.name}"


def create_account(graph: Graph, actor: Actor, name: str, password: str, *, admin: bool = False) -> Account:
    """Make an account; the first one of a workspace is an administrator.

    Raises:
        InputError: the name or the password is not acceptable.
        ConflictError: the name is taken.
        NotAllowedError: the actor is no administrator.
    """
    if not actor.admin:
        raise NotAllowedError("Only an administrator may create accounts.")
    check_account_name(name)
    hashed = _hasher().hash(check_password(password))
    created = datetime.now(UTC)
    with graph.write(actor) as writer:
        count = writer.connection.execute(sa.select(sa.func.count()).select_from(ACCOUNTS)).scalar_one()
        account = Account(name, admin or count == 0, created)
        if find_account(writer, name):
            raise ConflictError(f"There is an account {name!r} already.")
        row = {
            "name": name,
            "password_hash": hashed,
            "admin": int(account.admin),
            "created_at": to_micros(created),
        }
        writer.connection.execute(sa.insert(ACCOUNTS).values(row))
        writer.record("account.created", account.ref, after={"name": name, "admin": account.admin})
    return account


def change_password(graph: Graph, actor: Actor, name: str, password: str) -> Account:
    """Give an account another password; whoever is signed in with it must sign in again.

    Raises:
        InputError: the password is not acceptable.
        NotFoundError: there is no such account.
        NotAllowedError: the actor is neither an administrator nor the account's own person.
    """
    hashed = _hasher().hash(check_password(password))
    with graph.write(actor) as writer:
        account = _require(writer, name)
        if not actor.admin and actor.ref != account.ref:
            raise NotAllowedError("Only an administrator may change another's password.")
        writer.connection.execute(
            sa.update(ACCOUNTS).where(ACCOUNTS.c.name == name).values(password_hash=hashed)
        )
        writer.connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.account == name))
        writer.record("account.password_changed", account.ref)
    return account


def remove_account(graph: Graph, actor: Actor, name: str) -> Account:
    """Take an account away with its sessions; what the person wrote and owns stays.

    Raises:
        NotFoundError: there is no such account.
        ConflictError: it is the last administrator, and nobody could make accounts afterwards.
        NotAllowedError: the actor is no administrator.
    """
    if not actor.admin:
        raise NotAllowedError("Only an administrator may remove accounts.")
    with graph.write(actor) as writer:
        account = _require(writer, name)
        others = [each for each in list_accounts(writer) if each.name != name]
        if others and account.admin and not any(each.admin for each in others):
            raise ConflictError(
                f"{name} is the last administrator; make another one first, or remove the others."
            )
        writer.connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.account == name))
        writer.connection.execute(sa.delete(ACCOUNTS).where(ACCOUNTS.c.name == name))
        writer.record("account.removed", account.ref, before={"name": name, "admin": account.admin})
    return account


def _require(reader: Reader, name: str) -> Account:
    account = find_account(reader, name)
    if account is None:
        raise NotFoundError(f"There is no account {name!r}; `counterpoint account list` names them all.")
    return account


def find_account(reader: Reader, name: str) -> Account | None:
    """The account of that name, or None."""
    row = reader.connection.execute(sa.select(ACCOUNTS).where(ACCOUNTS.c.name == name)).one_or_none()
    return Account(row.name, bool(row.admin), to_datetime(row.created_at)) if row else None


def list_accounts(reader: Reader) -> list[Account]:
    """All accounts by name."""
    rows = reader.connection.execute(sa.select(ACCOUNTS).order_by(ACCOUNTS.c.name))
    return [Account(row.name, bool(row.admin), to_datetime(row.created_at)) for row in rows]


def verify_password(graph: Graph, name: str, password: str) -> Account | None:
    """The account if the password is its own, else None; both answers take equally long."""
    with graph.read() as reader:
        query = sa.select(ACCOUNTS.c.password_hash).where(ACCOUNTS.c.name == name)
        stored = reader.connection.execute(query).scalar_one_or_none()
        account = find_account(reader, name)
    try:
        _hasher().verify(stored or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return None
    return account if stored else None


def account_actor(reader: Reader, account: Account) -> Actor:
    """The actor that an account acts as, with the name and the units that the catalog gives the person."""
    person = reader.get(account.ref)
    return Actor(
        ref=account.ref,
        name=person.title if person else account.name,
        kind="person",
        admin=account.admin,
        units=reader.units_of(account.ref),
    )


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    """What a password is checked against where there is no account, so that both take as long."""
    return _hasher().hash("nobody signs in with this")
