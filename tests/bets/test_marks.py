"""What a board says of a bet beside its own words: open concerns as far as one may see them, and its chance."""

from datetime import UTC, date, datetime

import pytest

from counterpoint.bets.board import Board, read_board
from counterpoint.bets.concerns.model import Move, Naming
from counterpoint.bets.concerns.raising import raise_concern
from counterpoint.bets.concerns.store import answer
from counterpoint.bets.evidence import Direction, EvidenceInput, Method
from counterpoint.bets.evidence_log import add_evidence
from counterpoint.bets.judgement.estimates import RISKS, Range
from counterpoint.bets.judgement.estimating import estimate
from counterpoint.bets.judgement.predicting import ask, predict, take_step
from counterpoint.bets.judgement.prediction import Step
from counterpoint.bets.marks import ProbabilityMark, chance_of_all
from counterpoint.bets.model import Risk
from counterpoint.graph import Graph
from counterpoint.graph.actor import Actor
from tests.bets.concerns.conftest import ADMIN, ANA, BET, BO, CLEO, TOKEN, fill

DAY = date(2026, 7, 27)
NOW = datetime(2026, 7, 27, 9, tzinfo=UTC)


def mark(board: Board, name: str) -> object:
    rows = [row for column in board.columns for row in column.bets if row.line.bet.ref == BET]
    return getattr(rows[0], name)


def board(graph: Graph, actor: Actor) -> Board:
    return read_board(graph, "discovery", actor=actor, now=NOW)


@pytest.fixture
def org(graph: Graph) -> Graph:
    fill(graph)
    return graph


def test_who_may_not_see_a_concern_sees_no_mark(org: Graph) -> None:
    made = raise_concern(org, BET, "The date is in danger.", actor=ANA, naming=Naming.ANONYMOUS, today=DAY)
    for actor, seen in ((BO, 1), (CLEO, None), (ADMIN, None), (TOKEN, None)):
        found = mark(board(org, actor), "concern")
        assert (found.open if found else None) == seen, actor.name
    answer(org, made.concern.id, Move.PUBLISH, actor=BO, today=DAY)
    found = mark(board(org, CLEO), "concern")
    assert (found.open, found.waiting) == (1, 1)
    answer(org, made.concern.id, Move.RESOLVE, "The date moved.", actor=BO, today=DAY)
    assert mark(board(org, BO), "concern") is None


def test_a_locked_prediction_and_one_of_two_people_leave_no_mark(org: Graph) -> None:
    number = ask(org, BET, "Will it be kept?", actor=ANA).id
    for actor, p in ((ANA, 0.9), (BO, 0.5)):
        predict(org, number, p, actor=actor)
    assert mark(board(org, ANA), "probability") is None
    take_step(org, number, Step.REVEAL, actor=ANA)
    assert mark(board(org, ANA), "probability") is None
    other = ask(org, BET, "Will it be loved?", actor=ANA).id
    for actor, p in ((ANA, 0.9), (BO, 0.5), (CLEO, 0.7)):
        predict(org, other, p, actor=actor)
    assert mark(board(org, ANA), "probability") is None
    take_step(org, other, Step.REVEAL, actor=ANA)
    found = mark(board(org, CLEO), "probability")
    assert isinstance(found, ProbabilityMark)
    assert (found.low, found.high) == (None, None)  # single predictions are shown to nobody
    assert found.middle == pytest.approx(0.6667)  # 0.9 counts as 0.8


def test_estimates_come_first_and_evidence_since_moves_them(org: Graph) -> None:
    for quantity in RISKS:
        estimate(org, BET, quantity, Range(0.4, 0.6, 0.8), actor=ANA)
    before = mark(board(org, ANA), "probability")
    assert isinstance(before, ProbabilityMark)
    assert before == chance_of_all(dict.fromkeys(RISKS, Range(0.4, 0.6, 0.8)))
    assert before.low < before.middle < before.high
    assert before.middle == pytest.approx(0.6**4, abs=0.03)
    against = EvidenceInput(risk=Risk.VALUE, method=Method.EXPERIMENT, direction=Direction.AGAINST)
    add_evidence(org, BET, against, actor=ANA)
    after = mark(board(org, ANA), "probability")
    assert isinstance(after, ProbabilityMark)
    assert after.high < before.low


def test_a_risk_that_nobody_looked_at_may_be_anything_and_is_named() -> None:
    found = chance_of_all({RISKS[0]: Range(0.98, 0.99, 0.995)})
    assert "Unknown: usability, feasibility, viability." in found.note
    assert found.low < 0.02
    assert found.high > 0.3
