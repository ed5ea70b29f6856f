"""What the evidence log says of the risks, in the chances that the next test is chosen by."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.evidence import Direction, Evidence, Method
from counterpoint.bets.judgement.burning import ANYTHING, informed, most_to_burn, shift_of
from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.next_test import STRENGTHS, advise
from counterpoint.bets.model import Risk, Stage, read_bet
from counterpoint.bets.risks import read_risks

AT = datetime(2026, 5, 3, 9, tzinfo=UTC)
MONEY = {Quantity.VALUE: Range(400, 900, 2400), Quantity.COST: Range(180, 240, 380)}
DIRECTIONS = st.sampled_from(list(Direction))


def seen(
    risk: Risk = Risk.VALUE, direction: Direction = Direction.FOR, strength: int = 3, **more: Any
) -> Evidence:
    fields: dict[str, Any] = {"id": f"{risk}{direction}{strength}", "at": AT, "actor": "user:default/ana"}
    fields |= {"bet": "bet:default/weekly", "method": Method.PILOT, "date": AT.date()}
    return Evidence(risk=risk, direction=direction, strength=strength, **fields | more)


def test_evidence_moves_the_odds_as_a_test_of_its_strength_does() -> None:
    found = informed({Quantity.RISK_VALUE: Range(0.4, 0.5, 0.6)}, [seen(strength=4)])
    assert found[Quantity.RISK_VALUE].p50 == pytest.approx(STRENGTHS[4])
    against = informed({}, [seen(direction=Direction.AGAINST, strength=2)])
    assert against[Quantity.RISK_VALUE].p50 == pytest.approx(1 - STRENGTHS[2])


def test_what_the_estimate_knew_already_counts_no_second_time() -> None:
    estimates = {Quantity.RISK_VALUE: Range(0.4, 0.5, 0.6)}
    later = {Quantity.RISK_VALUE: AT + timedelta(days=1)}
    assert informed(estimates, [seen()], later) == estimates
    assert informed(estimates, [seen()], {Quantity.RISK_VALUE: AT - timedelta(days=1)}) != estimates


def test_opinions_and_unclear_results_move_nothing() -> None:
    rows = [seen(strength=0), seen(direction=Direction.UNCLEAR, strength=4)]
    assert shift_of(rows) == 0
    assert informed({}, rows)[Quantity.RISK_VALUE].p50 == pytest.approx(ANYTHING.p50)
    assert informed({}, []) == {}


@given(st.lists(st.tuples(DIRECTIONS, st.integers(0, 4)), max_size=6), st.integers(0, 4))
def test_many_weak_pieces_are_no_proof_and_order_does_not_count(
    rows: list[tuple[Direction, int]], strength: int
) -> None:
    made = [seen(direction=direction, strength=each) for direction, each in rows]
    assert shift_of(made) == pytest.approx(shift_of(made[::-1]))
    assert shift_of([seen(strength=strength)] * 5) == shift_of([seen(strength=strength)])
    assert abs(shift_of(made)) <= shift_of([seen(strength=4)])


def bet(stage: str) -> Any:
    spec = {"owner": "discovery", "stage": stage}
    document = {"kind": "Bet", "metadata": {"name": "weekly"}, "spec": spec}
    return type(
        "Entity",
        (),
        {"ref": "bet:default/weekly", "namespace": "default", "name": "weekly", "owner": None}
        | {"etag": "e", "updated_at": AT, "document": document},
    )


@pytest.mark.parametrize(
    ("stage", "rows", "risk"),
    [
        ("think", [], Risk.VALUE),
        ("think", [seen(strength=4)], Risk.USABILITY),
        ("build", [seen(Risk.FEASIBILITY), seen(Risk.USABILITY, strength=1)], Risk.USABILITY),
        ("tweak", [seen(risk) for risk in (Risk.VALUE, Risk.USABILITY, Risk.VIABILITY)], Risk.FEASIBILITY),
    ],
)
def test_the_risk_with_most_to_burn_is_the_stages_least_supported(
    stage: str, rows: list[Evidence], risk: Risk
) -> None:
    held = read_bet(bet(stage))
    found = most_to_burn(read_risks(held, rows), Stage(stage))
    assert found is not None
    assert found.risk is risk


def test_the_next_test_leaves_a_risk_that_is_burnt_and_says_which_one_it_is_about() -> None:
    held = read_bet(bet("think"))
    rows = [
        seen(Risk.VALUE, strength=4),
        seen(Risk.FEASIBILITY, strength=4),
        seen(Risk.VIABILITY, strength=4),
    ]
    burning = most_to_burn(read_risks(held, rows), held.stage)
    best = advise(informed(MONEY, rows), burning=burning).best
    assert best is not None
    assert best.risk == "risk-usability"
    assert (
        "It tests usability, the risk with most left to burn"
        in advise(informed(MONEY, rows), burning=burning).why
    )
    assert (
        "Nobody has estimated or tested"
        not in advise(informed(MONEY, [*rows, seen(Risk.USABILITY, strength=1)])).why
    )


def test_without_value_and_cost_the_log_alone_names_a_test_without_a_figure() -> None:
    held = read_bet(bet("think"))
    rows = [seen(Risk.USABILITY), seen(Risk.VALUE, strength=1)]
    found = advise({}, burning=most_to_burn(read_risks(held, rows), held.stage))
    assert found.sentence == "Next: Prototype in the hands of eight of them."
    assert "It tests value" in found.why
    assert found.best is None
    assert found.missing == ("value", "cost")
