"""The order of bets: chances, and ties where there is no order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.bets.judgement.estimates import Range
from counterpoint.bets.judgement.portfolio import LIKELY, Contender, Order, beats, order
from counterpoint.stats.distributions import normal_tail

WEEKS = Range(4, 4, 4)


def ordered(**delays: Range) -> Order:
    return order([Contender(bet, delay, WEEKS) for bet, delay in delays.items()])[0]


def test_the_chance_that_one_normal_beats_another_is_the_closed_form() -> None:
    found = ordered(a=Range(-2, 5, 12), b=Range(-3, 3, 9))
    sd = np.hypot(7, 6) / 1.2815515655446004
    assert found.chances[0][1] == pytest.approx(1 - normal_tail(2 / sd), abs=0.01)


def test_a_chance_and_its_counterpart_make_one() -> None:
    one, other = np.array([1.0, 2.0, 2.0, 5.0]), np.array([2.0, 3.0])
    assert beats(one, other) + beats(other, one) == 1


def test_bets_far_apart_are_ordered_and_near_ones_are_a_tie() -> None:
    found = ordered(first=Range(90, 100, 110), second=Range(9, 10, 12), third=Range(8, 9.5, 13))
    assert [[standing.bet for standing in group.standings] for group in found.groups] == [
        ["first"],
        ["second", "third"],
    ]
    assert [group.tie for group in found.groups] == [False, True]
    assert "Leaders choose" in found.groups[1].note
    assert found.groups[0].standings[0].first == 1.0


def test_a_chain_of_ties_is_one_tie_even_where_its_ends_are_apart() -> None:
    found = ordered(a=Range(9, 12, 15), b=Range(7, 10, 13), c=Range(5, 8, 11))
    assert found.chances[0][2] > LIKELY
    assert len(found.groups) == 1


def test_bets_in_different_units_are_not_compared() -> None:
    found = order(
        [Contender("a", Range(1, 2, 3), WEEKS, "kEUR"), Contender("b", Range(1, 2, 3), WEEKS, "hours")]
    )
    assert [(each.unit, each.bets) for each in found] == [("hours", ("b",)), ("kEUR", ("a",))]


def test_the_same_ranges_give_the_same_order_whatever_the_sequence() -> None:
    contenders = [Contender(name, Range(1, 2, high), Range(1, 2, 5)) for name, high in (("a", 9), ("b", 4))]
    assert order(contenders) == order(contenders[::-1])


@settings(max_examples=15)
@given(st.lists(st.tuples(st.floats(1, 50), st.floats(1, 3)), min_size=1, max_size=5))
def test_every_bet_before_a_cut_beats_every_bet_after_it_with_a_likely_chance(
    given_ranges: list[tuple[float, float]],
) -> None:
    found = ordered(
        **{f"b{place}": Range(mid / by, mid, mid * by) for place, (mid, by) in enumerate(given_ranges)}
    )
    size, done = len(found.bets), 0
    assert sum(len(group.standings) for group in found.groups) == size
    for group in found.groups[:-1]:
        done += len(group.standings)
        assert all(found.chances[i][j] >= LIKELY for i in range(done) for j in range(done, size))


def test_bets_that_are_always_first_together_share_it() -> None:
    sure = Range(2, 2, 2)
    found = order([Contender(name, sure, sure) for name in "abc"] + [Contender("z", sure.scaled(0.5), sure)])
    firsts = {each.bet: each.first for group in found[0].groups for each in group.standings}
    assert firsts == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3, "z": 0})
