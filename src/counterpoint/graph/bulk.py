"""Many rows into one table at once, past the work that SQLAlchemy does for each of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

__all__ = ["indexes_later", "insert_rows"]

COPIED = 50
"""Rows from which PostgreSQL takes them as one stream: an insert costs it, and us, ten times as much for each."""


def insert_rows(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows, each with a value for every one of the columns, in the transaction of the connection.

    Raises:
        sqlalchemy.exc.DBAPIError: as an `insert` would.
    """
    names = ", ".join(f'"{name}"' for name in columns)
    if connection.dialect.name == "postgresql" and len(rows) >= COPIED:
        _copy(connection, f"COPY {table.name} ({names}) FROM STDIN", rows)
        return
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    marks = ", ".join([mark] * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))


@contextmanager
def indexes_later(connection: sa.Connection, tables: Sequence[sa.Table]) -> Iterator[None]:
    """Let the rows that are inserted in this block be sorted into the indexes at its end, all at once.

    It pays where more rows come than there are: a row by itself has to find its place in each of a dozen
    indexes. All of it belongs to the transaction, so nobody ever sees a table without its indexes. PostgreSQL
    would make readers wait for the transaction; there, and where a statement is still reading, rows are
    inserted as ever.
    """
    made = _drop_indexes(connection, tables) if connection.dialect.name == "sqlite" else []
    yield
    for statement in made:
        connection.exec_driver_sql(statement)


def _drop_indexes(connection: sa.Connection, tables: Sequence[sa.Table]) -> list[str]:
    marks = ", ".join("?" * len(tables))
    found = connection.exec_driver_sql(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})",
        tuple(table.name for table in tables),
    ).all()
    dropped: list[str] = []
    for name, statement in found:
        try:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise
            break
        dropped.append(statement)
    return dropped


def _copy(connection: sa.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    wrong = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except wrong as error:  # as SQLAlchemy shows it, so that callers need not know of two ways
        raise DBAPIError.instance(statement, None, error, wrong, dialect=connection.dialect) from error
