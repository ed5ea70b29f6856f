"""Snapshots: the journal as it is at one moment, as Ibis tables on DuckDB."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.errors import WorkspaceError
from counterpoint.journal.attributes import (
    Asked,
    Attribute,
    of_files,
    of_tail,
    places,
    read_attributes,
    tail_table,
)
from counterpoint.journal.columns import Kind
from counterpoint.journal.hashing import HASH
from counterpoint.journal.intake import rows_after, transaction
from counterpoint.journal.leases import lease
from counterpoint.journal.manifest import Segment, manifest
from counterpoint.journal.model.row import COLUMNS, Row
from counterpoint.journal.segments import schema

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend

__all__ = ["Snapshot", "engine_options", "open_snapshot"]

DAMAGE = ("Invalid Input Error", "IO Error", "TProtocolException", "Invalid Error")
"""How DuckDB begins to say that a file is not what it should be."""


class Snapshot:
    """What the journal held when it was taken; appends, compactions and deletions do not change it."""

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
        """The files of the snapshot, those with the latest events first; they stay as long as the snapshot."""
        return self._segments

    def events(
        self, *types: str, attributes: Mapping[str, Attribute | Kind] | None = None, data: bool = True
    ) -> "ibis.Table":
        """The events of these types, or of all, as an Ibis table.

        Columns: source, id, type, subject, time and received (timestamps in UTC), flag_set, flag and
        variant (of exposures), value (the number under `value` in the data, float64), data and
        attributes (JSON text), and subject_hash (int64, see `hashing`).

        Args:
            types: of the events.
            attributes: columns to add, each with its type (string, int64, float64 or boolean): the scalar
                under that name at the top of the data, or where there is none of that type the extension
                attribute. An `Attribute` says more exactly what is meant. It is read from a typed column
                where a file has one.
            data: without it there are no columns data and attributes, and no JSON is read.

        Raises:
            InputError: an attribute's column has the name of another, or no such type.
        """
        import ibis

        asked = read_attributes(attributes or {}, [*COLUMNS, HASH])
        columns = [*(name for name in COLUMNS if data or name not in ("data", "attributes")), HASH]
        tables = [of_tail(self._tail_table(attributes=bool(asked)), asked).select(*columns, *asked)]
        for part, files in self._parts(types, asked):
            tables.append(of_files(self._read(files), part, asked).select(*columns, *asked))
        table = ibis.union(*tables) if len(tables) > 1 else tables[0]
        return table.filter(table.type.isin(types)) if types else table

    def _parts(self, types: Sequence[str], asked: Asked) -> list[tuple[Segment, list[str]]]:
        """The files by where they keep what is asked, each part with one of its segments."""
        parts: dict[object, tuple[Segment, list[str]]] = {}
        for segment in self._segments:
            if types and segment.type not in types:
                continue
            path = self._folder / segment.path
            if not path.exists():  # DuckDB would take a name with a star in it for a pattern
                raise WorkspaceError(
                    f"The journal's file {path} is missing; restore it from a backup. `counterpoint doctor` lists all."
                )
            parts.setdefault(places(segment, asked), (segment, []))[1].append(str(path))
        return list(parts.values())

    def _read(self, files: list[str]) -> "ibis.Table":
        import ibis

        table = self.connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
        types = ibis.Schema.from_pyarrow(schema())
        missing = {name: ibis.null(types[name]) for name in COLUMNS if name not in table.columns}
        return table.mutate(**missing)

    def _tail_table(self, *, attributes: bool) -> "ibis.Table":
        """What was in the intake; with its attributes as a map where they are asked for."""
        if attributes not in self._tails:
            name = f"journal_tail_{attributes:d}"
            table = tail_table(self._tail, attributes=attributes)
            self._tails[attributes] = self.connection.create_table(name, table, schema=None, temp=True)
        return self._tails[attributes]

    @cached_property
    def _tails(self) -> "dict[bool, ibis.Table]":
        return {}

    def close(self) -> None:
        """Let the engine go; tables of this snapshot cannot be read after that."""
        if "connection" in self.__dict__:
            self.connection.disconnect()


@contextmanager
def open_snapshot(folder: Path, database: sqlite3.Connection) -> Iterator[Snapshot]:
    """Take a snapshot: the manifest and the intake in one read transaction, which ends at once."""
    with lease(folder, database):
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
