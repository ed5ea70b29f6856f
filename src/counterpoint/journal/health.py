"""The health of ingest in one value: what the page shows and `events health` prints."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from counterpoint.errors import Said
from counterpoint.journal.arrivals import Arrivals, Period, Sample, Selection, arrivals, refusals, samples
from counterpoint.journal.check import LEAST_FREE
from counterpoint.journal.engine_state import EngineState
from counterpoint.journal.intake import connect, count, storage_errors
from counterpoint.journal.journal import Journal
from counterpoint.journal.model.refusals import REASONS, REQUESTS
from counterpoint.journal.tally import DAY, HOUR, MINUTE
from counterpoint.moments import to_datetime

__all__ = [
    "RANGES",
    "Concern",
    "Health",
    "Range",
    "Rejection",
    "Stored",
    "health_of",
    "steps_of",
    "told_bytes",
    "told_rate",
    "told_span",
    "total",
]

Range = Literal["hour", "day", "month"]
RANGES: Final[dict[Range, tuple[int, Literal["minute", "hour"]]]] = {
    "hour": (HOUR, "minute"),
    "day": (DAY, "hour"),
    "month": (30 * DAY, "hour"),
}
"""Minutes back from now, and the step in which they were counted."""
FULL: Final = 0.5
"""Share of the queue from which it is worth a word."""


class Rejection(msgspec.Struct, frozen=True, rename="camel"):
    """One class of reasons for which events or requests were refused."""

    reason: str
    title: Said
    remedy: Said
    count: int
    """In the range."""
    last: datetime
    """To the minute; to the hour where it is more than two days ago."""
    sources: list[tuple[str, int]]
    """Those with the most, with how many; nothing stands for a source that could not be read."""
    samples: list[Sample]


class Stored(msgspec.Struct, frozen=True, rename="camel"):
    """The segments of one event type."""

    type: str
    files: int
    events: int
    bytes: int
    first: datetime
    last: datetime


class Concern(msgspec.Struct, frozen=True):
    """Something that should be looked at."""

    level: Literal["bad", "warn"]
    text: Said
    place: str
    """The part of the page that tells more."""


class Health(msgspec.Struct, frozen=True, rename="camel"):
    """How ingest is doing, and what it has stored."""

    at: datetime
    range: Range
    concerns: list[Concern]
    """The worst first; none where all is well."""
    rate: float
    """Accepted events a second, over the last minute."""
    total: Arrivals
    """Of the range."""
    by_type: list[tuple[str, Arrivals]]
    """Of the range, those with the most first."""
    by_source: list[tuple[str, Arrivals]]
    periods: list[Period]
    """The minutes or hours of the range in which anything arrived."""
    last: datetime | None
    """The last minute in which an event was accepted; the hour, where that is more than two days ago."""
    rejections: list[Rejection]
    waiting: int
    """Events of this process that are on their way to the disk."""
    limit: int
    """How many may."""
    in_intake: int
    """Events that are not in segments yet."""
    intake_bytes: int
    free_bytes: int
    """On the disk."""
    compact_after: int
    compacted: datetime | None
    """When segments were written last."""
    failure: str | None
    """Why the last compaction of this process failed."""
    stored: list[Stored]
    """The segments by type, those with the most events first."""
    identity_days: int
    """Days for which a repeat is recognised."""
    engine: EngineState


def health_of(journal: Journal, engine: EngineState, *, range: Range = "hour") -> Health:  # noqa: A002 - its name
    """How ingest is doing now, in all processes; the queue and a failed compaction are this one's.

    Raises:
        WorkspaceError: the journal cannot be read.
    """
    journal.settle()
    now = journal.now() // MINUTE
    back, step = RANGES[range]
    wanted = Selection(start=now + 1 - back, end=now + 1, step=step)
    with storage_errors(journal.file):
        database = connect(journal.file, create=False)
        try:
            database.execute("BEGIN")  # one moment for all of it
            return _read(journal, database, engine, range, wanted, now)
        finally:
            database.close()


def _read(
    journal: Journal,
    database: sqlite3.Connection,
    engine: EngineState,
    range: Range,  # noqa: A002
    wanted: Selection,
    now: int,
) -> Health:
    periods = arrivals(database, wanted)
    by_type = _by(database, wanted, "type")
    whole = total(each.counts for each in periods)
    waiting, limit = journal.queue()
    failure, free = journal.failure(), shutil.disk_usage(journal.folder).free
    rejections = _rejections(database, wanted.start)
    (compacted,) = database.execute("SELECT max(added) FROM segments").fetchone()
    last = _last(database)
    return Health(
        at=to_datetime(journal.now()),
        range=range,
        concerns=sorted(
            _concerns(whole, rejections, (waiting, limit), failure, free, engine), key=lambda each: each.level
        ),
        rate=_rate(database, journal.now(), now),
        total=whole,
        by_type=by_type,
        by_source=_by(database, wanted, "source"),
        periods=periods,
        last=None if last is None else to_datetime(last * MINUTE),
        rejections=rejections,
        waiting=waiting,
        limit=limit,
        in_intake=count(database),
        intake_bytes=_bytes(journal.file),
        free_bytes=free,
        compact_after=journal.settings.compact_after,
        compacted=None if compacted is None else to_datetime(compacted),
        failure=failure,
        stored=_stored(database),
        identity_days=journal.settings.identity_days,
        engine=engine,
    )


def total(counts: Iterator[Arrivals]) -> Arrivals:
    """The sum."""
    found = [msgspec.structs.astuple(each) for each in counts]
    if not found:
        return Arrivals()
    sums = [sum(column) for column in zip(*found, strict=True)]
    longest = Arrivals.__struct_fields__.index("longest_ms")
    sums[longest] = max(each[longest] for each in found)
    return Arrivals(*sums)


def _by(
    database: sqlite3.Connection, wanted: Selection, by: Literal["type", "source"]
) -> list[tuple[str, Arrivals]]:
    parts: dict[str, list[Arrivals]] = {}
    for period in arrivals(database, msgspec.structs.replace(wanted, by=by)):
        parts.setdefault(period.name, []).append(period.counts)
    sums = [(name, total(iter(each))) for name, each in parts.items()]
    taken = [(name, each) for name, each in sums if each.accepted or each.duplicates]
    return sorted(taken, key=lambda item: (-item[1].accepted, item[0]))


def _rate(database: sqlite3.Connection, now_micros: int, now: int) -> float:
    """Of the minute that ends now: the one that has begun, and the rest from the one before, as if it were even."""
    found = {
        period.at: period.counts.accepted
        for period in arrivals(database, Selection(start=now - 1, end=now + 1))
    }
    begun = (now_micros % MINUTE) / MINUTE
    this, before = (found.get(to_datetime(minute * MINUTE), 0) for minute in (now, now - 1))
    return (this + before * (1 - begun)) / 60


def _last(database: sqlite3.Connection) -> int | None:
    query = "SELECT start FROM tally WHERE span = ? AND accepted > 0 ORDER BY start DESC LIMIT 1"
    found = [database.execute(query, (span,)).fetchone() for span in (1, HOUR)]
    return max((row[0] for row in found if row), default=None)


def _rejections(database: sqlite3.Connection, since: int) -> list[Rejection]:
    known = {each.key: each for each in (*REASONS, *REQUESTS)}
    kept = samples(database)
    found: dict[str, list[tuple[str, int, datetime]]] = {}
    for reason, source, number, last in refusals(database, since):
        found.setdefault(reason, []).append((source, number, last))
    made = [
        Rejection(
            reason=reason,
            title=known[reason].title if reason in known else reason,
            remedy=known[reason].remedy if reason in known else "",
            count=sum(number for _, number, _ in each),
            last=max(last for _, _, last in each),
            sources=[(source, number) for source, number, _ in each][:5],
            samples=kept.get(reason, []),
        )
        for reason, each in found.items()
    ]
    return sorted(made, key=lambda each: (-each.count, each.reason))


def _stored(database: sqlite3.Connection) -> list[Stored]:
    query = (
        "SELECT type, count(*), sum(events), sum(bytes), min(first), max(last) FROM segments"
        " GROUP BY type ORDER BY 3 DESC, 1"
    )
    return [
        Stored(type_, files, events, size, to_datetime(first), to_datetime(last))
        for type_, files, events, size, first, last in database.execute(query)
    ]


def _bytes(file: Path) -> int:
    """The database with its log, which is part of it."""
    places = (file, file.with_name(f"{file.name}-wal"))
    return sum(place.stat().st_size for place in places if place.exists())


def _concerns(
    whole: Arrivals,
    rejections: Sequence[Rejection],
    queue: tuple[int, int],
    failure: str | None,
    free: int,
    engine: EngineState,
) -> Iterator[Concern]:
    waiting, limit = queue
    if failure:
        yield Concern(
            "bad", f"Compaction fails: {failure} The events are safe in the intake, which grows.", "storage"
        )
    if free < LEAST_FREE:
        yield Concern("bad", f"Only {told_bytes(free)} are free on the disk.", "storage")
    if engine.reachable is False:
        yield Concern("bad", f"The engine does not answer: {engine.detail}.", "engine")
    if waiting > limit * FULL:
        yield Concern(
            "bad",
            f"{waiting:,} events wait for the disk; at {limit:,} senders are told to come later.",
            "storage",
        )
    if rejections:
        refused, one = sum(each.count for each in rejections), rejections[0]
        often = "Most often" if len(rejections) > 1 else "The reason"
        yield Concern(
            "warn",
            f"{refused:,} refused. {often}: {one.title[0].lower()}{one.title[1:]}.",
            "rejected",
        )
    if whole.future:
        yield Concern(
            "warn",
            f"{whole.future:,} {_events(whole.future)} from the future: a sender's clock is ahead.",
            "lag",
        )
    if whole.accepted and whole.later * 10 > whole.accepted:
        yield Concern(
            "warn",
            f"{whole.later:,} {_events(whole.later)} arrived more than a day after their time.",
            "lag",
        )


def _events(number: int) -> str:
    return "event" if number == 1 else "events"


def steps_of(health: Health) -> list[tuple[datetime, Arrivals]]:
    """Every step of the range, those in which nothing arrived too: minutes, hours, or for a month days."""
    back, step = RANGES[health.range]
    width = (
        timedelta(days=1) if health.range == "month" else timedelta(minutes=1 if step == "minute" else HOUR)
    )
    first = _floor(health.at - timedelta(minutes=back) + width, width)
    found: dict[datetime, list[Arrivals]] = {}
    for period in health.periods:
        found.setdefault(_floor(period.at, width), []).append(period.counts)
    count_ = int((_floor(health.at, width) - first) / width) + 1
    starts = (first + width * index for index in range(count_))
    return [(start, total(iter(found.get(start, [])))) for start in starts]


def told_bytes(number: int) -> str:
    """A size for people.

    >>> told_bytes(900), told_bytes(1_536), told_bytes(5 * 1024**3)
    ('900 bytes', '1.5 KiB', '5.0 GiB')
    """
    size, units = float(number), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1000 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{number:,} bytes" if units[0] == "bytes" else f"{size:,.1f} {units[0]}"


def told_span(milliseconds: float) -> str:
    """A span of time for people, in its largest unit.

    >>> told_span(240), told_span(3_100), told_span(5_400_000), told_span(864_000_000)
    ('240 ms', '3.1 s', '1.5 hours', '10 days')
    """
    for size, unit in ((86_400_000, " days"), (3_600_000, " hours"), (60_000, " min"), (1_000, " s")):
        if milliseconds >= size:
            return f"{round(milliseconds / size, 1):,g}{unit}"
    return f"{milliseconds:,.0f} ms"


def told_rate(a_second: float) -> tuple[str, str]:
    """A rate for people: the number, and of what it is one.

    >>> told_rate(1234.5), told_rate(0.25), told_rate(0)
    (('1,234', 'events a second'), ('15', 'events a minute'), ('0', 'events a minute'))
    """
    if a_second >= 1:
        return f"{a_second:,.{0 if a_second >= 10 else 1}f}", "events a second"
    a_minute = f"{a_second * 60:.0f}"
    return a_minute, "event a minute" if a_minute == "1" else "events a minute"


def _floor(at: datetime, width: timedelta) -> datetime:
    return at - timedelta(microseconds=int(at.timestamp() * 1_000_000) % (width // timedelta(microseconds=1)))
