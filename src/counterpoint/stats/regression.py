"""Adjusted means from the units themselves, with errors that few units, odd noise or clusters do not spoil."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, numbers
from counterpoint.stats.contrast import State
from counterpoint.stats.pairs import Joint, Pair, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

__all__ = ["RegressionPair", "RobustErrors", "regression"]

RobustErrors = Literal["HC0", "HC1", "HC2", "HC3"]
"""How a squared residual stands for its unit's variance: as it is (HC0), times n/(n − p) (HC1), over 1 − h (HC2)
or over (1 − h)² (HC3), h being the unit's leverage. With clusters the same of a cluster: CR0 to CR3."""

EXACT = 1e-13
"""Share of the outcome's variance below which the residuals are rounding, and no noise."""
COLLINEAR = 1e-9
"""Share of the largest covariate direction below which another is none."""


@dataclass(frozen=True, slots=True)
class RegressionPair(Pair):
    """Two arms' adjusted means with their errors, made by `regression`."""

    means: tuple[float, float]
    """Adjusted mean of the control and of the treatment."""
    found: State
    independent: tuple[int, int]
    """Units, or clusters of them, in the control and in the treatment."""
    parts: tuple[Part, ...] = ()
    """Of the variance of the two means."""

    @property
    def control(self) -> float:
        """Adjusted mean of the control."""
        return self.means[0]

    @property
    def treatment(self) -> float:
        """Adjusted mean of the treatment."""
        return self.means[1]

    @property
    def state(self) -> State:
        """Whether the arms can be compared; if not, why."""
        return self.found

    @property
    def units(self) -> tuple[int, int]:
        """What is independent in the control and in the treatment."""
        return self.independent

    def joint(self) -> Joint | None:
        """The adjusted means with their variances; none unless `state` is "tested"."""
        return Joint(*self.means, self.parts) if self.found == "tested" else None


def regression(
    control: "ArrayLike",
    treatment: "ArrayLike",
    *,
    errors: RobustErrors = "HC2",
    clusters: "tuple[ArrayLike, ArrayLike] | None" = None,
    population: bool = False,
) -> RegressionPair:
    """Adjust means by a regression in each arm (Lin), with heteroskedasticity- or cluster-robust errors.

    It is the least squares of the outcome on the arm, the covariates less their means over all units, and the
    products of both. `CovariatePair` needs only moments and assumes one variance for an arm; this needs the units,
    and holds where the noise depends on the covariates, and where units come in clusters that were
    assigned as a whole. Degrees of freedom of an arm are Bell and McCaffrey's, (Σ p_g'p_g)²/Σ (p_g'p_h)²,
    which know how few clusters there are and how unequal; without covariates and clusters they are n − 1, so that
    HC2 is Welch's test. Over the arms they are Satterthwaite's.

    Args:
        control: A row for each unit: the outcome, then its covariates (none is fine). Finite.
        treatment: As the control.
        errors: Which residuals stand for the variances.
        clusters: The cluster of each unit of the control and of the treatment.
        population: Adds the uncertainty of the covariates' means, (β_t − β_c)'S(β_t − β_c)/n, for the effect in
            the population that the units come from; without, it is the effect among these units.

    Raises:
        InputError: the arms have not the same columns, a number is not finite, a cluster is in both arms, or
            clusters has another length.

    References:
        Lin (2013), Annals of Applied Statistics 7(1), 295-318. MacKinnon, White (1985), Journal of Econometrics
        29, 305-325. Bell, McCaffrey (2002), Survey Methodology 28, 169-181. Pustejovsky, Tipton (2018),
        Journal of Business & Economic Statistics 36, 672-683, for CR2.

    >>> control = [[1, 0], [2, 1], [4, 2], [5, 4], [6, 5]]
    >>> treatment = [[3, 1], [5, 2], [5, 3], [7, 4], [8, 6]]
    >>> found = regression(control, treatment).contrast()
    >>> round(found.estimate, 4), round(found.se, 4), round(found.df, 2)
    (1.2201, 0.3538, 4.62)
    """
    import numpy as np

    choice("errors", errors, ("HC0", "HC1", "HC2", "HC3"))
    arms = [_table(name, rows) for name, rows in (("control", control), ("treatment", treatment))]
    if arms[0].shape[1] != arms[1].shape[1]:
        raise InputError(
            f"control has {arms[0].shape[1]} columns and treatment {arms[1].shape[1]}; give both the same outcome and covariates"
        )
    groups = _groups(arms, clusters)
    counts = tuple(
        len(arm) if group is None else int(group.max(initial=-1)) + 1
        for arm, group in zip(arms, groups, strict=True)
    )
    units = (counts[0], counts[1])
    everyone = np.concatenate(arms)
    n, p = everyone.shape
    if min(units) < 2 or min(map(len, arms)) < p + 1:
        means = [float(arm[:, 0].mean()) if len(arm) else 0.0 for arm in arms]
        return RegressionPair((means[0], means[1]), "too few units", units)
    centre = everyone[:, 1:].mean(axis=0)
    fits = [_Fit(name, arm, centre) for name, arm in zip(("control", "treatment"), arms, strict=True)]
    scale = 1.0
    if errors == "HC1":
        scale = n / (n - 2 * p) if clusters is None else sum(units) / (sum(units) - 1) * (n - 1) / (n - 2 * p)
    found = [fit.variance(errors, group) for fit, group in zip(fits, groups, strict=True)]
    parts = [
        Part(scale * found[1][0], 0.0, 0.0, found[1][1]),
        Part(0.0, scale * found[0][0], 0.0, found[0][1]),
    ]
    if population and p > 1:
        away = everyone[:, 1:] - centre
        on_control, on_treatment = (away @ fit.slopes for fit in fits)
        share = 1 / n / (n - 1)
        parts.append(
            Part(
                float(on_treatment @ on_treatment) * share,
                float(on_control @ on_control) * share,
                float(on_treatment @ on_control) * share,
                n - 1,
            )
        )
    state: State = "tested" if found[0][0] + found[1][0] > 0 else "no variance"
    return RegressionPair((fits[0].mean, fits[1].mean), state, units, tuple(parts))


