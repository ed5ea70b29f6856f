"""Counting what arrives: by minute of arrival, type and source, in the transaction that keeps the events.

So the counts are those of the events, whatever was killed and however many processes wrote. Minutes become
hours after two days, and hours one sum after ninety, so that the table stays small for ever.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain
from typing import Final

from counterpoint.journal.model.event import AHEAD
from counterpoint.journal.model.row import COLUMNS, Row

__all__ = [
    "BUCKETS",
    "DAY",
    "EVER",
    "HOUR",
    "MINUTE",
    "OTHER",
    "add_refusals",
    "adding",
    "count",
    "name_of",
    "roll_up",
]

MINUTE: Final = 60_000_000
"""Microseconds."""
HOUR: Final = 60
"""Minutes; also the span of an hour's row. A minute's is 1, that of everything older is 0."""
DAY: Final = 24 * HOUR
EVER: Final = -1
"""The span of the rows that count everything together, by reason where it was refused."""
KEEP_MINUTES: Final = 2 * DAY
KEEP_HOURS: Final = 90 * DAY
OTHER: Final = "(other)"
"""Stands for the sources, and then the types, beyond what one minute counts by name."""
MOST: Final = 200
"""Pairs of type and source that one minute counts by name. Beyond them the source is OTHER, beyond twice as many
the type as well."""
MOST_EVER: Final = 1_000
"""Types of which the sum of all that is old keeps the names."""
LONGEST_NAME: Final = 200
"""Characters of a type or source that are counted by; the rest is cut off."""
TOLERANCE: Final = AHEAD // timedelta(microseconds=1)
"""Microseconds that an event's time may lie ahead of its arrival before it counts as of the future."""
BUCKETS: Final = ("future", "second", "minute", "hour", "day", "later")
"""How long after its time an event arrived: ahead of it, within a second, within a minute, and so on."""
LIMITS: Final = (-TOLERANCE, 1_000_000, MINUTE, HOUR * MINUTE, DAY * MINUTE)
"""The end of each bucket but the last, in microseconds."""

_TYPE, _SOURCE, _TIME, _RECEIVED = (COLUMNS.index(name) for name in ("type", "source", "time", "received"))

