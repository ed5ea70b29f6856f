"""Staleness, and how bets get through the stages."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from counterpoint.bets.model import Bet, Decision, Known, Stage, State
from counterpoint.bets.staleness import QUIET_DAYS, staleness
from counterpoint.bets.survival import FEW, Stay, stays_of, survival
from tests.bets.conftest import AT


@pytest.mark.parametrize("stage", list(Stage))
def test_a_bet_is_stale_the_day_after_what_is_usual_in_its_stage(
    make_bet: Callable[..., Bet], stage: Stage
) -> None:
    bet = make_bet({"owner": "discovery", "stage": stage.value})
    usual = staleness(bet, [], AT + timedelta(days=QUIET_DAYS[stage]))
    late = staleness(bet, [], AT + timedelta(days=QUIET_DAYS[stage] + 1))
    assert usual
    assert late
    assert (usual.stale, late.stale) == (False, True)


def test_news_makes_it_fresh_and_a_resting_bet_is_never_stale(make_bet: Callable[..., Bet]) -> None:
    later = AT + timedelta(days=400)
    bet = make_bet({"owner": "discovery"})
    fresh = staleness(bet, [later - timedelta(days=2)], later)
    assert fresh
    assert fresh.days == 2
    assert staleness(make_bet({"owner": "discovery", "state": "paused"}), [], later) is None
    assert staleness(make_bet({"owner": "discovery", "state": "killed"}), [], later) is None


def decision(days: int, before: tuple[Stage, State], after: tuple[Stage, State]) -> Decision:
    return Decision(
        id=str(days),
        bet="b",
        at=AT + timedelta(days=days),
        actor="user:default/ana",
        choice="x",
        stage_before=before[0],
        state_before=before[1],
        stage_after=after[0],
        state_after=after[1],
        reason="",
        override=False,
        known=Known(etag="e"),
    )


ON, DEAD, DONE = State.ACTIVE, State.KILLED, State.RETIRED


def test_the_stays_of_a_bet_follow_its_decisions() -> None:
    decisions = [
        decision(10, (Stage.THINK, ON), (Stage.BUILD, ON)),
        decision(30, (Stage.BUILD, ON), (Stage.THINK, ON)),
        decision(31, (Stage.THINK, ON), (Stage.THINK, ON)),
        decision(40, (Stage.THINK, ON), (Stage.THINK, DEAD)),
    ]
    stays = stays_of("b", decisions, AT, Stage.THINK, DEAD)
    assert [(stay.stage, stay.outcome, stay.days) for stay in stays] == [
        (Stage.THINK, "onward", 10),
        (Stage.BUILD, "back", 20),
        (Stage.THINK, "ended", 10),
    ]


def test_a_reopened_bet_stands_in_its_stage_again() -> None:
    decisions = [
        decision(5, (Stage.BUILD, ON), (Stage.BUILD, DEAD)),
        decision(9, (Stage.BUILD, DEAD), (Stage.BUILD, ON)),
    ]
    assert [stay.outcome for stay in stays_of("b", decisions, AT, Stage.BUILD, ON)] == ["ended", "there"]


def test_without_decisions_what_the_document_says_counts() -> None:
    assert [stay.outcome for stay in stays_of("b", [], AT, Stage.BUILD, DEAD)] == ["ended"]
    assert [stay.outcome for stay in stays_of("b", [], AT, Stage.TWEAK, DONE)] == ["onward"]
    assert [stay.outcome for stay in stays_of("b", [], AT, Stage.SHIP, ON)] == ["there"]


def test_a_share_stands_only_where_enough_have_left_and_with_its_range() -> None:
    few = survival([Stay("b", Stage.THINK, AT, AT, "onward")] * (FEW - 1))[0]
    assert (few.share, few.low, few.entered, few.onward) == (None, None, FEW - 1, FEW - 1)
    many = survival(
        [Stay("b", Stage.THINK, AT, AT, "onward")] * 5
        + [Stay("c", Stage.THINK, AT, AT, "ended")] * 5
        + [Stay("d", Stage.THINK, AT)]
    )[0]
    assert many.share == 0.5
    assert many.low == pytest.approx(0.237, abs=0.001)
    assert many.high == pytest.approx(0.763, abs=0.001)
    assert many.there == 1


def test_how_long_a_stage_took_is_told_from_five_bets_on() -> None:
    def stays(count: int) -> list[Stay]:
        return [
            Stay(f"bet:default/b{place}", Stage.THINK, AT, AT + timedelta(days=place + 1), "onward")
            for place in range(count)
        ]

    assert survival(stays(4))[0].median_days is None
    assert survival(stays(5))[0].median_days == 3.0
