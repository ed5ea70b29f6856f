"""Predictions are independent: nobody sees another's before the reveal, and nobody whose it was after it."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from counterpoint.bets.judgement.adopting import adopt_pooled
from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.estimating import judged
from counterpoint.bets.judgement.looking_back import calibration, own_record
from counterpoint.bets.judgement.pooled import spread
from counterpoint.bets.judgement.predicting import (
    ask,
    predict,
    predict_range,
    question,
    questions,
    questions_page,
    take_step,
)
from counterpoint.bets.judgement.prediction import ALLOWED, QuestionState, Step, state_after
from counterpoint.bets.store import write
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph

UNIT = frozenset({"group:default/discovery"})
ANA = Actor("user:default/ana", "Ana", "person", units=UNIT)
BO = Actor("user:default/bo", "Bo", "person")
CY = Actor("user:default/cy", "Cy", "person")
DI = Actor("user:default/di", "Di", "person")
ADMIN = Actor("user:default/root", "Root", "person", admin=True)
TOKEN = Actor("token:ci", "ci", "service", scopes=frozenset({"read", "write"}))
REF = "bet:default/weekly"
GROUP = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Group",
    "metadata": {"name": "discovery"},
    "spec": {"type": "squad", "children": []},
}
BET = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Bet",
    "metadata": {"name": "weekly"},
    "spec": {"owner": "discovery"},
}


def with_bet(graph: Graph) -> Graph:
    with graph.write(SYSTEM) as writer:
        writer.put(GROUP)
    write(graph, BET, actor=ANA)
    return graph


def test_before_the_reveal_each_sees_their_own_and_a_number(graph: Graph) -> None:
    asked = ask(with_bet(graph), REF, "Will one in ten\nopen it?", actor=ANA, resolves_on="2026-12-01")
    assert (asked.question, asked.mine, asked.predicted) == ("Will one in ten open it?", None, 0)
    predict(graph, asked.id, 0.9, actor=ANA)
    predict(graph, asked.id, 0.2, actor=BO)
    for actor, mine in ((ANA, 0.9), (BO, 0.2), (CY, None), (ADMIN, None), (TOKEN, None), (SYSTEM, None)):
        seen = question(graph, asked.id, actor=actor)
        assert (seen.mine, seen.predicted, seen.spread) == (mine, 2, None)
        assert questions(graph, actor=actor, bet=REF) == (seen,)


def test_after_the_reveal_only_what_all_said_together_is_told(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    for actor, p in ((ANA, 0.9), (BO, 0.2), (CY, 0.4), (ADMIN, 0.6), (DI, 0.3)):
        predict(graph, number, p, actor=actor)
    seen = take_step(graph, number, Step.REVEAL, actor=ANA)
    assert seen.spread is not None
    assert seen.spread.mean == pytest.approx(0.46)  # 0.9 counts as 0.8
    assert seen.mine == 0.9
    told = msgspec.json.encode(question(graph, number, actor=CY)).decode()
    assert all(str(p) not in told for p in (0.9, 0.2, 0.6, 0.3))
    assert "0.4" in told  # Cy's own


def test_a_range_is_locked_by_each_pooled_at_the_reveal_and_kept_as_the_estimate(graph: Graph) -> None:
    asked = ask(with_bet(graph), REF, "How many weeks?", actor=ANA, quantity=Quantity.DURATION)
    ranges = {ANA: Range(2, 4, 8), BO: Range(1, 3, 6), CY: Range(3, 8, 10)}
    for actor, own in ranges.items():
        predict_range(graph, asked.id, own, actor=actor)
    for actor in (*ranges, ADMIN, SYSTEM):
        seen = question(graph, asked.id, actor=actor)
        assert (seen.predicted, seen.pooled, seen.spread) == (3, None, None)
        assert seen.mine_range == ranges.get(actor)
    with pytest.raises(ConflictError, match="reveal it"):
        adopt_pooled(graph, asked.id, actor=ANA)
    take_step(graph, asked.id, Step.REVEAL, actor=ANA)
    with pytest.raises(ConflictError, match="locked"):
        predict_range(graph, asked.id, ranges[BO], actor=BO)
    seen = question(graph, asked.id, actor=ADMIN)
    assert seen.pooled is not None
    assert seen.pooled.range == Range(2, 5, 8)
    with pytest.raises(NotAllowedError):
        adopt_pooled(graph, asked.id, actor=BO)
    adopt_pooled(graph, asked.id, actor=ANA)
    assert [(each.quantity, each.range) for each in judged(graph, REF).estimates] == [
        (Quantity.DURATION, Range(2, 5, 8))
    ]
    done = take_step(graph, asked.id, Step.RESOLVE, actor=ANA, amount=7.0)
    assert (done.state, done.amount, done.outcome) == (QuestionState.RESOLVED, 7.0, None)
    assert calibration(graph).n == 0


def test_a_question_takes_what_it_asks_for(graph: Graph) -> None:
    chance = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    wide = ask(graph, REF, "What does it cost?", actor=ANA, quantity=Quantity.COST, unit="kEUR").id
    with pytest.raises(InputError, match="cannot be taken"):
        predict_range(graph, chance, Range(1, 2, 3), actor=BO)
    for wrong in (0.5, Range(3, 2, 1), Range(-1, 0, 1)):
        with pytest.raises(InputError):
            _ = (
                predict_range(graph, wide, wrong, actor=BO)
                if isinstance(wrong, Range)
                else predict(graph, wide, wrong, actor=BO)
            )
    with pytest.raises(InputError) as refused:
        ask(graph, REF, "Will people want it?", actor=ANA, quantity=Quantity.RISK_VALUE, unit="x" * 99)
    assert [each.pointer for each in refused.value.problems] == ["/quantity", "/unit"]
    take_step(graph, wide, Step.REVEAL, actor=ANA)
    for came in ({"outcome": True}, {}, {"amount": float("nan")}, {"amount": -1.0}, {"amount": 1e300}):
        with pytest.raises(InputError):
            take_step(graph, wide, Step.RESOLVE, actor=ANA, **came)
    assert question(graph, wide, actor=BO).unit == "kEUR"


def test_questions_are_read_page_by_page(graph: Graph) -> None:
    with_bet(graph)
    numbers = [ask(graph, REF, f"Will it be {place}?", actor=ANA).id for place in range(3)]
    first = questions_page(graph, actor=BO, bet=REF, limit=2)
    second = questions_page(graph, actor=BO, limit=2, cursor=first.next_cursor)
    assert [each.id for page in (first, second) for each in page.items] == numbers[::-1]
    assert second.next_cursor is None
    with pytest.raises(InputError, match="no cursor"):
        questions_page(graph, actor=BO, cursor="x")


def test_of_two_people_nothing_is_shown_since_each_would_know_the_other(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    for actor, p in ((ANA, 0.9), (BO, 0.2)):
        predict(graph, number, p, actor=actor)
    seen = take_step(graph, number, Step.REVEAL, actor=ANA)
    assert seen.spread is not None
    assert (seen.spread.n, seen.spread.mean) == (2, None)
    take_step(graph, number, Step.RESOLVE, actor=ANA, outcome=True)
    assert calibration(graph).n == 0
    assert own_record(graph, BO).calibration.n == 1


def test_given_again_the_last_counts_until_the_reveal_locks_it(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    predict(graph, number, 0.9, actor=BO)
    assert predict(graph, number, 0.3, actor=BO).mine == 0.3
    assert question(graph, number, actor=BO).predicted == 1
    take_step(graph, number, Step.REVEAL, actor=ANA)
    with pytest.raises(ConflictError, match="locked"):
        predict(graph, number, 0.1, actor=BO)
    assert question(graph, number, actor=BO).mine == 0.3


def test_the_database_itself_refuses_late_and_changed_predictions(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    predict(graph, number, 0.9, actor=BO)
    take_step(graph, number, Step.REVEAL, actor=ANA)
    for statement in (
        f"INSERT INTO bets_prediction (seq, question, person, p) VALUES (999, '{number}', 'user:default/cy', 0.5)",
        "UPDATE bets_prediction SET p = 0.1",
        "UPDATE bets_prediction_step SET outcome = 1",
        "DELETE FROM bets_prediction_step",
        "DELETE FROM bets_prediction_question",
    ):
        with pytest.raises(sa.exc.DBAPIError), graph.write(SYSTEM) as writer:
            writer.connection.exec_driver_sql(statement)


def test_the_activity_log_tells_that_a_prediction_was_locked_and_neither_whose_nor_which(
    graph: Graph,
) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    for actor, p in ((BO, 0.123), (CY, 0.456)):
        predict(graph, number, p, actor=actor)
    take_step(graph, number, Step.REVEAL, actor=ANA)
    take_step(graph, number, Step.RESOLVE, actor=ANA, outcome=False)
    with graph.read() as reader:
        entries = reader.activity(limit=100)
    assert [entry.action for entry in entries][:5] == [
        "prediction.resolved",
        "prediction.revealed",
        "prediction.locked",
        "prediction.locked",
        "prediction.asked",
    ]
    told = repr(entries)
    assert "0.123" not in told
    assert "0.456" not in told
    assert "user:default/bo" not in told
    assert "user:default/cy" not in told


def test_portfolio_calibration_is_of_questions_and_each_sees_only_their_own(graph: Graph) -> None:
    with_bet(graph)
    for outcome in (True, False):
        number = ask(graph, REF, "Will it?", actor=ANA).id
        for actor, p in ((ANA, 0.9), (BO, 0.6), (CY, 0.6)):
            predict(graph, number, p, actor=actor)
        take_step(graph, number, Step.REVEAL, actor=ANA)
        take_step(graph, number, Step.RESOLVE, actor=ANA, outcome=outcome)
    found = calibration(graph)
    assert found.n == 2
    together = (0.8 + 0.6 + 0.6) / 3
    assert found.brier == pytest.approx(((1 - together) ** 2 + together**2) / 2, abs=1e-4)
    assert own_record(graph, ANA).calibration.brier == pytest.approx((0.1**2 + 0.9**2) / 2)
    assert own_record(graph, ADMIN).items == ()


def test_services_do_not_predict_and_strangers_do_not_reveal(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    with pytest.raises(NotAllowedError, match="only people predict"):
        predict(graph, number, 0.5, actor=TOKEN)
    for step in (Step.REVEAL, Step.WITHDRAW):
        with pytest.raises(NotAllowedError):
            take_step(graph, number, step, actor=BO)
    with pytest.raises(NotAllowedError):
        ask(graph, REF, "Mine?", actor=BO)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, 1.2, float("nan"), float("inf")])
def test_what_is_no_chance_is_refused(graph: Graph, p: float) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    with pytest.raises(InputError) as refused:
        predict(graph, number, p, actor=BO)
    assert refused.value.problems[0].pointer == "/p"


def test_what_is_no_question_is_refused_with_its_place(graph: Graph) -> None:
    with_bet(graph)
    with pytest.raises(InputError) as refused:
        ask(graph, REF, " ", actor=ANA, reveal_on="soon")
    assert [problem.pointer for problem in refused.value.problems] == ["/question", "/revealOn"]
    with pytest.raises(NotFoundError):
        question(graph, "no-such", actor=ANA)
    number = ask(graph, REF, "Will it?", actor=ANA).id
    with pytest.raises(InputError, match="cannot be taken"):
        take_step(graph, number, Step.RESOLVE, actor=ANA)
    with pytest.raises(ConflictError, match="reveal it first"):
        take_step(graph, number, Step.RESOLVE, actor=ANA, outcome=True)


class Asking(RuleBasedStateMachine):
    """People predict, the owner reveals, resolves or withdraws, in any sequence; others look on all the time."""

    people = (ANA, BO, CY, ADMIN)

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="counterpoint-")
        file = Path(self.folder.name) / "graph.db"
        file.touch()
        self.graph = Graph(file)
        self.graph.migrate()
        with_bet(self.graph)
        self.number = ask(self.graph, REF, "Will it?", actor=ANA).id
        self.given: dict[str, float] = {}
        self.steps: list[Step] = []

    def teardown(self) -> None:
        self.graph.close()
        self.folder.cleanup()

    @property
    def state(self) -> QuestionState:
        return state_after(self.steps)

    @rule(who=st.sampled_from(people), p=st.floats(0.01, 0.99))
    def predict(self, who: Actor, p: float) -> None:
        if self.state is QuestionState.OPEN:
            predict(self.graph, self.number, p, actor=who)
            self.given[who.ref] = p
        else:
            with pytest.raises(ConflictError):
                predict(self.graph, self.number, p, actor=who)

    @precondition(lambda self: len(self.given) > 1)
    @rule(step=st.sampled_from(Step))
    def step(self, step: Step) -> None:
        outcome = True if step is Step.RESOLVE else None
        if (self.state, step) in ALLOWED:
            take_step(self.graph, self.number, step, actor=ANA, outcome=outcome)
            self.steps.append(step)
        else:
            with pytest.raises(ConflictError):
                take_step(self.graph, self.number, step, actor=ANA, outcome=outcome)

    @invariant()
    def nobody_sees_more_than_they_may(self) -> None:
        for who in (*self.people, SYSTEM):
            seen = question(self.graph, self.number, actor=who)
            assert seen.state is self.state
            assert seen.mine == self.given.get(who.ref)
            if Step.REVEAL not in self.steps:
                assert seen.spread is None
            else:
                assert seen.spread == spread(list(self.given.values()))


TestAsking: Any = Asking.TestCase
TestAsking.settings = settings(max_examples=6, stateful_step_count=10, deadline=None)
