"""Predictions are independent: nobody sees another's before the reveal, and nobody whose it was after it."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from counterpoint.bets.judgement.predicting import (
    ask,
    calibration,
    own_record,
    predict,
    question,
    questions,
    take_step,
)
from counterpoint.bets.judgement.prediction import ALLOWED, SHOWN_FROM, QuestionState, Step, state_after
from counterpoint.bets.store import write
from counterpoint.errors import ConflictError, InputError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import SYSTEM, Actor
from counterpoint.graph.store import Graph

UNIT = frozenset({"group:default/discovery"})
ANA = Actor("user:default/ana", "Ana", "person", units=UNIT)
BO = Actor("user:default/bo", "Bo", "person")
CY = Actor("user:default/cy", "Cy", "person")
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


def test_after_the_reveal_values_are_sorted_and_have_no_names(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    for actor, p in ((ANA, 0.9), (BO, 0.2), (CY, 0.4)):
        predict(graph, number, p, actor=actor)
    seen = take_step(graph, number, Step.REVEAL, actor=ANA)
    assert seen.spread is not None
    assert seen.spread.values == (0.2, 0.4, 0.9)
    assert seen.spread.mean == pytest.approx(0.5)
    assert seen.mine == 0.9


def test_of_two_people_nothing_is_shown_since_each_would_know_the_other(graph: Graph) -> None:
    number = ask(with_bet(graph), REF, "Will it?", actor=ANA).id
    for actor, p in ((ANA, 0.9), (BO, 0.2)):
        predict(graph, number, p, actor=actor)
    seen = take_step(graph, number, Step.REVEAL, actor=ANA)
    assert seen.spread is not None
    assert (seen.spread.n, seen.spread.mean, seen.spread.values) == (2, None, ())
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
    assert found.brier == pytest.approx((0.3**2 + 0.7**2) / 2)
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
            elif len(self.given) >= SHOWN_FROM:
                assert seen.spread is not None
                assert list(seen.spread.values) == sorted(self.given.values())
            else:
                assert seen.spread is not None
                assert seen.spread.values == ()


TestAsking: Any = Asking.TestCase
TestAsking.settings = settings(max_examples=6, stateful_step_count=10, deadline=None)
