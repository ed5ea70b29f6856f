import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nct
from scipy.stats import t as student

from counterpoint.stats import Moments, difference
from counterpoint.stats.distributions import noncentral_t_tail, t_lower, t_quantile


@given(st.floats(1, 1e6) | st.just(math.inf), st.floats(-300, -0.4))
def test_a_quantile_of_t_is_where_its_probability_lies_however_small(df: float, power: float) -> None:
    probability = 10.0**power
    found = t_quantile(df, probability)
    assert -math.inf < found < 0
    assert t_lower(df, found) == pytest.approx(probability, rel=1e-8)


@pytest.mark.parametrize(
    ("df", "t", "probability"),
    [
        (2.7, -5000, 8.72859618433112e-11),
        (1.3, -1e60, 3.46784811184999e-79),
        (20, -6000, 2.46740981561932e-64),
        (1, -1e200, 1e-200 / math.pi),
    ],
)
def test_the_far_tail_of_t_has_its_digits(df: float, t: float, probability: float) -> None:
    """Computed with 40 digits (mpmath 1.3)."""
    assert t_lower(df, t) == pytest.approx(probability, rel=1e-12)
    assert t_lower(df, -t) == pytest.approx(1 - probability, rel=1e-15)


@given(st.floats(1, 500), st.floats(-50, 50))
def test_the_middle_of_t_is_that_of_scipy(df: float, t: float) -> None:
    assert t_lower(df, t) == pytest.approx(student.cdf(t, df), rel=1e-9)


@pytest.mark.parametrize("df", [1, 2.5, 40, 1e4])
@pytest.mark.parametrize("away", [0.0, 0.5, 3.0])
def test_the_noncentral_t_is_that_of_scipy(df: float, away: float) -> None:
    for t in (-1.0, 1.5, 5.0):
        assert noncentral_t_tail(df, away, t) == pytest.approx(nct.sf(t, df, away), abs=1e-9)


def test_the_interval_of_a_look_at_a_level_of_next_to_nothing_is_wide_and_not_empty() -> None:
    """A boundary of O'Brien and Fleming's at an early look, with three users in each arm."""
    found = difference(Moments.of([1, 2, 4]), Moments.of([2, 2, 3]), alpha=1e-290)
    assert found.interval is not None
    assert found.interval.low < -1e50
    assert found.interval.high > 1e50
