import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln

from counterpoint.errors import InputError
from counterpoint.stats import sample_ratio, sequential_sample_ratio


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
    [
        ([1], [1]),
        ([1, 2], [1]),
        ([1, 2], [1, 0]),
        ([1, 2], [1, math.nan]),
        ([-1, 2], [1, 1]),
        ([math.nan, 2], [1, 1]),
        ([math.inf, 2], [1, 1]),
        ([1.5, 2], [1, 1]),
    ],
)
def test_impossible_plans_are_refused(observed: list[int], shares: list[float]) -> None:
    with pytest.raises(InputError):
        sample_ratio(observed, shares)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0.1, 0.9), st.floats(1, 1e5))
def test_the_sequential_factor_of_two_arms_is_that_of_a_beta_prior(
    first: int, second: int, share: float, concentration: float
) -> None:
    found = sequential_sample_ratio([first, second], [share, 1 - share], concentration=concentration)
    a, b = concentration * share, concentration * (1 - share)
    null = first * math.log(share) + second * math.log1p(-share)
    assert found.log_bayes_factor == pytest.approx(
        float(betaln(a + first, b + second) - betaln(a, b)) - null, rel=1e-9, abs=1e-5
    )
    assert found.p == pytest.approx(min(1.0, math.exp(-min(found.log_bayes_factor, 700))), rel=1e-12)


def test_a_kept_ratio_seldom_ever_rings_and_a_broken_one_rings_soon() -> None:
    random = np.random.default_rng(5)
    looks = range(100, 3001, 100)

    def rings(share: float) -> list[bool]:
        runs = (random.random((300, 3000)) < share).cumsum(axis=1)
        return [
            any(
                sequential_sample_ratio(
                    [int(run[n - 1]), n - int(run[n - 1])], [1, 1], concentration=100, alpha=0.05
                ).mismatch
                for n in looks
            )
            for run in runs
        ]

    assert sum(rings(0.5)) / 300 <= 0.05
    assert sum(rings(0.57)) / 300 >= 0.95


@pytest.mark.parametrize("concentration", [0, -1, math.inf, math.nan])
def test_a_sequential_test_needs_a_declared_concentration(concentration: float) -> None:
    with pytest.raises(InputError, match="concentration"):
        sequential_sample_ratio([10, 10], [1, 1], concentration=concentration)


def test_a_sequential_test_needs_a_level() -> None:
    with pytest.raises(InputError, match="alpha == 1"):
        sequential_sample_ratio([10, 10], [1, 1], concentration=10, alpha=1)


def test_no_units_yet_are_no_evidence() -> None:
    found = sequential_sample_ratio([0, 0], [1, 3], concentration=10)
    assert (found.p, found.mismatch) == (1.0, False)


@pytest.mark.parametrize(
    ("n", "more", "log_factor"),
    [
        (10**9, 0, -5.756492732210075),
        (10**12, 0, -9.210365376975891),
        (10**12, 10**6, -7.210365396997324),
    ],
)
def test_the_sequential_factor_keeps_its_digits_for_a_trillion_units(
    n: int, more: int, log_factor: float
) -> None:
    """Computed with 60 digits (mpmath 1.3)."""
    found = sequential_sample_ratio([n // 2 + more, n // 2 - more], [1, 1], concentration=1e4)
    assert found.log_bayes_factor == pytest.approx(log_factor, rel=1e-10)


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_several_concentrations_are_the_mean_of_their_factors(first: int, second: int) -> None:
    each = [
        sequential_sample_ratio([first, second], [1, 1], concentration=c).log_bayes_factor for c in (10, 1000)
    ]
    found = sequential_sample_ratio([first, second], [1, 1], concentration=(10, 1000))
    assert found.log_bayes_factor == pytest.approx(np.logaddexp(*each) - math.log(2), abs=1e-9)


def test_the_default_mixture_finds_both_large_and_small_mismatches() -> None:
    """A single concentration of 10,000 needs a thousand units where the arms get 9 in 10, the mixture a few dozen."""
    assert sequential_sample_ratio([36, 4], [1, 1]).mismatch
    assert not sequential_sample_ratio([36, 4], [1, 1], concentration=10_000).mismatch
    assert sequential_sample_ratio([1_003_500, 996_500], [1, 1]).mismatch
    assert not sequential_sample_ratio([50_100, 49_900], [1, 1]).mismatch


def test_a_concentration_must_be_there() -> None:
    with pytest.raises(InputError, match="concentration is empty"):
        sequential_sample_ratio([1, 2], [1, 1], concentration=())
    with pytest.raises(InputError, match="concentration == nan"):
        sequential_sample_ratio([1, 2], [1, 1], concentration=(10, math.nan))
