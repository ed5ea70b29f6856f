import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import (
    Comoments,
    Distribution,
    MatchedPair,
    MeanPair,
    Moments,
    Pair,
    Side,
    difference,
    equivalence,
    noninferiority,
)

CONTROL = [1.2, 3.4, 2.2, 5.1, 4.0, 3.3, 2.9]
TREATMENT = [2.2, 4.1, 6.0, 3.9, 5.5]


def test_the_larger_p_is_that_of_other_tools() -> None:
    """statsmodels 0.15, ttost_ind(..., -3, 3, usevar="unequal")."""
    found = equivalence(Moments.of(CONTROL), Moments.of(TREATMENT), margin=3.0, relative=False)
    assert (found.p_above_low, found.p_below_high) == pytest.approx(
        (0.0005135024288900308, 0.029188800048256292), rel=1e-10
    )
    assert found.p == found.p_below_high
    assert found.equivalent


moments = st.builds(Moments, st.integers(2, 10_000), st.floats(1.0, 1e4), st.floats(1e-3, 1e6))
tables = st.integers(0, 2**32 - 1).map(
    lambda seed: Comoments.of(np.random.default_rng(seed).gamma(3.0, size=(seed % 30 + 2, 2)) + 1)
)
pairs: st.SearchStrategy[Pair] = st.one_of(
    st.builds(MeanPair, moments, moments), st.builds(MatchedPair, tables)
)


@given(
    pairs,
    st.floats(0.001, 0.9),
    st.sampled_from([0.01, 0.05, 0.3]),
    st.booleans(),
    st.sampled_from(["t", "z"]),
)
def test_the_interval_lies_within_the_margin_exactly_when_both_tests_reject(
    pair: Pair, margin: float, alpha: float, relative: bool, distribution: Distribution
) -> None:
    found = equivalence(pair, margin=margin, alpha=alpha, relative=relative, distribution=distribution)
    if found.p is None:
        assert found.state != "tested"
        return
    if found.interval is not None:
        inside = found.interval.low >= -margin and found.interval.high <= margin
        assert inside == (found.p <= alpha) == found.equivalent
    guard = noninferiority(pair, margin=margin, relative=relative, distribution=distribution)
    assert guard.p == pytest.approx(found.p_above_low, rel=1e-12)


def test_margins_that_mean_nothing_are_refused() -> None:
    arm = Moments(10, 1.0, 1.0)
    with pytest.raises(InputError, match="margin == 0"):
        equivalence(arm, arm, margin=0)
    with pytest.raises(InputError, match="margin == nan"):
        equivalence(arm, arm, margin=float("nan"), relative=False)
    with pytest.raises(InputError, match=r"alpha == 0\.5"):
        equivalence(arm, arm, margin=0.1, alpha=0.5)
    assert equivalence(Moments(10, -1.0, 1.0), arm, margin=0.1).state == "no share"
    assert equivalence(Moments(10, 1.0, 0.0), Moments(10, 1.0, 0.0), margin=0.1).state == "no variance"


def test_matched_units_give_the_paired_t_test() -> None:
    """R 4.2.2, t.test(y, x, paired = TRUE)."""
    x, y = np.array([1.2, 3.4, 2.2, 5.1, 4.0]), np.array(TREATMENT)
    for offset in (0.0, 1e8):
        pair = MatchedPair(Comoments.of(np.column_stack([x, y]) + offset))
        found = difference(pair)
        assert found.df == 4
        assert found.statistic == pytest.approx(1.44481698551263, rel=1e-7)
        assert found.p == pytest.approx(0.222019202326525, rel=1e-6)
    assert (pair.units, pair.state) == ((5, 5), "tested")


@given(tables, st.sampled_from([0.01, 0.05, 0.3]), st.sampled_from(["two-sided", "greater", "less"]))
def test_matched_intervals_on_both_scales_exclude_zero_exactly_when_the_test_rejects(
    table: Comoments, alpha: float, side: Side
) -> None:
    found = difference(MatchedPair(table), alpha=alpha, side=side)
    assert found.p is not None
    assert found.interval is not None
    assert found.interval.excludes(0) == (found.p <= alpha)
    assert found.relative is None or found.relative.interval.excludes(0) == (found.p <= alpha)


def test_matched_units_that_all_differ_by_the_same_have_no_test() -> None:
    values = np.arange(9.0)
    assert difference(MatchedPair(Comoments.of(np.column_stack([values, values + 3])))).state == "no variance"
    assert difference(MatchedPair(Comoments.of([[1.0, 2.0]]))).state == "too few units"
    with pytest.raises(InputError, match="both has 1 columns"):
        MatchedPair(Comoments.empty(1))
