"""Experiments that assign whole clusters (a town, a company, a household) instead of single units."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import numbers
from counterpoint.stats.comoments import Comoments
from counterpoint.stats.ratio import RatioPair

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["ClusterPair", "cluster_totals"]


ROUNDING = 1e-14
"""Share of a cluster's sum below which its distance from the common ratio is rounding, and no noise."""


@dataclass(frozen=True, slots=True)
class ClusterTotals(Comoments):
    """Comoments of clusters that remember their noise around the ratio of the sums.

    An outcome far from 0 makes clusters of other sizes differ by far more than the noise, and in the cross products
    alone its digits would be lost. What is merged or selected is plain comoments again.
    """

    around: float = field(default=0.0, compare=False)
    """Sum over clusters of the squares of N − R·D, with R the ratio of the sums."""


@dataclass(frozen=True, slots=True)
class ClusterPair(RatioPair):
    """Means or ratios over the units of clusters that were assigned as a whole.

    Column 0 holds each cluster's sum of the outcome and column 1 its number of units (a mean) or its sum
    of the denominator (a ratio); further columns are covariates of the cluster. The estimate is the ratio of the
    sums, and clusters are what is independent: the variance is that of `RatioPair` over clusters, which is the
    cluster-robust one of least squares with G/(G − 1) in each arm, and G − 1 degrees of freedom in each
    arm. With clusters of one size it is Welch's test of the clusters' means. Where the sizes differ much it
    rejects too often with fewer than about 20 clusters in an arm; `regression` with the units' clusters does not.

    References:
        Liang, Zeger (1986), Longitudinal data analysis using generalized linear models. Biometrika 73,
        13-22. Donner, Klar (2000), Design and Analysis of Cluster Randomization Trials in Health Research.

    >>> control = cluster_totals([1, 0, 1, 1, 0, 0], ["a", "a", "b", "b", "c", "c"])
    >>> treatment = cluster_totals([1, 1, 1, 0, 1, 1], ["d", "d", "e", "e", "f", "f"])
    >>> pair = ClusterPair(control, treatment)
    >>> pair.units, round(pair.control, 3), round(pair.treatment, 3), round(pair.contrast().se, 6)
    ((3, 3), 0.5, 0.833, 0.333333)
    """

    def _noise(
        self, arm: Comoments, weights: tuple[float, float], fitted: tuple[tuple[float, ...], ...]
    ) -> float:
        if isinstance(arm, ClusterTotals):
            return arm.around * weights[0] ** 2
        return RatioPair._noise(self, arm, weights, fitted)


def cluster_totals(
    values: "ArrayLike", clusters: "ArrayLike", *, denominators: "ArrayLike | None" = None
) -> Comoments:
    """Sum one arm's units by cluster: the comoments of the clusters' sums and sizes.

    Args:
        values: The outcome of each unit, finite.
        clusters: The cluster of each unit, of any type that sorts.
        denominators: The denominator of each unit, finite; none counts units, for a mean.

    Raises:
        InputError: the lengths differ, or a value is not finite.

    >>> cluster_totals([1, 2, 5], ["a", "a", "b"]).means
    (4.0, 1.5)
    """
    import numpy as np

    numerator = numbers("values", values).ravel()
    names = np.asarray(clusters).ravel()
    denominator = (
        np.ones_like(numerator) if denominators is None else numbers("denominators", denominators).ravel()
    )
    if not numerator.size == names.size == denominator.size:
        raise InputError(
            f"values has {numerator.size} units, clusters {names.size} and denominators {denominator.size};"
            " give one of each per unit"
        )
    if not numerator.size:
        return Comoments.empty(2)
    if not (np.isfinite(numerator).all() and np.isfinite(denominator).all()):
        raise InputError("values and denominators must be finite; leave out units whose values are not")
    _, place = np.unique(names, return_inverse=True)
    sums, sizes = np.bincount(place, numerator), np.bincount(place, denominator)
    found = Comoments.of(np.stack([sums, sizes], axis=1))
    if not sizes.sum() > 0:
        return found
    # The estimate's own rounding is the same share of each size, and goes with the mean.
    rest = np.bincount(place, numerator - denominator * (sums.sum() / sizes.sum()))
    rest -= sizes * (rest.sum() / sizes.sum())
    squares = float(rest @ rest)
    return ClusterTotals(
        found.n, found.means, found.cross, squares if squares > ROUNDING**2 * float(sums @ sums) else 0.0
    )