class _Fit:
    """The least squares of one arm, with the intercept where the covariates have the means of all units."""

    def __init__(self, name: str, arm: "Array", centre: "Array") -> None:
        import numpy as np

        n = len(arm)
        own = arm[:, 1:].mean(axis=0)
        x = arm[:, 1:] - own
        x = x - x.mean(axis=0)  # once more, for offsets
        first = float(arm[:, 0].mean())
        y = arm[:, 0] - first
        shift = float(y.mean())
        y = y - shift
        scale = np.sqrt((x * x).mean(axis=0))
        scale[scale == 0] = 1.0
        basis, singular, turn = np.linalg.svd(x / scale, full_matrices=False)
        if x.shape[1] and singular.min() ** 2 <= COLLINEAR * n:
            raise InputError(
                f"a covariate of the {name} does not vary or is explained by the others; leave it out"
            )
        self.slopes: Array = (turn.T @ ((basis.T @ y) / singular)) / scale
        rest = y - basis @ (basis.T @ y)
        if rest @ rest <= EXACT * (y @ y):
            rest = np.zeros(n)
        self.rest: Array = rest
        # An orthonormal basis of the regression, with the constant, and the mean at the centre in it.
        self.basis: Array = np.column_stack([np.full(n, 1 / math.sqrt(n)), basis])
        away = turn @ ((centre - own) / scale) / singular if x.shape[1] else np.zeros(0)
        self.weights: Array = self.basis @ np.concatenate([[1 / math.sqrt(n)], away])
        self.mean = first + shift + float((centre - own) @ self.slopes)

    def variance(self, errors: RobustErrors, group: "NDArray[np.intp] | None") -> tuple[float, float]:
        """Variance of the adjusted mean, and Bell and McCaffrey's degrees of freedom of that."""
        import numpy as np

        power = {"HC0": 0.0, "HC1": 0.0, "HC2": -0.5, "HC3": -1.0}[errors]
        if group is None:
            spare = np.maximum(1 - (self.basis**2).sum(axis=1), 1e-12)
            pulls = self.weights * spare**power
            sums, squares, pulled = pulls * self.rest, pulls**2, self.basis * pulls[:, None]
        else:
            order = np.argsort(group, kind="stable")
            places = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
            each = [self._cluster(place, power) for place in places]
            sums, squares = np.array([one[0] for one in each]), np.array([one[1] for one in each])
            pulled = np.array([one[2] for one in each])
        # p_g'p_h is b_g'b_g for g = h, less c_g'c_h, with b a cluster's pulls and c what the basis takes of them.
        own = (pulled**2).sum(axis=1)
        left = squares - own
        cross = pulled.T @ pulled
        spread = float((left**2).sum() + (cross**2).sum() - (own**2).sum())
        df = float(left.sum() ** 2 / spread) if spread > 0 else 0.0
        return float(sums @ sums), max(df, 1e-3)

    def _cluster(self, place: "NDArray[np.intp]", power: float) -> "tuple[float, float, Array]":
        """A cluster's pull on the mean: its sum, the square of its weights, and what the basis takes of them.

        (I − ZZ')^power·w by the few directions that Z, the cluster's rows of the basis, has.
        """
        import numpy as np

        rows, weights = self.basis[place], self.weights[place]
        if power:
            values, directions = np.linalg.eigh(rows.T @ rows)
            values = np.clip(values, 0.0, 1 - 1e-12)
            small = values < 1e-12
            factor = np.where(small, 0.0, (np.power(1 - values, power) - 1) / np.where(small, 1.0, values))
            weights = weights + rows @ (directions @ (factor * (directions.T @ (rows.T @ weights))))
        return float(weights @ self.rest[place]), float(weights @ weights), rows.T @ weights


def _table(name: str, rows: "ArrayLike") -> "Array":
    import numpy as np

    array = numbers(name, rows)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.shape[1]:
        raise InputError(
            f"{name} has the shape {array.shape}; give a row for each unit: its outcome and covariates"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{name} has values that are not finite; leave those units out")
    return array


def _groups(
    arms: "list[Array]", clusters: "tuple[ArrayLike, ArrayLike] | None"
) -> "list[NDArray[np.intp] | None]":
    """The clusters of each arm as numbers from 0."""
    import numpy as np

    if clusters is None:
        return [None, None]
    names = [np.asarray(each).ravel() for each in clusters]
    if len(names) != 2 or any(len(name) != len(arm) for name, arm in zip(names, arms, strict=True)):
        raise InputError(
            f"clusters has {[len(name) for name in names]} units and the arms {[len(arm) for arm in arms]};"
            " give the cluster of each unit of the control and of the treatment"
        )
    if shared := set(names[0].tolist()) & set(names[1].tolist()):
        raise InputError(
            f"{len(shared)} clusters are in both arms; this is for clusters that were assigned as a whole"
        )
    return [np.unique(name, return_inverse=True)[1] for name in names]
