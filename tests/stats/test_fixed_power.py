import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    Moments,
    difference,
    fixed_power,
    fixed_power_required,
    pooled_variance,
    units_per_arm,
)


@given(st.floats(0.1, 10), st.floats(0.01, 5), st.floats(0.001, 0.2), st.floats(0.05, 0.4))
def test_equal_arms_need_twice_the_units_of_one_arm(
    sd: float, effect: float, alpha: float, beta: float
) -> None:
    both = fixed_power_required(sd * sd, effect, alpha=alpha, beta=beta)
    assert abs(both - 2 * units_per_arm(sd, effect, alpha=alpha, beta=beta)) <= 2


def test_unequal_arms_need_more_units() -> None:
    even, uneven = (fixed_power_required(1.0, 0.1, shares=shares) for shares in ((1, 1), (9, 1)))
    assert uneven / even == pytest.approx((1 / 0.9 + 1 / 0.1) / 4, rel=1e-3)


@given(st.floats(-1e6, 1e6))
def test_a_difference_of_the_arms_moves_nothing(shift: float) -> None:
    control, treatment = Moments.of([1, 2, 4, 9]), Moments.of([0, 3, 3, 7])
    moved = Moments(treatment.n, treatment.mean + shift, treatment.m2)
    assert fixed_power(control, moved, 1.0) == fixed_power(control, treatment, 1.0)
    assert pooled_variance(control, treatment) == pytest.approx((38 + 24.75) / 6)


@pytest.mark.parametrize("arm", [Moments.of([]), Moments.of([1]), Moments.of([2, 2])])
def test_without_a_variance_nothing_is_reached(arm: Moments) -> None:
    found = fixed_power(Moments.of([2, 2]), arm, 1.0)
    assert (found.required, found.reached) == (None, False)


def test_the_test_at_the_end_keeps_its_error_and_has_its_power() -> None:
    random = np.random.default_rng(24)
    effect = 0.5
    rejected = {0.0: 0, effect: 0}
    for true in rejected:
        for _ in range(250):
            control, treatment = random.standard_normal(1000), random.standard_normal(1000) + true
            for n in range(50, 1001, 10):
                arms = Moments.of(control[:n]), Moments.of(treatment[:n])
                if fixed_power(*arms, effect, alpha=0.025, beta=0.2).reached:
                    break
            p = difference(*arms).p
            assert p is not None
            rejected[true] += p <= 0.05
    assert rejected[0.0] / 250 <= 0.08
    assert 0.75 <= rejected[effect] / 250 <= 0.9


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fixed_power_required(0.0, 1.0), "variance == 0.0"),
        (lambda: fixed_power_required(1.0, 0.0), "effect == 0.0"),
        (lambda: fixed_power_required(1.0, math.nan), "effect == nan"),
        (lambda: fixed_power_required(1.0, 1.0, alpha=0.5), "alpha == 0.5"),
        (lambda: fixed_power_required(1.0, 1.0, beta=0.0), "beta == 0.0"),
        (lambda: fixed_power_required(1.0, 1.0, shares=[1.0]), "1 shares"),
        (lambda: fixed_power_required(1.0, 1.0, shares=[1.0, 0.0]), "share == 0.0"),
    ],
)
def test_impossible_inputs_are_refused_by_name(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        call()
