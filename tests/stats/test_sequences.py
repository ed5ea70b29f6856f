import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from counterpoint.errors import InputError
from counterpoint.stats import (
    confidence_sequence_margin,
    confidence_sequence_p,
    mixture_margin,
    mixture_p,
    repeated_interval,
    rho2_growthbook,
    rho2_tuned,
)


def test_the_margin_is_that_of_the_reference() -> None:
    # Case B of the reference numbers: Welch's difference, 20,000 users, tuned at 5,000 as GrowthBook does.
    margin = confidence_sequence_margin(0.028923103601, 20_000, alpha=0.05, rho2=rho2_growthbook(5000, 0.05))
    assert 0.0302195 - margin == pytest.approx(-0.060226346, abs=2e-9)
    assert 0.0302195 + margin == pytest.approx(0.120665346, abs=2e-9)


@given(st.integers(10, 10**7), st.floats(0.0001, 0.5))
def test_the_sequence_is_narrowest_at_the_units_it_is_tuned_for(n: int, alpha: float) -> None:
    best = rho2_tuned(n, alpha)
    margins = [confidence_sequence_margin(1.0, n, alpha=alpha, rho2=best * by) for by in (0.9, 1.0, 1.1)]
    assert margins[1] <= min(margins)
    near = confidence_sequence_margin(1.0, n, alpha=alpha, rho2=rho2_growthbook(n, alpha))
    assert margins[1] <= near < 1.05 * margins[1]


@given(
    st.floats(-8, 8),
    st.integers(1, 10**6),
    st.floats(1e-6, 1),
    st.floats(0.001, 0.5),
    st.sampled_from([1, 2]),
)
def test_p_is_at_most_alpha_exactly_when_the_interval_excludes_zero(
    z: float, n: int, rho2: float, alpha: float, sides: int
) -> None:
    boundary = confidence_sequence_margin(1.0, n, alpha=alpha, rho2=rho2, sides=sides)
    found = repeated_interval(z, 1.0, boundary, side="two-sided" if sides == 2 else "greater")
    assume(abs(abs(z) - boundary) > 1e-9)
    assert found.excludes(0.0) is (confidence_sequence_p(z, n, rho2=rho2, sides=sides) <= alpha)


@pytest.mark.parametrize("sides", [1, 2])
def test_one_over_p_is_at_most_the_likelihood_ratio_of_the_mixed_means(sides: int) -> None:
    # Unit variance: S = z·√n has mean n·μ, with μ normal of variance ρ² (its positive half for one side).
    n, rho2, z = 40, 0.07, 2.3
    rho = math.sqrt(rho2)

    def weighted(mean: float) -> float:
        return math.exp(mean * z * math.sqrt(n) - n * mean**2 / 2) * norm.pdf(mean, scale=rho)

    ratio = quad(weighted, -3, 3)[0] if sides == 2 else 2 * quad(weighted, 0, 3)[0]
    found = 1 / confidence_sequence_p(z, n, rho2=rho2, sides=sides)
    if sides == 2:
        assert found == pytest.approx(ratio, rel=1e-9)
    else:
        assert 0.8 * ratio < found <= ratio


def test_a_true_null_is_seldom_ever_rejected_however_often_one_looks() -> None:
    steps = np.random.default_rng(7).standard_normal((4000, 1000))
    n = np.arange(1, 1001)
    z = steps.cumsum(axis=1) / np.sqrt(n)
    two = [confidence_sequence_margin(1.0, int(k), alpha=0.1, rho2=0.02) for k in n]
    one = [confidence_sequence_margin(1.0, int(k), alpha=0.1, rho2=0.02, sides=1) for k in n]
    assert 0.02 < (np.abs(z) >= two).any(axis=1).mean() <= 0.1
    assert 0.02 < (z >= one).any(axis=1).mean() <= 0.1


@given(st.floats(-1, 1), st.integers(1, 10**5), st.floats(0.1, 10), st.floats(1e-4, 1), st.floats(0.001, 0.5))
def test_the_mixture_has_its_closed_form_and_an_interval_that_agrees(
    difference: float, n: int, variance: float, mixing: float, alpha: float
) -> None:
    whole = variance + n * mixing
    log_ratio = 0.5 * math.log(variance / whole) + n**2 * mixing * difference**2 / (2 * variance * whole)
    p = mixture_p(difference, n, variance=variance, mixing=mixing)
    assert p == pytest.approx(min(1.0, math.exp(-log_ratio)), rel=1e-7, abs=1e-300)
    margin = mixture_margin(n, variance=variance, mixing=mixing, alpha=alpha)
    assume(abs(abs(difference) - margin) > 1e-9)
    assert (p <= alpha) is (abs(difference) > margin)


def test_overwhelming_evidence_does_not_overflow() -> None:
    assert mixture_p(1e6, 10**6, variance=1.0, mixing=1.0) == 0.0
    assert confidence_sequence_p(1e5, 100, rho2=0.1, sides=1) == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: confidence_sequence_margin(0.0, 10, rho2=1.0), "se == 0.0"),
        (lambda: confidence_sequence_margin(1.0, 0, rho2=1.0), "n == 0"),
        (lambda: confidence_sequence_margin(1.0, 10, rho2=-1.0), "rho2 == -1.0"),
        (lambda: confidence_sequence_margin(1.0, 10, rho2=1.0, alpha=0), "alpha == 0"),
        (lambda: confidence_sequence_margin(1.0, 10, rho2=1.0, sides=3), "sides == 3"),
        (lambda: confidence_sequence_p(math.nan, 10, rho2=1.0), "statistic == nan"),
        (lambda: rho2_tuned(0), "n == 0"),
        (lambda: rho2_growthbook(10, 2), "alpha == 2"),
        (lambda: mixture_p(math.inf, 10, variance=1.0, mixing=1.0), "difference == inf"),
        (lambda: mixture_p(0.1, 10, variance=0.0, mixing=1.0), "variance == 0.0"),
        (lambda: mixture_margin(10, variance=1.0, mixing=0.0), "mixing == 0.0"),
    ],
)
def test_impossible_inputs_are_refused_by_name(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=words):
        call()
