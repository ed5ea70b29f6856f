"""Many rows into one table at once, past the work that SQLAlchemy does for each of them."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

__all__ = ["insert_rows"]

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


def _copy(connection: sa.Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    driver: Any = connection.connection.driver_connection
    wrong = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except wrong as error:  # as SQLAlchemy shows it, so that callers need not know of two ways
        raise DBAPIError.instance(statement, None, error, wrong, dialect=connection.dialect) from error
