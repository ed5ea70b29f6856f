"""The scorecards as they are or were at a date, in one form for every door."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from counterpoint.catalog.scorecards.builtin import PREFIX, RESERVED, group_of
from counterpoint.catalog.scorecards.history import kept_at
from counterpoint.catalog.scorecards.model import Outcomes, Scorecard
from counterpoint.catalog.scorecards.reading import Broken, read_scorecard
from counterpoint.catalog.scorecards.standing import KIND, Present, standing_of
from counterpoint.catalog.scorecards.tables import fact
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import TEXT, decode, relation, status
from counterpoint.workspace import Workspace

__all__ = ["Card", "Sight", "see", "units_within"]


@dataclass(frozen=True, slots=True)
class Row:
    """What one scorecard says of one entity."""

    owner: str | None
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Card:
    """A scorecard with what it says; `scorecard` is none where its descriptor is gone or cannot be read."""

    ref: str
    title: str
    owner: str | None
    scorecard: Scorecard | None
    rows: Mapping[str, Row]
    problems: tuple[str, ...] = ()
    """Why it cannot be asked, or could not be read again, in words."""
    notes: tuple[str, ...] = ()
    """What is worth a look: facts that nobody reports, exemptions of what does not exist."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Every scorecard at one moment; `at` is none for the present."""

    cards: tuple[Card, ...]
    today: date
    at: datetime | None = None

    def card(self, ref: str) -> Card | None:
        """The card of a scorecard."""
        return next((card for card in self.cards if card.ref == ref), None)


def see(workspace: Workspace, at: datetime | None = None) -> Sight:
    """The scorecards now, or at a date, by title."""
    if at is not None:
        with workspace.graph.read() as reader:
            return _past(reader, at)
    present = standing_of(workspace).now()
    latest = workspace.keep(_Latest, lambda _: _Latest())
    kept = latest.kept
    if kept is None or kept[0] is not present:
        with workspace.graph.read() as reader:
            latest.kept = kept = (present, _now(reader, present))
    return kept[1]


class _Latest:
    """The present sight, which many requests ask for between two changes."""

    kept: tuple[Present, Sight] | None = None


def _now(reader: Reader, present: Present) -> Sight:
    refs = [*present.scorecards, *(each.ref for each in present.broken)]
    told = dict(_told(reader, refs))
    cards = [
        Card(
            ref,
            scorecard.title,
            scorecard.owner,
            scorecard,
            _rows(present, scorecard),
            told.get(ref, ()),
            tuple(_notes(reader, scorecard)),
        )
        for ref, scorecard in present.scorecards.items()
    ]
    for broken in present.broken:
        problems = (*(str(problem) for problem in broken.problems), *told.get(broken.ref, ()))
        cards.append(Card(broken.ref, broken.title, broken.owner, None, {}, problems))
    return Sight(_sorted(cards), present.today)


def _rows(present: Present, scorecard: Scorecard) -> dict[str, Row]:
    known: dict[str, Outcomes] = {}
    rows = {}
    for ref, held in present.held[scorecard.ref].items():
        if held.letters not in known:
            known[held.letters] = held.outcomes(scorecard)
        rows[ref] = Row(held.owner, known[held.letters])
    return rows


def _told(reader: Reader, refs: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What stands in the way of reading a scorecard's file again; its last good version is used meanwhile."""
    query = sa.select(status).where(status.c.ref.in_(refs))
    for row in reader.connection.execute(query):
        items = decode(row.items) or ()
        yield row.ref, tuple(str(item.get("message") or "") for item in items if isinstance(item, dict))


def _notes(reader: Reader, scorecard: Scorecard) -> Iterator[str]:
    names = {key.removeprefix(PREFIX) for key in scorecard.keys if key.startswith(PREFIX)}
    for name in sorted(name for name in names if group_of(name) not in RESERVED):
        query = sa.select(fact.c.ref).where(sa.func.lower(fact.c.name) == name, fact.c.valid_to.is_(None))
        if reader.connection.execute(query.limit(1)).first() is None:
            yield f"No entity has the fact {name} yet; report it with PUT /api/v1/facts, or mend its name."
    there = reader.titles(scorecard.exemptions)
    for ref in sorted(scorecard.exemptions.keys() - there.keys()):
        yield f"{ref} is exempt, and is not in the catalog."


def _past(reader: Reader, at: datetime) -> Sight:
    rows: dict[str, dict[str, Row]] = {}
    for kept in kept_at(reader, at):
        rows.setdefault(kept.scorecard, {})[kept.ref] = Row(kept.owner, kept.outcomes)
    then = {entity.ref: entity for entity in reader.all(kind=KIND, at=at)}
    # What was brought in from elsewhere can be older than the scorecard: then its present words stand in.
    later = reader.get_many(rows.keys() - then.keys())
    cards = []
    for ref in rows.keys() | then.keys():
        entity = then.get(ref) or later.get(ref)
        read = read_scorecard(entity) if entity is not None else None
        cards.append(
            Card(
                ref,
                read.title if read else ref.rpartition("/")[2],
                read.owner if read else None,
                read if isinstance(read, Scorecard) else None,
                rows.get(ref, {}),
                tuple(map(str, read.problems)) if isinstance(read, Broken) else (),
            )
        )
    return Sight(_sorted(cards), at.astimezone(UTC).date(), at)


def _sorted(cards: list[Card]) -> tuple[Card, ...]:
    return tuple(sorted(cards, key=lambda card: (card.title.lower(), card.ref)))


def units_within(reader: Reader, unit: str, at: datetime | None = None) -> frozenset[str]:
    """A unit and every unit below it, now or at a date."""
    start = sa.select(sa.literal(unit, TEXT).label("ref")).cte("units", recursive=True)
    below = sa.select(relation.c.target).where(
        relation.c.source == start.c.ref, relation.c.type == "parentOf", valid(relation, at)
    )
    units = start.union(below)  # a set, so that a circle of parents ends
    return frozenset(reader.connection.execute(sa.select(units.c.ref)).scalars())
