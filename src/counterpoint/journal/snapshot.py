"""Snapshots: the journal as it is at one moment, as Ibis tables on the engine of the settings."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.engine import DUCKDB, EngineAddress
from counterpoint.errors import WorkspaceError
from counterpoint.journal.attributes import (
    Asked,
    Attribute,
    columns_of,
    of_files,
    of_tail,
    places,
    read_attributes,
    tail_table,
)
from counterpoint.journal.columns import Kind
from counterpoint.journal.engines import Engine, open_engine, spoken
from counterpoint.journal.hashing import HASH
from counterpoint.journal.intake import rows_after, transaction
from counterpoint.journal.leases import lease
from counterpoint.journal.manifest import Segment, manifest
from counterpoint.journal.model.row import COLUMNS, Row
from counterpoint.journal.segments import arrow_table

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

__all__ = ["Snapshot", "open_snapshot"]


class Snapshot:
    """What the journal held when it was taken; appends, compactions and deletions do not change it."""

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

    @property
    def segments(self) -> Sequence[Segment]:
        """The files of the snapshot, those with the latest events first; they stay as long as the snapshot."""
        return self._segments

    @property
    def folder(self) -> Path:
        """The journal's, which the segments' paths are relative to."""
        return self._folder

    def waiting_rows(self, types: Collection[str]) -> "pa.Table":
        """The events of some types that are not in files yet, with the columns that every segment has."""
        return arrow_table([row for row in self._tail if row[2] in types])

    @property
    def waiting(self) -> frozenset[str]:
        """Types of the events that are not in files yet."""
        return frozenset(row[2] for row in self._tail)

    @property
    def types(self) -> frozenset[str]:
        """Types that it has events of; whoever asks for another one need not ask the engine."""
        return self.waiting | {segment.type for segment in self._segments}

    def events(
        self,
        *types: str,
        attributes: Mapping[str, Attribute | Kind] | None = None,
        data: bool = True,
        only: Collection[str] | None = None,
        tail: bool = True,
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
            only: paths of the `segments` to read, where not all are wanted.
            tail: without it events that are not in files yet are left out.

        Raises:
            InputError: an attribute's column has the name of another, or no such type.
        """
        import ibis

        asked = read_attributes(attributes or {}, [*COLUMNS, HASH])
        columns = [*(name for name in COLUMNS if data or name not in ("data", "attributes")), HASH]
        parts = self._parts(types, asked, only)
        tables = []
        if tail or not parts:
            waiting = of_tail(self._tail_table(attributes=bool(asked)), asked).select(*columns, *asked)
            tables.append(waiting if tail else waiting.limit(0))
        for segments in parts:
            files = self._engine.files(segments, columns_of(segments[0], asked))
            tables.append(of_files(files, segments[0], asked).select(*columns, *asked))
        table = ibis.union(*tables) if len(tables) > 1 else tables[0]
        return table.filter(table.type.isin(types)) if types else table

    def _parts(self, types: Sequence[str], asked: Asked, only: Collection[str] | None) -> list[list[Segment]]:
        """The files by where they keep what is asked."""
        parts: dict[object, list[Segment]] = {}
        for segment in self._segments:
            if (types and segment.type not in types) or (only is not None and segment.path not in only):
                continue
            path = self._folder / segment.path
            if not path.exists():  # DuckDB would take a name with a star in it for a pattern
                raise WorkspaceError(
                    f"The journal's file {path} is missing; restore it from a backup. `counterpoint doctor` lists all."
                )
            parts.setdefault(places(segment, asked), []).append(segment)
        return list(parts.values())

    def _tail_table(self, *, attributes: bool) -> "ibis.Table":
        """What was in the intake; with its attributes as a map where they are asked for."""
        if attributes not in self._tails:
            self._tails[attributes] = self._engine.tail(tail_table(self._tail, attributes=attributes))
        return self._tails[attributes]

    @cached_property
    def _tails(self) -> "dict[bool, ibis.Table]":
        return {}

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
    with lease(folder, database):
        with transaction(database, "DEFERRED"):
            segments = manifest(database)
            tail = rows_after(database, 0, -1)
        snapshot = Snapshot(folder, segments, tail, engine=engine, shared=shared)
        try:
            with spoken(snapshot):
                yield snapshot
        finally:
            snapshot.close()
