import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import noninferiority, rate, rate_difference, rate_noninferiority, restricted_rates
from counterpoint.stats.pairs import RatePair

inner = st.floats(0.02, 0.98)


def likelihood(control: float, treatment: float, ratio: float, low: float, high: float) -> float:
    return (
        ratio * (control * math.log(low) + (1 - control) * math.log(1 - low))
        + treatment * math.log(high)
        + (1 - treatment) * math.log(1 - high)
    )


@given(inner, inner, st.floats(0.2, 5), st.floats(-0.7, 0.7), st.booleans())
def test_restricted_rates_are_the_most_likely_ones(
    control: float, treatment: float, ratio: float, margin: float, relative: bool
) -> None:
    low, high = restricted_rates(control, treatment, ratio=ratio, margin=margin, relative=relative)
    assert high == pytest.approx(low * (1 + margin) if relative else low + margin, abs=1e-9)
    if min(low, high) < 1e-6 or max(low, high) > 1 - 1e-6:
        return
    best = likelihood(control, treatment, ratio, low, high)
    for step in (-1e-4, 1e-4):
        near = low + step * min(low, high, 1 - low, 1 - high)
        other = near * (1 + margin) if relative else near + margin
        assert likelihood(control, treatment, ratio, near, other) <= best + 1e-12


def test_a_margin_of_nothing_is_the_pooled_test() -> None:
    control, treatment = rate(60, 200), rate(45, 150)
    both = restricted_rates(control.mean, treatment.mean, ratio=200 / 150, margin=0.0, relative=False)
    assert both == pytest.approx((105 / 350,) * 2)
    near = rate_noninferiority(control, rate(40, 150), margin=1e-9, relative=False, variance="restricted")
    pooled = rate_difference(control, rate(40, 150), pooled=True)
    assert near.statistic == pytest.approx(pooled.statistic, rel=1e-6)


def test_the_restricted_test_of_a_share_has_the_score_statistic() -> None:
    """Computed with statsmodels 0.15.0, score_test_proportions_2indep(compare="ratio", correction=False)."""
    found = rate_noninferiority(rate(30, 90), rate(8, 40), margin=0.3, variance="restricted")
    assert found.statistic == pytest.approx(-0.4467656917159485, rel=1e-9)
    other = rate_noninferiority(rate(90, 200), rate(85, 200), margin=0.1, variance="restricted")
    assert other.statistic == pytest.approx(0.42456034775946055, rel=1e-9)


def test_the_unpooled_test_is_noninferiority_of_the_pair() -> None:
    control, treatment = rate(90, 200), rate(85, 200)
    for relative in (True, False):
        found = rate_noninferiority(control, treatment, margin=0.1, relative=relative)
        assert found == noninferiority(RatePair(control, treatment), margin=0.1, relative=relative)
        restricted = rate_noninferiority(
            control, treatment, margin=0.1, relative=relative, variance="restricted"
        )
        assert restricted.bound(0.05) is None
        assert found.bound(0.05) is not None


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_rate_that_should_fall_mirrors_its_complement(control: int, treatment: int) -> None:
    rises = rate_noninferiority(
        rate(control, 40), rate(treatment, 40), margin=0.1, relative=False, variance="restricted"
    )
    falls = rate_noninferiority(
        rate(40 - control, 40),
        rate(40 - treatment, 40),
        margin=0.1,
        relative=False,
        direction="decrease",
        variance="restricted",
    )
    assert falls.p == pytest.approx(rises.p, rel=1e-6)


def test_rates_at_the_edge_are_tested_where_the_margin_has_variance() -> None:
    found = rate_noninferiority(rate(40, 40), rate(40, 40), margin=0.1, relative=False, variance="restricted")
    assert found.state == "tested"
    assert rate_noninferiority(rate(40, 40), rate(40, 40), margin=0.1).state == "no variance"
    assert rate_noninferiority(rate(1, 1), rate(4, 40), margin=0.1, variance="restricted").state == (
        "too few units"
    )


def test_impossible_rates_and_margins_are_refused() -> None:
    with pytest.raises(InputError, match=r"control == 1\.5"):
        restricted_rates(1.5, 0.5, ratio=1, margin=0.1, relative=False)
    with pytest.raises(InputError, match="margin == 1"):
        restricted_rates(0.5, 0.5, ratio=1, margin=1, relative=False)
    with pytest.raises(InputError, match="variance == 'pooled'"):
        rate_noninferiority(rate(1, 9), rate(1, 9), margin=0.1, variance="pooled")  # type: ignore[arg-type]
