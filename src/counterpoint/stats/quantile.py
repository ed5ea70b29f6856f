"""Quantiles of two arms: an interval of order statistics for each, and their difference."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import level as checked_level
from counterpoint.stats.checks import numbers
from counterpoint.stats.contrast import Interval, State
from counterpoint.stats.distributions import normal_quantile
from counterpoint.stats.pairs import Joint, Pair, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Quantile", "QuantilePair", "quantile", "quantile_of_counts"]


@dataclass(frozen=True, slots=True)
class Quantile:
    """One arm's quantile."""

    level: float
    """0.9 for the value that 90 % of the observations do not pass."""
    value: float
    variance: float
    """Of the value: the squared half width of the interval in normal quantiles."""
    interval: Interval
    """Between two order statistics; of level 1 − alpha."""
    alpha: float
    n: int
    """Independent units: observations, or clusters of them."""


@dataclass(frozen=True, slots=True)
class QuantilePair(Pair):
    """The same quantile of two arms, compared by z-tests as every other pair.

    References:
        As `quantile`.

    >>> import numpy as np
    >>> control = quantile(np.arange(1000) % 97, 0.5)
    >>> treatment = quantile(np.arange(1000) % 97 + 10, 0.5)
    >>> pair = QuantilePair(control, treatment)
    >>> pair.contrast().estimate, pair.contrast().se > 0
    (10.0, True)
    """

    control_arm: Quantile
    treatment_arm: Quantile

    def __post_init__(self) -> None:
        if self.control_arm.level != self.treatment_arm.level:
            raise InputError(
                f"control has the quantile {self.control_arm.level} and treatment {self.treatment_arm.level};"
                " give the same of both"
            )

    @property
    def control(self) -> float:
        """Quantile of the control."""
        return self.control_arm.value

    @property
    def treatment(self) -> float:
        """Quantile of the treatment."""
        return self.treatment_arm.value

    @property
    def units(self) -> tuple[int, int]:
        """Independent units in the control and in the treatment."""
        return self.control_arm.n, self.treatment_arm.n

    @property
    def state(self) -> State:
        """Whether the arms can be compared; "no variance" where the order statistics are one value.

        An arm whose interval has an open end is too small: its variance would be that of a cut interval.
        """
        ends = (
            end
            for arm in (self.control_arm, self.treatment_arm)
            for end in (arm.interval.low, arm.interval.high)
        )
        if min(self.units) < 2 or not all(map(math.isfinite, ends)):
            return "too few units"
        return "tested" if self.control_arm.variance + self.treatment_arm.variance > 0 else "no variance"

    def joint(self) -> Joint | None:
        """The quantiles with their variances; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        return Joint(
            self.control,
            self.treatment,
            (
                Part(self.treatment_arm.variance, 0.0, 0.0, math.inf),
                Part(0.0, self.control_arm.variance, 0.0, math.inf),
            ),
        )


def quantile(
    values: "ArrayLike", level: float, *, clusters: "ArrayLike | None" = None, alpha: float = 0.05
) -> Quantile:
    """Estimate a quantile of one arm, with an interval between two order statistics.

    For independent observations the interval is that of the binomial distribution of how many lie below the quantile: it
    holds the quantile in 1 − alpha of all samples or more, however few, and an end that no order statistic can
    give is infinite (of five observations none bounds the 0.9 quantile above). Where units bring several, the
    share of observations at or below the quantile has a standard error s by the delta method over clusters, and the
    interval lies between the quantiles p − z·s and p + z·s. The variance of the value is that of the latter,
    (width/2z)², with s = √(p(1 − p)/n) for independent observations; it needs no estimate of a density.

    Args:
        values: The observations, finite; several of a unit count each.
        level: Which quantile, strictly between 0 and 1.
        clusters: The unit of each observation, where units bring several.
        alpha: Error of the interval.

    Raises:
        InputError: there is no value, a value is not finite, or the lengths differ.

    References:
        Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, section 4. Woodruff
        (1952), Confidence intervals for medians and other position measures, JASA 47, 635-646. Hahn, Meeker
        (1991), Statistical Intervals, section 5.2, for the binomial interval.

    >>> found = quantile(range(1, 101), 0.9)
    >>> found.value, found.interval
    (90.0, Interval(low=84.0, high=96.0))
    """
    import numpy as np

    array = numbers("values", values).ravel()
    if clusters is None:
        kept, counts = np.unique(array, return_counts=True)
        return quantile_of_counts(kept, counts, level, alpha=alpha)
    names = np.asarray(clusters).ravel()
    if names.size != array.size:
        raise InputError(f"clusters has {names.size} units and values {array.size}; give one of each")
    plain = quantile_of_counts(array, np.ones(array.size), level, alpha=alpha)
    _, place = np.unique(names, return_inverse=True)
    sizes = np.bincount(place).astype(np.float64)
    below = np.bincount(place, (array <= plain.value).astype(np.float64))
    g = sizes.size
    share = below.sum() / sizes.sum()
    rest = below - share * sizes
    spread = float(np.sqrt(rest @ rest / (g - 1) / g)) / float(sizes.mean()) if g > 1 else 0.0
    return quantile_of_counts(array, np.ones(array.size), level, share_se=spread, clusters=g, alpha=alpha)


def quantile_of_counts(
    values: "ArrayLike",
    counts: "ArrayLike",
    level: float,
    *,
    share_se: float | None = None,
    clusters: int | None = None,
    alpha: float = 0.05,
) -> Quantile:
    """Estimate a quantile of one arm from distinct values and how often each occurred.

    For engines that count instead of sorting. Values that stand for bins (by their upper end, say) make
    the quantile as coarse as the bins are.

    Args:
        values: Distinct values, finite, in any order.
        counts: Observations of each.
        level: Which quantile, strictly between 0 and 1.
        share_se: Standard error of the share at or below the quantile; none for independent observations.
        clusters: Independent units, with `share_se`; none counts the observations.
        alpha: Error of the interval.

    Raises:
        InputError: there is nothing counted, a number is not finite or negative, or the lengths differ.

    >>> quantile_of_counts([1, 2, 3], [10, 80, 10], 0.5).value
    2.0
    """
    import numpy as np

    checked_level("level", level)
    checked_level("alpha", alpha)
    array = numbers("values", values).ravel()
    weight = numbers("counts", counts).ravel()
    if array.size != weight.size:
        raise InputError(f"counts has {weight.size} numbers and values {array.size}; give one of each")
    if not (np.isfinite(array).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("values and counts must be finite and counts not negative; leave out what is not")
    n = float(weight.sum())
    if not n > 0:
        raise InputError("counts add up to 0; a quantile needs one observation or more")
    if share_se is not None and not 0 <= share_se < math.inf:
        raise InputError(f"share_se == {share_se}, must be finite and not negative")
    order = np.argsort(array, kind="stable")
    array, ranks = array[order], np.cumsum(weight[order])
    spread = math.sqrt(level * (1 - level) / n) if share_se is None else share_se
    reach = normal_quantile(1 - alpha / 2)
    value = _ranked(array, ranks, math.ceil(level * n - 1e-9))
    low = _ranked(array, ranks, math.floor((level - reach * spread) * n))
    high = _ranked(array, ranks, math.ceil((level + reach * spread) * n))
    return Quantile(
        level,
        value,
        ((high - low) / (2 * reach)) ** 2,
        _binomial(array, ranks, level, alpha)
        if share_se is None
        else _open(low, high, level, reach * spread),
        alpha,
        round(n) if clusters is None else clusters,
    )


def _binomial(
    values: "NDArray[np.float64]", ranks: "NDArray[np.float64]", level: float, alpha: float
) -> Interval:
    """Between the order statistics l and u with P(B < l) ≤ alpha/2 and P(B ≥ u) ≤ alpha/2, B from Bin(n, level)."""
    from scipy.special import bdtr, bdtrc

    n = int(ranks[-1])

    def most(holds: Callable[[int], bool], low: int, high: int) -> int:
        """The largest whole number of `low` to `high` for which it holds; it holds for `low`."""
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if holds(middle) else (low, middle - 1)
        return low

    lower = most(lambda rank: rank == 0 or float(bdtr(rank - 1, n, level)) <= alpha / 2, 0, n)
    # bdtrc(k, n, p) is P(B > k).
    upper = n + 1 - most(lambda back: back == 0 or float(bdtrc(n - back, n, level)) <= alpha / 2, 0, n)
    return Interval(
        _ranked(values, ranks, lower) if lower else -math.inf,
        _ranked(values, ranks, upper) if upper <= n else math.inf,
    )


def _open(low: float, high: float, level: float, reach: float) -> Interval:
    """The interval of clusters, without an end where the share's own bound lies beyond all observations."""
    return Interval(low if level - reach > 0 else -math.inf, high if level + reach < 1 else math.inf)


def _ranked(values: "NDArray[np.float64]", ranks: "NDArray[np.float64]", rank: int) -> float:
    """The order statistic of this rank, counted from 1, or the nearest there is."""
    import numpy as np

    within = min(max(rank, 1), float(ranks[-1]))
    return float(values[min(int(np.searchsorted(ranks, within - 1e-9)), values.size - 1)])
