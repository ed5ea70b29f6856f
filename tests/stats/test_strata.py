import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import MeanPair, Moments, StrataPair, difference, relative
from tests.stats.cases import INDEX, OUTCOME, TREATED

EMPTY = Moments(0, 0.0, 0.0)


def split(values: np.ndarray, treated: np.ndarray, stratum: np.ndarray) -> StrataPair:
    names = np.unique(stratum)
    return StrataPair(
        [Moments.of(values[~treated & (stratum == name)]) for name in names],
        [Moments.of(values[treated & (stratum == name)]) for name in names],
    )


def test_the_formula_is_that_of_the_strata_in_their_shares() -> None:
    stratum = INDEX % 7 // 3
    pair = split(OUTCOME + 4.0 * stratum, TREATED, stratum)
    estimate = variance = 0.0
    for name in range(3):
        inside = stratum == name
        share = inside.mean()
        t, c = (OUTCOME[inside & TREATED], OUTCOME[inside & ~TREATED])
        estimate += share * (t.mean() - c.mean())
        variance += share**2 * (t.var(ddof=1) / t.size + c.var(ddof=1) / c.size)
    found = difference(pair)
    assert found.estimate == pytest.approx(estimate, rel=1e-9)
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-11)
    assert pair.merged == 0


def test_strata_that_explain_the_outcome_make_the_interval_narrower() -> None:
    stratum = INDEX % 7 // 3
    values = OUTCOME + 4.0 * stratum
    plain = difference(Moments.of(values[~TREATED]), Moments.of(values[TREATED]))
    assert difference(split(values, TREATED, stratum)).se < 0.8 * (plain.se or 0)  # type: ignore[operator]


def test_adding_a_constant_leaves_t_unchanged() -> None:
    stratum = INDEX % 3
    plain, moved = (difference(split(OUTCOME + offset, TREATED, stratum)) for offset in (0.0, 1e8))
    assert moved.statistic == pytest.approx(plain.statistic, abs=1e-4)


def test_one_stratum_is_welchs_test() -> None:
    control, treatment = Moments(50, 3.0, 80.0), Moments(40, 3.5, 90.0)
    assert StrataPair([control], [treatment]).contrast() == MeanPair(control, treatment).contrast()


def test_the_population_is_more_uncertain_where_effects_differ() -> None:
    control = [Moments(50, 3.0, 80.0), Moments(50, 5.0, 80.0)]
    treatment = [Moments(50, 3.0, 80.0), Moments(50, 7.0, 80.0)]
    fixed = StrataPair(control, treatment).contrast()
    drawn = StrataPair(control, treatment, population=True).contrast()
    assert fixed is not None
    assert drawn is not None
    assert drawn.se**2 - fixed.se**2 == pytest.approx(1.0 / 200)


def test_strata_without_two_units_in_an_arm_are_taken_together() -> None:
    big = Moments(50, 3.0, 80.0)
    lone, few = Moments(1, 4.0, 0.0), Moments(3, 5.0, 2.0)
    together = StrataPair([big, lone, few, EMPTY], [big, few, lone, EMPTY])
    assert together.merged == 2
    expected = StrataPair([big, lone + few], [big, few + lone]).contrast()
    found = together.contrast()
    assert found is not None
    assert expected is not None
    assert (found.estimate, found.se, found.df) == pytest.approx(
        (expected.estimate, expected.se, expected.df)
    )
    # Nothing but one unit is left over, so it joins the smallest stratum.
    rest = StrataPair([big, few, lone], [big, few, EMPTY])
    assert rest.merged == 2
    assert rest.control == pytest.approx((100 * 3.0 + 7 * (few + lone).mean) / 107)


sizes = st.lists(st.integers(0, 5), min_size=1, max_size=4)


@given(sizes, sizes, st.booleans())
def test_whatever_the_sizes_every_unit_counts_and_intervals_agree(
    left: list[int], right: list[int], population: bool
) -> None:
    random = np.random.default_rng(sum(left) * 31 + sum(right))
    k = max(len(left), len(right))
    arms = [
        [Moments.of(random.gamma(2.0, size=n) + 1) for n in each + [0] * (k - len(each))]
        for each in (left, right)
    ]
    pair = StrataPair(*arms, population=population)
    assert pair.units == (sum(left), sum(right))
    found = difference(pair)
    if min(pair.units) < 2:
        assert found.state == "too few units"
    elif found.state == "tested":
        assert found.interval is not None
        assert found.interval.excludes(0) == (found.p <= 0.05)  # type: ignore[operator]
        share = relative(pair, below=0.025, above=0.025)
        assert share is None or share.interval.excludes(0) == (found.p <= 0.05)  # type: ignore[operator]


def test_arms_with_other_strata_are_refused() -> None:
    for control, treatment in (([], []), ([EMPTY], [EMPTY, EMPTY])):
        with pytest.raises(InputError, match=f"control has {len(control)} strata"):
            StrataPair(control, treatment)
