"""What holds for every estimator: its intervals and its tests are one statement."""

from collections.abc import Callable
from math import erfc, inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    ClusterPair,
    Comoments,
    CovariatePair,
    Direction,
    Distribution,
    MatchedPair,
    MeanPair,
    Moments,
    Pair,
    QuantilePair,
    RatePair,
    RatioPair,
    Side,
    Slopes,
    StrataPair,
    difference,
    noninferiority,
    quantile,
    rate,
    relative,
)

sides = st.sampled_from(["two-sided", "greater", "less"])
alphas = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.3])
distributions = st.sampled_from(["t", "z"])
slopes = st.sampled_from(["per-arm", "pooled", "within"])
moments = st.builds(Moments, st.integers(2, 10_000), st.floats(0.01, 1e4), st.floats(1e-3, 1e6))
arms = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def table(random: np.random.Generator, columns: int, *, lift: float) -> Comoments:
    """Units with positive, correlated columns."""
    n = int(random.integers(2, 40))
    common = random.gamma(2.0, size=(n, 1))
    return Comoments.of(common + random.gamma(2.0, size=(n, columns)) + lift)


def made(build: Callable[[Comoments, Comoments, Slopes], Pair], columns: int) -> st.SearchStrategy[Pair]:
    return st.builds(
        lambda random, slope, lift: build(
            table(random, columns, lift=0.0), table(random, columns, lift=lift), slope
        ),
        arms,
        slopes,
        st.sampled_from([0.0, 0.3, 2.0]),
    )


pairs: st.SearchStrategy[Pair] = st.one_of(
    st.builds(MeanPair, moments, moments, st.booleans()),
    st.builds(
        lambda a, b, n, m: RatePair(rate(min(a, n), n), rate(min(b, m), m)),
        st.integers(1, 300),
        st.integers(1, 300),
        st.integers(2, 400),
        st.integers(2, 400),
    ),
    made(CovariatePair, 3),
    made(RatioPair, 2),
    made(RatioPair, 4),
    made(ClusterPair, 2),
    st.builds(MatchedPair, arms.map(lambda random: table(random, 2, lift=0.5))),
    st.builds(
        lambda random, strata, population: StrataPair(
            *(
                [Moments.of(random.gamma(2.0, size=random.integers(0, 8)) + 1) for _ in range(strata)]
                for _ in range(2)
            ),
            population=population,
        ),
        arms,
        st.integers(1, 5),
        st.booleans(),
    ),
    st.builds(
        lambda random, level: QuantilePair(
            *(quantile(random.gamma(2.0, size=random.integers(5, 60)) + 1, level) for _ in range(2))
        ),
        arms,
        st.sampled_from([0.3, 0.5, 0.8]),
    ),
)


@given(pairs, alphas, sides, distributions)
def test_intervals_on_both_scales_exclude_zero_exactly_when_the_test_rejects(
    pair: Pair, alpha: float, side: Side, distribution: Distribution
) -> None:
    found = difference(pair, alpha=alpha, side=side, distribution=distribution)
    if found.p is None:
        assert found.state != "tested"
        return
    assert found.interval is not None
    assert found.interval.excludes(0) == (found.p <= alpha)
    if found.relative:
        assert found.relative.interval.excludes(0) == (found.p <= alpha)


@given(pairs, alphas, st.floats(0.001, 0.5), st.sampled_from(["increase", "decrease"]), distributions)
def test_intervals_on_both_scales_exclude_the_margin_exactly_when_it_is_shown(
    pair: Pair, alpha: float, margin: float, direction: Direction, distribution: Distribution
) -> None:
    gain = 1 if direction == "increase" else -1
    errors = {"below": alpha} if gain > 0 else {"above": alpha}
    for scale in (True, False):
        found = noninferiority(
            pair, margin=margin, direction=direction, relative=scale, distribution=distribution
        )
        if found.p is None:
            continue
        bound = found.bound(alpha)
        assert bound is not None
        assert bound.excludes(0) == (found.p <= alpha)
        null = -gain * margin
        if scale:
            share = relative(pair, **errors, nulls=(null, null), distribution=distribution)  # type: ignore[arg-type]
            assert share is None or share.interval.excludes(null) == (found.p <= alpha)


