from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from counterpoint.bets.model import Bet, Reading, Stage, Stance, State, newest

MakeBet = Callable[..., Bet]
MakeReading = Callable[..., Reading]


def test_every_field_of_the_document_is_read(make_bet: MakeBet, full_spec: dict[str, Any]) -> None:
    bet = make_bet(full_spec, title="A weekly list")
    assert (bet.title, bet.stage, bet.state) == ("A weekly list", Stage.SHIP, State.ACTIVE)
    assert (bet.purpose, bet.beliefs, bet.kill) == (
        "music-for-everyone",
        ("taste",),
        "Fewer than one in ten open it.",
    )
    assert [(item.metric, item.expect) for item in bet.success] == [("retention", "up")]
    assert [(item.metric, item.margin) for item in bet.guardrails] == [("start-time", 0.01)]
    assert bet.patience == date(2026, 9, 1)


def test_a_bet_with_only_an_owner_stands_in_think_it_and_is_called_by_its_name(make_bet: MakeBet) -> None:
    bet = make_bet({"owner": "discovery"})
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
def test_what_cannot_be_read_counts_as_left_out(make_bet: MakeBet, spec: dict[str, Any]) -> None:
    assert make_bet(spec) == make_bet({})


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
def test_only_a_plain_ship_speaks_for_shipping(
    make_reading: MakeReading, verdict: str, stance: Stance
) -> None:
    assert make_reading(verdict).stance is stance


def test_the_newest_reading_is_the_one_asked_for_last(make_reading: MakeReading) -> None:
    old, new = make_reading("ship"), make_reading("invalid", datetime(2026, 6, 1, tzinfo=UTC))
    assert newest((new, old)) is new
    assert newest(()) is None
