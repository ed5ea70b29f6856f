"""Held to rpact 3.3.4 (getFinalConfidenceInterval; asUser for a clock of its own)."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    Look,
    Spending,
    boundaries,
    next_boundary,
    stagewise_estimate,
    stagewise_p,
    type_one_error,
)


@pytest.mark.parametrize(
    ("z", "n", "looks", "low", "high", "middle"),
    [
        (3.442652, 60, 1, 0.1914142, 0.6974747, 0.4444444),
        (3.34954, 120, 2, 0.09651011, 0.4778267, 0.2936003),
        (2.591058, 120, 2, 0.05105314, 0.4137582, 0.2336969),
        (1.42074, 200, 3, -0.0392755, 0.2387166, 0.09993003),
    ],
)
def test_the_estimate_after_stopping_is_that_of_rpact(
    z: float, n: int, looks: int, low: float, high: float, middle: float
) -> None:
    information = [0.3, 0.6, 1.0][:looks]
    bounds = boundaries([0.3, 0.6, 1.0])[: looks - 1]
    found = stagewise_estimate(z / n**0.5, n**-0.5, information, bounds)
    assert (found.estimate, found.interval.low, found.interval.high) == pytest.approx(
        (middle, low, high), abs=2e-6
    )
    mirrored = stagewise_estimate(-z / n**0.5, n**-0.5, information, bounds)
    assert (mirrored.estimate, mirrored.interval.high) == pytest.approx(
        (-found.estimate, -found.interval.low)
    )


@given(st.floats(-4, 4), st.sampled_from([1, 2]), st.integers(1, 4), st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=40, deadline=None)
def test_the_interval_after_stopping_excludes_zero_exactly_when_the_test_rejects(
    above: float, sides: int, looks: int, alpha: float
) -> None:
    information = [0.25, 0.5, 0.75, 1.0][:looks]
    bounds = boundaries(information, sides=sides, alpha=alpha, last=True)
    z = bounds[-1] + above
    assume(abs(above) > 1e-6)
    found = stagewise_estimate(z * 2.0, 2.0, information, bounds[:-1], sides=sides, alpha=alpha)
    assert found.interval.excludes(0.0) is (found.p <= alpha)
    assert found.p == stagewise_p(z, information, bounds[:-1], sides=sides)
    assert found.interval.low < found.estimate < found.interval.high
    if z > 0:
        assert (found.p <= alpha) is (above > 0)


def test_a_test_that_stopped_early_is_estimated_lower_than_it_was_seen() -> None:
    found = stagewise_estimate(3.0, 1.0, [0.2, 0.4], [2.9])
    assert 0 < found.estimate < found.seen == 3.0


def test_impossible_estimates_are_refused() -> None:
    with pytest.raises(InputError, match="se == 0"):
        stagewise_estimate(1.0, 0.0, [1.0], [])
    with pytest.raises(InputError, match="alpha == 1"):
        stagewise_estimate(1.0, 1.0, [1.0], [], alpha=1.0)


def test_alpha_may_be_spent_by_a_clock_of_its_own() -> None:
    found = boundaries([0.3, 0.5, 0.9], spending_times=[0.2, 0.6, 1.0])
    assert found == pytest.approx((3.090232, 2.381045, 2.048939), abs=1e-5)  # rpact, asUser
    assert boundaries([0.3, 0.9], spending_times=[0.3, 0.9]) == boundaries([0.3, 0.9])
    assert type_one_error([0.3, 0.5, 0.9], found) == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("spending", [Spending(), Spending("obrien-fleming"), Spending("pocock")])
def test_looks_one_by_one_keep_the_clock(spending: Spending) -> None:
    information, clock = [0.1, 0.5, 0.8], [0.3, 0.4, 1.0]
    past: list[Look] = []
    for time, now in zip(information, clock, strict=True):
        past.append(next_boundary(past, time, spending=spending, spending_time=now))
    wanted = boundaries(information, spending=spending, spending_times=clock)
    assert [look.boundary for look in past] == pytest.approx(wanted, abs=1e-9)
    assert past[-1].spent == 0.05


def test_a_clock_that_goes_back_or_lacks_a_look_is_refused() -> None:
    with pytest.raises(InputError, match=r"spending_times\[1\] == 0.2, must not be below"):
        boundaries([0.5, 1.0], spending_times=[0.3, 0.2])
    with pytest.raises(InputError, match="spending_times has 1 numbers and information 2"):
        boundaries([0.5, 1.0], spending_times=[0.3])
    with pytest.raises(InputError, match=r"spending_time\[0\] == nan"):
        next_boundary([], 0.5, spending_time=math.nan)
