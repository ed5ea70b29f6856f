"""Links of listeners: an address that opens one listener's own page, signed and with an end.

A link is not kept anywhere: it says whose it is and until when, and is signed (HMAC-SHA-256) with a key of the
workspace that lies in a file beside the graph, which only the machine's user reads. Another key ends every link.
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

from counterpoint.discover.access import require_listeners
from counterpoint.errors import InputError, NotFoundError, Problem, WorkspaceError
from counterpoint.graph.actor import Actor
from counterpoint.syncing import sync
from counterpoint.workspace import Workspace

__all__ = ["LONGEST", "PAGE", "Link", "link_of", "listener_of"]

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
    listener: str
    expires_at: datetime


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """What a link says; it is signed."""

    recommender: str
    listener: str
    end: int
    """Unix seconds."""


def link_of(
    workspace: Workspace,
    actor: Actor,
    recommender: str,
    listener: str,
    *,
    lifetime: timedelta = USUAL,
    now: datetime | None = None,
) -> Link:
    """A link for a listener of a recommender, which is given by its reference.

    Raises:
        NotAllowedError: the actor does not act for listeners.
        InputError: the lifetime is not above nothing, or longer than `LONGEST`; or nobody is named.
    """
    require_listeners(actor)
    if not timedelta(0) < lifetime <= LONGEST:
        raise InputError(
            "The link was not made.",
            [Problem(f"lifetime == {lifetime}, must be above 0 and at most {LONGEST.days} days", "/days")],
        )
    if not listener.strip():
        raise InputError("The link was not made.", [Problem("Name the listener.", "/listener")])
    end = int(((now or datetime.now(UTC)) + lifetime).timestamp())
    said = msgspec.json.encode(_Told(recommender, listener, end))
    token = f"{_plain(said)}.{_plain(_signed(_key(workspace), said))}"
    return Link(PAGE + token, token, recommender, listener, datetime.fromtimestamp(end, UTC))


def listener_of(workspace: Workspace, token: str, *, now: datetime | None = None) -> Link:
    """Whose a link is.

    Raises:
        NotFoundError: it is none of this workspace, was changed, or has ended; which of them is not said.
    """
    said, _, signature = token.partition(".")
    with suppress(ValueError, msgspec.MsgspecError):
        read = _bytes(said)
        if hmac.compare_digest(_signed(_key(workspace), read), _bytes(signature)):
            told = msgspec.json.decode(read, type=_Told)
            if (now or datetime.now(UTC)).timestamp() < told.end:
                end = datetime.fromtimestamp(told.end, UTC)
                return Link(PAGE + token, token, told.recommender, told.listener, end)
    raise NotFoundError(
        "This link opens nothing, or nothing any more; ask whoever gave it to you for a new one."
    )


def _signed(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, b"counterpoint listener\n" + said, hashlib.sha256).digest()


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


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
