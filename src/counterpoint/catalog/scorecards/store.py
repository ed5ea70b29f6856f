"""What the doors answer with: scorecards with their counts, what an entity and what an owner does next."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from counterpoint.catalog.scorecards.history import Point, trend
from counterpoint.catalog.scorecards.model import (
    Check,
    Outcome,
    Scorecard,
    Tally,
    exempt_until,
    expired,
    next_checks,
    tally,
)
from counterpoint.catalog.scorecards.sight import Card, Row, Sight, see, units_within
from counterpoint.catalog.scorecards.standing import standing_of
from counterpoint.errors import NotFoundError
from counterpoint.graph.named import require_known
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.moments import today_utc
from counterpoint.workspace import Workspace

__all__ = [
    "AskedCheck",
    "CountedCheck",
    "EntityScorecard",
    "OwnerTodo",
    "ScorecardView",
    "Todo",
    "entities_of",
    "list_scorecards",
    "of_entity",
    "of_owners",
    "read_one",
    "trend_of",
]

TREND_DAYS = 90
"""Days of a trend where nobody asks for others."""


class CountedCheck(msgspec.Struct, frozen=True, rename="camel"):
    """A check with how many entities pass it."""

    id: str
    title: str
    level: str | None
    why: str
    remedy: str
    link: str | None
    passes: int
    fails: int
    exempt: int

    @property
    def asked(self) -> int:
        """Entities that it is asked of, those exempt left out."""
        return self.passes + self.fails


class ScorecardView(msgspec.Struct, frozen=True, rename="camel"):
    """A scorecard with its counts; there is no score over its checks."""

    ref: str
    title: str
    description: str
    owner: str | None
    levels: tuple[str, ...]
    checks: tuple[CountedCheck, ...]
    """By level, and in a level as they are written."""
    entities: int
    """How many entities it is about."""
    problems: tuple[str, ...] = ()
    """Why it is broken, or its file could not be read again; empty when it is whole."""
    notes: tuple[str, ...] = ()


class AskedCheck(msgspec.Struct, frozen=True, rename="camel"):
    """A check as it stands for one entity."""

    id: str
    title: str
    level: str | None
    outcome: Outcome
    why: str
    remedy: str
    link: str | None
    reason: str | None = None
    """Why the entity is, or was, exempt."""
    until: date | None = None
    """The last day of the exemption."""
    expired: bool = False
    """Whether the exemption has ended, so that the check counts again."""


class EntityScorecard(msgspec.Struct, frozen=True, rename="camel"):
    """What one scorecard says of one entity, with what comes next."""

    scorecard: str
    title: str
    entity: str
    owner: str | None
    checks: tuple[AskedCheck, ...]
    next_level: str | None
    """The level that the next checks belong to; none where nothing is to do, or it names no levels."""
    next: tuple[AskedCheck, ...]
    """What to do next: the failing checks of the first level that has any."""


class Todo(msgspec.Struct, frozen=True, rename="camel"):
    """What to do next for one entity, in one scorecard."""

    entity: str
    title: str
    scorecard: str
    scorecard_title: str
    next_level: str | None
    checks: tuple[AskedCheck, ...]


class OwnerTodo(msgspec.Struct, frozen=True, rename="camel"):
    """What one owner does next; owners come in the order of their names, never of their counts."""

    owner: str | None
    title: str
    items: tuple[Todo, ...]


def list_scorecards(workspace: Workspace, at: datetime | None = None) -> list[ScorecardView]:
    """Every scorecard, now or at a date, by title."""
    return [_view(card) for card in see(workspace, at).cards]


def read_one(workspace: Workspace, ref: Ref, at: datetime | None = None) -> ScorecardView:
    """One scorecard.

    Raises:
        NotFoundError: there is none.
    """
    return _view(_card(see(workspace, at), ref))


def _card(sight: Sight, ref: Ref) -> Card:
    card = sight.card(str(ref))
    if card is None:
        raise NotFoundError(f"There is no {ref}." if sight.at is None else f"There was no {ref} then.")
    return card


def _view(card: Card) -> ScorecardView:
    counts = tally(row.outcomes for row in card.rows.values())
    scorecard = card.scorecard
    return ScorecardView(
        ref=card.ref,
        title=card.title,
        description=scorecard.description if scorecard else "",
        owner=card.owner,
        levels=scorecard.levels if scorecard else (),
        checks=tuple(_counted(check, counts.get(check.id, Tally())) for check in _checks(card)),
        entities=len(card.rows),
        problems=card.problems,
        notes=card.notes,
    )


def _counted(check: "Check | _Gone", counts: Tally) -> CountedCheck:
    return CountedCheck(
        check.id,
        check.title,
        check.level,
        check.why,
        check.remedy,
        check.link,
        counts.passes,
        counts.fails,
        counts.exempt,
    )


class _Gone(msgspec.Struct, frozen=True):
    """A check of which only its outcomes are known: its scorecard no longer has it."""

    id: str
    title: str
    level: str | None = None
    why: str = ""
    remedy: str = ""
    link: str | None = None


def _checks(card: Card) -> list["Check | _Gone"]:
    known: list[Check | _Gone] = list(card.scorecard.ordered) if card.scorecard else []
    names = {check.id for check in known}
    seen = dict.fromkeys(name for row in card.rows.values() for name in row.outcomes if name not in names)
    return known + [_Gone(name, name) for name in seen]


def of_entity(workspace: Workspace, ref: Ref, at: datetime | None = None) -> list[EntityScorecard]:
    """What every scorecard that is about an entity says of it, by the scorecard's title."""
    text = str(ref)
    if at is None:
        present = standing_of(workspace).about(text)
        today, cards = (
            present.today,
            [
                Card(each.ref, each.title, each.owner, each, {text: Row(held.owner, held.outcomes(each))})
                for each in present.scorecards.values()
                if (held := present.held[each.ref].get(text)) is not None
            ],
        )
    else:
        sight = see(workspace, at)
        today, cards = sight.today, [card for card in sight.cards if text in card.rows]
    told = [_about(card, _checks(card), text, card.rows[text], today) for card in cards]
    return sorted(told, key=lambda each: (each.title.lower(), each.scorecard))


