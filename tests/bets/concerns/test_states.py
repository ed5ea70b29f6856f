"""Any sequence of moves by anybody on any day: the states hold, and nobody sees what is not for them yet."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from counterpoint.bets.concerns.figures import figures_of
from counterpoint.bets.concerns.model import (
    GRACE_DAYS,
    Answer,
    Concern,
    ConcernState,
    Move,
    Naming,
    Risk,
    after_working_days,
    state_after,
    working_days_between,
)
from counterpoint.bets.concerns.raising import Raised, raise_concern
from counterpoint.bets.concerns.store import answer, list_concerns
from counterpoint.errors import ConflictError, CounterpointError, InputError
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor
from tests.bets.machines import OnGraph

from .conftest import ANA, BET, BO, BOSS, CLEO, LEAD, OUTSIDE, SHARED, fill

SQUAD = (ANA, BO)
EVERYBODY = (*SQUAD, LEAD, *OUTSIDE)


class Concerns(OnGraph):
    """A model beside the store: the day on which each concern was published, and whether it is closed."""

    @initialize()
    def begin(self) -> None:
        self.open_graph()
        self.day = date(2026, 11, 27)
        self.raised: list[tuple[Raised, Actor]] = []
        self.published: dict[str, date] = {}
        self.withdrawn: dict[str, date] = {}

    @rule(days=st.integers(1, 4))
    def time_passes(self, days: int) -> None:
        self.day += timedelta(days=days)

    @rule(
        who=st.sampled_from((ANA, BO, CLEO, BOSS)),
        naming=st.sampled_from(Naming),
        bet=st.sampled_from((BET, SHARED)),
    )
    def somebody_raises(self, who: Actor, naming: Naming, bet: str) -> None:
        try:
            made = raise_concern(self.graph, bet, "x", actor=who, naming=naming, today=self.day)
        except InputError:
            assert who not in SQUAD
            assert naming is not Naming.NAMED
            return
        assert (made.concern.author == who.ref) == (naming is Naming.NAMED)
        self.raised.append((made, who))

    @rule(
        who=st.sampled_from(EVERYBODY),
        move=st.sampled_from(Move),
        which=st.integers(0, 5),
        receipt=st.booleans(),
    )
    def somebody_moves(self, who: Actor, move: Move, which: int, receipt: bool) -> None:
        if not self.raised:
            return
        made, _ = self.raised[which % len(self.raised)]
        number = made.concern.id
        try:
            after = answer(
                self.graph,
                number,
                move,
                "words",
                actor=who,
                receipt=made.receipt if receipt else None,
                today=self.day,
            ).concern
        except CounterpointError as error:
            assert "block" not in error.message  # noqa: PT017 - governance is soft, in words too
            return
        if move is Move.PUBLISH:
            self.published[number] = self.day
        if move is Move.WITHDRAW:
            self.withdrawn[number] = self.day
            assert made.concern.naming is not Naming.ANONYMOUS or receipt
        assert after.answers[-1].move is move
        assert after.state.closed == (move in (Move.WITHDRAW, Move.RESOLVE))

    @invariant()
    def nobody_sees_what_is_not_for_them(self) -> None:
        if not hasattr(self, "graph"):
            return
        for who in EVERYBODY:
            shown = {each.concern.id for each in list_concerns(self.graph, actor=who, today=self.day)}
            for made, author in self.raised:
                concern = made.concern
                due = after_working_days(concern.raised_on, GRACE_DAYS)
                seen_from = min(due, self.published.get(concern.id, due))
                taken = self.withdrawn.get(concern.id)
                inside = who in SQUAD or (who == CLEO and concern.unit == "group:default/player")
                own = concern.naming is Naming.NAMED and who == author
                released = self.day >= seen_from and (taken is None or taken >= seen_from)
                led = who == LEAD and concern.bet == SHARED and taken is None
                assert (concern.id in shown) == (inside or own or released or led)


Concerns.TestCase.settings = settings(max_examples=6, stateful_step_count=14, deadline=None)
TestConcerns = Concerns.TestCase


@pytest.mark.parametrize("state", [ConcernState.RESOLVED, ConcernState.WITHDRAWN])
@pytest.mark.parametrize("move", list(Move))
def test_what_is_closed_stays_closed(state: ConcernState, move: Move) -> None:
    with pytest.raises(ValueError, match="raise another one"):
        state_after(state, move)


@pytest.mark.parametrize(
    ("move", "states"),
    [
        (Move.ACKNOWLEDGE, ("acknowledged", "acknowledged", "options_offered")),
        (Move.OFFER_HELP, ("acknowledged", "acknowledged", "options_offered")),
        (Move.REPLY, ("raised", "acknowledged", "options_offered")),
        (Move.PUBLISH, ("raised", "acknowledged", "options_offered")),
        (Move.OFFER_OPTIONS, ("options_offered",) * 3),
        (Move.RESOLVE, ("resolved",) * 3),
    ],
)
def test_where_a_move_leads(move: Move, states: tuple[str, ...]) -> None:
    live = (ConcernState.RAISED, ConcernState.ACKNOWLEDGED, ConcernState.OPTIONS_OFFERED)
    assert tuple(state_after(each, move).value for each in live) == states


def test_working_days_leave_out_weekends() -> None:
    friday = date(2026, 11, 27)
    assert after_working_days(friday, 1) == date(2026, 11, 30)
    assert after_working_days(friday, 5) == date(2026, 12, 4)
    assert working_days_between(friday, date(2026, 11, 29)) == 0
    assert working_days_between(friday, date(2026, 12, 4)) == 5


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(-30, 900))
def test_working_days_are_counted_as_one_by_one(start: date, days: int) -> None:
    each = (start + timedelta(days=step) for step in range(1, days + 1))
    counted = working_days_between(start, start + timedelta(days=days))
    assert counted == sum(day.weekday() < 5 for day in each)


def made(number: int, *moves: tuple[Move, date]) -> Concern:
    """A concern raised on a Monday, and published that day, about a date ten days later."""
    monday = date(2026, 11, 2)
    told = tuple(
        Answer(number=place, move=move, by="user:default/tove", on=on, outside=True)
        for place, (move, on) in enumerate(moves, 1)
    )
    return Concern(
        id=str(number),
        bet=BET,
        unit="group:default/discovery",
        owner="group:default/discovery",
        risk=Risk.DEADLINE,
        text="x",
        naming=Naming.SQUAD,
        raised_on=monday,
        about_on=monday + timedelta(days=10 + number),
        published_on=monday,
        state=ConcernState.ACKNOWLEDGED if told else ConcernState.RAISED,
        answers=told,
    )


def test_figures_are_what_one_counts_by_hand() -> None:
    monday = date(2026, 11, 2)
    found = [
        made(0, (Move.ACKNOWLEDGE, monday)),
        made(1, (Move.ACKNOWLEDGE, monday + timedelta(days=1)), (Move.OFFER_HELP, date(2026, 11, 9))),
        made(2, (Move.ASK, monday + timedelta(days=2))),
        made(3, (Move.CHANGE_CONSTRAINT, monday + timedelta(days=7))),
        made(4, (Move.ACKNOWLEDGE, monday + timedelta(days=1))),
        made(5),
    ]
    told = figures_of(found, date(2026, 11, 30))
    assert told.lead_days is not None
    assert (told.lead_days.n, told.lead_days.median) == (6, 12.5)
    assert told.response_days is not None
    assert (told.response_days.n, told.response_days.median) == (5, 1)
    assert told.in_time is not None
    assert (told.in_time.n, told.in_time.share) == (6, 0.5)
    assert told.helped is not None
    assert (told.helped.n, told.helped.share) == (5, 0.4)
    few = figures_of(found[:4], date(2026, 11, 30))
    assert (few.lead_days, few.response_days, few.in_time, few.helped) == (None,) * 4


def test_a_closed_concern_refuses_in_words(graph: Graph) -> None:
    fill(graph)
    number = raise_concern(graph, BET, "x", actor=ANA).concern.id
    answer(graph, number, Move.RESOLVE, "Done.", actor=BO)
    with pytest.raises(ConflictError, match="resolved already"):
        answer(graph, number, Move.REPLY, "More.", actor=BO)
