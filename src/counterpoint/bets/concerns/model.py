"""Concerns as values: their states, the moves that change them, and who sees one on which day. Pure.

Everything is dated by the day in UTC and nothing finer: the minute at which a concern was raised would tell
who sat at a keyboard then. Working days are Monday to Friday in UTC; holidays are not known.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

import msgspec

__all__ = [
    "GRACE_DAYS",
    "GUESSABLE",
    "LEADER_MOVES",
    "MOVES",
    "RULES",
    "SQUAD_MOVES",
    "Answer",
    "Concern",
    "ConcernState",
    "Move",
    "MoveRule",
    "Naming",
    "Risk",
    "Viewer",
    "after_working_days",
    "may_make",
    "sees",
    "state_after",
    "visible_on",
    "working_days_between",
]

GRACE_DAYS = 5
"""Working days after which a concern that its squad has not published reaches everybody (reference, section 6.2)."""
GUESSABLE = 5
"""People in a squad below which colleagues may guess who raised an anonymous concern."""
FRIDAY = 4


class Risk(StrEnum):
    """What is at risk."""

    DEADLINE = "deadline"
    QUALITY = "quality"


class Naming(StrEnum):
    """How the one who raises a concern is named. It is chosen once and never changes."""

    NAMED = "named"
    SQUAD = "squad"
    ANONYMOUS = "anonymous"


class ConcernState(StrEnum):
    """Where a concern stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    OPTIONS_OFFERED = "options_offered"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"

    @property
    def closed(self) -> bool:
        """Nothing is open about it any more."""
        return self in (ConcernState.RESOLVED, ConcernState.WITHDRAWN)


class Move(StrEnum):
    """What can be done about a concern. There is no move that demands anything."""

    ACKNOWLEDGE = "acknowledge"
    ASK = "ask"
    OFFER_HELP = "offer_help"
    CHANGE_CONSTRAINT = "change_constraint"
    REPLY = "reply"
    OFFER_OPTIONS = "offer_options"
    PUBLISH = "publish"
    RESOLVE = "resolve"
    WITHDRAW = "withdraw"


LEADER_MOVES = (Move.ACKNOWLEDGE, Move.ASK, Move.OFFER_HELP, Move.CHANGE_CONSTRAINT)
"""What those outside the squad may do, once they see it."""
SQUAD_MOVES = (Move.REPLY, Move.OFFER_OPTIONS, Move.PUBLISH, Move.RESOLVE)
HELPS = frozenset({Move.OFFER_HELP, Move.CHANGE_CONSTRAINT})
"""Answers that count as help."""
LIVE = frozenset({ConcernState.RAISED, ConcernState.ACKNOWLEDGED, ConcernState.OPTIONS_OFFERED})


class MoveRule(msgspec.Struct, frozen=True):
    """From where a move is made and where it leads; `to` none keeps the state, or acknowledges what was only raised."""

    move: Move
    to: ConcernState | None
    why: str
    text_wanted: bool = True


RULES = (
    MoveRule(
        Move.ACKNOWLEDGE, ConcernState.ACKNOWLEDGED, "Somebody says that they have heard.", text_wanted=False
    ),
    MoveRule(Move.ASK, None, "A question shows that it was heard, so it acknowledges."),
    MoveRule(Move.OFFER_HELP, None, "So does an offer of help."),
    MoveRule(Move.CHANGE_CONSTRAINT, None, "So does moving a date, a scope or a budget."),
    MoveRule(Move.REPLY, None, "The squad answers a question; nobody else is heard by that."),
    MoveRule(Move.OFFER_OPTIONS, ConcernState.OPTIONS_OFFERED, "The squad says what could be done."),
    MoveRule(
        Move.PUBLISH, None, "The squad lets everybody see it before the days are over.", text_wanted=False
    ),
    MoveRule(
        Move.RESOLVE, ConcernState.RESOLVED, "The squad says how it ended; for those who learn from it."
    ),
    MoveRule(Move.WITHDRAW, ConcernState.WITHDRAWN, "Whoever raised it takes it back.", text_wanted=False),
)
MOVES: Mapping[Move, MoveRule] = {rule.move: rule for rule in RULES}


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One move about a concern. `by` is a person for answers from outside, and the unit for those of the squad."""

    number: int
    move: Move
    by: str
    on: date
    text: str = ""
    outside: bool = False
    """Whether it came from outside the squad; only those count as a response."""


class Concern(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A concern with its answers, oldest first.

    `unit` is the squad in which it was raised and `owner` the unit that owned the bet on that day. Both stay as
    they were, so that nobody comes to see it early by making the bet their own. `author` is there for named ones only.
    """

    id: str
    bet: str
    unit: str
    owner: str
    risk: Risk
    text: str
    naming: Naming
    raised_on: date
    author: str | None = None
    about_on: date | None = None
    """The date that is at risk."""
    shared: bool = False
    """Whether several units worked on the bet when it was raised."""
    published_on: date | None = None
    state: ConcernState = ConcernState.RAISED
    answers: tuple[Answer, ...] = ()

    @property
    def squads(self) -> frozenset[str]:
        """The units that see it at once."""
        return frozenset({self.unit, self.owner})

    @property
    def visible_on(self) -> date:
        """The first day on which everybody sees it."""
        return visible_on(self.raised_on, self.published_on)

    def released(self, today: date) -> bool:
        """Whether everybody in the organisation may see it; what was taken back before stays inside."""
        reached = self.visible_on <= today
        return reached and not (self.state is ConcernState.WITHDRAWN and self._taken_back_early())

    def _taken_back_early(self) -> bool:
        taken = next((each.on for each in self.answers if each.move is Move.WITHDRAW), None)
        return taken is not None and taken < self.visible_on


