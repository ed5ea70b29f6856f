"""The agenda of a bet review, made from what changed. Pure.

The order is that of what costs most to leave lying: what speaks against a bet, what no longer holds, what waits for
somebody, what stands still, and last the mix of all.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from counterpoint.said import Said

__all__ = [
    "SILENT_DAYS",
    "STALLED_DAYS",
    "Agenda",
    "AgendaItem",
    "BeliefFacts",
    "BetFacts",
    "Facts",
    "ItemKind",
    "RecordFacts",
    "TermFacts",
    "agenda",
]

STALLED_DAYS = {"think": 28, "build": 42, "ship": 28, "tweak": 56}
"""Days in a stage after which the board asks; building is dear, and tweaking takes its time. Ours, not a norm."""
SILENT_DAYS = 21
"""Days without any event after which a bet is silent."""
WAITING_DAYS = 14
"""Days after which an open decision is brought up."""
DUE_SOON = timedelta(days=7)


class ItemKind(StrEnum):
    """Why something is on the agenda, in the order in which it is talked about."""

    AGAINST = "against"
    CONCERN = "concern"
    DEPENDENCY = "dependency"
    EXPIRED = "expired"
    NEWS = "news"
    PATIENCE = "patience"
    REVIEW = "review"
    QUESTION = "question"
    WAITING = "waiting"
    STALLED = "stalled"
    SILENT = "silent"
    TIE = "tie"
    MIX = "mix"

    @property
    def rank(self) -> int:
        """0 for what comes first."""
        return list(ItemKind).index(self)


class AgendaItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One point of the agenda. Other parts of the room may add their own."""

    kind: ItemKind
    subject: str
    """Reference of what it is about."""
    title: str
    why: Said
    href: str = ""
    """Where it is dealt with; the page of the subject where empty."""


class BetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the agenda needs to know of an active bet."""

    ref: str
    title: str
    stage: str
    entered: date
    """When it came into its stage."""
    last: date
    """When anything last happened to it."""
    against: str = ""
    """What speaks against it and nobody has decided on; in words."""
    news: str = ""
    """What speaks for it and nobody has decided on."""
    patience: date | None = None


class BeliefFacts(msgspec.Struct, frozen=True):
    """A belief that bets of the board rest on."""

    ref: str
    title: str
    expires: date | None
    bets: int


class RecordFacts(msgspec.Struct, frozen=True):
    """A decision record of the board."""

    number: int
    title: str
    unit: str
    open_since: date | None
    """None where it was decided."""
    waits: str
    review_on: date | None


class TermFacts(msgspec.Struct, frozen=True):
    """A question whose day has come."""

    id: str
    bet: str
    question: str
    on: date
    to_reveal: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that an agenda is made from."""

    board: str
    bets: tuple[BetFacts, ...] = ()
    beliefs: tuple[BeliefFacts, ...] = ()
    records: tuple[RecordFacts, ...] = ()
    questions: tuple[TermFacts, ...] = ()
    ties: tuple[tuple[str, ...], ...] = ()
    """Titles of bets between which their ranges give no order."""


class Agenda(msgspec.Struct, frozen=True):
    """The points in their order, and the mix of stages in words."""

    items: tuple[AgendaItem, ...]
    mix: Said


def agenda(facts: Facts, today: date, more: Iterable[AgendaItem] = ()) -> Agenda:
    """The agenda of a board on a day; `more` are points of others, such as concerns and dependencies."""
    items = [
        *more,
        *(item for bet in facts.bets for item in _of_bet(bet, today)),
        *(_expired(belief, today) for belief in facts.beliefs if _over(belief.expires, today)),
        *(item for each in facts.records for item in _of_record(each, today)),
        *(_due(each, today) for each in facts.questions if each.on <= today),
        *(_tie(facts.board, titles) for titles in facts.ties),
    ]
    lopsided = _lopsided(facts.bets)
    mix = _mix(facts.bets)
    if lopsided:
        items.append(
            AgendaItem(kind=ItemKind.MIX, subject=facts.board, title="The mix", why=f"{mix} {lopsided}")
        )
    order = sorted(range(len(items)), key=lambda place: (items[place].kind.rank, items[place].title, place))
    return Agenda(tuple(items[place] for place in order), mix)


