"""Links of listeners: an address that opens one listener's own page, signed and with an end.

A link is a random number, signed (HMAC-SHA-256) with a key of the workspace that lies in a file which only the
machine's user reads; so whoever reads the database has no link. Its row says whose it is, and goes with the listener:
without its row, or with another key, a link opens nothing.
"""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa

from counterpoint.discover.access import acting, require_listeners
from counterpoint.discover.tables import LINK
from counterpoint.errors import InputError, NotFoundError, Problem, WorkspaceError
from counterpoint.graph.actor import Actor
from counterpoint.moments import to_datetime, to_micros
from counterpoint.syncing import sync
from counterpoint.workspace import Workspace

__all__ = ["LONGEST", "PAGE", "Link", "lifetime_of", "link_of", "listener_of"]

PAGE: Final = "/discover/listen/"
"""Where a link leads; its secret follows."""
FILE: Final = Path("discover") / "links.key"
"""The key, in the workspace."""
LONGEST: Final = timedelta(days=400)
USUAL: Final = timedelta(days=30)


class Link(msgspec.Struct, frozen=True, rename="camel"):
    """A link of one listener to what was learnt of them."""

    path: str
    """Path of the page, with the secret in it."""
    token: str
    recommender: str
    """Its reference."""
    listener: str
    expires_at: datetime


def link_of(
    workspace: Workspace,
    actor: Actor,
    recommender: str,
    listener: str,
    *,
    lifetime: timedelta = USUAL,
    now: datetime | None = None,
) -> Link:
    """Make a link for a listener of a recommender, which is given by its reference.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        InputError: the lifetime is not above nothing, or longer than `LONGEST`; or nobody is named.
    """
    require_listeners(actor, listener)
    if not timedelta(0) < lifetime <= LONGEST:
        rule = f"lifetime == {lifetime}, must be above 0 and at most {LONGEST.days} days"
        raise InputError("The link was not made.", [Problem(rule, "/days")])
    at = now or datetime.now(UTC)
    identity, until = secrets.token_urlsafe(18), to_micros(at + lifetime)
    row = {
        "id": identity,
        "recommender": recommender,
        "listener": listener,
        "at": to_micros(at),
        "until": until,
    }
    with workspace.graph.write(acting(actor)) as writer:
        writer.connection.execute(sa.insert(LINK).values(row))
        writer.record("discover.link-made", recommender)
    return _link(f"{identity}.{_signed(_key(workspace), identity)}", recommender, listener, until)


def lifetime_of(days: float) -> timedelta:
    """Days as a lifetime.

    Raises:
        InputError: they are not above 0, or more than `LONGEST`.
    """
    if not 0 < days <= LONGEST.days:
        rule = f"days is {days:g}, must be above 0 and at most {LONGEST.days} days"
        raise InputError("The link was not made.", [Problem(rule, "/days")])
    return timedelta(days=days)


def listener_of(workspace: Workspace, token: str, *, now: datetime | None = None) -> Link:
    """Whose a link is.

    Raises:
        NotFoundError: it is none of this workspace, was changed, has ended, or its listener was forgotten; which of
            them is not said.
    """
    identity, _, signature = token.partition(".")
    expected = _signed(_key(workspace), identity)
    if hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        with workspace.graph.read() as reader:
            row = reader.connection.execute(sa.select(LINK).where(LINK.c.id == identity)).one_or_none()
        if row is not None and to_micros(now or datetime.now(UTC)) < row.until:
            return _link(token, row.recommender, row.listener, row.until)
    raise NotFoundError(
        "This link opens nothing, or nothing any more; ask whoever gave it to you for a new one."
    )


def _link(token: str, recommender: str, listener: str, until: int) -> Link:
    return Link(PAGE + token, token, recommender, listener, to_datetime(until))


def _signed(key: bytes, identity: str) -> str:
    told = b"counterpoint listener\n" + identity.encode("utf-8", "replace")
    return base64.urlsafe_b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode().rstrip("=")


def _key(workspace: Workspace) -> bytes:
    """The key of the workspace's links; the first that asks makes it, also of several processes."""
    file = workspace.path / FILE
    try:
        with suppress(FileNotFoundError):
            return _read(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(secrets.token_bytes(32))
            sync(beside)
            with suppress(FileExistsError):  # another process was first: its key counts
                os.link(beside, file)
        finally:
            beside.unlink(missing_ok=True)
        return _read(file)
    except OSError as error:
        raise WorkspaceError(
            f"{file} cannot be read or made ({error.strerror}); mend its permissions."
        ) from error


def _read(file: Path) -> bytes:
    key = file.read_bytes()
    if len(key) != 32:
        raise WorkspaceError(f"{file} is damaged; delete it, and every link that was given ends.")
    return key
