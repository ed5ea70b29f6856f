import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import Direction, Moments, contrast, difference, noninferiority, rate, relative

arms = st.builds(Moments, st.integers(2, 10_000), st.floats(0.1, 1e4), st.floats(1e-3, 1e6))


def test_the_relative_margin_counts_the_uncertainty_of_the_control_mean() -> None:
    control, treatment = rate(5000, 10_000), rate(4990, 10_000)
    found = noninferiority(control, treatment, margin=0.05)
    variance = 0.25 / 9999 * 0.95**2 + 0.499 * 0.501 * 10_000 / 9999 / 10_000
    assert found.se == pytest.approx(math.sqrt(variance), rel=1e-5)
    assert found.statistic == pytest.approx((0.499 - 0.95 * 0.5) / math.sqrt(variance), rel=1e-5)


@given(arms, arms, st.floats(0.001, 0.5), st.floats(0.01, 100))
def test_a_relative_margin_does_not_depend_on_the_unit(
    control: Moments, treatment: Moments, margin: float, unit: float
) -> None:
    scaled = [Moments(arm.n, arm.mean * unit, arm.m2 * unit * unit) for arm in (control, treatment)]
    plain, moved = noninferiority(control, treatment, margin=margin), noninferiority(*scaled, margin=margin)
    assert moved.p == pytest.approx(plain.p, rel=1e-6, abs=1e-300)


@given(
    arms,
    arms,
    st.floats(0.001, 0.5),
    st.sampled_from([0.001, 0.025, 0.05]),
    st.sampled_from(["increase", "decrease"]),
)
def test_the_relative_interval_excludes_the_margin_exactly_when_the_test_rejects(
    control: Moments, treatment: Moments, margin: float, alpha: float, direction: Direction
) -> None:
    found = noninferiority(control, treatment, margin=margin, direction=direction)
    null = -margin if direction == "increase" else margin
    error = (alpha, None) if direction == "increase" else (None, alpha)
    share = relative(control, treatment, *error, nulls=(null, null))
    if share and found.p is not None:
        assert share.interval.excludes(null) == (found.p <= alpha)


@given(arms, arms, st.floats(0.001, 100), st.sampled_from([0.001, 0.025, 0.05]))
def test_the_absolute_interval_excludes_the_margin_exactly_when_the_test_rejects(
    control: Moments, treatment: Moments, margin: float, alpha: float
) -> None:
    found = noninferiority(control, treatment, margin=margin, relative=False)
    tested = contrast(control, treatment)
    assert tested is not None
    assert found.p is not None
    bound = tested.estimate - tested.reach(alpha)
    if not math.isclose(bound, -margin, rel_tol=1e-9):
        assert (bound >= -margin) == (found.p <= alpha)


def test_a_metric_that_should_fall_mirrors_one_that_should_rise() -> None:
    control, treatment = Moments(50, 10.0, 40.0), Moments(60, 10.2, 40.0)
    falls = noninferiority(control, treatment, margin=0.5, direction="decrease", relative=False)
    rises = noninferiority(
        Moments(50, -10.0, 40.0), Moments(60, -10.2, 40.0), margin=0.5, direction="increase", relative=False
    )
    assert falls.p == pytest.approx(rises.p)
    assert falls.distance == pytest.approx(0.3)


def test_a_wide_margin_passes_where_the_difference_alone_would_not() -> None:
    control, treatment = rate(500, 1000), rate(495, 1000)
    assert (difference(control, treatment, side="greater").p or 0) > 0.5
    assert (noninferiority(control, treatment, margin=0.2).p or 1) < 0.001


def test_a_relative_margin_of_a_zero_control_has_no_meaning_and_says_so() -> None:
    found = noninferiority(rate(0, 100), rate(3, 100), margin=0.01, direction="decrease")
    assert (found.state, found.p) == ("no share", None)


@pytest.mark.parametrize(
    ("control", "treatment", "state"),
    [(rate(1, 1), rate(5, 9), "too few units"), (rate(9, 9), rate(9, 9), "no variance")],
)
def test_what_cannot_be_tested_has_no_p(control: Moments, treatment: Moments, state: str) -> None:
    found = noninferiority(control, treatment, margin=0.01)
    assert (found.state, found.p) == (state, None)


@pytest.mark.parametrize(("margin", "is_relative"), [(0, True), (-1, False), (1, True), (float("nan"), True)])
def test_an_impossible_margin_is_refused(margin: float, is_relative: bool) -> None:
    with pytest.raises(InputError, match="margin =="):
        noninferiority(rate(1, 3), rate(1, 3), margin=margin, relative=is_relative)
