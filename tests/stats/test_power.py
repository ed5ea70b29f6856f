import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    detectable_difference,
    detectable_rate_difference,
    units_per_arm,
    units_per_arm_rate,
)
from counterpoint.stats.distributions import normal_quantile, normal_tail


@given(st.floats(0.1, 100), st.floats(0.01, 10), st.floats(0.01, 0.2), st.floats(0.05, 0.4))
def test_the_units_for_a_difference_reach_the_power_and_one_unit_less_does_not(
    sd: float, effect: float, alpha: float, beta: float
) -> None:
    n = units_per_arm(sd, effect, alpha=alpha, beta=beta)
    reach = normal_quantile(1 - alpha)

    def power(units: int) -> float:
        return normal_tail(reach - effect / (sd * math.sqrt(2 / units)))

    assert power(n) >= 1 - beta - 1e-9
    assert n == 1 or power(n - 1) < 1 - beta + 1e-9


@given(st.floats(0.1, 100), st.integers(10, 10**6))
def test_a_detectable_difference_asks_for_the_units_it_was_made_of(sd: float, n: int) -> None:
    assert units_per_arm(sd, detectable_difference(sd, n)) in (n, n + 1)


@given(st.floats(0.05, 0.6), st.integers(500, 10**6))
def test_a_detectable_rise_asks_for_the_units_it_was_made_of(base: float, n: int) -> None:
    effect = detectable_rate_difference(base, n)
    assert effect is not None
    assert abs(units_per_arm_rate(base, effect) - n) <= 1


def test_a_handful_of_units_can_show_no_rise_of_a_high_rate() -> None:
    assert detectable_rate_difference(0.9, 3) is None


def test_impossible_inputs_are_refused() -> None:
    for call in (
        lambda: units_per_arm(0, 1),
        lambda: units_per_arm(1, 0),
        lambda: units_per_arm(1, 1, alpha=0.5),
        lambda: units_per_arm_rate(0.5, 0.6),
        lambda: detectable_difference(1, 0),
        lambda: detectable_rate_difference(1.5, 10),
    ):
        with pytest.raises(InputError):
            call()
