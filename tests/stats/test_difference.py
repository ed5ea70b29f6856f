import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    Moments,
    Side,
    contrast,
    difference,
    rate,
    rate_difference,
    relative,
    score_interval,
)

INDEX = np.arange(20_000)
TREATED = INDEX % 2 == 1
OUTCOME = 2 + 0.5 * (6151 * INDEX % 997) / 100 + 0.03 * TREATED + (7919 * INDEX % 503) / 100
"""Case B of the reference: integer arithmetic, so every tool computes the same data."""

arms = st.builds(
    Moments,
    st.integers(2, 10_000),
    st.floats(0.01, 1e4),
    st.floats(1e-3, 1e6),
)
sides = st.sampled_from(["two-sided", "greater", "less"])
alphas = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.3])


def test_welch_reproduces_the_reference_case() -> None:
    found = difference(Moments.of(OUTCOME[~TREATED]), Moments.of(OUTCOME[TREATED]))
    assert found.estimate == pytest.approx(0.0302195, rel=1e-9)
    assert found.se == pytest.approx(0.028923103601, rel=1e-10)
    assert found.statistic == pytest.approx(1.044822175, rel=1e-9)
    assert found.df == pytest.approx(19997.998435, rel=1e-10)
    assert found.p == pytest.approx(0.296117793, rel=1e-8)


@pytest.mark.parametrize("offset", [1e8, -1e8])
def test_adding_a_constant_leaves_t_unchanged(offset: float) -> None:
    plain = difference(Moments.of(OUTCOME[~TREATED]), Moments.of(OUTCOME[TREATED]))
    moved = difference(Moments.of(OUTCOME[~TREATED] + offset), Moments.of(OUTCOME[TREATED] + offset))
    assert moved.statistic == pytest.approx(plain.statistic, abs=1e-4)


def test_two_units_against_two_have_the_closed_form_of_the_t_distribution() -> None:
    # Equal variances and sizes of 2 give 2 degrees of freedom, where P(T > t) = (1 - t/√(2 + t²))/2.
    found = difference(Moments.of([0.0, 2.0]), Moments.of([3.0, 5.0]))
    t = 3 / math.sqrt(2)
    assert found.df == pytest.approx(2, rel=1e-12)
    assert found.p_greater == pytest.approx((1 - t / math.sqrt(2 + t * t)) / 2, rel=1e-12)


def test_far_tails_keep_their_digits() -> None:
    found = rate_difference(rate(100_000, 1_000_000), rate(110_000, 1_000_000))
    assert found.p is not None
    assert found.p == pytest.approx(math.erfc(abs(found.statistic or 0) / math.sqrt(2)), rel=1e-9)
    assert 0 < found.p < 1e-100


@pytest.mark.parametrize(
    ("control", "treatment", "state"),
    [
        ([], [], "too few units"),
        ([1.0], [1.0, 2.0, 3.0], "too few units"),
        ([5.0, 5.0], [5.0, 5.0], "no variance"),
        ([5.0, 5.0], [6.0, 6.0], "no variance"),
    ],
)
def test_what_cannot_be_tested_says_so_and_has_no_p(
    control: list[float], treatment: list[float], state: str
) -> None:
    for compare in (difference, rate_difference):
        found = compare(Moments.of(control), Moments.of(treatment))
        assert found.state == state
        assert (found.p, found.interval, found.se) == (None, None, None)


def test_one_arm_without_variance_is_still_tested() -> None:
    found = difference(Moments.of([0.0, 0.0, 0.0]), Moments.of([0.0, 1.0, 1.0, 0.0]))
    assert found.state == "tested"
    assert found.df == pytest.approx(3)


@given(arms, arms, alphas, sides)
def test_an_interval_excludes_zero_exactly_when_the_test_rejects(
    control: Moments, treatment: Moments, alpha: float, side: Side
) -> None:
    for compare in (difference, rate_difference):
        found = compare(control, treatment, alpha=alpha, side=side)
        assert found.p is not None
        assert found.interval is not None
        assert found.interval.excludes(0) == (found.p <= alpha)
        if found.relative:
            assert found.relative.interval.excludes(0) == (found.p <= alpha)


@given(arms, arms, sides, st.floats(-6, 6))
def test_an_alpha_equal_to_p_rejects_and_its_interval_touches_zero(
    control: Moments, other: Moments, side: Side, distance: float
) -> None:
    se = difference(control, other).se
    assert se is not None
    treatment = Moments(other.n, control.mean + distance * se, other.m2)
    p = difference(control, treatment, side=side).p
    assert p is not None
    assume(0 < p < 1)
    found = difference(control, treatment, side=side, alpha=p)
    assert found.p == p
    assert found.interval is not None
    assert found.interval.excludes(0)


@given(arms, arms)
def test_swapping_the_arms_mirrors_the_difference(control: Moments, treatment: Moments) -> None:
    there, back = difference(control, treatment), difference(treatment, control)
    assert there.p_greater == pytest.approx(back.p_less, rel=1e-12)
    assert there.p == pytest.approx(back.p, rel=1e-12)


def test_fieller_reproduces_the_roots_of_its_quadratic() -> None:
    control, treatment = Moments(1000, 10.0, 9990.0), Moments(1000, 10.5, 9990.0)
    found = relative(control, treatment, 0.025, 0.025)
    assert found is not None
    # Each end is the change that a test of the contrast just rejects.
    for end, sign in ((found.interval.low, 1), (found.interval.high, -1)):
        edge = contrast(control, treatment, 1 + end)
        assert edge is not None
        assert (edge.p_greater() if sign > 0 else edge.p_less()) == pytest.approx(0.025, rel=1e-9)
    assert found.estimate == pytest.approx(0.05)


@pytest.mark.parametrize(
    "control", [Moments(100, 0.0, 99.0), Moments(100, -5.0, 99.0), Moments(100, 0.1, 99.0)]
)
def test_a_control_mean_that_may_not_be_positive_has_no_relative_change(control: Moments) -> None:
    found = difference(control, Moments(100, 1.0, 99.0))
    assert found.state == "tested"
    assert found.relative is None


def test_unpooled_rates_use_the_sample_variance() -> None:
    found = rate_difference(rate(30, 200), rate(45, 200))
    se = math.sqrt(0.15 * 0.85 / 200 + 0.225 * 0.775 / 200)
    assert found.se == pytest.approx(se, rel=1e-12)
    assert found.p == pytest.approx(math.erfc(0.075 / se / math.sqrt(2)), rel=1e-12)


def test_pooled_rates_equal_the_chi_square_test_and_have_the_score_tests_interval() -> None:
    found = rate_difference(rate(30, 200), rate(45, 200), pooled=True)
    expected, observed = (37.5, 162.5) * 2, (30, 170, 45, 155)
    chi = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    assert found.statistic == pytest.approx(math.sqrt(chi), rel=1e-12)
    assert found.interval == score_interval(rate(30, 200), rate(45, 200), 0.025, 0.025)


def test_welch_and_unpooled_rates_agree_on_many_users() -> None:
    welch = difference(rate(8502, 44_700), rate(8279, 45_489))
    normal = rate_difference(rate(8502, 44_700), rate(8279, 45_489))
    assert welch.p == pytest.approx(normal.p, rel=1e-3)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_an_impossible_alpha_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha =="):
        difference(rate(1, 3), rate(2, 3), alpha=alpha)
