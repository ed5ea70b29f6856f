"""The newest events, across the intake and the segments, a page at a time."""

import os
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from counterpoint.journal.engines.embedded import engine_options
from counterpoint.journal.intake import transaction
from counterpoint.journal.leases import lease
from counterpoint.journal.manifest import Segment, manifest
from counterpoint.journal.model.event import EXPOSURE, PERSONAL, Event
from counterpoint.journal.model.row import COLUMNS, Row, event_of
from counterpoint.journal.tally import TOLERANCE
from counterpoint.moments import to_datetime, to_micros
from counterpoint.paging import cursor_of, read_cursor

if TYPE_CHECKING:
    import duckdb

__all__ = ["Filter", "cursor_after", "newest"]

FILES = 32
"""Files that are read in one go, those with the latest events first."""

_TIME: Final = COLUMNS.index("time")
_RECEIVED: Final = COLUMNS.index("received")

Position = tuple[int, str, str]
"""Time in microseconds, source and id: the order of the pages, newest first."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for; none means any."""

    type: str | None = None
    subject: str | None = None
    flag_set: str | None = None
    flag: str | None = None
    variant: str | None = None
    personal: bool = False
    """Whether events are among them that are nobody's but their subject's, see `PERSONAL`."""

    def types(self) -> list[str]:
        """The types that can match; none means any. Only exposures are of a flag set, a flag and a variant."""
        if self.type is not None:
            return [self.type]
        return (
            [EXPOSURE] if any(each is not None for each in (self.flag_set, self.flag, self.variant)) else []
        )

    def shows(self, type_: str) -> bool:
        """Whether events of a type may be told."""
        return self.personal or not type_.startswith(PERSONAL)

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


def cursor_after(event: Event, now: int | None = None) -> str:
    """The opaque text that asks for the events after this one; `now` is the journal's, where it may be dated ahead."""
    time = to_micros(event.time)
    if now is not None and time > now + TOLERANCE:
        time = to_micros(event.received)
    return cursor_of(time, event.source, event.id)


def newest(
    folder: Path, database: sqlite3.Connection, wanted: Filter, *, limit: int, before: str | None, now: int
) -> list[Event]:
    """At most `limit` events, latest first; equal times are in descending order of source and id.

    What is dated ahead of now, by more than clocks differ, stands where it arrived: else it would lead every page.
    """
    position = read_cursor(before, tuple[int, str, str]) if before else None
    page = _Page(folder, wanted, position, limit, now + TOLERANCE)
    with lease(folder, database):
        with transaction(database, "DEFERRED"):
            segments = [each for each in manifest(database, wanted.types()) if wanted.shows(each.type)]
            rows = page.waiting(database)
        ahead = [segment for segment in segments if segment.last > page.end]
        segments = [segment for segment in segments if segment.last <= page.end]
        if position is not None:
            segments = [segment for segment in segments if segment.first <= position[0]]
        floor = _floor(segments, wanted, position, limit)
        if floor is not None:
            segments = [segment for segment in segments if segment.last >= floor]
        for start in range(0, len(ahead), FILES):  # few, if any
            rows = page.first(rows, page.read(ahead[start : start + FILES], None, _arrived(page.end)))
        for start in range(0, len(segments), FILES):
            chunk = segments[start : start + FILES]
            if len(rows) == limit and page.order(rows[-1])[0] > chunk[0].last:
                break  # what is left is older than the whole page
            rows = page.first(rows, page.read(chunk, floor, "time"))
    return [event_of(row) for row in rows]


def _arrived(end: int) -> str:
    """SQL for the time of an event of a file, or its arrival where it is dated ahead."""
    return f"CASE WHEN epoch_us(time) > {end} THEN received ELSE time END"


class _Page(NamedTuple):
    """What is asked of one page, and the rows that fit it."""

    folder: Path
    wanted: Filter
    position: Position | None
    limit: int
    end: int
    """Microseconds since 1970: what is dated later is ahead."""

    def order(self, row: Row) -> Position:
        return (row[_RECEIVED] if row[_TIME] > self.end else row[_TIME], row[0], row[1])

    def first(self, rows: list[Row], further: list[Row]) -> list[Row]:
        return sorted([*rows, *further], key=self.order, reverse=True)[: self.limit]

    def waiting(self, database: sqlite3.Connection) -> list[Row]:
        """Those of the intake."""
        rows: list[Row] = []
        hidden = "" if self.wanted.personal else f" AND type NOT LIKE '{PERSONAL}%'"
        for time, compared in (("time", "<="), ("received", ">")):
            where, values = _where(self.wanted, self.position, "?", time)
            query = (
                f"SELECT {', '.join(COLUMNS)} FROM events{where or ' WHERE true'}{hidden} AND time {compared} ?"
                f" ORDER BY {time} DESC, source DESC, id DESC LIMIT ?"
            )
            rows = self.first(rows, database.execute(query, (*values, self.end, self.limit)).fetchall())
        return rows

    def read(self, segments: Sequence[Segment], floor: int | None, time: str) -> list[Row]:
        """Those of some files, by SQL for the time that they are ordered by."""
        where, values = _where(self.wanted, self.position, "?", f"epoch_us({time})")
        if floor is not None:
            where, values = f"{where or ' WHERE true'} AND time >= ?", [*values, to_datetime(floor)]
        times = {"time": "epoch_us(time)", "received": "epoch_us(received)"}
        # The order is by the columns themselves, so that the engine can pass over what is too old to be looked at.
        query = (
            f"SELECT {', '.join(times.get(name, name) for name in COLUMNS)} FROM (SELECT {', '.join(COLUMNS)}"
            f" FROM read_parquet(?, union_by_name = true, hive_partitioning = false){where}"
            f" ORDER BY {time} DESC, source DESC, id DESC LIMIT ?)"
        )
        files = [str(self.folder / segment.path) for segment in segments]
        with _engine(self.folder, os.getpid()).cursor() as connection:
            found: list[Row] = connection.execute(query, [files, *values, self.limit]).fetchall()
        return found


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


def _where(wanted: Filter, position: Position | None, mark: str, time: str = "time") -> tuple[str, list[Any]]:
    # An exposure that names no flag set is of the default one.
    columns = {"flag_set": "coalesce(flag_set, 'default')"}
    terms = [f"{columns.get(name, name)} = {mark}" for name, _ in wanted.terms()]
    values: list[Any] = [value for _, value in wanted.terms()]
    if position is not None:
        terms.append(f"({time}, source, id) < ({mark}, {mark}, {mark})")
        values += position
    return (f" WHERE {' AND '.join(terms)}" if terms else ""), values


@lru_cache(maxsize=1)
def _engine(folder: Path, _process: int) -> "duckdb.DuckDBPyConnection":
    """An engine that pages share: to start one takes longer than to read a page. A fork starts its own."""
    import duckdb

    return duckdb.connect(config=engine_options(folder))
