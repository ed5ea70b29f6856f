"""Held to R 4.2.2 (prop.test, binom.test) and statsmodels 0.15 (score intervals of ratios)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import Side, rate, rate_difference, rate_interval, score_interval


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("wilson", 0.0695083342701629, 0.261861937105855), ("exact", 0.0581917003403721, 0.267396002497008)],
)
def test_the_interval_of_one_rate_is_that_of_r(method: str, low: float, high: float) -> None:
    found = rate_interval(7, 50, method=method)  # type: ignore[arg-type]
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-10)


def test_none_and_all_have_one_open_end() -> None:
    assert rate_interval(0, 5).low == rate_interval(0, 5, method="exact").low == 0.0
    assert rate_interval(5, 5).high == rate_interval(5, 5, method="exact").high == 1.0
    assert rate_interval(0, 5, method="exact").high == pytest.approx(1 - 0.025**0.2)
    large, exact = (rate_interval(10**11, 10**12, method=method) for method in ("wilson", "exact"))  # type: ignore[arg-type]
    assert large.low == pytest.approx(exact.low, rel=1e-9)


@pytest.mark.parametrize(
    ("control", "treatment", "low", "high"),
    [
        ((1, 10), (7, 10), 1.5324551760955203, 40.25344769656713),
        ((30, 210), (45, 200), 1.040322980742633, 2.3938074578228705),
        ((50, 110), (60, 100), 1.0196930662000923, 1.7197482546950362),
        ((0, 10), (3, 10), 0.9239925615759061, math.inf),
        ((3, 10), (0, 10), 0.0, 1.082259794704906),
    ],
)
def test_the_ratios_interval_is_koopmans(
    control: tuple[int, int], treatment: tuple[int, int], low: float, high: float
) -> None:
    found = score_interval(rate(*control), rate(*treatment), 0.025, 0.025, relative=True)
    assert found is not None
    assert (1 + found.low, 1 + found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("control", "treatment"), [((1, 10), (7, 10)), ((30, 210), (45, 200)), ((0, 9), (2, 5))]
)
def test_at_the_ends_of_the_differences_interval_the_likeliest_rates_give_the_bound(
    control: tuple[int, int], treatment: tuple[int, int]
) -> None:
    """By brute force: of all pairs of rates that are so far apart, the likeliest one."""
    found = score_interval(rate(*control), rate(*treatment), 0.025, 0.025)
    assert found is not None
    (a, n), (b, m) = control, treatment
    for end in (found.low, found.high):
        p = np.linspace(max(0.0, -end), min(1.0, 1 - end), 2_000_001)[1:-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = a * np.log(p) + (n - a) * np.log1p(-p) + b * np.log(p + end) + (m - b) * np.log1p(-p - end)
        best = p[np.nanargmax(logs)]
        se = math.sqrt(best * (1 - best) / n + (best + end) * (1 - best - end) / m)
        assert abs(b / m - a / n - end) / se == pytest.approx(1.959963985, rel=1e-5)


counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(
    counts, counts, st.sampled_from(["two-sided", "greater", "less"]), st.sampled_from([0.01, 0.05, 0.3, 0.6])
)
@settings(max_examples=150, deadline=None)
def test_the_pooled_tests_intervals_exclude_zero_exactly_when_it_rejects(
    control: tuple[int, int], treatment: tuple[int, int], side: Side, alpha: float
) -> None:
    found = rate_difference(rate(*control), rate(*treatment), pooled=True, side=side, alpha=alpha)
    if found.p is None or found.interval is None:
        assert found.state != "tested" or (alpha >= 0.5 and side != "two-sided")
        return
    assert found.interval.excludes(0.0) == (found.p <= alpha)
    assert found.interval.low <= found.estimate <= found.interval.high
    if found.relative:
        assert found.relative.tested
        assert found.relative.interval.excludes(0.0) == (found.p <= alpha)
        assert found.relative.interval.low <= found.relative.estimate <= found.relative.interval.high


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(InputError, match="successes == 3, must be at most n == 2"):
        rate_interval(3, 2)
    with pytest.raises(InputError, match="n == 0"):
        rate_interval(0, 0)
    with pytest.raises(InputError, match=r"below == 0\.7"):
        score_interval(rate(1, 2), rate(1, 2), 0.7, None)
    assert score_interval(rate(0, 2), rate(0, 2), 0.1, 0.1, relative=True) is None
