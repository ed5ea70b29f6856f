"""The newest events, across the intake and the segments, a page at a time."""

import os
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from counterpoint.journal.engines.embedded import engine_options
from counterpoint.journal.intake import transaction
from counterpoint.journal.leases import lease
from counterpoint.journal.manifest import Segment, manifest
from counterpoint.journal.model.event import EXPOSURE, Event
from counterpoint.journal.model.row import COLUMNS, Row, event_of
from counterpoint.moments import to_datetime, to_micros
from counterpoint.paging import cursor_of, read_cursor

if TYPE_CHECKING:
    import duckdb

__all__ = ["Filter", "cursor_after", "newest"]

FILES = 32
"""Files that are read in one go, those with the latest events first."""

Position = tuple[int, str, str]
"""Time in microseconds, source and id: the order of the pages, newest first."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for; none means any."""

    type: str | None = None
    subject: str | None = None
    flag_set: str | None = None
    flag: str | None = None
    variant: str | None = None

    def types(self) -> list[str]:
        """The types that can match; none means any. Only exposures are of a flag set, a flag and a variant."""
        if self.type is not None:
            return [self.type]
        return (
            [EXPOSURE] if any(each is not None for each in (self.flag_set, self.flag, self.variant)) else []
        )

    def terms(self) -> list[tuple[str, str]]:
        """Column and value of each condition."""
        types = self.types()  # one or none; an event that is no exposure names no flag set, and is of none
        return [
            *(("type", each) for each in types),
            *(
                (name, value)
                for name in ("subject", "flag_set", "flag", "variant")
                if (value := getattr(self, name)) is not None
            ),
        ]


def cursor_after(event: Event) -> str:
    """The opaque text that asks for the events after this one."""
    return cursor_of(to_micros(event.time), event.source, event.id)


def newest(
    folder: Path, database: sqlite3.Connection, wanted: Filter, *, limit: int, before: str | None
) -> list[Event]:
    """At most `limit` events, latest first; equal times are in descending order of source and id."""
    position = read_cursor(before, tuple[int, str, str]) if before else None
    with lease(folder, database):
        with transaction(database, "DEFERRED"):
            segments = manifest(database, wanted.types())
            where, values = _where(wanted, position, "?")
            query = f"SELECT {', '.join(COLUMNS)} FROM events{where} ORDER BY time DESC, source DESC, id DESC LIMIT ?"
            rows: list[Row] = database.execute(query, (*values, limit)).fetchall()
        if position is not None:
            segments = [segment for segment in segments if segment.first <= position[0]]
        floor = _floor(segments, wanted, position, limit)
        if floor is not None:
            segments = [segment for segment in segments if segment.last >= floor]
        rows = _with_segments(folder, rows, segments, wanted, position, limit, floor)
    return [event_of(row) for row in rows]


def _with_segments(
    folder: Path,
    rows: list[Row],
    segments: Sequence[Segment],
    wanted: Filter,
    position: Position | None,
    limit: int,
    floor: int | None,
) -> list[Row]:
    for start in range(0, len(segments), FILES):
        chunk = segments[start : start + FILES]
        if len(rows) == limit and rows[-1][4] > chunk[0].last:
            break  # what is left is older than the whole page
        found = _read(folder, chunk, wanted, position, limit, floor)
        rows = sorted([*rows, *found], key=_order, reverse=True)[:limit]
    return rows


def _floor(segments: Sequence[Segment], wanted: Filter, position: Position | None, limit: int) -> int | None:
    """A time before which nothing of the page lies, where the manifest alone can tell; it spares most of the files.

    From the beginning of the file that is told last on, the files hold a page's events, all of them wanted.
    """
    if any(name != "type" for name, _ in wanted.terms()):
        return None
    known = 0
    for segment in sorted(segments, key=lambda each: each.first, reverse=True):
        if position is None or segment.last < position[0]:
            known += segment.events
            if known >= limit:
                return segment.first
    return None


def _order(row: Row) -> Position:
    return (row[4], row[0], row[1])


def _where(wanted: Filter, position: Position | None, mark: str, time: str = "time") -> tuple[str, list[Any]]:
    # An exposure that names no flag set is of the default one.
    columns = {"flag_set": "coalesce(flag_set, 'default')"}
    terms = [f"{columns.get(name, name)} = {mark}" for name, _ in wanted.terms()]
    values: list[Any] = [value for _, value in wanted.terms()]
    if position is not None:
        terms.append(f"({time}, source, id) < ({mark}, {mark}, {mark})")
        values += position
    return (f" WHERE {' AND '.join(terms)}" if terms else ""), values


def _read(
    folder: Path,
    segments: Sequence[Segment],
    wanted: Filter,
    position: Position | None,
    limit: int,
    floor: int | None,
) -> list[Row]:
    where, values = _where(wanted, position, "?", "epoch_us(time)")
    if floor is not None:
        where, values = f"{where or ' WHERE true'} AND time >= ?", [*values, to_datetime(floor)]
    times = {"time": "epoch_us(time)", "received": "epoch_us(received)"}
    # The order is by the columns themselves, so that the engine can pass over what is too old to be looked at.
    query = (
        f"SELECT {', '.join(times.get(name, name) for name in COLUMNS)} FROM (SELECT {', '.join(COLUMNS)}"
        f" FROM read_parquet(?, union_by_name = true, hive_partitioning = false){where}"
        " ORDER BY time DESC, source DESC, id DESC LIMIT ?)"
    )
    files = [str(folder / segment.path) for segment in segments]
    with _engine(folder, os.getpid()).cursor() as connection:
        found: list[Row] = connection.execute(query, [files, *values, limit]).fetchall()
    return found


@lru_cache(maxsize=1)
def _engine(folder: Path, _process: int) -> "duckdb.DuckDBPyConnection":
    """An engine that pages share: to start one takes longer than to read a page. A fork starts its own."""
    import duckdb

    return duckdb.connect(config=engine_options(folder))
