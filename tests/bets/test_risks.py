"""How evidence burns down risks."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.evidence import Direction, Evidence
from counterpoint.bets.model import Bet, Risk, Stage
from counterpoint.bets.risks import BURNS, WEIGHTS, Level, RiskView, read_risks, weight_of
from tests.bets.test_evidence import evidence

FOR, AGAINST, UNCLEAR = Direction.FOR, Direction.AGAINST, Direction.UNCLEAR


def value(make_bet: Callable[..., Bet], *said: tuple[Direction, int], **spec: Any) -> RiskView:
    rows = [evidence(str(at), direction=way, strength=strength) for at, (way, strength) in enumerate(said)]
    return read_risks(make_bet({"owner": "discovery", **spec}), rows)[0]


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ([], Level.UNKNOWN),
        ([(FOR, 0)] * 20, Level.OPEN),
        ([(FOR, 1)], Level.OPEN),
        ([(UNCLEAR, 4)], Level.OPEN),
        ([(FOR, 2)], Level.FALLING),
        ([(FOR, 3)], Level.LOW),
        ([(FOR, 2), (FOR, 2)], Level.FALLING),
        ([(FOR, 2), (FOR, 2), (FOR, 2)], Level.LOW),
        ([(AGAINST, 2)], Level.HIGH),
        ([(AGAINST, 1)], Level.OPEN),
        ([(FOR, 4), (AGAINST, 3)], Level.MIXED),
        ([(FOR, 1), (AGAINST, 3)], Level.HIGH),
        ([(FOR, 4), (AGAINST, 1)], Level.FALLING),
    ],
)
def test_the_level_follows_from_strength_and_direction(
    make_bet: Callable[..., Bet], said: list[tuple[Direction, int]], level: Level
) -> None:
    assert value(make_bet, *said).level is level


def test_each_risk_reads_its_own_evidence(make_bet: Callable[..., Bet]) -> None:
    rows = [evidence("1", strength=4), evidence("2", risk=Risk.USABILITY, direction=AGAINST, strength=3)]
    views = read_risks(make_bet({"owner": "discovery"}), rows)
    assert [view.level for view in views] == [Level.LOW, Level.HIGH, Level.UNKNOWN, Level.UNKNOWN]
    assert [view.risk for view in views] == list(Risk)


def test_what_the_squad_said_beforehand_stands_beside_it(make_bet: Callable[..., Bet]) -> None:
    note = {"risk": "value", "level": "high", "ownerRole": "editor", "fear": "Nobody opens it."}
    view = value(make_bet, risks=[note])
    assert (view.judged, view.owner_role, view.fear, view.level) == (
        "high",
        "editor",
        "Nobody opens it.",
        Level.UNKNOWN,
    )


strengths = st.lists(st.integers(0, 4), max_size=12)


@given(strengths, st.integers(0, 4))
def test_more_evidence_never_says_less_and_nothing_is_certain(said: list[int], more: int) -> None:
    def rows(numbers: list[int]) -> list[Evidence]:
        return [evidence(str(at), strength=strength) for at, strength in enumerate(numbers)]

    before, after = weight_of(rows(said)), weight_of(rows([*said, more]))
    assert 0 <= before <= after <= 1
    assert max(WEIGHTS) < 1


@given(st.lists(st.tuples(st.sampled_from(Direction), st.integers(0, 4)), max_size=10))
def test_a_bar_never_holds_more_than_the_whole(said: list[tuple[Direction, int]]) -> None:
    rows = [evidence(str(at), direction=way, strength=strength) for at, (way, strength) in enumerate(said)]
    bet = Bet(ref="b", namespace="default", name="b", title="B", owner=None, etag="e")
    for view in read_risks(bet, rows):
        assert view.supporting >= 0
        assert view.opposing >= 0
        assert view.supporting + view.opposing <= 1.0001
        assert 0 <= view.unknown <= 1


def test_every_stage_says_which_risks_it_burns() -> None:
    assert set(BURNS) == set(Stage)
