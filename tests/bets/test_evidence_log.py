"""The evidence log in the graph: recording, flowing in, and what a decision keeps."""

from typing import Any

import pytest
import sqlalchemy as sa

from counterpoint.bets.decisions import decide, decisions
from counterpoint.bets.evidence import Direction, EvidenceInput, Method, standing
from counterpoint.bets.evidence_log import add_evidence, read_evidence
from counterpoint.bets.inflow import ENDED, OFFERED
from counterpoint.bets.model import Risk
from counterpoint.bets.store import read, write
from counterpoint.bets.tables import EVIDENCE, FOLLOW_UP, STANCE
from counterpoint.errors import CounterpointError, InputError, NotAllowedError
from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM, Actor

BET = "bet:default/weekly"
ANA = Actor("user:default/ana", "Ana", "person", units=frozenset({"group:default/discovery"}))
BO = Actor("user:default/bo", "Bo", "person", units=frozenset({"group:default/home"}))
EVE = Actor("user:default/eve", "Eve", "person")


def group(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name},
        "spec": {"type": "squad", "children": []},
    }


def ours(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"owner": "discovery", **spec},
    }


@pytest.fixture
def bet(graph: Graph) -> Graph:
    with graph.write(SYSTEM) as writer:
        writer.put(group("discovery"))
        writer.put(group("home"))
        writer.put(ours("Bet", "weekly", contributors=["home"]))
        writer.put(ours("Experiment", "test", bet="weekly", flag="f", control="a", treatments=["b"]))
        writer.put(ours("Rollout", "out", bet="weekly", flag="f"))
    return graph


def given(**fields: Any) -> EvidenceInput:
    plain: dict[str, Any] = {"risk": Risk.VALUE, "method": Method.INTERVIEW, "direction": Direction.FOR}
    return EvidenceInput(**plain | fields)


def told(graph: Graph, action: str, subject: str, after: Any) -> None:
    with graph.write(SYSTEM) as writer:
        writer.record(action, subject, after=after)


def test_evidence_is_kept_as_it_was_given(bet: Graph) -> None:
    made = add_evidence(bet, BET, given(sample=12, cost=1.5, note="Eleven said yes.", link="/x"), actor=ANA)
    assert read_evidence(bet, "weekly") == (made,)
    assert (made.strength, made.sample, made.cost, made.actor) == (1, 12, 1.5, ANA.ref)
    with bet.read() as reader:
        (entry,) = reader.activity(action="evidence.added")
    assert (entry.subject, entry.after["evidence"]) == (BET, made.id)


def test_the_same_source_is_recorded_once(bet: Graph) -> None:
    first = add_evidence(bet, BET, given(source="study-7"), actor=ANA)
    again = add_evidence(bet, BET, given(source="study-7", note="later"), actor=ANA)
    assert again == first
    assert len(read_evidence(bet, BET)) == 1


def test_contributors_may_add_and_others_may_not(bet: Graph) -> None:
    add_evidence(bet, BET, given(), actor=BO)
    with pytest.raises(NotAllowedError):
        add_evidence(bet, BET, given(), actor=EVE)


def test_a_helper_that_does_not_exist_opens_the_bet_to_nobody(bet: Graph) -> None:
    write(bet, ours("Bet", "weekly", contributors=["nowhere"], sponsor="nobody"), actor=SYSTEM)
    with pytest.raises(NotAllowedError):
        add_evidence(bet, BET, given(), actor=EVE)


@pytest.mark.parametrize("table", [EVIDENCE, STANCE, FOLLOW_UP], ids=lambda table: table.name)
def test_the_database_refuses_to_change_what_is_recorded(bet: Graph, table: sa.Table) -> None:
    add_evidence(bet, BET, given(), actor=ANA)
    with bet.write(SYSTEM) as writer:
        if table is not EVIDENCE:
            row: dict[str, Any] = {"id": "1", "seq": 10**6, "bet": BET, "at": 1, "actor": "a"}
            rest = {column.name: "x" for column in table.columns if column.name not in row}
            writer.connection.execute(sa.insert(table).values(row | rest))
    for statement in (sa.update(table).values(actor="eve"), sa.delete(table)):
        with pytest.raises((CounterpointError, sa.exc.DBAPIError)), bet.write(SYSTEM) as writer:
            writer.connection.execute(statement)


