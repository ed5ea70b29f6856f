"""Counting what arrives: by minute of arrival, type and source, in the transaction that keeps the events.

So the counts are those of the events, whatever was killed and however many processes wrote. Minutes become
hours after two days, and hours one sum after ninety, so that the table stays small for ever.
"""

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from counterpoint.journal.model.row import COLUMNS, Row

__all__ = ["BUCKETS", "DAY", "HOUR", "MINUTE", "OTHER", "add_refusals", "count", "name_of", "roll_up"]

MINUTE: Final = 60_000_000
"""Microseconds."""
HOUR: Final = 60
"""Minutes; also the span of an hour's row. A minute's is 1, that of everything older is 0."""
DAY: Final = 24 * HOUR
KEEP_MINUTES: Final = 2 * DAY
KEEP_HOURS: Final = 90 * DAY
OTHER: Final = "(other)"
"""Stands for the sources, and then the types, beyond what one minute counts by name."""
MOST: Final = 200
"""Pairs of type and source that one minute counts by name. Beyond them the source is OTHER, beyond twice as many
the type as well."""
LONGEST_NAME: Final = 200
"""Characters of a type or source that are counted by; the rest is cut off."""
TOLERANCE: Final = 1_000_000
"""Microseconds that an event's time may lie ahead of its arrival before it counts as of the future."""
BUCKETS: Final = ("future", "second", "minute", "hour", "day", "later")
"""How long after its time an event arrived: ahead of it, within a second, within a minute, and so on."""
LIMITS: Final = (-TOLERANCE, 1_000_000, MINUTE, HOUR * MINUTE, DAY * MINUTE)
"""The end of each bucket but the last, in microseconds."""

_TYPE, _SOURCE, _TIME, _RECEIVED = (COLUMNS.index(name) for name in ("type", "source", "time", "received"))

Key = tuple[int, str, str]
"""Minute since 1970, type and source."""
_FIGURES: Final = ("accepted", "duplicates", "waited", "longest", *BUCKETS)
_UPDATE: Final = (
    f"UPDATE tally SET {', '.join(f'{name} = {name} + ?' for name in _FIGURES if name != 'longest')},"
    " longest = max(longest, ?) WHERE span = 1 AND start = ? AND type = ? AND source = ?"
)
_INSERT: Final = (
    f"INSERT INTO tally (span, start, type, source, {', '.join(_FIGURES)})"
    f" VALUES (1, ?, ?, ?, {', '.join('?' * len(_FIGURES))})"
)
_NEWEST: Final = "SELECT type, source, received - time, received FROM events ORDER BY seq DESC LIMIT ?"


