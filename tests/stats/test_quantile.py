import numpy as np
import pytest
from scipy.stats import binom

from counterpoint.errors import InputError
from counterpoint.stats import QuantilePair, difference, quantile, quantile_of_counts, relative


def test_a_quantile_lies_between_the_order_statistics_of_its_ranks() -> None:
    found = quantile(np.arange(1, 1001)[::-1], 0.5)
    assert found.value == 500
    assert (found.interval.low, found.interval.high) == (469, 532)  # as qbinom of R has it


@pytest.mark.parametrize(("n", "level"), [(3, 0.5), (5, 0.9), (6, 0.5), (12, 0.2), (40, 0.95)])
def test_an_interval_holds_the_quantile_often_enough_however_few_there_are(n: int, level: float) -> None:
    """Exactly: the chance that the quantile lies between two order statistics is binomial."""
    found = quantile(np.arange(1, n + 1), level, alpha=0.1).interval
    low = 0 if found.low == -np.inf else int(found.low)
    high = n + 1 if found.high == np.inf else int(found.high)
    assert binom.cdf(high - 1, n, level) - binom.cdf(low - 1, n, level) >= 0.9
    assert low == 0 or binom.cdf(low, n, level) > 0.05
    assert high == n + 1 or binom.sf(high - 2, n, level) > 0.05


def test_what_no_order_statistic_bounds_is_open_and_not_compared() -> None:
    few = quantile([1, 2, 3, 4, 5], 0.9)
    assert few.interval.high == np.inf
    assert quantile([3.0], 0.5).interval.low == -np.inf
    assert difference(QuantilePair(few, few)).state == "too few units"
    grouped = quantile(np.arange(30.0), 0.9, clusters=np.arange(30) // 10)
    assert grouped.interval.high == np.inf


def test_counts_give_what_the_values_give() -> None:
    values = np.random.default_rng(1).integers(0, 30, size=500)
    assert quantile_of_counts(*np.unique(values, return_counts=True), 0.9) == quantile(values, 0.9)
    assert quantile(values, 0.9, clusters=np.arange(500)).interval == quantile(values, 0.9).interval


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_intervals_hold_the_true_quantile_as_often_as_they_say(level: float) -> None:
    random, hits = np.random.default_rng(2), 0
    for _ in range(800):
        interval = quantile(random.exponential(size=400), level).interval
        hits += interval.low <= -np.log(1 - level) <= interval.high
    assert hits / 800 == pytest.approx(0.955, abs=0.025)


def test_the_variance_is_that_of_the_density() -> None:
    random = np.random.default_rng(3)
    found = np.mean([quantile(random.normal(size=2000), 0.5).variance for _ in range(200)])
    assert found == pytest.approx(np.pi / 2 / 2000, rel=0.1)


def test_observations_of_one_unit_that_are_alike_make_the_interval_wider() -> None:
    random, names = np.random.default_rng(4), np.repeat(np.arange(200), 10)
    values = np.repeat(random.normal(size=200), 10)
    plain, clustered = quantile(values, 0.5), quantile(values, 0.5, clusters=names)
    assert clustered.n == 200
    # Ten copies of each of 200 units are worth 200, not 2000.
    assert clustered.variance == pytest.approx(quantile(values[::10], 0.5).variance, rel=0.15)
    assert clustered.variance > 4 * plain.variance


def test_tests_of_equal_quantiles_reject_as_often_as_they_say_with_clusters() -> None:
    random, rejected = np.random.default_rng(5), 0
    names = np.repeat(np.arange(100), 4)
    for _ in range(400):
        arms = [
            quantile(np.repeat(random.normal(size=100), 4) + random.normal(size=400), 0.75, clusters=names)
            for _ in range(2)
        ]
        rejected += (difference(QuantilePair(*arms)).p or 1) <= 0.05
    assert 0.02 <= rejected / 400 <= 0.085


def test_intervals_exclude_zero_exactly_when_the_test_rejects() -> None:
    random = np.random.default_rng(6)
    for shift in np.linspace(0, 1, 25):
        pair = QuantilePair(
            quantile(random.gamma(3, size=300), 0.9), quantile(random.gamma(3, size=300) + shift, 0.9)
        )
        found = difference(pair)
        share = relative(pair, below=0.025, above=0.025)
        assert found.interval is not None
        assert share is not None
        assert found.interval.excludes(0) == share.interval.excludes(0) == (found.p <= 0.05)  # type: ignore[operator]


def test_one_value_has_no_variance_and_one_unit_is_too_few() -> None:
    same = quantile([3.0] * 50, 0.5)
    assert difference(QuantilePair(same, same)).state == "no variance"
    assert difference(QuantilePair(same, quantile([3.0], 0.5))).state == "too few units"


def test_what_has_no_quantile_is_refused() -> None:
    for call, message in (
        (lambda: quantile([], 0.5), "counts add up to 0"),
        (lambda: quantile([1.0, float("nan")], 0.5), "must be finite"),
        (lambda: quantile([1.0], 1.0), "level == 1"),
        (lambda: quantile([1.0, 2.0], 0.5, clusters=[1]), "clusters has 1 units"),
        (lambda: quantile_of_counts([1.0], [1, 2], 0.5), "counts has 2 numbers"),
        (lambda: quantile_of_counts([1.0], [-1], 0.5), "not negative"),
        (lambda: quantile_of_counts([1.0], [1], 0.5, share_se=float("nan")), "share_se == nan"),
        (lambda: QuantilePair(quantile([1.0], 0.5), quantile([1.0], 0.9)), "give the same of both"),
    ):
        with pytest.raises(InputError, match=message):
            call()
