"""Reading what tally.py counted: how much arrived when, of which type, from where, how late, and what was refused."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from counterpoint.errors import InputError
from counterpoint.journal.model.refusals import REASONS, REQUESTS
from counterpoint.journal.tally import BUCKETS, DAY, EVER, HOUR, MINUTE, name_of
from counterpoint.moments import rfc3339, to_datetime, to_micros

__all__ = [
    "Arrivals",
    "By",
    "Period",
    "Sample",
    "Selection",
    "arrivals",
    "ever",
    "refusals",
    "samples",
    "selection",
    "totals",
]

By = Literal["type", "source", "reason"]
SPANS: Final = {"minute": 1, "hour": HOUR}
MOST: Final = 2_880
"""Minutes or hours that are counted at once."""

_SUMS: Final = (
    "coalesce(sum(accepted), 0), coalesce(sum(duplicates), 0), 0, coalesce(sum(waited), 0), coalesce(max(longest), 0), "
    + ", ".join(f"coalesce(sum({name}), 0)" for name in BUCKETS)
)


class Arrivals(msgspec.Struct, frozen=True, rename="camel"):
    """What arrived in one period, or of one type, or from one source."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Refused events, lines and requests; counted by source at most, since what is refused may have no type."""
    waited_ms: int = 0
    """From their time to their arrival, in milliseconds, over all accepted that arrived within a day."""
    longest_ms: int = 0
    """The longest of all."""
    future: int = 0
    """Accepted events whose time lay more than five minutes ahead of their arrival; they are marked with `clockskew`."""
    second: int = 0
    """Those that arrived within a second of their time; and so on."""
    minute: int = 0
    hour: int = 0
    day: int = 0
    later: int = 0

    @property
    def mean_ms(self) -> float | None:
        """The mean time from event to arrival, of those that arrived within a day."""
        prompt = self.second + self.minute + self.hour + self.day
        return self.waited_ms / prompt if prompt else None


class Period(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What arrived in one minute or hour."""

    at: datetime
    """The beginning, in UTC."""
    name: str
    """The type, the source or the reason; nothing where all are counted together."""
    counts: Arrivals


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    start: int
    """The first minute since 1970."""
    end: int
    """The minute after the last."""
    step: Literal["minute", "hour"] = "minute"
    by: By | None = None
    type: str | None = None
    source: str | None = None


class Sample(msgspec.Struct, frozen=True, rename="camel"):
    """A refused event as far as it is kept."""

    at: datetime
    source: str
    shape: str
    """Names and types as JSON; no value of a person."""


def selection(
    now: int, *, step: Literal["minute", "hour"], start: datetime | None, end: datetime | None
) -> Selection:
    """The last hour in minutes, the last day in hours, or what is given; `now` is in microseconds since 1970.

    Raises:
        InputError: a time has no zone, it ends before it begins, or has more than MOST periods.
    """
    width = SPANS[step]
    last = to_micros(end) // MINUTE if end else now // MINUTE + 1
    first = to_micros(start) // MINUTE if start else last - (HOUR if step == "minute" else DAY)
    if first >= last:
        raise InputError(f"from is {rfc3339(to_datetime(first * MINUTE))}; it must lie before to.")
    if (last - first) // width > MOST:
        raise InputError(
            f"From to to are {(last - first) // width:,} {step}s; at most {MOST:,} are counted at once."
        )
    return Selection(start=first, end=last, step=step)


def arrivals(database: sqlite3.Connection, wanted: Selection) -> list[Period]:
    """The periods in which anything arrived, in order; within each by name."""
    names = {None: "''", "type": "type", "source": "source", "reason": "''"}
    found: dict[tuple[int, str], Arrivals] = {}
    if wanted.by != "reason":
        rows = _rows(
            database,
            wanted,
            "tally",
            names[wanted.by],
            _SUMS,
            (("type", wanted.type), ("source", wanted.source)),
        )
        found = {(start, name): Arrivals(*figures) for start, name, *figures in rows}
    # What is refused may be no event at all, so it is of no type.
    if wanted.by != "type" and wanted.type is None:
        name = {"reason": "reason", "source": "source"}.get(wanted.by or "", "''")
        for start, label, refused in _rows(
            database, wanted, "refusals", name, "sum(refused)", (("source", wanted.source),)
        ):
            before = found.get((start, label), Arrivals())
            found[start, label] = msgspec.structs.replace(before, rejected=refused)
    return [Period(to_datetime(start * MINUTE), name, found[start, name]) for start, name in sorted(found)]


def _rows(
    database: sqlite3.Connection,
    wanted: Selection,
    table: str,
    name: str,
    sums: str,
    terms: Sequence[tuple[str, str | None]],
) -> list[tuple[int, str, int]]:
    chosen = [(column, name_of(value)) for column, value in terms if value is not None]
    where = "".join(f" AND {column} = ?" for column, _ in chosen)
    width = SPANS[wanted.step]
    query = (
        f"SELECT start - start % {width} AS begun, {name} AS named, {sums} FROM {table}"
        f" WHERE span BETWEEN 1 AND {width} AND start >= ? AND start < ?{where} GROUP BY begun, named"
    )
    values = (wanted.start - wanted.start % width, wanted.end, *(value for _, value in chosen))
    return database.execute(query, values).fetchall()


def totals(database: sqlite3.Connection) -> dict[str, Arrivals]:
    """All that was ever counted, by type; `rejected` is in `refusals`."""
    query = f"SELECT type, {_SUMS} FROM tally WHERE span >= 0 GROUP BY type ORDER BY type"
    return {name: Arrivals(*figures) for name, *figures in database.execute(query)}


def ever(database: sqlite3.Connection) -> tuple[Arrivals, dict[str, int]]:
    """All that was ever counted, and what was refused by reason: a few rows, however much that is."""
    figures = database.execute(f"SELECT {_SUMS} FROM tally WHERE span = {EVER}").fetchone()
    refused = database.execute(f"SELECT reason, refused FROM refusals WHERE span = {EVER} ORDER BY reason")
    return Arrivals(*figures), dict(refused)


def refusals(database: sqlite3.Connection, since: int = 0) -> list[tuple[str, str, int, datetime]]:
    """Reason, source, how many and when last (to the minute or hour), since a minute; the most frequent first."""
    query = (
        "SELECT reason, source, sum(refused), max(start) FROM refusals WHERE span >= 0 AND start >= ?"
        " GROUP BY reason, source ORDER BY 3 DESC, 1, 2"
    )
    rows = database.execute(query, (since,))
    return [(reason, source, number, to_datetime(last * MINUTE)) for reason, source, number, last in rows]


def samples(database: sqlite3.Connection) -> dict[str, list[Sample]]:
    """The last refused events of each reason, the newest first."""
    found: dict[str, list[Sample]] = {each.key: [] for each in (*REASONS, *REQUESTS)}
    for reason, at, source, sample in database.execute(
        "SELECT reason, at, source, sample FROM refused ORDER BY number DESC"
    ):
        found.setdefault(reason, []).append(Sample(to_datetime(at), source, sample))
    return {reason: each for reason, each in found.items() if each}