def test_the_reading_of_an_experiment_is_evidence_of_value_and_the_newest_counts(bet: Graph) -> None:
    arms = [{"variant": "a", "users": 400}, {"variant": "b", "users": 410}]
    told(bet, "experiment.read", "experiment:default/test", {"verdict": "keep running", "arms": arms})
    (open_one,) = read_evidence(bet, BET)
    assert (open_one.direction, open_one.sample) == (Direction.UNCLEAR, 810)
    told(bet, "experiment.read", "experiment:default/test", {"verdict": "ship", "sentence": "It rose."})
    (row,) = read_evidence(bet, BET)
    assert (row.risk, row.method, row.direction, row.strength) == (
        Risk.VALUE,
        Method.EXPERIMENT,
        Direction.FOR,
        4,
    )
    assert row.note == "test: It rose."
    assert read(bet, BET).risks[0].level == "low"


def test_the_figures_of_an_invalid_experiment_are_no_evidence(bet: Graph) -> None:
    told(bet, "experiment.read", "experiment:default/test", {"verdict": "invalid"})
    (row,) = read_evidence(bet, BET)
    assert (row.strength, row.direction) == (0, Direction.UNCLEAR)


@pytest.mark.parametrize(
    ("outcome", "direction"),
    [("completed", "for"), ("rolled_back", "against"), ("lost", "unclear")],
)
def test_the_end_of_a_rollout_is_evidence_of_feasibility(bet: Graph, outcome: str, direction: str) -> None:
    told(bet, ENDED, "rollout:default/out", {"outcome": outcome, "users": 5_000})
    (row,) = read_evidence(bet, BET)
    assert (row.risk, row.direction.value, row.sample) == (Risk.FEASIBILITY, direction, 5_000)


def test_any_room_may_offer_evidence_and_what_cannot_be_read_is_passed_over(bet: Graph) -> None:
    offer = {"risk": "usability", "method": "feedback", "direction": "against", "source": "feedback#1"}
    told(bet, OFFERED, BET, offer)
    told(bet, OFFERED, BET, offer | {"strength": 9})
    told(bet, OFFERED, BET, "nonsense")
    (row,) = read_evidence(bet, BET)
    assert (row.risk, row.source) == (Risk.USABILITY, "feedback#1")


def test_feedback_that_was_taken_as_evidence_counts_as_one_voice(bet: Graph) -> None:
    evidence = {
        "bet": BET,
        "risk": "usability",
        "method": "feedback",
        "n": 1,
        "direction": "against",
        "strength": 1,
        "link": "/feedback/7",
        "on": "2026-05-03",
    }
    told(bet, "feedback.settled", BET, {"feedback": "7", "evidence": evidence})
    told(bet, "feedback.settled", BET, {"feedback": "8"})
    (row,) = read_evidence(bet, BET)
    assert (row.method, row.direction, row.sample, row.strength) == (Method.FEEDBACK, Direction.AGAINST, 1, 1)
    assert (row.link, row.source) == ("/feedback/7", "feedback:7")


def test_a_decision_keeps_the_evidence_that_it_saw(bet: Graph) -> None:
    told(bet, "experiment.read", "experiment:default/test", {"verdict": "ship"})
    own = add_evidence(bet, BET, given(), actor=ANA)
    decide(bet, BET, "advance", actor=ANA)
    with bet.write(SYSTEM) as writer:
        writer.delete("experiment:default/test")
    rows = {row.id: row for row in read_evidence(bet, BET)}
    (kept,) = decisions(bet, BET)
    assert set(kept.known.evidence) == set(rows)
    assert own.id in rows
    assert kept.known.risks[0].level == "low"


def test_a_reading_that_was_written_down_is_not_told_twice(bet: Graph) -> None:
    told(bet, "experiment.read", "experiment:default/test", {"verdict": "ship"})
    decide(bet, BET, "persevere", actor=ANA)
    decide(bet, BET, "persevere", actor=ANA)
    assert len(read_evidence(bet, BET)) == 1


def test_a_correction_must_be_of_this_bet(bet: Graph) -> None:
    with pytest.raises(InputError) as caught:
        add_evidence(bet, BET, given(corrects="none"), actor=ANA)
    assert caught.value.problems[0].pointer == "/corrects"
    wrong = add_evidence(bet, BET, given(), actor=ANA)
    right = add_evidence(bet, BET, given(corrects=wrong.id, direction=Direction.AGAINST), actor=ANA)
    rows = read_evidence(bet, BET)
    assert len(rows) == 2
    assert standing(rows) == (right,)