class Viewer(msgspec.Struct, frozen=True):
    """What of a reader decides which concerns they see."""

    ref: str
    units: frozenset[str] = frozenset()
    """The units that they belong to, directly or through a part."""
    led: frozenset[str] = frozenset()
    """Units with people of a chapter that they lead."""


def sees(viewer: Viewer, concern: Concern, today: date) -> bool:
    """Whether a reader may see a concern on a day (reference, section 2.5).

    Whoever raised it by name: always. The squad, and the one that owns the bet: at once. Who leads a chapter with
    people in that squad: at once on a bet that several units share. Everybody else, administrators like anybody:
    from the day that the squad publishes it or that five working days are over, whichever is first.
    """
    if concern.author is not None and concern.author == viewer.ref:
        return True
    if concern.squads & viewer.units:
        return True
    if concern.shared and concern.squads & viewer.led and concern.state is not ConcernState.WITHDRAWN:
        return True
    return concern.released(today)


def may_make(viewer: Viewer, concern: Concern, *, holds_receipt: bool = False) -> tuple[Move, ...]:
    """The moves that a reader who sees the concern may make now; none where it is closed.

    Whoever raised it by name takes it back; under the squad's name any member does; without a name whoever holds
    the receipt that was shown once.
    """
    if concern.state.closed:
        return ()
    inside = bool(concern.squads & viewer.units)
    author = concern.author is not None and concern.author == viewer.ref
    moves: list[Move] = []
    if inside:
        moves += [move for move in SQUAD_MOVES if move is not Move.PUBLISH or concern.published_on is None]
    elif author:
        moves.append(Move.REPLY)
    else:
        moves += LEADER_MOVES
    takes_back = {
        Naming.NAMED: author,
        Naming.SQUAD: bool({concern.unit} & viewer.units),
        Naming.ANONYMOUS: holds_receipt,
    }
    if takes_back[concern.naming]:
        moves.append(Move.WITHDRAW)
    return tuple(moves)


def state_after(state: ConcernState, move: Move) -> ConcernState:
    """Where a move leads.

    Raises:
        ValueError: the concern is closed.

    >>> state_after(ConcernState.RAISED, Move.ASK).value
    'acknowledged'
    >>> state_after(ConcernState.OPTIONS_OFFERED, Move.ACKNOWLEDGE).value
    'options_offered'
    """
    if state.closed:
        raise ValueError(f"The concern is {state.value}; raise another one if there is more to say")
    to = MOVES[move].to
    if move in LEADER_MOVES:
        return ConcernState.ACKNOWLEDGED if state is ConcernState.RAISED else state
    return to or state


def visible_on(raised_on: date, published_on: date | None) -> date:
    """The first day on which everybody sees a concern."""
    due = after_working_days(raised_on, GRACE_DAYS)
    return due if published_on is None else min(due, published_on)


def after_working_days(day: date, count: int) -> date:
    """The working day that is `count` working days after a day.

    >>> after_working_days(date(2026, 11, 26), 5)  # a Thursday
    datetime.date(2026, 12, 3)
    >>> after_working_days(date(2026, 11, 28), 1)  # a Saturday
    datetime.date(2026, 11, 30)
    """
    while count:
        day += timedelta(days=1)
        count -= day.weekday() <= FRIDAY
    return day


def working_days_between(start: date, end: date) -> int:
    """How many working days after `start` the day `end` is; 0 on the same day and before the next working day.

    >>> working_days_between(date(2026, 11, 27), date(2026, 11, 30))  # from a Friday to the Monday
    1
    """
    weeks, days = divmod(max((end - start).days, 0), 7)
    return 5 * weeks + sum((start + timedelta(days=step)).weekday() <= FRIDAY for step in range(1, days + 1))
