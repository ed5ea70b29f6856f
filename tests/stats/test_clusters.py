import numpy as np
import pytest

from counterpoint.errors import InputError
from counterpoint.stats import ClusterPair, Comoments, Difference, Moments, cluster_totals, difference


def test_clusters_of_one_size_give_welchs_test_of_their_means() -> None:
    random = np.random.default_rng(1)
    names = np.repeat(np.arange(12), 5)
    control, treatment = random.normal(size=60), random.normal(size=60) + 1
    pair = ClusterPair(cluster_totals(control, names), cluster_totals(treatment, names))
    means = [Moments.of(values.reshape(12, 5).mean(axis=1)) for values in (control, treatment)]
    plain, found = difference(*means), difference(pair)
    assert (found.estimate, found.se, found.df, found.p) == pytest.approx(
        (plain.estimate, plain.se, plain.df, plain.p), rel=1e-12
    )


def test_the_variance_is_the_cluster_robust_one_of_least_squares() -> None:
    """Sandwich of y on (1, treated) with sums of scores by cluster, G/(G − 1) in each arm."""
    random = np.random.default_rng(2)
    names = np.sort(random.integers(0, 40, size=300))
    treated = names % 2 == 1
    y = random.normal(size=300) + random.normal(size=40)[names] + 0.5 * treated
    x = np.stack([np.ones(300), treated], axis=1)
    bread = np.linalg.inv(x.T @ x)
    scores = x * (y - x @ (bread @ x.T @ y))[:, None]
    sums = np.stack([scores[names == g].sum(axis=0) for g in np.unique(names)])
    factor = np.array([len(np.unique(names[treated == arm])) for arm in (False, True)])
    weights = np.sqrt(factor / (factor - 1))[np.unique(names) % 2][:, None]
    expected = bread @ ((sums * weights).T @ (sums * weights)) @ bread
    pair = ClusterPair(*(cluster_totals(y[treated == arm], names[treated == arm]) for arm in (False, True)))
    found = pair.contrast()
    assert found is not None
    assert found.se == pytest.approx(np.sqrt(expected[1, 1]), rel=1e-10)


@pytest.mark.parametrize("offset", [1e8, -1e8])
def test_adding_a_constant_leaves_t_unchanged_though_clusters_differ_in_size(offset: float) -> None:
    random = np.random.default_rng(3)
    names = random.integers(0, 60, size=4000)
    treated, y = names % 2 == 1, random.normal(size=4000) + random.normal(size=60)[names] / 9

    def found(outcome: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Difference:
        return difference(
            ClusterPair(*(cluster_totals(outcome[treated == arm], names[treated == arm]) for arm in (0, 1)))
        )

    plain, moved = found(y), found(y + offset)
    assert (moved.estimate, moved.statistic) == pytest.approx((plain.estimate, plain.statistic), abs=1e-6)
    assert (moved.df, moved.p) == pytest.approx((plain.df, plain.p), rel=1e-6)
    assert found(np.full(4000, offset + 0.1)).state == "no variance"


def test_ratios_of_clusters_sum_both_parts() -> None:
    found = cluster_totals([1, 2, 3], ["a", "b", "a"], denominators=[4, 5, 6])
    assert found.n == 2
    assert found.means == (3.0, 7.5)


def test_one_cluster_in_an_arm_is_too_few() -> None:
    one, two = cluster_totals([1, 0, 1], [1, 1, 1]), cluster_totals([1, 0, 1], [1, 2, 2])
    assert difference(ClusterPair(one, two)).state == "too few units"
    assert cluster_totals([], []) == Comoments.empty(2)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="values has 2 units, clusters 1"):
        cluster_totals([1, 2], ["a"])
    with pytest.raises(InputError, match="must be finite"):
        cluster_totals([1, float("inf")], ["a", "b"])
