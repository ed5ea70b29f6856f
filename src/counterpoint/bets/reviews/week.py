"""What waits for one person this week, and what changed around them. Only that person asks for it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from counterpoint.bets.concerns.model import Move
from counterpoint.bets.concerns.store import Seen, open_concerns
from counterpoint.bets.deciding.latency import where_open
from counterpoint.bets.deciding.model import Content
from counterpoint.bets.deciding.placing import LIVE, asked_of, numbers_of
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.dependencies.model import DependencyState
from counterpoint.bets.dependencies.store import dependencies_of
from counterpoint.bets.feedback.store import new_by_unit
from counterpoint.bets.follow_ups import follow_ups_of, open_ones
from counterpoint.bets.judgement.predicting import questions_about
from counterpoint.bets.reviews.boards import cadence_of
from counterpoint.bets.reviews.briefs import unread_briefs
from counterpoint.bets.reviews.digest import Digest, digests, week_of
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
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
    """One for each of the reader's own units, newest week; of everybody for who belongs to none."""


@dataclass(frozen=True, slots=True)
class _Mine:
    """The reader of a week: who they are, and what they belong to."""

    actor: Actor
    units: frozenset[str]
    """Their units and those above."""
    direct: Mapping[str, Entity]
    """The units that they are in themselves."""
    bets: Mapping[str, str]
    """The owners of the bets of all these, by reference."""
    today: date


def my_week(graph: Graph, actor: Actor, today: date) -> Week:
    """What waits for the actor, and what changed in their units since a week ago."""
    with graph.read() as reader:
        units = reader.units_of(actor.ref) | actor.units
        entity = reader.get(actor.ref) if actor.ref.startswith("user:") else None
        direct = reader.get_many(frozenset(entity.targets("memberOf") if entity else ()) | actor.units)
        owners = {
            bet.ref: bet.owner or ""
            for unit in sorted(units | direct.keys())
            for bet in reader.all(kind="Bet", owner=unit)
        }
        mine = _Mine(actor, units, dict(sorted(direct.items())), owners, today)
        waiting = tuple(item for source in SOURCES for item in source(reader, mine))
        shown = tuple(mine.direct) or tuple(sorted(units))
        told = digests(reader, week_of(today)[0], shown[:MOST_DIGESTS] or [""])
    return Week(shown, waiting, told)


def _concerns(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    """Those of units around the reader that nobody has heard, and those of their own squad that are asked something."""
    for seen in open_concerns(reader, mine.actor, mine.today):
        why = _asks(seen, mine)
        if why:
            concern = seen.concern
            title = concern.text if len(concern.text) <= 90 else f"{concern.text[:89].rstrip()}…"
            yield Waiting(title, why, f"/concerns/{concern.id}", "warning")


def _asks(seen: Seen, mine: _Mine) -> Said:
    told = seen.concern.answers
    if seen.inside:
        return "Somebody asks your squad about this concern." if told and told[-1].move is Move.ASK else ""
    around = mine.bets.get(seen.concern.bet) in mine.units or seen.concern.unit in mine.units
    heard = any(answer.outside for answer in told)
    return "" if heard or not around else "A concern that nobody has heard yet."


def _decisions(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    numbers = {
        *asked_of(reader, {mine.actor.ref, *mine.units}),
        *numbers_of(reader, units=mine.units, states=LIVE),
    }
    for record in records_of(reader, numbers):
        content, href = record.content, f"/decisions/{record.number}"
        asked = any(row.whom == mine.actor.ref or row.whom in mine.units for row in record.waiting)
        if record.state.open and asked:
            yield Waiting(content.title, "Your advice is asked for.", href, "help")
        elif record.state.open and content.unit in mine.units:
            yield Waiting(
                content.title, f"Your unit decides; it waits {where_open(record)}.", href, "decision"
            )
        elif record.state.value == "accepted" and content.unit in mine.units and _due(content, mine.today):
            yield Waiting(content.title, "Its review date has come. Does it still hold?", href, "decision")


def _due(content: Content, today: date) -> bool:
    return bool(content.review_on) and content.review_on <= today.isoformat()


def _overrides(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    own = [bet for bet, owner in mine.bets.items() if owner in mine.direct]
    due = open_ones(follow_ups_of(reader, own), mine.today) if own else ()
    titles = reader.titles({each.bet for each in due})
    for each in due:
        href = f"/bets/{each.bet.partition(':')[2]}#follow-ups"
        yield Waiting(titles.get(each.bet, each.bet), "An override comes back. What came of it?", href, "bet")


def _questions(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    around = [bet for bet, owner in mine.bets.items() if owner in mine.units]
    for question in questions_about(reader, mine.actor, around, only_open=True):
        if question.open and question.mine is None:
            href = f"/predictions/{question.id}"
            yield Waiting(question.question, "Predict before it is revealed.", href, "lock")


def _dependencies(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    for each in dependencies_of(reader, mine.direct):
        if each.state is DependencyState.REPORTED and each.other in mine.direct:
            why = "Another unit has reported this. How do you see it?"
            yield Waiting(each.subject, why, f"/dependencies/{each.id}", "arrow")


def _feedback(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    for unit, count in new_by_unit(reader, mine.direct).items():
        title = f"{count} {'piece' if count == 1 else 'pieces'} of feedback"
        why = f"New for {mine.direct[unit].title}; whoever gave it can see what became of it."
        yield Waiting(title, why, f"/feedback?unit={unit}", "down")


def _briefs(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    for number, title in unread_briefs(reader, mine.actor, mine.units):
        yield Waiting(title, "What did you understand?", f"/briefs/{number}", "docs")


def _reviews(reader: Reader, mine: _Mine) -> Iterable[Waiting]:
    for board in mine.direct.values():
        cadence = cadence_of(reader, board)
        if cadence.due is not None and cadence.due.date() <= mine.today + timedelta(days=2):
            href = f"/bets/reviews?unit={board.ref}"
            yield Waiting(board.title, "Its bets are due for review.", href, "bet")


SOURCES: tuple[Callable[[Reader, _Mine], Iterable[Waiting]], ...] = (
    _concerns,
    _decisions,
    _overrides,
    _questions,
    _dependencies,
    _feedback,
    _briefs,
    _reviews,
)
"""What may wait for somebody, in the order of the page: what others cannot go on without comes first."""
