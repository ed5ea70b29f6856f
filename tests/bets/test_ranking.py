"""The order of a board as a value: strict, and each move what was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.model import Horizon
from counterpoint.bets.ranking import Move, ordered, placed

NOW, NEXT = Horizon.NOW, Horizon.NEXT


@pytest.mark.parametrize(
    ("bet", "move", "after"),
    [
        ("a", Move.UP, "abc"),
        ("b", Move.UP, "bac"),
        ("a", Move.DOWN, "bac"),
        ("c", Move.DOWN, "abc"),
        ("c", Move.TOP, "cab"),
        ("a", Move.BOTTOM, "bca"),
    ],
)
def test_a_move_goes_one_step_or_to_the_end(bet: str, move: Move, after: str) -> None:
    assert placed(list("abc"), bet, dict.fromkeys("abc", NOW), move=move) == list(after)


def test_a_move_passes_over_the_bets_of_other_columns() -> None:
    horizons = {"a": NOW, "x": NEXT, "b": NOW}
    assert placed(["a", "x", "b"], "b", horizons, move=Move.UP) == ["b", "x", "a"]


def test_before_another_bet_of_the_same_column_only() -> None:
    horizons = {"a": NOW, "x": NEXT, "b": NOW}
    assert placed(["a", "x", "b"], "b", horizons, before="a") == ["b", "x", "a"]
    with pytest.raises(ValueError, match="same column"):
        placed(["a", "x", "b"], "b", horizons, before="x")
    with pytest.raises(ValueError, match="not on this board"):
        placed(["a", "x", "b"], "z", horizons, move=Move.UP)


@given(st.data())
def test_any_moves_keep_every_bet_once_and_other_columns_as_they_are(data: st.DataObject) -> None:
    bets = data.draw(st.lists(st.text("abcdef", min_size=1, max_size=3), min_size=1, max_size=8, unique=True))
    horizons = {bet: data.draw(st.sampled_from(Horizon)) for bet in bets}
    order = ordered(bets, {})
    for _ in range(data.draw(st.integers(0, 6))):
        bet = data.draw(st.sampled_from(bets))
        after = placed(order, bet, horizons, move=data.draw(st.sampled_from(Move)))
        assert sorted(after) == sorted(order)
        for horizon in set(Horizon) - {horizons[bet]}:
            assert [each for each in after if horizons[each] is horizon] == [
                each for each in order if horizons[each] is horizon
            ]
        order = after