def _of_bet(bet: BetFacts, today: date) -> Iterable[AgendaItem]:
    if bet.against:
        yield _about(bet, ItemKind.AGAINST, f"{bet.against} Nobody has decided since.")
    if bet.news:
        yield _about(bet, ItemKind.NEWS, f"{bet.news} It waits for a decision.")
    if _over(bet.patience, today):
        yield _about(bet, ItemKind.PATIENCE, "Its patience has ended. Go on, change it or end it?")
    silent = (today - bet.last).days
    in_stage = (today - bet.entered).days
    if silent >= SILENT_DAYS:
        yield _about(bet, ItemKind.SILENT, f"Nothing has happened for {silent} days. Is anybody on it?")
    elif in_stage >= STALLED_DAYS.get(bet.stage, 42):
        yield _about(
            bet, ItemKind.STALLED, f"{in_stage} days in {bet.stage.capitalize()} it. What keeps it there?"
        )


def _about(bet: BetFacts, kind: ItemKind, why: str) -> AgendaItem:
    return AgendaItem(kind=kind, subject=bet.ref, title=bet.title, why=why)


def _expired(belief: BeliefFacts, today: date) -> AgendaItem:
    days = (today - belief.expires).days if belief.expires else 0
    rest = f"{belief.bets} bet{'' if belief.bets == 1 else 's'} of this board rest{'s' if belief.bets == 1 else ''} on it."
    return AgendaItem(
        kind=ItemKind.EXPIRED,
        subject=belief.ref,
        title=belief.title,
        why=f"It expired {days} days ago. Do you still hold it? {rest}",
    )


def _of_record(each: RecordFacts, today: date) -> Iterable[AgendaItem]:
    href = f"/decisions/{each.number}"
    if each.open_since is not None:
        days = (today - each.open_since).days
        if days >= WAITING_DAYS:
            why = f"Open for {days} days; it waits {each.waits}."
            yield AgendaItem(kind=ItemKind.WAITING, subject=each.unit, title=each.title, why=why, href=href)
    elif each.review_on is not None and each.review_on <= today + DUE_SOON:
        why = "Its review date has come. Does it still hold?"
        yield AgendaItem(kind=ItemKind.REVIEW, subject=each.unit, title=each.title, why=why, href=href)


def _due(each: TermFacts, today: date) -> AgendaItem:
    what = (
        "Its day to be revealed has come."
        if each.to_reveal
        else "By now the answer is known. What came of it?"
    )
    return AgendaItem(
        kind=ItemKind.QUESTION,
        subject=each.bet,
        title=each.question,
        why=what,
        href=f"/predictions/{each.id}",
    )


def _tie(board: str, titles: Sequence[str]) -> AgendaItem:
    why = f"Their ranges give no order: {', '.join(titles)}. Choose, and record the reason."
    return AgendaItem(
        kind=ItemKind.TIE, subject=board, title="What comes first", why=why, href="/bets/portfolio"
    )


def _mix(bets: Sequence[BetFacts]) -> str:
    if not bets:
        return "No active bets."
    counts = {stage: sum(bet.stage == stage for bet in bets) for stage in STALLED_DAYS}
    listed = ", ".join(f"{count} in {stage.capitalize()} it" for stage, count in counts.items() if count)
    return f"{len(bets)} active: {listed}."


def _lopsided(bets: Sequence[BetFacts]) -> str:
    stages = {bet.stage for bet in bets}
    if len(bets) < 3:
        return ""
    if "think" not in stages:
        return "Nothing is being thought about: what comes after these?"
    if stages == {"think"}:
        return "Everything is being thought about, and nothing is in the hands of users."
    return ""


def _over(day: date | None, today: date) -> bool:
    return day is not None and day < today
