from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from counterpoint.bets.model import Bet, Reading, Stage, Stance, State, advice, newest, read_bet

AT = datetime(2026, 5, 3, 9, tzinfo=UTC)


def entity(spec: dict[str, Any], **metadata: Any) -> Any:
    document = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "weekly", **metadata},
        "spec": spec,
    }
    return SimpleNamespace(
        ref="bet:default/weekly",
        namespace="default",
        name="weekly",
        owner="group:default/discovery",
        etag="e1",
        updated_at=AT,
        document=document,
    )


def reading(verdict: str, at: datetime = AT) -> Reading:
    return Reading(
        experiment="experiment:default/weekly",
        title="Weekly",
        at=at,
        verdict=verdict,
        sentence="It is better.",
    )


FULL = {
    "owner": "discovery",
    "stage": "ship",
    "purpose": "music-for-everyone",
    "beliefs": ["taste"],
    "hypothesis": "We believe a weekly list will bring listeners back.",
    "success": [{"metric": "retention", "expect": "up"}],
    "guardrails": [{"metric": "start-time", "margin": 0.01}],
    "kill": "Fewer than one in ten open it.",
    "patience": "2026-09-01",
}


def test_every_field_of_the_document_is_read() -> None:
    bet = read_bet(entity(FULL, title="A weekly list"))
    assert (bet.title, bet.stage, bet.state) == ("A weekly list", Stage.SHIP, State.ACTIVE)
    assert (bet.purpose, bet.beliefs, bet.kill) == (
        "music-for-everyone",
        ("taste",),
        "Fewer than one in ten open it.",
    )
    assert [(item.metric, item.expect) for item in bet.success] == [("retention", "up")]
    assert [(item.metric, item.margin) for item in bet.guardrails] == [("start-time", 0.01)]
    assert bet.patience == date(2026, 9, 1)


def test_a_bet_with_only_an_owner_stands_in_think_it_and_is_called_by_its_name() -> None:
    bet = read_bet(entity({"owner": "discovery"}))
    assert (bet.title, bet.stage, bet.state, bet.patience) == ("weekly", Stage.THINK, State.ACTIVE, None)


@pytest.mark.parametrize(
    "spec",
    [
        {"stage": 3},
        {"state": "asleep"},
        {"success": "retention"},
        {"guardrails": [None, {"margin": "x"}]},
        {"patience": "soon"},
        {"beliefs": [1, None]},
    ],
)
def test_what_cannot_be_read_counts_as_left_out(spec: dict[str, Any]) -> None:
    bet = read_bet(entity(spec))
    assert bet == read_bet(entity({}))


@pytest.mark.parametrize(
    ("verdict", "stance"),
    [
        ("ship", Stance.FOR),
        ("Ship", Stance.FOR),
        ("do not ship", Stance.AGAINST),
        ("do_not_ship", Stance.AGAINST),
        ("invalid", Stance.OPEN),
        ("keep collecting", Stance.OPEN),
        ("", Stance.OPEN),
    ],
)
def test_only_a_plain_ship_speaks_for_shipping(verdict: str, stance: Stance) -> None:
    assert reading(verdict).stance is stance


def test_the_newest_reading_is_the_one_asked_for_last() -> None:
    old, new = reading("ship"), reading("invalid", datetime(2026, 6, 1, tzinfo=UTC))
    assert newest((new, old)) is new
    assert newest(()) is None


def missing(spec: dict[str, Any], readings: tuple[Reading, ...] = (), flags: int | None = None) -> list[str]:
    bet: Bet = read_bet(entity(spec))
    return [item.code for item in advice(bet, readings, flags=flags)]


@pytest.mark.parametrize(
    ("left_out", "code"),
    [("hypothesis", "hypothesis"), ("success", "success"), ("guardrails", "guardrail"), ("kill", "kill")],
)
def test_each_missing_piece_is_named(left_out: str, code: str) -> None:
    spec = {key: value for key, value in FULL.items() if key != left_out}
    assert missing(spec, (reading("ship"),), flags=1) == [code]


def test_either_a_purpose_or_a_belief_is_enough() -> None:
    assert missing({**FULL, "purpose": ""}, (reading("ship"),), flags=1) == []
    assert missing({**FULL, "beliefs": []}, (reading("ship"),), flags=1) == []
    assert missing({**FULL, "beliefs": [], "purpose": ""}, (reading("ship"),), flags=1) == ["purpose"]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("think", ["purpose", "hypothesis", "success", "kill", "value-evidence"]),
        ("build", ["purpose", "hypothesis", "success", "kill", "guardrail", "flag"]),
        ("ship", ["purpose", "hypothesis", "success", "kill", "guardrail", "flag", "readout"]),
        ("tweak", ["purpose", "hypothesis", "success", "kill", "guardrail", "flag", "readout"]),
    ],
)
def test_advice_looks_one_stage_ahead_and_back(stage: str, expected: list[str]) -> None:
    assert missing({"stage": stage}, flags=0) == expected


def test_flags_that_were_not_looked_up_are_not_called_missing() -> None:
    assert "flag" not in missing({"stage": "ship"}, flags=None)


@pytest.mark.parametrize("state", ["killed", "retired"])
def test_a_closed_bet_needs_nothing(state: str) -> None:
    assert missing({"state": state}, flags=0) == []


def test_every_piece_of_advice_says_why_and_how() -> None:
    for item in advice(read_bet(entity({"stage": "tweak"})), (), flags=0):
        assert item.why.endswith(".")
        assert item.how
