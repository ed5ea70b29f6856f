"""The newest events, across the intake and the segments, a page at a time."""

import base64
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from counterpoint.errors import InputError
from counterpoint.journal.intake import transaction
from counterpoint.journal.model.event import EXPOSURE, Event
from counterpoint.journal.model.row import COLUMNS, Row, event_of, microseconds
from counterpoint.journal.segments import Segment, manifest
from counterpoint.journal.snapshot import engine_options

__all__ = ["Filter", "cursor_after", "newest"]

FILES = 32
"""Files that are read in one go, those with the latest events first."""

Position = tuple[int, str, str]
"""Time in microseconds, source and id: the order of the pages, newest first."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are asked for; none means any."""

    type: str | None = None
    subject: str | None = None
    flag: str | None = None

    def types(self) -> list[str]:
        """The types that can match; none means any. Only exposures are of a flag."""
        if self.type is not None:
            return [self.type]
        return [EXPOSURE] if self.flag is not None else []

    def terms(self) -> list[tuple[str, str]]:
        """Column and value of each condition."""
        return [
            (name, value)
            for name in ("type", "subject", "flag")
            if (value := getattr(self, name)) is not None
        ]


def cursor_after(event: Event) -> str:
    """The opaque text that asks for the events after this one."""
    position = msgspec.json.encode((microseconds(event.time), event.source, event.id))
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


def read_cursor(text: str) -> Position:
    """The position that `cursor_after` wrote.

    Raises:
        InputError: the text is no cursor.
    """
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        position: Position = msgspec.json.decode(raw, type=Position)
    except (ValueError, msgspec.MsgspecError) as error:
        raise InputError(f"{text[:40]!r} is no cursor; take the one that the page before gave.") from error
    return position


def newest(
    folder: Path, database: sqlite3.Connection, wanted: Filter, *, limit: int, before: str | None
) -> list[Event]:
    """At most `limit` events, latest first; equal times are in descending order of source and id."""
    position = read_cursor(before) if before else None
    with transaction(database, "DEFERRED"):
        segments = manifest(database, wanted.types())
        where, values = _where(wanted, position, "?")
        query = (
            f"SELECT {', '.join(COLUMNS)} FROM events{where} ORDER BY time DESC, source DESC, id DESC LIMIT ?"
        )
        rows: list[Row] = database.execute(query, (*values, limit)).fetchall()
    if position is not None:
        segments = [segment for segment in segments if segment.first <= position[0]]
    rows = _with_segments(folder, rows, segments, wanted, position, limit)
    return [event_of(row) for row in rows]


def _with_segments(
    folder: Path,
    rows: list[Row],
    segments: Sequence[Segment],
    wanted: Filter,
    position: Position | None,
    limit: int,
) -> list[Row]:
    for start in range(0, len(segments), FILES):
        chunk = segments[start : start + FILES]
        if len(rows) == limit and rows[-1][4] > chunk[0].last:
            break  # what is left is older than the whole page
        found = _read(folder, chunk, wanted, position, limit)
        rows = sorted([*rows, *found], key=_order, reverse=True)[:limit]
    return rows


def _order(row: Row) -> Position:
    return (row[4], row[0], row[1])


def _where(wanted: Filter, position: Position | None, mark: str, time: str = "time") -> tuple[str, list[Any]]:
    terms = [f"{name} = {mark}" for name, _ in wanted.terms()]
    values: list[Any] = [value for _, value in wanted.terms()]
    if position is not None:
        terms.append(f"({time}, source, id) < ({mark}, {mark}, {mark})")
        values += position
    return (f" WHERE {' AND '.join(terms)}" if terms else ""), values


def _read(
    folder: Path, segments: Sequence[Segment], wanted: Filter, position: Position | None, limit: int
) -> list[Row]:
    import duckdb

    where, values = _where(wanted, position, "?", "epoch_us(time)")
    times = {"time": "epoch_us(time) AS time", "received": "epoch_us(received) AS received"}
    columns = ", ".join(times.get(name, name) for name in COLUMNS)
    query = (
        f"SELECT {columns} FROM read_parquet(?, union_by_name = true, hive_partitioning = false){where}"
        " ORDER BY 5 DESC, source DESC, id DESC LIMIT ?"
    )
    files = [str(folder / segment.path) for segment in segments]
    with duckdb.connect(config=engine_options(folder)) as connection:
        found: list[Row] = connection.execute(query, [files, *values, limit]).fetchall()
    return found
