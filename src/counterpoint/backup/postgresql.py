"""The graph's tables out of PostgreSQL, and into an empty database: one consistent state, by COPY in its text format.

`psql` reads the files as well: `\\copy TABLE (COLUMNS) FROM 'TABLE.copy'`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from counterpoint.backup.manifest import GraphPart, Table
from counterpoint.errors import ConflictError, InputError, WorkspaceError
from counterpoint.graph.engine import open_engines
from counterpoint.graph.schema import migrate, stored_version, versions

__all__ = ["check_empty", "dump", "load"]

VERSIONS = "alembic_version"
BLOCK = 2**20


def dump(address: str, folder: Path) -> tuple[GraphPart, list[tuple[str, Path]]]:
    """Write every table of the graph into a file of its own, all as they are at one moment.

    Raises:
        WorkspaceError: the database cannot be reached or read.
    """
    folder.mkdir()
    with _connected(address, write=False) as connection:
        # A large table takes longer to copy than a page may take to read.
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        version = stored_version(connection)
        if version is None:
            raise WorkspaceError("The graph's database holds no graph; was it emptied?")
        tables = _tables(connection)
        activity = int(connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM activity").scalar_one())
        files = []
        for table in tables:
            file = folder / f"{table.name}.copy"
            statement = sql.SQL("COPY {} TO STDOUT").format(_named(table))
            with (
                file.open("xb") as sink,
                _driver(connection).cursor() as cursor,
                cursor.copy(statement) as rows,
            ):
                for block in rows:
                    sink.write(block)
            files.append((f"graph/{table.name}.copy", file))
    return GraphPart("postgresql", version, activity, tables), files


def check_empty(address: str) -> None:
    """Refuse a database that holds anything already.

    Raises:
        ConflictError: it does.
        WorkspaceError: it cannot be reached.
    """
    with _connected(address, write=False) as connection:
        found = sa.inspect(connection).get_table_names()
    if found:
        raise ConflictError(
            f"The graph's PostgreSQL database holds tables already, such as {found[0]}; a restore needs an empty one."
            " Make one, and name it in COUNTERPOINT_GRAPH__URL."
        )


def load(address: str, graph: GraphPart, folder: Path) -> None:
    """Fill an empty database from the files, all or nothing, at the version that they were written by.

    Raises:
        ConflictError: the database is not empty.
        InputError: the files do not fit the tables.
        WorkspaceError: the database cannot be reached or written.
    """
    check_empty(address)
    if graph.version not in versions():
        raise InputError(
            f"The backup's graph is of version {graph.version}, which this Counterpoint does not know; upgrade to restore it."
        )
    with _connected(address, write=True) as connection:
        migrate(connection, graph.version)
        known = {table.name: set(table.columns) for table in _tables(connection)}
        for table in graph.tables:
            if not set(table.columns) <= known.get(table.name, set()):
                raise InputError(f"The backup's table {table.name} does not fit version {graph.version}.")
        with _driver(connection).cursor() as cursor:
            # What migrations put in goes. Not by TRUNCATE, which tables that only grow refuse even while they are empty.
            for name in reversed(known):
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
            for table in graph.tables:
                statement = sql.SQL("COPY {} FROM STDIN").format(_named(table))
                with (folder / f"{table.name}.copy").open("rb") as source, cursor.copy(statement) as rows:
                    while block := source.read(BLOCK):
                        rows.write(block)
            for table in graph.tables:
                _set_sequences(cursor, table)


def _tables(connection: sa.Connection) -> list[Table]:
    """Every table with the columns that are stored, in an order in which foreign keys hold."""
    inspector = sa.inspect(connection)
    return [
        Table(
            str(name),
            [str(column["name"]) for column in inspector.get_columns(name) if "computed" not in column],
        )
        for name, _ in inspector.get_sorted_table_and_fkc_names()
        if name is not None and name != VERSIONS
    ]


def _named(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in table.columns)
    return sql.SQL("{} ({})").format(sql.Identifier(table.name), columns)


def _set_sequences(cursor: "psycopg.Cursor[Any]", table: Table) -> None:
    """Let numbers that the database gives go on after those that were copied."""
    for column in table.columns:
        found = cursor.execute(
            "SELECT pg_get_serial_sequence(%s, %s)",
            (sql.Identifier(table.name).as_string(), column),
        ).fetchone()
        if found and found[0]:
            statement = sql.SQL("SELECT setval(%s, max({})) FROM {} HAVING max({}) IS NOT NULL").format(
                sql.Identifier(column), sql.Identifier(table.name), sql.Identifier(column)
            )
            cursor.execute(statement, (found[0],))


def _driver(connection: sa.Connection) -> "psycopg.Connection[Any]":
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - says the type to the checker
    return driver


@contextmanager
def _connected(address: str, *, write: bool) -> Iterator[sa.Connection]:
    engines = open_engines(address)
    try:
        with (engines.writing if write else engines.reading).begin() as connection:
            yield connection
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        reason = str(getattr(error, "orig", error)).strip().split("\n", 1)[0]
        raise WorkspaceError(
            f"The graph's PostgreSQL database refused ({reason}); nothing was changed there."
        ) from error
    finally:
        engines.dispose()
