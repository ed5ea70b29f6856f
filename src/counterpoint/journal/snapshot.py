"""Snapshots: the journal as it is at one moment, as Ibis tables on DuckDB."""

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.errors import WorkspaceError
from counterpoint.journal.intake import rows_after, transaction
from counterpoint.journal.model.row import COLUMNS, Row
from counterpoint.journal.segments import Segment, arrow_table, manifest

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend

__all__ = ["Snapshot", "engine_options", "open_snapshot"]

DAMAGE = ("Invalid Input Error", "IO Error", "TProtocolException", "Invalid Error")
"""How DuckDB begins to say that a file is not what it should be."""


class Snapshot:
    """What the journal held when it was taken; appends and compactions do not change it."""

    def __init__(self, folder: Path, segments: Sequence[Segment], tail: Sequence[Row]) -> None:
        self._folder = folder
        self._segments = segments
        self._tail = tail

    @cached_property
    def connection(self) -> "Backend":
        """The Ibis backend that the tables live on: DuckDB in memory, closed with the snapshot."""
        return connect_engine(self._folder)

    @property
    def segments(self) -> Sequence[Segment]:
        """The files of the snapshot, those with the latest events first."""
        return self._segments

    @property
    def waiting(self) -> frozenset[str]:
        """Types of the events that are not in files yet."""
        return frozenset(row[2] for row in self._tail)

    def events(self, *types: str, only: Collection[str] | None = None, tail: bool = True) -> "ibis.Table":
        """The events of these types, or of all, as an Ibis table.

        `only` names the files (paths of `segments`) to read, where not all are wanted; without `tail` the
        events that are not in files yet are left out.

        Columns: source, id, type, subject, time and received (timestamps in UTC), flag_set, flag and
        variant (of exposures), value (the number under `value` in the data, float64), data and
        attributes (JSON text).
        """
        import ibis

        files = self._files(types, only)
        tables = [self._tail_table if tail else self._tail_table.limit(0)] if tail or not files else []
        if files:
            tables.append(self._files_table(files))
        table = ibis.union(*tables) if len(tables) > 1 else tables[0]
        return table.filter(table.type.isin(types)) if types else table

    def _files(self, types: Sequence[str], only: Collection[str] | None) -> list[str]:
        chosen = [
            segment
            for segment in self._segments
            if (not types or segment.type in types) and (only is None or segment.path in only)
        ]
        paths = [self._folder / segment.path for segment in chosen]
        for path in paths:
            if not path.exists():  # DuckDB would take a name with a star in it for a pattern
                raise WorkspaceError(
                    f"The journal's file {path} is missing; restore it from a backup. `counterpoint doctor` lists all."
                )
        return [str(path) for path in paths]

    def _files_table(self, files: list[str]) -> "ibis.Table":
        import ibis

        table = self.connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
        types = self._tail_table.schema()
        missing = {name: ibis.null(types[name]) for name in COLUMNS if name not in table.columns}
        return table.mutate(**missing).select(*COLUMNS)

    @cached_property
    def _tail_table(self) -> "ibis.Table":
        return self.connection.create_table("journal_tail", arrow_table(self._tail), schema=None, temp=True)

    def close(self) -> None:
        """Let the engine go; tables of this snapshot cannot be read after that."""
        if "connection" in self.__dict__:
            self.connection.disconnect()


@contextmanager
def open_snapshot(folder: Path, database: sqlite3.Connection) -> Iterator[Snapshot]:
    """Take a snapshot: the manifest and the intake in one read transaction, which ends at once."""
    with transaction(database, "DEFERRED"):
        segments = manifest(database)
        tail = rows_after(database, 0, -1)
    snapshot = Snapshot(folder, segments, tail)
    try:
        with _damage():
            yield snapshot
    finally:
        snapshot.close()


@contextmanager
def _damage() -> Iterator[None]:
    """Say in words that a file cannot be read; a query that is wrong stays an error of the program."""
    try:
        yield
    except Exception as error:
        reason = str(error).split("\n", 1)[0]
        if ".parquet" in reason and any(word in reason for word in DAMAGE):
            raise WorkspaceError(
                f"A file of the journal cannot be read ({reason}); `counterpoint doctor` lists what to restore."
            ) from error
        raise


def connect_engine(folder: Path) -> "Backend":
    """DuckDB in memory, held to half of the machine's memory; what is larger goes to a folder."""
    import ibis

    return ibis.duckdb.connect(**engine_options(folder))


def engine_options(folder: Path) -> dict[str, Any]:
    """DuckDB's settings: without them a large join could take all memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"memory_limit": f"{memory // 2 // 2**20}MiB", "temp_directory": str(folder / "spill")}
