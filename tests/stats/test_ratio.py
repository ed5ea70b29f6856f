import numpy as np
import pytest

from counterpoint.errors import InputError
from counterpoint.stats import Comoments, MeanPair, RatioPair, difference, noninferiority, relative
from tests.stats.cases import COVARIATE, DENOMINATOR, NUMERATOR, TREATED, arms, ratio_case


def test_the_reference_case_is_reproduced() -> None:
    found = difference(ratio_case(), distribution="z")
    assert found.control_mean == pytest.approx(0.331085521616, rel=1e-11)
    assert found.treatment_mean == pytest.approx(0.350171428571, rel=1e-11)
    assert found.estimate == pytest.approx(0.019085906955, rel=1e-10)
    assert found.se == pytest.approx(0.001639605870, rel=1e-9)
    assert found.statistic == pytest.approx(11.640545636, rel=1e-10)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.015872339, abs=1e-9)
    assert found.interval.high == pytest.approx(0.022299475, abs=1e-9)


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [
        ("delta", 0.047659519, 0.067633393),
        ("log", 0.047706522, 0.067680693),
        ("fieller", 0.047708470, 0.067683053),
    ],
)
def test_the_relative_intervals_of_the_reference_case_are_reproduced(
    scale: str, low: float, high: float
) -> None:
    found = relative(ratio_case(), below=0.025, above=0.025, scale=scale, distribution="z")  # type: ignore[arg-type]
    assert found is not None
    assert found.estimate == pytest.approx(0.057646456004, rel=1e-11)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(low, abs=1e-9),
        pytest.approx(high, abs=1e-9),
    )
    assert found.tested == (scale == "fieller")


def test_the_delta_method_equals_least_squares_over_events_clustered_by_unit() -> None:
    """CR0 of event-level regression on the arm: the units' sums of residuals, squared."""
    events = 0.0
    for arm in (~TREATED, TREATED):
        n, d = NUMERATOR[arm], DENOMINATOR[arm]
        events += float(((n - d * n.sum() / d.sum()) ** 2).sum() / d.sum() ** 2)
    found = ratio_case().contrast()
    assert found is not None
    assert found.se * np.sqrt(9999 / 10_000) == pytest.approx(np.sqrt(events), rel=1e-10)
    assert np.sqrt(events) == pytest.approx(0.001639523888, rel=1e-9)


def test_a_denominator_of_one_gives_the_test_of_means() -> None:
    control, treatment = arms(NUMERATOR, np.ones(20_000))
    found = RatioPair(control, treatment).contrast()
    plain = MeanPair(control.moments(), treatment.moments()).contrast()
    assert found is not None
    assert plain is not None
    assert (found.estimate, found.se, found.df) == pytest.approx((plain.estimate, plain.se, plain.df))


def test_covariates_adjust_numerator_and_denominator() -> None:
    """Against the influence of every unit: of the two adjusted means, and of the covariates' mean."""
    random = np.random.default_rng(7)
    x = np.column_stack([COVARIATE, DENOMINATOR + random.normal(size=20_000)])
    pair = RatioPair(*arms(NUMERATOR, DENOMINATOR, x[:, 0], x[:, 1]))
    influence, ratios, slopes = np.zeros(20_000), [], []
    for arm in (~TREATED, TREATED):
        both = np.column_stack([NUMERATOR, DENOMINATOR])[arm].astype(float)
        z = x[arm] - x[arm].mean(axis=0)
        slope = np.linalg.lstsq(z, both - both.mean(axis=0), rcond=None)[0]
        mean = both.mean(axis=0) - (x[arm].mean(axis=0) - x.mean(axis=0)) @ slope
        ratios.append(mean[0] / mean[1])
        gradient = np.array([1 / mean[1], -mean[0] / mean[1] ** 2])
        influence[arm] = (both - both.mean(axis=0) - z @ slope) @ gradient / np.sqrt(10_000 * 9_999)
        slopes.append(slope @ gradient)
    apart = slopes[1] - slopes[0]
    variance = influence @ influence + apart @ np.cov(x.T) @ apart / 20_000
    found = pair.contrast()
    assert found is not None
    assert (pair.control, pair.treatment) == pytest.approx(tuple(ratios), rel=1e-11)
    assert found.se == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert pair.variance_kept is not None
    assert pair.variance_kept < 1


def test_a_denominator_that_is_not_above_zero_gives_no_ratio() -> None:
    none = Comoments.of([[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    some = Comoments.of([[1.0, 2.0], [2.0, 3.0], [0.0, 1.0]])
    for pair in (RatioPair(none, some), RatioPair(some, none)):
        assert difference(pair).state == "no denominator"
        assert noninferiority(pair, margin=0.1).state == "no denominator"
        assert relative(pair, below=0.05) is None
    assert np.isnan(RatioPair(none, some).control)


def test_a_ratio_that_is_the_same_for_all_units_has_no_variance() -> None:
    arm = Comoments.of([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    assert difference(RatioPair(arm, arm)).state == "no variance"


@pytest.mark.parametrize("ratio", [0.1, 0.3, 1 / 3, 1e8 / 3])
@pytest.mark.parametrize("n", [3, 100, 1001])
def test_what_a_ratio_that_is_the_same_for_all_leaves_to_rounding_is_no_variance(
    ratio: float, n: int
) -> None:
    d = np.random.default_rng(n).random(n) * 10 + 0.1
    arm = Comoments.of(np.column_stack([ratio * d, d]))
    assert difference(RatioPair(arm, arm)).state == "no variance"


def test_a_ratio_needs_two_columns_in_both_arms() -> None:
    for control, treatment in ((1, 1), (2, 3)):
        with pytest.raises(InputError, match=f"control has {control} columns"):
            RatioPair(Comoments.empty(control), Comoments.empty(treatment))