Key = tuple[int, str, str]
"""Minute since 1970, type and source."""
_FIGURES: Final = ("accepted", "duplicates", "waited", "longest", *BUCKETS)
LARGEST: Final = frozenset({"longest"})
"""Figures of which the larger one is kept; the others add up."""
_UPDATE: Final = (
    f"UPDATE tally SET {', '.join(f'{name} = {name} + ?' for name in _FIGURES if name != 'longest')},"
    " longest = max(longest, ?) WHERE span = ? AND start = ? AND type = ? AND source = ?"
)
_INSERT: Final = (
    f"INSERT INTO tally (span, start, type, source, {', '.join(_FIGURES)})"
    f" VALUES (?, ?, ?, ?, {', '.join('?' * len(_FIGURES))})"
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
    found = {key: _figures(lags.get(key, []), repeated.get(key, 0)) for key in lags.keys() | repeated.keys()}
    named: dict[int, int] = {}
    new = [_add(database, key, figures, named) for key, figures in found.items()]
    _add_ever(database, list(found.values()))
    if any(new):  # a name's first event in a minute: often enough
        roll_up(database, max(key[0] for key in (lags or repeated)))


def _arrived(rows: Sequence[Row], lags: defaultdict[Key, list[int]]) -> None:
    if not rows:
        return
    received = rows[0][_RECEIVED]  # one append's rows were received at once
    minute = received // MINUTE
    type_, source, time = _TYPE, _SOURCE, _TIME
    for row in rows:
        lags[minute, row[type_], row[source]].append(received - row[time])


def name_of(text: str) -> str:
    """A type or source as it is counted by."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def _figures(lags: list[int], duplicates: int) -> tuple[int, ...]:
    """In the order of _FIGURES. `waited` adds up only what arrived within a day: an import of years is no delay."""
    if not lags:
        return (0, duplicates, 0, 0, 0, 0, 0, 0, 0, 0)
    longest, shortest = max(lags), min(lags)
    only = bisect_right(LIMITS, longest)
    if shortest >= 0 and bisect_right(LIMITS, shortest) == only:  # as nearly always: all are in one bucket
        parts = [0] * len(BUCKETS)
        parts[only] = len(lags)
        waited = sum(lags) if only < len(LIMITS) else 0
    else:
        lags.sort()
        ends = [bisect_left(lags, limit) for limit in LIMITS]
        parts = [end - start for start, end in zip([0, *ends], [*ends, len(lags)], strict=True)]
        waited = sum(lags[bisect_left(lags, 0) : ends[-1]])
    return (len(lags), duplicates, waited // 1000, max(longest // 1000, 0), *parts)


def _add(database: sqlite3.Connection, key: Key, figures: tuple[int, ...], named: dict[int, int]) -> bool:
    """Add to the row of a key; whether there was none yet. `named` remembers how many names a minute has."""
    minute, type_, source = key[0], name_of(key[1]), name_of(key[2])
    update = (*figures[:3], *figures[4:], figures[3])
    for room, pair in ((MOST, (type_, source)), (2 * MOST, (type_, OTHER)), (2 * MOST + 1, (OTHER, OTHER))):
        if database.execute(_UPDATE, (*update, 1, minute, *pair)).rowcount:
            return False
        if minute not in named:
            named[minute] = _named(database, minute)
        if named[minute] < room:
            database.execute(_INSERT, (1, minute, *pair, *figures))
            named[minute] += 1
            return True
    raise AssertionError("the last name takes all")


def _add_ever(database: sqlite3.Connection, found: list[tuple[int, ...]]) -> None:
    """Add to the one row of all that ever came, so that whoever asks for it often reads no other."""
    if not found:
        return
    columns = list(zip(*found, strict=True))
    sums = [sum(column) for column in columns]
    sums[3] = max(columns[3])
    update = (*sums[:3], *sums[4:], sums[3])
    if not database.execute(_UPDATE, (*update, EVER, 0, "", "")).rowcount:
        database.execute(_INSERT, (EVER, 0, "", "", *sums))


def _named(database: sqlite3.Connection, minute: int) -> int:
    query = "SELECT count(*) FROM tally WHERE span = 1 AND start = ?"
    return int(database.execute(query, (minute,)).fetchone()[0])


def roll_up(database: sqlite3.Connection, now: int) -> None:
    """Let minutes older than KEEP_MINUTES become hours, and hours older than KEEP_HOURS one sum; `now` is a minute.

    Within the caller's transaction. What it finds done costs it four looks. An hour keeps the names of the MOST pairs
    with the most, the sum MOST more of them each time until it has MOST_EVER.
    """
    for span, before, to in ((1, now - KEEP_MINUTES, HOUR), (HOUR, now - KEEP_HOURS, 0)):
        where = (span, before - before % HOUR)
        for table in ("tally", "refusals"):
            look = f"SELECT 1 FROM {table} WHERE span = ? AND start < ? LIMIT 1"
            if database.execute(look, where).fetchone():
                _fold(database, table, where, to)


def adding(figures: Iterable[str]) -> str:
    """SQL that adds what is inserted to the figures of the row that is there."""
    return ", ".join(
        f"{each} = max({each}, excluded.{each})" if each in LARGEST else f"{each} = {each} + excluded.{each}"
        for each in figures
    )


def _fold(database: sqlite3.Connection, table: str, where: tuple[int, int], to: int) -> None:
    figures = _FIGURES if table == "tally" else ("refused",)
    name = "type" if table == "tally" else "reason"
    sums = ", ".join(f"{'max' if each in LARGEST else 'sum'}({each}) AS {each}" for each in figures)
    # Of what is older than ninety days nobody asks for the hour or the source any more.
    start, source = (f"start - start % {HOUR}", "source") if to else ("0", "''")
    kept = f"place <= {MOST}"
    if not to:
        ever = f"SELECT count(*) FROM {table} WHERE span = 0"
        kept = f"(place <= {MOST} AND (({ever}) < {MOST_EVER} OR {name} IN (SELECT {name} FROM {table} WHERE span = 0)))"
    # A reason is one of a few, whatever is sent; a type is what anybody makes up.
    label = f"CASE WHEN {kept} THEN {name} ELSE '{OTHER}' END" if table == "tally" else name
    origin = f"CASE WHEN {kept} THEN source ELSE '{OTHER}' END" if to else "''"
    database.execute(
        f"WITH parts AS (SELECT {start} AS begun, {name}, {source} AS source, {sums}"
        f" FROM {table} WHERE span = ? AND start < ? GROUP BY 1, 2, 3),"
        f" ranked AS (SELECT *, row_number() OVER (PARTITION BY begun ORDER BY {figures[0]} DESC) AS place FROM parts)"
        f" INSERT INTO {table} (span, start, {name}, source, {', '.join(figures)})"
        f" SELECT {to}, begun, {label} AS label, {origin} AS origin, {sums} FROM ranked WHERE true"
        f" GROUP BY begun, label, origin ON CONFLICT DO UPDATE SET {adding(figures)}",
        where,
    )
    database.execute(f"DELETE FROM {table} WHERE span = ? AND start < ?", where)


def add_refusals(database: sqlite3.Connection, found: Iterable[tuple[int, str, str, int]]) -> None:
    """Add (minute, reason, source, how many) to the table; within the caller's transaction."""
    for minute, reason, source, number in found:
        known = "SELECT 1 FROM refusals WHERE span = 1 AND start = ? AND reason = ? AND source = ?"
        if not database.execute(known, (minute, reason, source)).fetchone():
            named = "SELECT count(*) FROM refusals WHERE span = 1 AND start = ?"
            source = OTHER if database.execute(named, (minute,)).fetchone()[0] >= MOST else source  # noqa: PLW2901
        for row in ((1, minute, reason, source, number), (EVER, 0, reason, "", number)):
            database.execute(
                "INSERT INTO refusals (span, start, reason, source, refused) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET refused = refused + excluded.refused",
                row,
            )
