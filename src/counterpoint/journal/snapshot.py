"""Snapshots: the journal as it is at one moment, as Ibis tables on the engine of the settings."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.engine import DUCKDB, EngineAddress
from counterpoint.errors import CounterpointError, WorkspaceError
from counterpoint.journal.engines import Engine, open_engine
from counterpoint.journal.engines.embedded import engine_options
from counterpoint.journal.intake import rows_after, transaction
from counterpoint.journal.model.row import Row
from counterpoint.journal.segments import Segment, arrow_table, manifest, schema

if TYPE_CHECKING:
    import ibis

__all__ = ["Snapshot", "engine_options", "open_snapshot"]


class Snapshot:
    """What the journal held when it was taken; appends and compactions do not change it."""

    def __init__(
        self,
        folder: Path,
        segments: Sequence[Segment],
        tail: Sequence[Row],
        *,
        engine: EngineAddress = DUCKDB,
        shared: str | None = None,
    ) -> None:
        self._folder = folder
        self._segments = segments
        self._tail = tail
        self._address = engine
        self._shared = shared

    @property
    def engine(self) -> str:
        """Which engine computes: duckdb, spark or clickhouse."""
        return self._address.kind

    @property
    def connection(self) -> Any:
        """The Ibis backend that the tables live on."""
        return self._engine.connection

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self._folder, self._address, shared=self._shared)

    def events(self, *types: str) -> "ibis.Table":
        """The events of these types, or of all, as an Ibis table.

        Columns: source, id, type, subject, time and received (timestamps in UTC), flag_set, flag and
        variant (of exposures), value (the number under `value` in the data, float64), data and
        attributes (JSON text).
        """
        import ibis

        tables = [self._tail_table]
        if files := self._files(types):
            tables.append(self._engine.files(files, schema()))
        table = ibis.union(*tables) if len(tables) > 1 else tables[0]
        return table.filter(table.type.isin(types)) if types else table

    def _files(self, types: Sequence[str]) -> list[Segment]:
        chosen = [segment for segment in self._segments if not types or segment.type in types]
        for segment in chosen:
            path = self._folder / segment.path
            if not path.exists():  # DuckDB would take a name with a star in it for a pattern
                raise WorkspaceError(
                    f"The journal's file {path} is missing; restore it from a backup. `counterpoint doctor` lists all."
                )
        return chosen

    @cached_property
    def _tail_table(self) -> "ibis.Table":
        return self._engine.tail(arrow_table(self._tail))

    def told(self, error: Exception) -> str | None:
        """What an error of the engine means; none where it is none of the engine's."""
        return self._engine.told(error) if "_engine" in self.__dict__ else None

    def close(self) -> None:
        """Let the engine go; tables of this snapshot cannot be read after that."""
        if "_engine" in self.__dict__:
            self._engine.close()


@contextmanager
def open_snapshot(
    folder: Path, database: sqlite3.Connection, *, engine: EngineAddress = DUCKDB, shared: str | None = None
) -> Iterator[Snapshot]:
    """Take a snapshot: the manifest and the intake in one read transaction, which ends at once."""
    with transaction(database, "DEFERRED"):
        segments = manifest(database)
        tail = rows_after(database, 0, -1)
    snapshot = Snapshot(folder, segments, tail, engine=engine, shared=shared)
    try:
        with _told(snapshot):
            yield snapshot
    finally:
        snapshot.close()


@contextmanager
def _told(snapshot: Snapshot) -> Iterator[None]:
    """Say in words what keeps the engine from answering; a query that is wrong stays an error of the program."""
    try:
        yield
    except CounterpointError:
        raise
    except Exception as error:
        if words := snapshot.told(error):
            raise WorkspaceError(words) from error
        raise