def count(database: sqlite3.Connection, parts: Sequence[Sequence[Row]], accepted: int) -> None:
    """Count the rows that the caller's transaction has just inserted, in their order, of which so many were new.

    Cheap: one pass over the rows, and a statement for each minute, type and source.
    """
    lags: defaultdict[Key, list[int]] = defaultdict(list)
    repeated: defaultdict[Key, int] = defaultdict(int)
    if accepted == sum(map(len, parts)):
        for rows in parts:
            _arrived(rows, lags)
    else:
        for row in chain.from_iterable(parts):
            repeated[row[_RECEIVED] // MINUTE, row[_TYPE], row[_SOURCE]] += 1
        # Which ones are new only the database knows: they are its newest.
        for type_, source, lag, received in database.execute(_NEWEST, (accepted,)):
            key = (received // MINUTE, type_, source)
            lags[key].append(lag)
            repeated[key] -= 1
    for key in lags.keys() | repeated.keys():
        _add(database, key, _figures(lags.get(key, []), repeated.get(key, 0)))
    if lags:
        roll_up(database, max(key[0] for key in lags))


def _arrived(rows: Sequence[Row], lags: defaultdict[Key, list[int]]) -> None:
    last = minute = 0
    for row in rows:
        received = row[_RECEIVED]
        if received != last:
            minute, last = received // MINUTE, received
        lags[minute, row[_TYPE], row[_SOURCE]].append(received - row[_TIME])


def name_of(text: str) -> str:
    """A type or source as it is counted by."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _figures(lags: list[int], duplicates: int) -> tuple[int, ...]:
    """In the order of _FIGURES. `waited` adds up only what arrived within a day: an import of years is no delay."""
    if not lags:
        return (0, duplicates, 0, 0, 0, 0, 0, 0, 0, 0)
    lags.sort()
    ends = [bisect_left(lags, limit) for limit in LIMITS]
    parts = [end - start for start, end in zip([0, *ends], [*ends, len(lags)], strict=True)]
    waited = sum(lags[ends[0] : ends[-1]]) // 1000
    return (len(lags), duplicates, max(waited, 0), max(lags[-1] // 1000, 0), *parts)


def _add(database: sqlite3.Connection, key: Key, figures: tuple[int, ...]) -> None:
    minute, type_, source = key[0], name_of(key[1]), name_of(key[2])
    update = (*figures[:3], *figures[4:], figures[3])
    names = [(type_, source), (type_, OTHER), (OTHER, OTHER)]
    for step, pair in enumerate(names):
        if database.execute(_UPDATE, (*update, minute, *pair)).rowcount:
            return
        if step < 2 and _named(database, minute) >= MOST * (step + 1):
            continue
        database.execute(_INSERT, (minute, *pair, *figures))
        return


def _named(database: sqlite3.Connection, minute: int) -> int:
    query = "SELECT count(*) FROM tally WHERE span = 1 AND start = ?"
    return int(database.execute(query, (minute,)).fetchone()[0])


def roll_up(database: sqlite3.Connection, now: int) -> None:
    """Let minutes older than KEEP_MINUTES become hours, and hours older than KEEP_HOURS one sum; `now` is a minute.

    Within the caller's transaction. What it finds done costs it two looks.
    """
    hours_from, sums_from = now - KEEP_MINUTES, now - KEEP_HOURS
    _fold(database, span=1, before=hours_from - hours_from % HOUR, to=HOUR, start=f"start - start % {HOUR}")
    _fold(database, span=HOUR, before=sums_from - sums_from % HOUR, to=0, start="0")


def _fold(database: sqlite3.Connection, *, span: int, before: int, to: int, start: str) -> None:
    where = (span, before)
    if not any(
        database.execute(f"SELECT 1 FROM {table} WHERE span = ? AND start < ? LIMIT 1", where).fetchone()
        for table in ("tally", "refusals")
    ):
        return
    sums = ", ".join(f"max({name})" if name == "longest" else f"sum({name})" for name in _FIGURES)
    more = ", ".join(
        f"{name} = max({name}, excluded.{name})"
        if name == "longest"
        else f"{name} = {name} + excluded.{name}"
        for name in _FIGURES
    )
    # Of what is older than ninety days nobody asks for the source any more.
    source = "source" if to else "''"
    counts = (
        f"INSERT INTO tally (span, start, type, source, {', '.join(_FIGURES)})"
        f" SELECT {to}, {start}, type, {source}, {sums} FROM tally WHERE span = ? AND start < ? GROUP BY 2, 3, 4"
        f" ON CONFLICT DO UPDATE SET {more}"
    )
    refused = (
        "INSERT INTO refusals (span, start, reason, source, refused)"
        f" SELECT {to}, {start}, reason, {source}, sum(refused) FROM refusals WHERE span = ? AND start < ?"
        " GROUP BY 2, 3, 4 ON CONFLICT DO UPDATE SET refused = refused + excluded.refused"
    )
    for table, statement in (("tally", counts), ("refusals", refused)):
        database.execute(statement, where)
        database.execute(f"DELETE FROM {table} WHERE span = ? AND start < ?", where)


def add_refusals(database: sqlite3.Connection, found: Iterable[tuple[int, str, str, int]]) -> None:
    """Add (minute, reason, source, how many) to the table; within the caller's transaction."""
    for minute, reason, source, number in found:
        known = "SELECT 1 FROM refusals WHERE span = 1 AND start = ? AND reason = ? AND source = ?"
        if not database.execute(known, (minute, reason, source)).fetchone():
            named = "SELECT count(*) FROM refusals WHERE span = 1 AND start = ?"
            source = OTHER if database.execute(named, (minute,)).fetchone()[0] >= MOST else source  # noqa: PLW2901
        database.execute(
            "INSERT INTO refusals (span, start, reason, source, refused) VALUES (1, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET refused = refused + excluded.refused",
            (minute, reason, source, number),
        )
