"""The pulse of a graph: the number of its newest change, so cheap that it can be asked for at every request."""

import threading
from typing import Any

import sqlalchemy as sa

__all__ = ["Pulse"]

_QUERY = "SELECT max(seq) FROM activity"


class Pulse:
    """One connection beside the pool, outside of any transaction; made when first used."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._pooled: Any = None
        self._driver: Any = None

    def number(self) -> int:
        """The number of the newest change that any process has committed, 0 where there is none."""
        with self._lock:
            try:
                return self._ask()
            except self._engine.dialect.loaded_dbapi.Error:
                self._drop()  # the server may have been restarted since
                return self._ask()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._lock:
            self._drop()

    def _ask(self) -> int:
        if self._driver is None:
            self._pooled = self._engine.raw_connection()
            self._driver = self._pooled.driver_connection
            self._pooled.detach()
            if self._engine.dialect.name == "postgresql":
                self._driver.rollback()
                self._driver.autocommit = True
            else:  # it begins nothing by itself, but may bring the time limit of a reader
                self._driver.set_progress_handler(None, 0)
        row = self._driver.execute(_QUERY).fetchone()
        return row[0] or 0

    def _drop(self) -> None:
        pooled, self._pooled, self._driver = self._pooled, None, None
        if pooled is not None:
            pooled.close()
