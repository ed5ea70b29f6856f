"""Whom a journal has forgotten, as keyed hashes: in its database, and in a list beside it that outlives the database."""

import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from counterpoint.errors import WorkspaceError
from counterpoint.journal.intake import BUSY_SECONDS
from counterpoint.journal.sought import Hashed
from counterpoint.syncing import sync

__all__ = ["forgotten_hashes", "hashes", "key_of", "read_list", "write_list"]

LIST: Final = "forgotten.json"
"""In the journal's folder: whom a restored backup must not bring back, as keyed hashes."""


def forgotten_hashes(folder: Path) -> list[Hashed]:
    """Whom a journal has forgotten: from its database, which may be damaged or older, and from the list beside it.

    Raises:
        WorkspaceError: the list is damaged.
    """
    people = read_list(folder / LIST)
    address = f"{(folder / 'intake.db').absolute().as_uri()}?mode=ro"
    # Not with `connect`: it would bring an older journal forward, which may not be ours to change.
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as database,
    ):
        people += hashes(database)
    return list(dict.fromkeys(people))


def read_list(file: Path) -> list[Hashed]:
    """The people of a list that an erasure wrote; none where there is no such file.

    Raises:
        WorkspaceError: it is no such list.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))["forgotten"]
        return [Hashed(bytes.fromhex(e["key"]), bytes.fromhex(e["hash"]), int(e["at"])) for e in entries]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"{file} is no list of forgotten people ({error}).") from error


def key_of(database: sqlite3.Connection) -> bytes:
    """The key of this workspace's hashes: that of its newest receipt, or a new random one."""
    row = database.execute("SELECT key FROM forgotten ORDER BY erasure DESC LIMIT 1").fetchone()
    return bytes(row[0]) if row else secrets.token_bytes(32)


def hashes(database: sqlite3.Connection) -> list[Hashed]:
    """All of them, oldest first."""
    query = "SELECT key, hash, at FROM forgotten ORDER BY at, hash"
    return [Hashed(bytes(key), bytes(hash_), at) for key, hash_, at in database.execute(query)]


def write_list(folder: Path, people: Sequence[Hashed]) -> None:
    """Write the list that a restore reads, all of it or none; readable by its owner only."""
    entries = [{"key": p.key.hex(), "hash": p.hash.hex(), "at": p.until} for p in people]
    draft = folder / f"{LIST}.draft"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
        json.dump({"forgotten": entries}, sink, indent=1)
        sink.flush()
        os.fsync(sink.fileno())
    draft.replace(folder / LIST)
    sync(folder)
