import numpy as np
import pytest

from counterpoint.errors import InputError
from counterpoint.stats import Moments, bootstrap_difference, difference


def mean(values: np.ndarray) -> float:
    return float(values.mean())


def test_the_interval_of_a_mean_is_near_welchs() -> None:
    random = np.random.default_rng(1)
    control, treatment = random.normal(size=200), random.normal(0.3, 2.0, size=150)
    found = bootstrap_difference(control, treatment, mean, seed=2, draws=4000)
    plain = difference(Moments.of(control), Moments.of(treatment))
    assert plain.interval is not None
    assert plain.se is not None
    assert found.estimate == pytest.approx(plain.estimate)
    assert found.se == pytest.approx(plain.se, rel=0.06)
    assert found.interval.low == pytest.approx(plain.interval.low, abs=0.2 * plain.se)
    assert found.interval.high == pytest.approx(plain.interval.high, abs=0.2 * plain.se)
    assert found.rejected == found.interval.excludes(0)


def test_the_interval_is_that_of_scipys_bca() -> None:
    from scipy.stats import bootstrap

    random = np.random.default_rng(3)
    control, treatment = random.exponential(size=40), random.exponential(2.0, size=30)
    found = bootstrap_difference(control, treatment, mean, seed=4, draws=6000)
    expected = bootstrap(
        (treatment, control),
        lambda t, c, axis: t.mean(axis=axis) - c.mean(axis=axis),
        n_resamples=20_000,
        method="BCa",
        rng=5,
    ).confidence_interval
    assert found.interval.low == pytest.approx(expected.low, abs=0.06 * found.se)
    assert found.interval.high == pytest.approx(expected.high, abs=0.09 * found.se)


def test_the_same_seed_gives_the_same_interval_and_another_does_not() -> None:
    values = np.arange(30.0)
    runs = [bootstrap_difference(values, values + 1, mean, seed=seed, draws=200) for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    assert runs[0].interval != runs[2].interval


def test_a_table_is_resampled_by_rows() -> None:
    random = np.random.default_rng(6)
    table = random.gamma(3.0, size=(60, 1)) * np.array([[2.0, 4.0]])

    def ratio(rows: np.ndarray) -> float:
        return float(rows[:, 0].sum() / rows[:, 1].sum())

    shifted = table + random.gamma(1.0, size=(60, 2)) * np.array([[1.0, 0.1]])
    found = bootstrap_difference(table, shifted, ratio, seed=7, draws=300)
    assert 0 < found.interval.low < found.estimate < found.interval.high


def test_what_cannot_be_resampled_is_refused() -> None:
    good = [1.0, 2.0, 3.0]
    for call, message in (
        (lambda: bootstrap_difference([1.0], good, mean, seed=1), "control has the shape"),
        (lambda: bootstrap_difference(good, [1.0, float("nan")], mean, seed=1), "treatment has values"),
        (lambda: bootstrap_difference([1.0, 1.0], [1.0, 1.0], mean, seed=1), "no variance to bound"),
        (lambda: bootstrap_difference(good, good, mean, seed=1, draws=5), "draws == 5"),
        (lambda: bootstrap_difference(good, good, lambda _: float("nan"), seed=1), "not finite for some"),
    ):
        with pytest.raises(InputError, match=message):
            call()