def _about(card: Card, known: "Iterable[Check | _Gone]", ref: str, row: Row, today: date) -> EntityScorecard:
    checks = tuple(
        _asked(card.scorecard, check, ref, row, today) for check in known if check.id in row.outcomes
    )
    ahead = (
        {check.id for check in next_checks(card.scorecard, row.outcomes)}
        if card.scorecard
        else {check.id for check in checks if check.outcome == "fails"}
    )
    coming = tuple(check for check in checks if check.id in ahead)
    return EntityScorecard(
        scorecard=card.ref,
        title=card.title,
        entity=ref,
        owner=row.owner,
        checks=checks,
        next_level=coming[0].level if coming else None,
        next=coming,
    )


def _asked(
    scorecard: Scorecard | None, check: "Check | _Gone", ref: str, row: Row, today: date
) -> AskedCheck:
    outcome = row.outcomes[check.id]
    exemption, ended = None, False
    if scorecard is not None and outcome != "passes":
        mine = scorecard.exemptions.get(ref, ())
        exemption = exempt_until(mine, check.id, today)
        if exemption is None:
            exemption = expired(mine, check.id, today)
            ended = exemption is not None
    return AskedCheck(
        check.id,
        check.title,
        check.level,
        outcome,
        check.why,
        check.remedy,
        check.link,
        exemption.reason if exemption else None,
        exemption.until if exemption else None,
        ended,
    )


def entities_of(
    workspace: Workspace,
    ref: Ref,
    *,
    check: str | None = None,
    outcome: str | None = None,
    at: datetime | None = None,
) -> tuple[list[str], Callable[[Iterable[str]], list[EntityScorecard]]]:
    """The entities of a scorecard, in order; with `check` and `outcome` those of which they are true.

    The second value tells of some of them what the scorecard says, as it stood when this was called.

    Raises:
        NotFoundError: there is no such scorecard, or no such check.
    """
    sight = see(workspace, at)
    card = _card(sight, ref)
    checks = _checks(card)
    if check is not None and check not in {each.id for each in checks}:
        raise NotFoundError(f"{ref} has no check {check!r}.")

    def asked(row: Row) -> bool:
        seen = [*row.outcomes.values()] if check is None else [row.outcomes.get(check)]
        return outcome in seen if outcome else any(seen)

    def tell(refs: Iterable[str]) -> list[EntityScorecard]:
        return [_about(card, checks, each, card.rows[each], sight.today) for each in refs]

    return sorted(entity for entity, row in card.rows.items() if asked(row)), tell


def of_owners(
    workspace: Workspace,
    *,
    owner: str | None = None,
    nested: bool = True,
    scorecard: Ref | None = None,
    at: datetime | None = None,
) -> list[OwnerTodo]:
    """What each owner does next, in the order of the owners' names; things without an owner come last.

    `owner` narrows it to one unit, with every unit below it where `nested`; an owner with nothing to do
    is left out. `scorecard` narrows it to one scorecard.

    Raises:
        InputError: the owner is no reference.
        NotFoundError: there is no such scorecard, or there was never such an owner.
    """
    sight = see(workspace, at)
    cards = sight.cards if scorecard is None else (_card(sight, scorecard),)
    with workspace.graph.read() as reader:
        units = None
        if owner is not None:
            start = require_known(reader, owner, "/owner")
            units = units_within(reader, start, at) if nested else frozenset({start})
        open_rows = [
            (card, ref, row)
            for card in cards
            for ref, row in card.rows.items()
            if (units is None or row.owner in units) and "fails" in row.outcomes.values()
        ]
        titles = reader.titles(
            {ref for _, ref, _ in open_rows} | {row.owner for *_, row in open_rows if row.owner}
        )
    todos: dict[str | None, list[Todo]] = {}
    checks = {card.ref: _checks(card) for card in cards}
    for card, ref, row in open_rows:
        about = _about(card, checks[card.ref], ref, row, sight.today)
        title = titles.get(ref) or parse_ref(ref).short
        made = Todo(ref, title, card.ref, card.title, about.next_level, about.next)
        todos.setdefault(row.owner, []).append(made)
    return _by_name(todos, titles)


def _by_name(todos: Mapping[str | None, Iterable[Todo]], titles: Mapping[str, str]) -> list[OwnerTodo]:
    named = [
        OwnerTodo(
            owner,
            (titles.get(owner) or parse_ref(owner).short) if owner else "",
            tuple(sorted(items, key=lambda item: (item.title.lower(), item.entity, item.scorecard_title))),
        )
        for owner, items in todos.items()
    ]
    return sorted(named, key=lambda each: (each.owner is None, each.title.lower(), each.owner or ""))


def trend_of(
    workspace: Workspace,
    ref: Ref,
    *,
    first: date | None = None,
    last: date | None = None,
    check: str | None = None,
) -> list[Point]:
    """A scorecard's outcomes at the end of each day, the last 90 unless asked otherwise; today's are as of now.

    Raises:
        InputError: too many days, or none.
    """
    end = last or today_utc()
    with workspace.graph.read() as reader:
        return trend(reader, str(ref), first or end - timedelta(days=TREND_DAYS - 1), end, check=check)
