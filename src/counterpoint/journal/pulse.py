"""The pulse of a journal: what changes whenever anything of it does, so cheap that it can be asked for at every request."""

import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from counterpoint.errors import WorkspaceError
from counterpoint.journal.intake import connect, storage_errors

__all__ = ["Beat", "Pulse"]

_QUERY = (
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0),"
    " (SELECT coalesce(max(seq), 0) FROM events), (SELECT coalesce(sum(events), 0) FROM removed),"
    " (SELECT coalesce(max(number), 0) FROM erasures)"
)


class Beat(NamedTuple):
    """How far a journal had come."""

    newest: int
    """The last number that was given to an event, duplicates included."""
    kept: int
    """The last number of an event that is in the intake; 0 where it is empty."""
    removed: int
    """Events that were given up since the journal was made."""
    erasure: int
    """The newest erasure; 0 where there was none."""


class Pulse:
    """One connection that reads outside of any transaction; made when first used, and anew where the file is another."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._inode = 0

    def beat(self) -> Beat:
        """How far it has come, by whichever process.

        Raises:
            WorkspaceError: the journal cannot be read.
        """
        with self._lock:
            try:
                return self._ask()
            except (sqlite3.Error, WorkspaceError):
                self._drop()  # it may have been put back from a backup since
                return self._ask()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            self._drop()

    def _ask(self) -> Beat:
        with storage_errors(self._file):
            inode = os.stat(self._file).st_ino
            if self._database is None or inode != self._inode:
                self._drop()
                self._database, self._inode = connect(self._file, create=False), inode
            return Beat(*self._database.execute(_QUERY).fetchone())

    def _drop(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()
