"""Whom a journal has forgotten, as keyed hashes: in its database, and in a list beside it that outlives the database."""

import json
import os
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from counterpoint.errors import WorkspaceError
from counterpoint.journal.intake import connect, storage_errors
from counterpoint.journal.sought import Hashed

__all__ = ["forgotten_hashes", "hashes", "key_of", "read_list", "write_list"]

LIST: Final = "forgotten.json"
"""In the journal's folder: whom a restored backup must not bring back, as keyed hashes."""


def forgotten_hashes(folder: Path) -> list[Hashed]:
    """Whom this journal has forgotten: from its database, or where that cannot be read from the list beside it.

    Raises:
        WorkspaceError: neither can be read, though one is there.
    """
    file = folder / "intake.db"
    if file.exists():
        try:
            database = connect(file, create=False)
        except WorkspaceError:
            return read_list(folder / LIST)
        try:
            with storage_errors(file):
                return hashes(database)
        finally:
            database.close()
    return read_list(folder / LIST)


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
