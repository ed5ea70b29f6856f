"""Held to R 4.2.2: sandwich 3.0-2 (vcovHC), clubSandwich 0.5.8 (vcovCR, coef_test with Satterthwaite)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.stats import Moments, RobustErrors, Side, difference, noninferiority, regression
from tests.stats.cases import COVARIATE, DENOMINATOR, NUMERATOR, OUTCOME, TREATED

UNIT = np.arange(23)
T = UNIT % 3 == 0
FIRST, SECOND = (7 * UNIT) % 11, ((5 * UNIT) % 13) ** 2 / 10
TABLE = np.column_stack([1 + 0.5 * FIRST - 0.2 * SECOND * T + ((17 * UNIT) % 19) / 3, FIRST, SECOND])
GROUPS = np.where(T, 100 + (UNIT // 6) % 3, (UNIT // 5) % 5)

SMALL = [
    ("HC0", False, 0.799157094482766),
    ("HC1", False, 0.929547562882362),
    ("HC2", False, 1.08817392848325),
    ("HC3", False, 1.72914614926749),
    ("HC0", True, 0.824799696063602),
    ("HC1", True, 1.00307023974791),
    ("HC2", True, 1.00575908325107),
    ("HC3", True, 2.15640251658144),
]


@pytest.mark.parametrize(("errors", "clustered", "se"), SMALL)
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_errors_are_those_of_r(errors: RobustErrors, clustered: bool, se: float, offset: float) -> None:
    groups = (GROUPS[~T], GROUPS[T]) if clustered else None
    found = regression(TABLE[~T] + offset, TABLE[T] + offset, errors=errors, clusters=groups).contrast()
    assert found is not None
    assert found.estimate == pytest.approx(-2.28585866212059, rel=1e-9 if not offset else 1e-7)
    assert found.se == pytest.approx(se, rel=1e-9 if not offset else 1e-6)


@pytest.mark.parametrize(
    ("arm", "errors", "clustered", "se", "df"),
    [
        (0, "HC2", False, 0.507608173937686, 9.73816816164229),
        (1, "HC2", False, 0.962526072572745, 2.70785063701997),
        (0, "HC2", True, 0.801438197881676, 3.6050426794845),
        (1, "HC2", True, 0.607657920641377, 1.56147071267437),
        (0, "HC3", True, 0.939124989284709, 3.54667949189931),
        (1, "HC3", True, 1.94116358610497, 1.0013528191955),
    ],
)
def test_degrees_of_freedom_of_each_arm_are_those_of_r(
    arm: int,
    errors: RobustErrors,
    clustered: bool,
    se: float,
    df: float,
) -> None:
    groups = (GROUPS[~T], GROUPS[T]) if clustered else None
    part = regression(TABLE[~T], TABLE[T], errors=errors, clusters=groups).parts[1 - arm]
    assert (max(part.control, part.treatment) ** 0.5, part.df) == pytest.approx((se, df), rel=1e-8)


@pytest.mark.parametrize(
    ("errors", "population", "se"),
    [("HC0", False, 0.020535520567), ("HC2", False, 0.020537574678)],
)
def test_the_reference_case_of_covariates_is_reproduced(
    errors: RobustErrors,
    population: bool,
    se: float,
) -> None:
    table = np.column_stack([OUTCOME, COVARIATE])
    found = regression(table[~TREATED], table[TREATED], errors=errors, population=population).contrast()
    assert found is not None
    assert (found.estimate, found.se) == pytest.approx((0.028181664976, se), rel=1e-10)


@pytest.mark.parametrize(("errors", "se"), [("HC0", 0.001639523888), ("HC1", 0.001639570733)])
def test_events_clustered_by_unit_give_the_error_of_the_ratio(errors: RobustErrors, se: float) -> None:
    arms, clusters = [], []
    for side in (False, True):
        units = np.flatnonzero(side == TREATED)
        ones, sizes = NUMERATOR[units], DENOMINATOR[units]
        which = np.repeat(units, sizes)
        place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        arms.append((place < np.repeat(ones, sizes)).astype(float))
        clusters.append(which)
    found = regression(*arms, errors=errors, clusters=(clusters[0], clusters[1])).contrast()
    assert found is not None
    assert (found.estimate, found.se) == pytest.approx((0.019085906955, se), rel=1e-9)


def test_without_covariates_hc2_is_welchs_test() -> None:
    control, treatment = [1.2, 3.4, 2.2, 5.1, 4.0], [2.2, 4.1, 6.0, 3.9, 5.5, 9.1]
    plain, robust = (
        difference(Moments.of(control), Moments.of(treatment)),
        difference(regression(control, treatment)),
    )
    assert (robust.statistic, robust.df, robust.p) == pytest.approx(
        (plain.statistic, plain.df, plain.p), rel=1e-12
    )


tables = st.integers(0, 2**32 - 1).map(np.random.default_rng)


@given(
    tables,
    st.sampled_from(["HC0", "HC1", "HC2", "HC3"]),
    st.sampled_from([0.01, 0.05, 0.3]),
    st.sampled_from(["two-sided", "greater", "less"]),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_intervals_on_both_scales_exclude_zero_exactly_when_the_test_rejects(
    random: np.random.Generator,
    errors: RobustErrors,
    alpha: float,
    side: Side,
    population: bool,
    clustered: bool,
) -> None:
    n, m = random.integers(5, 30, size=2)
    control, treatment = random.gamma(2.0, size=(n, 3)) + 1, random.gamma(2.0, size=(m, 3)) + 2
    groups = (np.arange(n) % 4, 10 + np.arange(m) % 5) if clustered else None
    pair = regression(control, treatment, errors=errors, population=population, clusters=groups)
    found = difference(pair, alpha=alpha, side=side)
    if found.p is None:
        return
    assert found.interval is not None
    assert found.interval.excludes(0) == (found.p <= alpha)
    assert found.relative is None or found.relative.interval.excludes(0) == (found.p <= alpha)
    guard = noninferiority(pair, margin=0.1)
    bound = guard.bound(alpha)
    assert guard.p is None or (bound is not None and bound.excludes(0) == (guard.p <= alpha))


def test_noise_that_grows_with_the_covariate_makes_no_false_alarms() -> None:
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(600):
        x = random.gamma(1.0, size=40)
        y = x + x * random.normal(size=40)
        table = np.column_stack([y, x])
        found = regression(table[:20], table[20:], errors="HC3").contrast()
        assert found is not None
        alarms += found.p_two_sided() <= 0.05
    assert alarms / 600 < 0.08


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regression([[1, 2]], [[1]]), "control has 2 columns and treatment 1"),
        (lambda: regression(["a"], [1]), "control is not an array of numbers"),
        (lambda: regression([1, np.nan], [1, 2]), "control has values that are not finite"),
        (lambda: regression([1, 2, 3], [1, 2, 3], errors="HC9"), "errors == 'HC9'"),  # type: ignore[arg-type]
        (lambda: regression([1, 2, 3], [1, 2, 3], clusters=([1, 2], [3, 4, 5])), r"clusters has \[2, 3\]"),
        (lambda: regression([1, 2, 3], [1, 2, 3], clusters=([1, 2, 2], [2, 4, 5])), "1 clusters are in both"),
        (
            lambda: regression([[1, 2], [2, 2], [3, 2]], [[1, 2], [2, 3], [3, 9]]),
            "a covariate of the control",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused_by_name(call, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        call()


def test_too_few_units_and_no_noise_have_no_test() -> None:
    assert difference(regression([1.0], [1.0, 2.0])).state == "too few units"
    assert difference(regression(np.ones((2, 3)), np.ones((9, 3)))).state == "too few units"
    assert difference(regression([2.0, 2.0], [3.0, 3.0])).state == "no variance"
