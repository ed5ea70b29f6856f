"""What is said together tells nobody's answer: attacked by trying every set of answers on small grids."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations_with_replacement
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.bets.judgement.pooled import LEAST, MOST, NEVER_BELOW_0, SHOWN_FROM, pool, spread

CHANCES = (0.01, *(step / 20 for step in range(1, 20)), 0.99)
FIFTH = 0.18
"""How far apart the answers that another may have given lie at least: a fifth, less the ends that nobody may say."""


def attacked(
    answers: Sequence[Any], people: int, shown: Callable[[tuple[Any, ...]], Any]
) -> Iterable[tuple[Any, Any, set[Any]]]:
    """Each own answer with what is shown, and everything that one of the others may have said then."""
    possible: dict[tuple[Any, Any], set[Any]] = defaultdict(set)
    for given_by_all in combinations_with_replacement(answers, people):
        seen = shown(given_by_all)
        for place, own in enumerate(given_by_all):
            possible[own, seen].update(given_by_all[:place] + given_by_all[place + 1 :])
    return ((own, seen, others) for (own, seen), others in possible.items())


@pytest.mark.parametrize("people", [3, 4, 5])
def test_whoever_takes_their_own_chance_away_learns_no_other_to_a_fifth(people: int) -> None:
    grid = CHANCES if people == 3 else CHANCES[::2]
    for own, seen, others in attacked(grid, people, spread):
        assert seen.mean is not None, "that it is held back would tell something as well"
        assert max(others) - min(others) >= FIFTH, (own, seen, sorted(others))


def test_where_all_others_are_near_one_end_nothing_but_that_fifth_is_told() -> None:
    near = [
        set(others) for own, seen, others in attacked(CHANCES, 3, spread) if own == 0.5 and seen.mean == 0.3
    ]
    assert near == [{0.01, 0.05, 0.1, 0.15, 0.2}]
    assert spread([0.5, 0.01, 0.01]) == spread([0.5, 0.2, 0.2]) == spread([0.5, 0.05, 0.15])


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=12))
def test_the_mean_lies_where_the_counted_chances_do_and_needs_three(chances: list[float]) -> None:
    seen = spread(chances)
    assert seen.n == len(chances)
    if len(chances) < SHOWN_FROM:
        assert seen.mean is None
    else:
        assert seen.mean is not None
        low, high = (min(max(each(chances), LEAST), MOST) for each in (min, max))
        assert low - 1e-4 <= seen.mean <= high + 1e-4
        if min(chances) >= LEAST and max(chances) <= MOST:
            assert seen.mean == pytest.approx(sum(chances) / len(chances), abs=1e-4)


def ranges_of(numbers: Sequence[float]) -> list[Range]:
    return [Range(*points) for points in combinations_with_replacement(numbers, 3)]


@pytest.mark.parametrize(
    ("quantity", "numbers"),
    [
        (Quantity.COST, (0.0, 1.0, 2.0, 3.0)),
        (Quantity.COST_OF_DELAY, (0.0, 1.0, 2.0, 3.0, 4.0)),
        (Quantity.DURATION, (1.0, 2.0, 3.0, 4.0)),
        (Quantity.VALUE, (-2.0, -1.0, 0.0, 1.0)),
    ],
)
def test_whoever_takes_their_own_range_away_knows_no_point_of_another(
    quantity: Quantity, numbers: tuple[float, ...]
) -> None:
    """Only where the rest is all at an end of the grid, which is no end of the quantity, is there nothing else to try."""
    least = min(number for number in numbers if quantity not in NEVER_BELOW_0 or number)
    for own, seen, others in attacked(
        ranges_of(numbers), 3, lambda given_by_all: pool(quantity, given_by_all)
    ):
        for point in ("p10", "p50", "p90"):
            possible = {getattr(each, point) for each in others}
            assert len(possible) > 1 or possible <= {least, numbers[-1]}, (own, seen, point)


def test_what_a_low_end_of_0_or_a_middle_of_0_tells_is_that_there_is_one() -> None:
    cost, none = Quantity.COST, Range(0, 0, 3)
    assert pool(cost, [Range(1, 2, 3)] * 2).range is None
    assert pool(cost, [Range(0, 1, 3), Range(2, 4, 4), Range(3, 4, 5)]).range == Range(0, 3, 4)
    assert pool(cost, [none, Range(2, 4, 4), Range(3, 4, 5)]).range is None
    assert pool(Quantity.VALUE, [none, Range(3, 3, 3), Range(0, 0, 0)]).range == Range(1, 1, 2)
