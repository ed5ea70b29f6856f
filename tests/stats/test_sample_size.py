import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    Comoments,
    CovariatePair,
    RatioPair,
    Target,
    detectable_effect,
    margin_target,
    mean_target,
    noninferiority,
    power_at,
    rate_margin_target,
    rate_target,
    ratio_variance,
    required_units,
    units_per_arm,
    units_per_arm_rate,
)
from counterpoint.stats.distributions import normal_quantile, t_quantile
from tests.stats.cases import ratio_case


def targets() -> st.SearchStrategy[Target]:
    effects, sds = st.floats(0.02, 2), st.floats(0.1, 5)
    return st.one_of(
        st.builds(
            lambda sd, effect, rho: mean_target(sd, effect, correlation=rho),
            sds,
            effects,
            st.floats(-0.9, 0.9),
        ),
        st.builds(
            lambda sd, m, rho: margin_target(3.0, sd, m, correlation=rho),
            sds,
            st.floats(0.01, 0.5),
            st.floats(0, 0.9),
        ),
        st.builds(rate_target, st.floats(0.05, 0.5), st.floats(0.02, 0.4), pooled=st.booleans()),
        st.builds(
            lambda base, m, relative, restricted: rate_margin_target(
                base, m, relative=relative, restricted=restricted
            ),
            st.floats(0.3, 0.8),
            st.floats(0.02, 0.2),
            st.booleans(),
            st.booleans(),
        ),
    )


@given(
    targets(),
    st.sampled_from(["t", "z"]),
    st.sampled_from([(1.0, 1.0), (3.0, 1.0), (0.2, 0.8)]),
    st.floats(1, 1.3),
)
def test_the_units_reach_the_power_and_fewer_do_not(
    target: Target, distribution: str, shares: tuple[float, float], inflation: float
) -> None:
    levels = {"alpha": 0.05, "distribution": distribution, "inflation": inflation}
    size = required_units(target, beta=0.2, shares=shares, **levels)  # type: ignore[arg-type]
    control, treatment = (size.exact * share / sum(shares) for share in shares)
    assert size.arms == (math.ceil(control - 1e-6), math.ceil(treatment - 1e-6)) or size.exact < 10
    assert power_at(target, size.arms, **levels) >= 0.8 - 1e-6  # type: ignore[arg-type]
    if min(control, treatment) > 3:
        assert power_at(target, (control * 0.99, treatment * 0.99), **levels) < 0.8  # type: ignore[arg-type]


def test_z_sizes_are_the_closed_forms() -> None:
    for sides, alpha in ((1, 0.025), (2, 0.05)):
        size = required_units(mean_target(1.0, 0.1), alpha=alpha, sides=sides, distribution="z")  # type: ignore[arg-type]
        assert size.arms == (units_per_arm(1.0, 0.1, alpha=0.025),) * 2
        both = normal_quantile(0.975) + normal_quantile(0.8)
        assert size.exact == pytest.approx(4 * both**2 / 0.01, rel=1e-8)
    rate = required_units(rate_target(0.1, 0.02), alpha=0.025, distribution="z")
    assert rate.arms == (units_per_arm_rate(0.1, 0.02, alpha=0.025),) * 2


def test_covariates_inflation_and_arms_scale_the_size_as_they_should() -> None:
    plain = required_units(mean_target(1.0, 0.1), distribution="z")
    adjusted = required_units(mean_target(1.0, 0.1, correlation=0.6), distribution="z", inflation=1.1)
    assert adjusted.exact / plain.exact == pytest.approx((1 - 0.36) * 1.1, rel=1e-7)
    four = required_units(mean_target(1.0, 0.1), distribution="z", shares=(1, 1, 1, 1))
    assert four.exact / plain.exact == pytest.approx(2, rel=1e-7)
    uneven = required_units(mean_target(1.0, 0.1), distribution="z", shares=(9, 1))
    assert uneven.exact / plain.exact == pytest.approx(0.25 / 0.09, rel=1e-7)


def test_power_of_t_is_that_of_the_noncentral_t() -> None:
    """By integrating the normal over the distribution of the standard deviation, for equal arms of 64."""
    reach, away = t_quantile(126, 0.975), 0.5 / math.sqrt(2 / 64)
    s = np.linspace(0.5, 1.6, 20_001)
    log_density = 126 * np.log(s) - np.log(s) - 63 * s * s
    density = np.exp(log_density - log_density.max())
    from scipy.special import ndtr

    expected = np.sum(ndtr(away - reach * s) * density) / np.sum(density)
    found = power_at(mean_target(1.0, 0.5), (64, 64), alpha=0.05, sides=2)
    assert found == pytest.approx(expected, abs=1e-9)


