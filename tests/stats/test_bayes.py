import math

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import norm

from counterpoint.errors import InputError
from counterpoint.stats import MeanPair, Moments, believed_difference, believed_rates, difference

PAIR = MeanPair(Moments(100, 10.0, 99.0), Moments(100, 10.2, 99.0))


def test_a_flat_prior_gives_the_z_test_read_the_other_way() -> None:
    found, tested = believed_difference(PAIR), difference(PAIR, distribution="z")
    assert found is not None
    assert tested.interval is not None
    assert found.better == pytest.approx(1 - (tested.p_greater or 0), rel=1e-9)
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (tested.interval.low, tested.interval.high)
    )


def test_a_prior_pulls_the_estimate_by_its_precision_and_losses_are_expectations() -> None:
    found = believed_difference(PAIR, prior_mean=-0.1, prior_sd=0.1)
    assert found is not None
    assert found.mean == pytest.approx((0.2 / 0.02 - 0.1 / 0.01) / (1 / 0.02 + 1 / 0.01), abs=1e-12)
    draws = np.random.default_rng(1).normal(found.mean, found.sd, size=1_000_000)
    assert found.loss == pytest.approx(np.maximum(-draws, 0).mean(), rel=0.01)
    assert found.loss_control - found.loss == pytest.approx(found.mean, abs=1e-12)


def test_arms_without_variance_are_not_believed() -> None:
    assert believed_difference(MeanPair(Moments(9, 1.0, 0.0), Moments(9, 1.0, 0.0))) is None


def test_rates_agree_with_draws_from_their_posteriors() -> None:
    random = np.random.default_rng(2)
    for control, treatment in (((20, 100), (30, 100)), ((0, 5), (2, 6)), ((4000, 40_000), (4100, 40_000))):
        found = believed_rates(control, treatment)
        draws = random.beta(1 + treatment[0], 1 + treatment[1] - treatment[0], 200_000) - random.beta(
            1 + control[0], 1 + control[1] - control[0], 200_000
        )
        assert found.better == pytest.approx((draws > 0).mean(), abs=0.006)
        assert found.loss == pytest.approx(np.maximum(-draws, 0).mean(), rel=0.05)
        assert (found.mean, found.sd) == pytest.approx((draws.mean(), draws.std()), rel=0.02)
        low, high = np.quantile(draws, [0.025, 0.975])
        assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=0.02 * draws.std())


def test_small_counts_have_their_closed_form() -> None:
    """P(T > C) for T from Beta(2, 1), C uniform: the integral of t·2t is 2/3."""
    assert believed_rates((0, 0), (1, 1)).better == pytest.approx(2 / 3, rel=1e-11)
    assert believed_rates((0, 0), (0, 0)).loss == pytest.approx(1 / 6, rel=1e-11)


@pytest.mark.parametrize(
    ("control", "treatment"),
    [((20, 100), (30, 100)), ((0, 5), (5, 5)), ((1, 3), (2, 4)), ((400, 900), (3, 5))],
)
def test_the_chance_to_be_better_is_the_finite_sum_of_whole_parameters(
    control: tuple[int, int], treatment: tuple[int, int]
) -> None:
    """Miller (2015), Formulas for Bayesian A/B testing: the sum of B(a + i, b + q)/((q + i)·B(1 + i, q)·B(a, b))."""
    a, b = control[0] + 1, control[1] - control[0] + 1
    p, q = treatment[0] + 1, treatment[1] - treatment[0] + 1
    better = math.fsum(
        math.exp(betaln(a + i, b + q) - math.log(q + i) - betaln(1 + i, q) - betaln(a, b)) for i in range(p)
    )
    assert believed_rates(control, treatment).better == pytest.approx(better, rel=1e-11)
    assert believed_rates(treatment, control).better == pytest.approx(1 - better, rel=1e-9)


def test_a_trillion_units_are_believed_like_a_normal() -> None:
    found = believed_rates((10**11, 10**12), (10**11 + 10**6, 10**12))
    assert found.better == pytest.approx(norm.cdf(found.mean / found.sd), rel=1e-7)
    assert found.interval.low == pytest.approx(found.mean + norm.ppf(0.025) * found.sd, rel=1e-5)


def test_arms_that_are_the_same_have_even_chances_and_an_interval_around_zero() -> None:
    for prior in ((1.0, 1.0), (0.5, 0.5), (0.1, 0.1)):
        found = believed_rates((0, 1), (0, 1), prior=prior)
        assert found.better == pytest.approx(0.5, abs=1e-9)
        assert found.interval.low == pytest.approx(-found.interval.high, abs=1e-3)


def test_what_has_no_meaning_is_refused_by_name() -> None:
    for call, message in (
        (lambda: believed_difference(PAIR, prior_sd=0), "prior_sd == 0"),
        (lambda: believed_difference(PAIR, prior_mean=math.nan), "prior_mean == nan"),
        (lambda: believed_rates((3, 2), (1, 2)), "successes of the control == 3"),
        (lambda: believed_rates((1, 2), (1, 2), prior=(0, 1)), r"prior\[0\] == 0"),
        (lambda: believed_rates((0, 2), (1, 2), prior=(0.01, 1)), "0 of 2 in the control leaves a beta"),
    ):
        with pytest.raises(InputError, match=message):
            call()
