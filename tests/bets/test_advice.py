from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from counterpoint.bets.advice import Load, advice, known
from counterpoint.bets.model import Bet, Reading

Missing = Callable[..., list[str]]


@pytest.fixture
def missing(make_bet: Callable[..., Bet], make_reading: Callable[..., Reading]) -> Missing:
    def look(spec: dict[str, Any], verdict: str | None = None, flags: int | None = None) -> list[str]:
        readings = () if verdict is None else (make_reading(verdict),)
        return [item.code for item in advice(make_bet(spec), readings, flags=flags)]

    return look


@pytest.mark.parametrize(
    ("left_out", "code"),
    [("hypothesis", "hypothesis"), ("success", "success"), ("guardrails", "guardrail"), ("kill", "kill")],
)
def test_each_missing_piece_is_named(
    missing: Missing, full_spec: dict[str, Any], left_out: str, code: str
) -> None:
    spec = {key: value for key, value in full_spec.items() if key != left_out}
    assert missing(spec, "ship", flags=1) == [code]


def test_either_a_purpose_or_a_belief_is_enough(missing: Missing, full_spec: dict[str, Any]) -> None:
    assert missing({**full_spec, "purpose": ""}, "ship", flags=1) == []
    assert missing({**full_spec, "beliefs": []}, "ship", flags=1) == []
    assert missing({**full_spec, "beliefs": [], "purpose": ""}, "ship", flags=1) == ["purpose"]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("think", ["purpose", "hypothesis", "success", "kill", "value-evidence"]),
        ("build", ["purpose", "hypothesis", "success", "kill", "guardrail", "flag"]),
        ("ship", ["purpose", "hypothesis", "success", "kill", "guardrail", "flag", "readout"]),
        ("tweak", ["purpose", "hypothesis", "success", "kill", "guardrail", "flag", "readout"]),
    ],
)
def test_advice_looks_one_stage_ahead_and_back(missing: Missing, stage: str, expected: list[str]) -> None:
    assert missing({"stage": stage}, flags=0) == expected


def test_flags_that_were_not_looked_up_are_not_called_missing(missing: Missing) -> None:
    assert "flag" not in missing({"stage": "ship"}, flags=None)


@pytest.mark.parametrize("state", ["killed", "retired"])
def test_a_closed_bet_needs_nothing(missing: Missing, state: str) -> None:
    assert missing({"state": state}, flags=0) == []


def test_every_piece_of_advice_says_why_and_how(make_bet: Callable[..., Bet]) -> None:
    for item in advice(make_bet({"stage": "tweak"}), (), flags=0):
        assert item.why.endswith(".")
        assert item.how


def test_what_was_known_is_kept_newest_reading_first(
    make_bet: Callable[..., Bet], make_reading: Callable[..., Reading]
) -> None:
    bet = make_bet({"stage": "think"})
    old, new = make_reading("invalid"), make_reading("ship", datetime(2026, 6, 1, tzinfo=UTC))
    snapshot = known(bet, (old, new), advice(bet, (old, new)), ("because",))
    assert [item.verdict for item in snapshot.readings] == ["ship", "invalid"]
    assert snapshot.etag == bet.etag
    assert "No hypothesis" in snapshot.advice
    assert snapshot.overrides == ("because",)


def test_a_unit_with_more_active_bets_than_it_wants_is_told_so(full_spec, make_bet) -> None:
    bet = make_bet(full_spec)
    codes = {item.code: item for item in advice(bet, [], load=Load(4, 3))}
    assert codes["load"].missing == "The unit has 4 active bets; 3 at most are advised"
    assert codes["load"].rule == "I6"
    assert "load" not in {item.code for item in advice(bet, [], load=Load(3, 3))}
    paused = make_bet(full_spec | {"state": "paused"})
    assert "load" not in {item.code for item in advice(paused, [], load=Load(4, 3))}
