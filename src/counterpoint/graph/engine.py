"""Connections to the graph's database: SQLite in a file, or PostgreSQL through psycopg 3.

Each kind of database has one engine for reading (a pool, with a time limit for every statement) and
one for writing (a single connection). A read sees one consistent state from its start to its end.
"""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from counterpoint.errors import InputError

__all__ = ["BUSY_SECONDS", "READ_SECONDS", "Engines", "open_engines"]

BUSY_SECONDS: float = 10
"""How long a writer waits for another process before it gives up."""
READ_SECONDS: float = 30
"""How long one statement of a reader may run."""
READERS = 8
"""Connections that stay open for readers."""
MORE_READERS = 32
"""Connections that are opened on top when many read at once."""
WRITER_CACHE = 256 * 1024 * 1024
"""Bytes of pages that the writer keeps at most: what the indexes of hundreds of thousands of entities touch again and again."""
LOG_KEPT = 32 * 1024 * 1024
"""Bytes of SQLite's write-ahead log that stay on disk once all of it is in the database; one large import may need many more."""
CHECK_EVERY = 50_000
"""Steps of SQLite's machine between two looks at the clock: well under a millisecond."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Both engines of one database."""

    reading: sa.Engine
    writing: sa.Engine
    file: Path | None
    """The SQLite file; none on PostgreSQL."""

    def dispose(self) -> None:
        """Close every connection."""
        self.reading.dispose()
        self.writing.dispose()


def open_engines(address: str | Path) -> Engines:
    """Engines for a SQLite file (a path) or a PostgreSQL address; nothing is connected yet.

    Raises:
        InputError: the address is no PostgreSQL address.
    """
    if isinstance(address, Path):
        return Engines(_sqlite(address, write=False), _sqlite(address, write=True), address)
    url = _postgresql_url(address)
    return Engines(_postgresql(url, write=False), _postgresql(url, write=True), None)


def _sqlite(file: Path, *, write: bool) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(
            "PRAGMA synchronous = FULL"
        )  # a decision that was acknowledged survives a power cut
        if write:
            connection.execute(f"PRAGMA cache_size = {-WRITER_CACHE // 1024}")
            connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT}")
        # Readers and the writer do not wait for each other; the file remembers the mode.
        connection.execute("PRAGMA journal_mode = WAL" if write else "PRAGMA query_only = ON")
        return connection

    size = 1 if write else READERS
    engine = sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=size,
        max_overflow=0 if write else MORE_READERS,
    )
    begin = "BEGIN IMMEDIATE" if write else "BEGIN"

    # The driver itself never begins a transaction (isolation_level=None): this decides how one begins.
    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    if not write:
        _limit_statements(engine)
    return engine


def _limit_statements(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "before_cursor_execute")
    def _start(connection: sa.Connection, *_rest: Any) -> None:
        deadline = time.monotonic() + READ_SECONDS
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - says the type to the checker
        driver.set_progress_handler(lambda: time.monotonic() > deadline, CHECK_EVERY)


def _postgresql_url(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError) as error:
        raise InputError(
            f"{address!r} is no database address; write postgresql://user@host/database."
        ) from error
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise InputError(
            f"The graph cannot live in {url.get_backend_name()}; write postgresql://user@host/database, or nothing for SQLite."
        )
    return url.set(drivername="postgresql+psycopg")


def _postgresql(url: URL, *, write: bool) -> sa.Engine:
    options = "-c timezone=UTC"
    if write:
        options += f" -c lock_timeout={int(BUSY_SECONDS * 1000)}"
    else:
        options += f" -c statement_timeout={int(READ_SECONDS * 1000)} -c default_transaction_read_only=on"
    given = url.query.get("options")
    if given:
        options = f"{given} {options}"
    engine = sa.create_engine(
        url.update_query_dict({"options": options}),
        pool_size=1 if write else READERS,
        max_overflow=0 if write else MORE_READERS,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED" if write else "REPEATABLE READ",
    )

    # PostgreSQL refuses texts with NUL, so what somebody pastes would end as a failure of ours.
    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def _plain(_connection: Any, _cursor: Any, statement: str, given: Any, *_rest: Any) -> tuple[str, Any]:
        return statement, _without_nul(given)

    return engine


def _without_nul(given: Any) -> Any:
    """The values of a statement, of one row or of many, without the NULs in their texts."""
    if isinstance(given, str):
        return given.replace("\x00", "") if "\x00" in given else given
    if isinstance(given, Mapping):
        return {name: _without_nul(value) for name, value in given.items()}
    if isinstance(given, list | tuple):
        return type(given)(_without_nul(value) for value in given)
    return given
