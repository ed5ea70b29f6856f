"""What was so at any past date: outcomes kept as intervals, a row only where something has changed.

A row has the outcome of every check that the scorecard then had, so a past date is answered from the rows
alone, whatever has become of the scorecard and the entity since.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from counterpoint.catalog.scorecards.model import Outcome, Outcomes
from counterpoint.catalog.scorecards.standing import Present, standing_of
from counterpoint.catalog.scorecards.tables import outcome
from counterpoint.errors import InputError
from counterpoint.graph.actor import SYSTEM
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import decode, encode
from counterpoint.graph.writer import Writer
from counterpoint.moments import to_datetime, to_micros
from counterpoint.workspace import Workspace

__all__ = ["CHECKED", "Kept", "Point", "add_past", "keep", "kept_at", "record", "spans", "trend"]

CHECKED = "scorecard.checked"
"""What the activity log calls it when outcomes have changed."""
ATTEMPTS = 3
DAYS = 400
"""Days of one trend at most."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was so of one entity."""

    scorecard: str
    ref: str
    owner: str | None
    outcomes: Outcomes
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One day of a trend: the outcomes at its end, over all entities and checks."""

    day: date
    passes: int
    fails: int
    exempt: int
    entities: int


@lru_cache(maxsize=4_096)
def _decoded(text: str) -> Mapping[str, Outcome]:
    """Rows repeat a few outcomes thousands of times."""
    found: Mapping[str, Outcome] = decode(text)
    return found


def _encoded(outcomes: Outcomes) -> str:
    """In the order of the ids, so that moving a check in its scorecard changes no row."""
    return encode(dict(sorted(outcomes.items()))) or "{}"


def keep(workspace: Workspace) -> int:
    """Write down what has changed since it was written down last; how many rows changed is returned."""
    for _ in range(ATTEMPTS):
        present = standing_of(workspace).now()
        with workspace.graph.read() as reader:
            if not any(_differences(reader, present).values()):
                return 0
        with workspace.graph.write(SYSTEM) as writer:
            # What another process wrote meanwhile may have changed an outcome: then it is asked again,
            # so that nothing older is ever written over what is newer.
            if writer.last_activity() == present.seq:
                return record(writer, present)
    return 0


def record(writer: Writer, present: Present) -> int:
    """Write the present outcomes where they differ from those kept, in this transaction."""
    total = 0
    for scorecard, changes in _differences(writer, present).items():
        if changes:
            _write(writer, scorecard, changes)
            total += len(changes)
    return total


_Row = tuple[str | None, str]
"""Owner and outcomes, as they are stored."""


def _differences(reader: Reader, present: Present) -> dict[str, dict[str, _Row | None]]:
    """By scorecard, the entities whose row must change, with what it must say; none where it must end."""
    found: dict[str, dict[str, _Row | None]] = {}
    for ref, scorecard in present.scorecards.items():
        texts: dict[str, str] = {}
        wanted: dict[str, _Row] = {}
        for entity, held in present.held[ref].items():
            if held.letters not in texts:
                texts[held.letters] = _encoded(held.outcomes(scorecard))
            wanted[entity] = (held.owner, texts[held.letters])
        found[ref] = _against(_current(reader, ref), wanted)
    gone = sa.select(outcome.c.scorecard).where(outcome.c.valid_to.is_(None)).distinct()
    known = present.scorecards.keys() | {each.ref for each in present.broken}
    for ref in reader.connection.execute(gone).scalars():
        if ref not in known:  # a broken one keeps what was known when it was whole
            found[ref] = _against(_current(reader, ref), {})
    return found


def _current(reader: Reader, scorecard: str) -> dict[str, _Row]:
    query = sa.select(outcome.c.ref, outcome.c.owner, outcome.c.outcomes).where(
        outcome.c.scorecard == scorecard, outcome.c.valid_to.is_(None)
    )
    return {row.ref: (row.owner, row.outcomes) for row in reader.connection.execute(query)}


def _against(kept: Mapping[str, _Row], wanted: Mapping[str, _Row]) -> dict[str, _Row | None]:
    changes: dict[str, _Row | None] = {ref: row for ref, row in wanted.items() if kept.get(ref) != row}
    changes |= dict.fromkeys(kept.keys() - wanted.keys())
    return changes


def _write(writer: Writer, scorecard: str, changes: Mapping[str, _Row | None]) -> None:
    before, after = (
        _counts(row for _, row in _held(writer, scorecard, changes).items()),
        _counts(changes.values()),
    )
    writer.connection.execute(
        _CLOSE, [{"card": scorecard, "entity": ref, "now": writer.now} for ref in changes]
    )
    rows = [
        {
            "scorecard": scorecard,
            "ref": ref,
            "valid_from": writer.now,
            "valid_to": None,
            "owner": row[0],
            "outcomes": row[1],
        }
        for ref, row in changes.items()
        if row is not None
    ]
    if rows:
        writer.connection.execute(sa.insert(outcome), rows)
    writer.record(CHECKED, scorecard, before=before, after={**after, "entities": len(changes)})


def _held(reader: Reader, scorecard: str, changes: Mapping[str, _Row | None]) -> dict[str, _Row]:
    return {ref: row for ref, row in _current(reader, scorecard).items() if ref in changes}


def _counts(rows: Iterable[_Row | None]) -> dict[str, int]:
    """How often each outcome stands in some rows."""
    counts = {"passes": 0, "fails": 0, "exempt": 0}
    for row in rows:
        for each in _decoded(row[1]).values() if row else ():
            counts[each] += 1
    return counts


_CLOSE = (
    sa.update(outcome)
    .where(
        outcome.c.scorecard == sa.bindparam("card"),
        outcome.c.ref == sa.bindparam("entity"),
        outcome.c.valid_to.is_(None),
    )
    .values(valid_to=sa.bindparam("now"))
)


def add_past(
    writer: Writer, scorecard: str, spans: Iterable[tuple[str, str | None, Outcomes, datetime, datetime]]
) -> int:
    """Bring in what was known elsewhere before: entity, owner, outcomes, since and until. For imports and the demo.

    Raises:
        InputError: a span does not end after it begins, or reaches into what is kept already.
    """
    rows: list[dict[str, Any]] = []
    for ref, owner, outcomes, since, until in spans:
        start, end = to_micros(since), to_micros(until)
        if not start < end <= writer.now:
            raise InputError(f"The span of {ref} must end after it begins, and before now.")
        rows.append(
            {
                "scorecard": scorecard,
                "ref": ref,
                "valid_from": start,
                "valid_to": end,
                "owner": owner,
                "outcomes": _encoded(outcomes),
            }
        )
    first = dict[str, int]()
    query = sa.select(outcome.c.ref, sa.func.min(outcome.c.valid_from)).where(
        outcome.c.scorecard == scorecard
    )
    for ref, moment in writer.connection.execute(query.group_by(outcome.c.ref)):
        first[ref] = moment
    ends = dict[str, int]()
    for row in sorted(rows, key=lambda row: (row["ref"], row["valid_from"])):
        if row["valid_from"] < ends.get(row["ref"], 0) or row["valid_to"] > first.get(
            row["ref"], row["valid_to"]
        ):
            raise InputError(f"A span of {row['ref']} reaches into another; each moment has one outcome.")
        ends[row["ref"]] = row["valid_to"]
    if rows:
        writer.connection.execute(sa.insert(outcome), rows)
        writer.record(CHECKED, scorecard, after={"entities": len({row["ref"] for row in rows}), "past": True})
    return len(rows)


def kept_at(
    reader: Reader, at: datetime, *, scorecard: str | None = None, ref: str | None = None
) -> list[Kept]:
    """What was so at a moment, ordered by scorecard and entity."""
    moment = to_micros(at)
    query = (
        sa.select(outcome)
        .where(
            outcome.c.valid_from <= moment,
            sa.or_(outcome.c.valid_to.is_(None), outcome.c.valid_to > moment),
        )
        .order_by(outcome.c.scorecard, outcome.c.ref)
    )
    return _read(reader, query, scorecard=scorecard, ref=ref)


def spans(reader: Reader, ref: str) -> list[Kept]:
    """All that is known of one entity, by scorecard, oldest first."""
    return _read(reader, sa.select(outcome).order_by(outcome.c.scorecard, outcome.c.valid_from), ref=ref)


def _read(
    reader: Reader, query: sa.Select[Any], *, scorecard: str | None = None, ref: str | None = None
) -> list[Kept]:
    if scorecard is not None:
        query = query.where(outcome.c.scorecard == scorecard)
    if ref is not None:
        query = query.where(outcome.c.ref == ref)
    return [
        Kept(
            row.scorecard,
            row.ref,
            row.owner,
            _decoded(row.outcomes),
            to_datetime(row.valid_from),
            None if row.valid_to is None else to_datetime(row.valid_to),
        )
        for row in reader.connection.execute(query)
    ]


def trend(
    reader: Reader, scorecard: str, first: date, last: date, *, check: str | None = None
) -> list[Point]:
    """The outcomes at the end of each day (UTC) from the first to the last, days before any are left out.

    Raises:
        InputError: more days than `DAYS`, or the last is before the first.
    """
    if not 0 <= (last - first).days < DAYS:
        raise InputError(f"A trend has 1 to {DAYS} days; choose other dates.")
    ends = [_end(first + DAY * step) for step in range((last - first).days + 1)]
    columns = (outcome.c.valid_from, outcome.c.valid_to, outcome.c.outcomes)
    query = (
        sa.select(*columns, sa.func.count())
        .where(
            outcome.c.scorecard == scorecard,
            outcome.c.valid_from <= ends[-1],
            sa.or_(outcome.c.valid_to.is_(None), outcome.c.valid_to > ends[0]),
        )
        .group_by(*columns)
    )
    steps = [[0, 0, 0, 0] for _ in range(len(ends) + 1)]
    place_of = _placer(first, ends)
    for start, end, text, number in reader.connection.execute(query):
        counts = _weights(text, check)
        begin, stop = place_of(start), len(ends) if end is None else place_of(end)
        for column, count in enumerate(counts):
            steps[begin][column] += count * number
            steps[stop][column] -= count * number
    return _points(first, steps)


def _end(day: date) -> int:
    """The last microsecond of a day."""
    return to_micros(datetime.combine(day, time(), UTC) + DAY) - 1


def _placer(first: date, ends: list[int]) -> Callable[[int], int]:
    """Which day's end is the first that a moment is not after."""
    start = _end(first)
    length = DAY // timedelta(microseconds=1)

    def place_of(moment: int) -> int:
        return max(0, min(len(ends), -((start - moment) // length)))

    return place_of


@lru_cache(maxsize=4_096)
def _weights(text: str, check: str | None) -> tuple[int, int, int, int]:
    outcomes = _decoded(text)
    chosen = [each for name, each in outcomes.items() if check in (None, name)]
    return (chosen.count("passes"), chosen.count("fails"), chosen.count("exempt"), int(bool(chosen)))


def _points(first: date, steps: list[list[int]]) -> list[Point]:
    points: list[Point] = []
    running = [0, 0, 0, 0]
    for place, step in enumerate(steps[:-1]):
        running = [before + change for before, change in zip(running, step, strict=True)]
        if points or any(running):
            points.append(Point(first + DAY * place, *running))
    return points
