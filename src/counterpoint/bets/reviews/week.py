"""What waits for one person this week, and what changed around them. Only that person asks for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from counterpoint.bets.deciding.latency import where_open
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.judgement.predicting import questions_of
from counterpoint.bets.model import read_bet
from counterpoint.bets.reviews.boards import cadence_of, require_board
from counterpoint.bets.reviews.briefs import briefs_of
from counterpoint.bets.reviews.digest import Digest, digest, week_of
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph
from counterpoint.said import Said

__all__ = ["Waiting", "Week", "my_week"]

MOST_DIGESTS = 4


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the reader."""

    title: str
    why: Said
    href: str
    icon: str


@dataclass(frozen=True, slots=True)
class Week:
    """All that the page shows."""

    units: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    digests: tuple[Digest, ...]
    """One for each of the reader's own units, newest week."""


def my_week(graph: Graph, actor: Actor, today: date) -> Week:
    """What waits for the actor, and what changed in their units since a week ago."""
    with graph.read() as reader:
        units = reader.units_of(actor.ref) | actor.units
        direct = tuple(sorted(units & _direct(reader, actor)) or sorted(units))
        waiting = tuple(_waiting(reader, actor, units, today))
    name = week_of(today)[0]
    digests = tuple(digest(graph, name, unit) for unit in direct[:MOST_DIGESTS])
    return Week(direct, waiting, digests)


def _direct(reader: Reader, actor: Actor) -> frozenset[str]:
    entity = reader.get(actor.ref)
    return frozenset(entity.targets("memberOf") if entity else ()) | actor.units


def _waiting(reader: Reader, actor: Actor, units: frozenset[str], today: date) -> Iterable[Waiting]:
    bets = {entity.ref: read_bet(entity) for entity in reader.all(kind="Bet")}
    for record in records_of(reader):
        content, href = record.content, f"/decisions/{record.number}"
        if record.state.open and any(row.whom == actor.ref or row.whom in units for row in record.waiting):
            yield Waiting(content.title, "Your advice is asked for.", href, "help")
        elif record.state.open and content.unit in units:
            yield Waiting(
                content.title, f"Your unit decides; it waits {where_open(record)}.", href, "decision"
            )
        elif record.state.value == "accepted" and content.unit in units and _due(content.review_on, today):
            yield Waiting(content.title, "Its review date has come. Does it still hold?", href, "decision")
    for question in questions_of(reader, actor):
        bet = bets.get(question.bet)
        if question.open and question.mine is None and bet and bet.owner in units:
            yield Waiting(
                question.question, "Predict before it is revealed.", f"/predictions/{question.id}", "lock"
            )
    for brief in briefs_of(reader, actor):
        if brief.readers in units and not brief.mine:
            yield Waiting(brief.title, "What did you understand?", f"/briefs/{brief.id}", "docs")
    for unit in sorted(_direct(reader, actor)):
        if reader.exists(unit):
            board = require_board(reader, unit)
            cadence = cadence_of(reader, board)
            if cadence.due is not None and cadence.due.date() <= today + timedelta(days=2):
                yield Waiting(
                    board.title, "Its bets are due for review.", f"/bets/reviews?unit={board.ref}", "bet"
                )


def _due(day: str, today: date) -> bool:
    return bool(day) and day <= today.isoformat()