@given(pairs, distributions)
def test_an_end_of_fiellers_interval_is_a_change_that_is_just_rejected(
    pair: Pair, distribution: Distribution
) -> None:
    share, joint = relative(pair, below=0.05, above=0.02, distribution=distribution), pair.joint()
    if share is None or joint is None:
        return
    joint = joint if distribution == "t" else joint.normal()
    low, high = joint.contrast(1 + share.interval.low), joint.contrast(1 + share.interval.high)
    assert low is not None
    assert high is not None
    assert low.p_greater() == pytest.approx(0.05, rel=1e-5)
    assert high.p_less() == pytest.approx(0.02, rel=1e-5)


@given(pairs)
def test_read_outs_of_the_relative_change_have_its_estimate_and_say_that_they_are_not_tested(
    pair: Pair,
) -> None:
    fieller = relative(pair, below=0.1, above=0.1)
    for scale in ("delta", "log"):
        shown = relative(pair, below=0.1, above=0.1, scale=scale)  # type: ignore[arg-type]
        if shown and fieller:
            assert shown.estimate == fieller.estimate
            assert shown.interval.low < shown.estimate < shown.interval.high
            assert (shown.tested, fieller.tested) == (False, True)


def test_one_sided_relative_intervals_are_open_on_the_other_side() -> None:
    pair = MeanPair(Moments(100, 5.0, 100.0), Moments(100, 6.0, 100.0))
    for scale in ("fieller", "delta", "log"):
        low, high = relative(pair, below=0.05, scale=scale), relative(pair, above=0.05, scale=scale)  # type: ignore[arg-type]
        assert low is not None
        assert high is not None
        assert (low.interval.high, high.interval.low) == (inf, -inf)


def test_equal_variances_give_students_test() -> None:
    from scipy.stats import ttest_ind

    control, treatment = [1.0, 4.0, 2.5, 3.0], [2.0, 6.0, 7.0, 4.5, 5.0, 9.0]
    for equal in (True, False):
        found = difference(MeanPair(Moments.of(control), Moments.of(treatment), equal_variances=equal))
        expected = ttest_ind(treatment, control, equal_var=equal)
        assert (found.statistic, found.df, found.p) == pytest.approx(
            (expected.statistic, expected.df, expected.pvalue), rel=1e-12
        )


def test_z_takes_the_variances_as_known() -> None:
    found = difference(Moments.of([1.0, 2.0, 4.0]), Moments.of([3.0, 5.0, 9.0]), distribution="z")
    assert found.df == inf
    assert found.p == pytest.approx(erfc(abs(found.statistic or 0) / sqrt(2)), rel=1e-12)


def test_a_pair_holds_both_arms() -> None:
    arm = Moments(10, 1.0, 1.0)
    with pytest.raises(InputError, match="treatment was given beside a pair"):
        difference(MeanPair(arm, arm), arm)
    with pytest.raises(InputError, match="treatment is missing"):
        difference(arm)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda arm: difference(arm, arm, side="up"), "side == 'up'"),
        (lambda arm: difference(arm, arm, distribution="w"), "distribution == 'w'"),
        (lambda arm: relative(arm, arm, 0.05, scale="linear"), "scale == 'linear'"),
        (lambda arm: relative(arm, arm, below=float("nan")), "below == nan"),
        (lambda arm: noninferiority(arm, arm, margin=0.1, direction="up"), "direction == 'up'"),
        (lambda arm: noninferiority(arm, arm, margin=0.1).bound(0), "alpha == 0"),
        (lambda _: Moments(-1, 0.0, 0.0), "n == -1"),
        (lambda _: Moments(3, float("nan"), 1.0), "must be finite"),
        (lambda _: Moments(3, 1.0, -1.0), "m2 not negative"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(call: Callable[[Moments], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(Moments(10, 1.0, 1.0))


@pytest.mark.parametrize("unit", [1e-120, 1e-90, 1e90, 1e120])
def test_the_relative_interval_does_not_depend_on_the_unit(unit: float) -> None:
    control, treatment = np.array([3.0, 4, 5, 4, 6, 3]), np.array([4.0, 6, 5, 5, 7, 4])
    plain, found = (
        relative(Moments.of(control * by), Moments.of(treatment * by), 0.025, 0.025) for by in (1.0, unit)
    )
    assert plain is not None
    assert found is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (plain.interval.low, plain.interval.high), rel=1e-10
    )
