import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import sample_ratio


def test_two_equal_arms_have_the_closed_form_of_one_degree_of_freedom() -> None:
    found = sample_ratio([44_700, 45_489], [0.5, 0.5])
    chi = (44_700 - 45_489) ** 2 / (44_700 + 45_489)
    assert found.statistic == pytest.approx(chi, rel=1e-12)
    assert found.p == pytest.approx(math.erfc(math.sqrt(chi / 2)), abs=1e-12)
    assert found.p == pytest.approx(0.008607988, abs=1e-9)


def test_three_arms_have_the_closed_form_of_two_degrees_of_freedom() -> None:
    found = sample_ratio([100, 120, 140], [1, 1, 1])
    assert found.statistic is not None
    assert found.p == pytest.approx(math.exp(-found.statistic / 2), abs=1e-12)


@given(st.lists(st.integers(80, 10_000), min_size=2, max_size=5), st.floats(0.1, 50))
def test_only_the_proportion_of_the_shares_matters(observed: list[int], scale: float) -> None:
    shares = [1.0 + index for index in range(len(observed))]
    plain, scaled = (
        sample_ratio(observed, shares),
        sample_ratio(observed, [share * scale for share in shares]),
    )
    assert scaled.p == pytest.approx(plain.p, rel=1e-6, abs=1e-300)


def test_five_expected_units_are_enough_however_the_shares_are_written() -> None:
    assert sample_ratio([10, 10, 10], [0.1, 0.2, 0.1 * 3]).state == "tested"


def test_shares_that_are_met_exactly_have_p_one() -> None:
    assert sample_ratio([300, 100], [3, 1]).p == 1.0


@pytest.mark.parametrize("observed", [[0, 0], [3, 3], [9, 0]])
def test_too_few_units_are_not_tested(observed: list[int]) -> None:
    found = sample_ratio(observed, [1, 1])
    assert (found.state, found.p) == ("too few units", None)


@pytest.mark.parametrize(
    ("observed", "shares"),
    [([1], [1]), ([1, 2], [1]), ([1, 2], [1, 0]), ([1, 2], [1, math.nan]), ([-1, 2], [1, 1])],
)
def test_impossible_plans_are_refused(observed: list[int], shares: list[float]) -> None:
    with pytest.raises(InputError):
        sample_ratio(observed, shares)