@given(st.sampled_from(["t", "z"]), st.integers(20, 10_000), st.floats(0.1, 10))
def test_a_detectable_effect_asks_for_the_units_it_was_made_of(distribution: str, n: int, sd: float) -> None:
    effect = detectable_effect(lambda size: mean_target(sd, size), (n, 2 * n), distribution=distribution)  # type: ignore[arg-type]
    assert effect is not None
    size = required_units(mean_target(sd, effect), shares=(1, 2), distribution=distribution)  # type: ignore[arg-type]
    assert size.exact == pytest.approx(3 * n, rel=1e-6)


def test_a_rate_that_would_have_to_pass_one_has_no_detectable_effect() -> None:
    assert detectable_effect(lambda effect: rate_target(0.9, effect), (3, 3), most=0.1) is None
    found = detectable_effect(lambda effect: rate_target(0.1, effect), (3841, 3841), alpha=0.025, most=0.9)
    assert found == pytest.approx(0.02, abs=1e-5)


def test_units_of_a_ratio_come_from_the_delta_variance() -> None:
    pair = ratio_case()
    variance = ratio_variance(pair.control_arm), ratio_variance(pair.treatment_arm)
    found = pair.contrast()
    assert found is not None
    assert math.sqrt(sum(variance) / 10_000) == pytest.approx(found.se, rel=1e-12)
    assert isinstance(pair, RatioPair)


def test_planned_power_is_that_of_the_analysis_with_covariates_and_a_relative_margin() -> None:
    random, draws, n, rho = np.random.default_rng(8), 1500, 60, 0.7
    target = margin_target(5.0, 1.0, 0.1, truth=-0.02, correlation=rho)
    planned = power_at(target, (n, n), alpha=0.05)
    shown = 0
    x = random.normal(size=(draws, 2, n))
    y = 5.0 + rho * x + math.sqrt(1 - rho * rho) * random.normal(size=(draws, 2, n))
    y[:, 1] -= 0.1
    for i in range(draws):
        arms = [Comoments.of(np.stack([y[i, arm], x[i, arm]], axis=1)) for arm in (0, 1)]
        shown += (noninferiority(CovariatePair(arms[0], arms[1]), margin=0.1).p or 1) <= 0.05
    assert shown / draws == pytest.approx(planned, abs=4 * math.sqrt(0.25 / draws))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_target(0, 1), "sd == 0"),
        (lambda: mean_target(1, 0), "effect == 0"),
        (lambda: mean_target(1, float("nan")), "effect == nan"),
        (lambda: mean_target(1, 1, correlation=1), "correlation == 1"),
        (lambda: margin_target(-1, 1, 0.1), "mean == -1"),
        (lambda: margin_target(1, 1, 1.0), "margin == 1.0"),
        (lambda: margin_target(1, 1, 0.1, truth=-0.1), "loses as much as the margin"),
        (lambda: margin_target(1, 1, 0.1, truth=0.1, direction="decrease"), "loses as much as the margin"),
        (lambda: rate_target(0.5, 0.5), r"base \+ effect == 1.0"),
        (lambda: rate_margin_target(0.5, 0.1, truth=0.6), "true rate == 1.1"),
        (lambda: ratio_variance(Comoments.empty(2)), "arm has 2 columns, 0 units"),
        (lambda: power_at(mean_target(1, 1), (0, 5)), "units of the control == 0"),
        (lambda: power_at(mean_target(1, 1), (5, 5), sides=3), "sides == 3"),  # type: ignore[arg-type]
        (lambda: required_units(mean_target(1, 1), shares=(1,)), "shares has 1 numbers"),
        (lambda: required_units(mean_target(1, 1), shares=(1, 0)), "share == 0"),
        (lambda: required_units(mean_target(1, 1), inflation=0), "inflation == 0"),
        (lambda: required_units(mean_target(1, 1), alpha=0.6), "alpha == 0.6"),
        (lambda: required_units(mean_target(1, 1), beta=1.2), "beta == 1.2"),
        (lambda: required_units(mean_target(1, 1e-12)), "too small for any number"),
        (lambda: detectable_effect(lambda e: mean_target(1, e), (5, 5), most=-1), "most == -1"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
