from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from counterpoint.bets.advice import Load, advice, known
from counterpoint.bets.model import Bet, Reading, Stage
from counterpoint.bets.readiness import Readiness

Missing = Callable[..., list[str]]


@pytest.fixture
def missing(make_bet: Callable[..., Bet], make_reading: Callable[..., Reading]) -> Missing:
    def look(spec: dict[str, Any], verdict: str | None = None, flags: int | None = None) -> list[str]:
        readings = () if verdict is None else (make_reading(verdict),)
        ready = None if flags is None else Readiness(flags=flags, on_call=("Delivery",))
        return [item.code for item in advice(make_bet(spec), readings, ready=ready)]

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


def test_a_bet_traces_to_a_purpose_and_to_a_belief(missing: Missing, full_spec: dict[str, Any]) -> None:
    assert missing({**full_spec, "purpose": ""}, "ship", flags=1) == ["purpose"]
    assert missing({**full_spec, "beliefs": []}, "ship", flags=1) == ["belief"]
    assert missing({**full_spec, "beliefs": [], "purpose": ""}, "ship", flags=1) == ["purpose", "belief"]


@pytest.mark.parametrize(
    ("beliefs", "expired", "expected"),
    [
        (["a", "b"], [], []),
        (["a", "b"], ["A"], ["expired-belief"]),
        (["a", "b"], ["A", "B"], ["live-belief", "expired-belief"]),
    ],
)
def test_a_belief_past_its_date_holds_no_bet(
    full_spec: dict[str, Any],
    make_bet: Callable[..., Bet],
    make_reading: Callable[..., Reading],
    beliefs: list[str],
    expired: list[str],
    expected: list[str],
) -> None:
    bet = make_bet({**full_spec, "beliefs": beliefs})
    found = advice(bet, (make_reading("ship"),), traced=True, expired=expired)
    assert [item.code for item in found] == expected
    assert {item.code: item.rule for item in found} == {
        code: {"live-belief": "I5", "expired-belief": "I10"}[code] for code in expected
    }


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        (Readiness(flags=1, on_call=("Delivery",)), []),
        (Readiness(flags=1), ["on-call"]),
        (Readiness(on_call=("Delivery",)), ["flag"]),
        (Readiness(flags=1, on_call=("Delivery",), unmeasured=("Saves",)), ["instrumentation"]),
        (Readiness(unmeasured=("Saves", "Skips")), ["flag", "on-call", "instrumentation"]),
    ],
)
def test_build_is_left_with_what_measures_takes_back_and_answers(
    full_spec: dict[str, Any], make_bet: Callable[..., Bet], ready: Readiness, expected: list[str]
) -> None:
    found = advice(make_bet({**full_spec, "stage": "build"}), (), ready=ready)
    assert [item.code for item in found] == expected
    assert {item.rule for item in found} <= {"I2"}
    assert all(item.before is Stage.SHIP for item in found)


def test_the_guardrails_of_a_rollout_are_a_readout(
    full_spec: dict[str, Any], make_bet: Callable[..., Bet]
) -> None:
    bet = make_bet({**full_spec, "stage": "ship"})
    unread = Readiness(flags=1, on_call=("Delivery",))
    assert [item.code for item in advice(bet, (), ready=unread)] == ["readout"]
    read = Readiness(flags=1, on_call=("Delivery",), guardrails_read=True)
    assert advice(bet, (), ready=read) == ()


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("think", ["purpose", "belief", "hypothesis", "success", "kill", "value-evidence"]),
        ("build", ["purpose", "belief", "hypothesis", "success", "kill", "guardrail", "flag"]),
        ("ship", ["purpose", "belief", "hypothesis", "success", "kill", "guardrail", "flag", "readout"]),
        ("tweak", ["purpose", "belief", "hypothesis", "success", "kill", "guardrail", "flag", "readout"]),
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
    for item in advice(make_bet({"stage": "tweak"}), (), ready=Readiness(unmeasured=("Saves",))):
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
