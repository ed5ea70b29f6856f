"""Which backups were made of this workspace: an erasure names those that may still hold the people."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from counterpoint.journal.intake import connect, storage_errors, transaction
from counterpoint.moments import to_datetime, to_micros

__all__ = ["Backup", "carry", "known_backups", "never_made", "overwritten", "purged", "remember"]


class Backup(msgspec.Struct, frozen=True):
    """One archive that was made."""

    id: str
    path: str
    """Where it was written; it may have been moved since."""
    made: datetime
    erasures: int
    """The last erasure that it has seen; those after it are applied when it is restored."""


def remember(folder: Path, id: str, path: str, made: datetime, *, erasures: int) -> None:  # noqa: A002
    """Note that a backup is being made; whatever is at its place is another one until `overwritten`."""
    with _writing(folder) as database:
        database.execute(
            "INSERT INTO backups (id, path, made, purged) VALUES (?, ?, ?, ?)",
            (id, path, to_micros(made), erasures),
        )


def overwritten(folder: Path, id: str, path: str) -> None:  # noqa: A002
    """Note that a backup is at its place now, and no other one any more."""
    with _writing(folder) as database:
        database.execute("DELETE FROM backups WHERE path = ? AND id <> ?", (path, id))


def never_made(folder: Path, id: str) -> None:  # noqa: A002
    """Note that a backup came to nothing."""
    with _writing(folder) as database:
        database.execute("DELETE FROM backups WHERE id = ?", (id,))


def known_backups(folder: Path, *, before: int | None = None) -> list[Backup]:
    """All backups that are known, oldest first; or those that have not seen the erasure `before`."""
    query = "SELECT id, path, made, purged FROM backups WHERE ?1 IS NULL OR purged < ?1 ORDER BY made"
    with storage_errors(folder), closing(connect(folder / "intake.db", create=False)) as database:
        rows = database.execute(query, (before,)).fetchall()
    return [Backup(id_, path, to_datetime(made), seen) for id_, path, made, seen in rows]


def purged(folder: Path, id: str, *, erasures: int) -> None:  # noqa: A002
    """Note that a backup holds nothing any more of whom was forgotten up to this erasure."""
    with _writing(folder) as database:
        database.execute("UPDATE backups SET purged = max(purged, ?) WHERE id = ?", (erasures, id))


def carry(folder: Path, backups: Iterable[Backup], *, erasures: int) -> None:
    """Note the backups that another workspace knows, of whose erasures this one shares those up to a number.

    What they have seen beyond that is counted otherwise here, and taken for not seen.
    """
    rows = [(each.id, each.path, to_micros(each.made), min(each.erasures, erasures)) for each in backups]
    with _writing(folder) as database:
        database.executemany(
            "INSERT OR IGNORE INTO backups (id, path, made, purged) VALUES (?, ?, ?, ?)", rows
        )


@contextmanager
def _writing(folder: Path) -> Iterator[sqlite3.Connection]:
    file = folder / "intake.db"
    with storage_errors(file), closing(connect(file, create=False)) as database, transaction(database):
        yield database
