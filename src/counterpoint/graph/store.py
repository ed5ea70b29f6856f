"""The graph of one workspace: transactions over its database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from counterpoint.errors import (
    CounterpointError,
    InputError,
    NotAllowedError,
    OverloadedError,
    WorkspaceError,
)
from counterpoint.graph.actor import Actor
from counterpoint.graph.engine import BUSY_SECONDS, READ_SECONDS, Engines, open_engines
from counterpoint.graph.entity import Entity
from counterpoint.graph.following import Follower
from counterpoint.graph.permissions import may
from counterpoint.graph.pulse import Pulse
from counterpoint.graph.reader import Reader
from counterpoint.graph.schema import migrate, newest_version, stored_version, versions
from counterpoint.graph.writer import Writer

__all__ = ["Graph"]


class Graph:
    """What exists. Reads run side by side; writes one after the other, each all or nothing."""

    def __init__(
        self,
        address: Path | str,
        *,
        unknown_kinds: bool = False,
        strict: bool = False,
        delete_orphans: bool = False,
    ) -> None:
        """Prepare the graph at a SQLite file or a PostgreSQL address; nothing is opened yet.

        Args:
            address: where it is.
            unknown_kinds: take entities of kinds that nobody has registered.
            strict: what is read into it is taken as Backstage takes it, a file as a whole or not at all.
            delete_orphans: an entity that no file declares any more is deleted rather than marked.
        """
        self.address = address
        self.unknown_kinds = unknown_kinds
        self.strict = strict
        self.delete_orphans = delete_orphans
        self._engines: Engines = open_engines(address)
        self._pulse = Pulse(self._engines.reading)
        self.follower = Follower(self.last_activity)
        """Wakes whoever follows the changes of this graph, by whichever process."""
        self._writing = threading.Lock()
        self._writer: int | None = None

    @property
    def file(self) -> Path | None:
        """The SQLite file; none on PostgreSQL."""
        return self._engines.file

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One consistent view of the graph.

        Raises:
            OverloadedError: a statement ran longer than the limit.
            WorkspaceError: the database cannot be reached.
        """
        with _translated(), self._engines.reading.begin() as connection:
            yield Reader(connection)

    @contextmanager
    def write(self, actor: Actor, *, at: datetime | None = None) -> Iterator[Writer]:
        """One transaction: committed when the block ends, undone when it raises.

        With `at`, what is written counts as written at that past moment, if nothing is later: for who
        replays a history that happened elsewhere.

        Raises:
            InputError: `at` is in the future.
            NotAllowedError: the actor may write nothing at all, as a token to read.
            OverloadedError: another process kept writing for longer than the limit.
            WorkspaceError: the database cannot be written.
        """
        decision = may(actor, "write", new=True)
        if not decision.allow:
            raise NotAllowedError(f"Nothing was changed. {decision.reason}")
        if self._writer == threading.get_ident():
            raise RuntimeError("A transaction is open in this thread already; use its writer.")
        with self._writing:
            self._writer = threading.get_ident()
            try:
                with _translated(), self._begin() as connection:
                    writer = Writer(connection, actor, self._require, unknown_kinds=self.unknown_kinds, at=at)
                    yield writer
                    writer.finish()
            finally:
                self._writer = None

    def last_activity(self) -> int:
        """The number of the newest change, by whichever process; 0 where there is none.

        It needs no transaction and takes microseconds on SQLite: what is kept in memory can be compared
        with it at every request.
        """
        with _translated():
            return self._pulse.number()

    def version(self) -> str | None:
        """The version of the tables; none where there are none yet."""
        with _translated(), self._engines.reading.begin() as connection:
            return stored_version(connection)

    def migrate(self) -> None:
        """Bring the tables to the newest version; does nothing where they have it."""
        with _translated(), self._begin() as connection:
            if stored_version(connection) != newest_version():
                migrate(connection)

    def state(self) -> Literal["empty", "older", "current", "newer"]:
        """How the tables compare with what this program needs."""
        stored = self.version()
        if stored is None:
            return "empty"
        if stored == newest_version():
            return "current"
        return "older" if stored in versions() else "newer"

    def check(self) -> list[str]:
        """What is damaged in the database, in words; empty when it is sound."""
        if self._engines.file is None:
            with self.read() as reader:
                reader.last_activity()
            return []
        with _translated(), self._engines.reading.begin() as connection:
            damage = [
                str(row[0])
                for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")
                if row[0] != "ok"
            ]
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        return damage + [f"A row of {row[0]} refers to a missing row of {row[2]}." for row in dangling[:20]]

    def settle(self) -> None:
        """Let nothing that was deleted securely stay in SQLite's log: it goes into the file, as far as nobody reads it."""
        if self._engines.file is not None:
            with _translated(), self._engines.writing.connect() as connection:
                connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close every connection."""
        self._pulse.close()
        self._engines.dispose()

    def __enter__(self) -> "Graph":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        with self._engines.writing.begin() as connection:
            if self._engines.file is None:
                # SQLite has one writer by itself; here the lock does it, so that activity numbers are
                # given and seen in one order. It belongs to the schema, and ends with the transaction.
                connection.execute(_LOCK)
            yield connection

    def _require(self, ref: str) -> Entity:
        with self.read() as reader:
            return reader.require(ref)


_LOCK = sa.text(
    "SELECT pg_advisory_xact_lock(hashtextextended('counterpoint.graph.' || current_schema(), 0))"
)


@contextmanager
def _translated() -> Iterator[None]:
    """Say in words what the database could not do."""
    try:
        yield
    except CounterpointError:
        raise
    except OperationalError as error:
        text = str(error.orig)
        if "locked" in text or "busy" in text or "lock timeout" in text:
            raise OverloadedError(
                f"Another process kept writing to the graph for {BUSY_SECONDS} seconds; try again."
            ) from error
        if "interrupted" in text or "statement timeout" in text:
            raise OverloadedError(
                f"Reading took longer than {READ_SECONDS} seconds and was stopped; ask for less."
            ) from error
        hint = "; is the disk full?" if "disk" in text else ""
        raise WorkspaceError(f"The graph cannot be used: {_first_line(text)}{hint}") from error
    except OverflowError as error:  # SQLite's driver says so itself
        raise InputError("A number is too large for the graph; it keeps 64 bits.") from error
    except DataError as error:  # such as a NUL inside a text, which PostgreSQL does not keep
        raise InputError(f"The graph cannot take this: {_first_line(error.orig)}") from error
    except PoolTimeout as error:
        raise OverloadedError("Too many read the graph at once; try again.") from error
    except DBAPIError as error:
        if "malformed" in str(error.orig) or "not a database" in str(error.orig):
            raise WorkspaceError(
                f"graph.db is damaged ({_first_line(error.orig)}); restore the workspace from a backup. Copies from before migrations are in backups/."
            ) from error
        raise


def _first_line(value: Any) -> str:
    lines = str(value).splitlines()
    return lines[0] if lines else "no reason given"
