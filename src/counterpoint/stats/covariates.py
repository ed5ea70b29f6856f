"""Means adjusted by what was known of the units before the experiment (CUPED, regression adjustment)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice
from counterpoint.stats.comoments import Comoments
from counterpoint.stats.contrast import State
from counterpoint.stats.pairs import Joint, Pair, Part

__all__ = ["AdjustedPair", "Adjustment", "CovariatePair", "Dropped", "Slopes", "adjustment_of"]

Slopes = Literal["per-arm", "pooled", "within"]
"""Whose slopes adjust an arm: its own (Lin), those of all units as one sample, or common ones within arms."""

Table = tuple[tuple[float, ...], ...]

COLLINEAR = 1e-9
"""Share of a covariate's variance that the covariates before it must leave unexplained."""
EXACT = 1e-13
"""Share of the outcome's variance below which the rest is rounding, and no noise."""
ROUNDING = 1e-14
"""Share of the terms of a ratio's variance below which what they do not cancel is rounding, and no noise."""
FEW = 1000
"""Units of the smaller arm, for each covariate, below which the errors count what fitted slopes cost."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A covariate that took no part, and why."""

    column: int
    """Its place among the covariates, counted from 0."""
    reason: Literal["no variance", "explained by those before it", "too few units"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Which covariates are used, and each arm's slopes for one outcome column or several."""

    used: tuple[int, ...]
    """Columns of the comoments, in order."""
    dropped: tuple[Dropped, ...]
    control: tuple[tuple[float, ...], ...]
    """For each outcome column, the control's slope on each covariate used."""
    treatment: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class AdjustedPair(Pair):
    """Two arms with one outcome column or several, and covariates in the columns after them.

    Raises:
        InputError: the arms have not the same columns, or too few, or there is no such choice of slopes.
    """

    outcomes: ClassVar[int] = 1
    """Columns before the covariates."""
    wanted: ClassVar[str] = "the same outcome and covariates"
    """What both arms must have, in words."""

    control_arm: Comoments
    treatment_arm: Comoments
    slopes: Slopes = "per-arm"

    def __post_init__(self) -> None:
        choice("slopes", self.slopes, ("per-arm", "pooled", "within"))
        columns = self.control_arm.columns, self.treatment_arm.columns
        if columns[0] != columns[1] or columns[0] < self.outcomes:
            raise InputError(
                f"control has {columns[0]} columns and treatment {columns[1]}; give both {self.wanted}"
            )

    @property
    def units(self) -> tuple[int, int]:
        """Units in the control and in the treatment."""
        return self.control_arm.n, self.treatment_arm.n

    @property
    def adjustment(self) -> Adjustment:
        """The covariates used and dropped, and the slopes of each outcome on them."""
        return adjustment_of(self.control_arm, self.treatment_arm, self.outcomes, self.slopes)

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """The covariates that took no part, each with the reason."""
        return self.adjustment.dropped


@dataclass(frozen=True, slots=True)
class CovariatePair(AdjustedPair):
    """Means of column 0 adjusted for the covariates in the other columns.

    Each arm's estimate is what its mean would be if its covariates had the mean of all units:
    θ_a = ȳ_a − β_a·(x̄_a − x̄). The variance of θ_t − w·θ_c is that of the units as drawn from a population,

        s_t²/n_t + w²·s_c²/n_c + (β_t − w·β_c)'·S·(β_t − w·β_c)/n,

    with s_a² the variance of y − β_a·x in arm a (n_a − 1) and S the covariance of x over all n units. The
    last term is the uncertainty of x̄ itself: with slopes that differ the effect depends on who is in the experiment,
    and at other weights than 1, as in relative changes, it is felt with equal slopes too.
    Degrees of freedom are Satterthwaite's over the terms: n_a − 1 − k and, for the last, n − 1, with k
    covariates; with common slopes (n_a − 1)·(n − 2 − k)/(n − 2), since the arms share what the slopes cost.

    That is right for many units. Slopes that were fitted to few make an arm look quieter than it is and are uncertain
    themselves, so where the smaller arm has fewer than 1,000·k units the variance of an arm with its own
    slopes is that of a prediction by its regression,

        s_a²·(1/n_a + d_a'·S_a⁻¹·d_a),  d_a = x̄_a − x̄,  s_a² with n_a − 1 − k,

    and with slopes common within the arms s_a² is divided by the degrees of freedom above and the
    slopes' own error, S⁻¹·(Σ s_a²·S_a)·S⁻¹ with S = S_c + S_t, comes as a further part. From 1,000·k units on it
    would change a standard error by less than a tenth of a percent. Pooled slopes do not need it.

    Slopes "per-arm" (the default) are never worse than none in large samples, whatever the arms' sizes;
    "pooled" is the slope of all units taken as one sample, as most tools have it; "within" the common
    slope within the arms. A small gain at a low correlation is normal; `variance_kept` says how small.

    Raises:
        InputError: the arms have not the same columns, or there is no such choice of slopes.

    References:
        Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by
        utilizing pre-experiment data, WSDM. Lin (2013), Agnostic notes on regression adjustments to
        experimental data, Annals of Applied Statistics 7(1), 295-318. Negi, Wooldridge (2021), Revisiting
        regression adjustment in experiments with heterogeneous treatment effects, Econometric Reviews 40(5).

    >>> control = Comoments.of([[1, 0], [2, 1], [4, 2], [5, 4], [6, 5]])
    >>> treatment = Comoments.of([[3, 1], [5, 2], [5, 3], [7, 4], [8, 6]])
    >>> pair = CovariatePair(control, treatment)
    >>> round(pair.contrast().estimate, 4), round(pair.contrast().se, 4), round(pair.variance_kept, 4)
    (1.2201, 0.3725, 0.0856)
    """

    @property
    def control(self) -> float:
        """Adjusted mean of the control."""
        return self._estimates()[0]

    @property
    def treatment(self) -> float:
        """Adjusted mean of the treatment."""
        return self._estimates()[1]

    @property
    def state(self) -> State:
        """Whether the arms can be compared; if not, why."""
        if min(self.units) < 2:
            return "too few units"
        return "tested" if any(self._residuals()) else "no variance"

    @property
    def variance_kept(self) -> float | None:
        """Variance of the difference as a share of that without covariates: 0.7 saves 30 % of the units."""
        adjusted = self.contrast()
        plain = self.control_arm.moments(), self.treatment_arm.moments()
        if adjusted is None:
            return None
        bare = math.fsum(arm.m2 / (arm.n - 1) / arm.n for arm in plain)
        return adjusted.se**2 / bare if bare > 0 else None

    def joint(self) -> Joint | None:
        """The adjusted means with their variances; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        control, treatment = self._estimates()
        found = self.adjustment
        rest = self._residuals()
        parts = variance_parts(
            self.control_arm,
            self.treatment_arm,
            found,
            (found.control[0], found.treatment[0]),
            rest,
            self.slopes,
        )
        return Joint(control, treatment, parts)

    def _estimates(self) -> tuple[float, float]:
        found = self.adjustment
        centre = centre_of(self.control_arm, self.treatment_arm)
        return (
            adjusted_mean(self.control_arm, 0, found.used, found.control[0], centre),
            adjusted_mean(self.treatment_arm, 0, found.used, found.treatment[0], centre),
        )

    def _residuals(self) -> tuple[float, float]:
        """Sum of squares of y − β·x in each arm."""
        found = self.adjustment
        return (
            residual((1.0,), (found.control[0],), self.control_arm, found.used),
            residual((1.0,), (found.treatment[0],), self.treatment_arm, found.used),
        )


def adjustment_of(control: Comoments, treatment: Comoments, outcomes: int, slopes: Slopes) -> Adjustment:
    """Choose the covariates that can be used and fit the slopes of the first `outcomes` columns on them.

    Covariates are taken in order, and one is dropped where in an arm (with common slopes: in all units)
    it does not vary, or the ones before it explain it, or no unit is left over to estimate the noise.
    """
    within = _within(control, treatment)
    samples = {
        "per-arm": (control, treatment),
        "pooled": (control + treatment,),
        "within": (within,),
    }[slopes]
    tables = [sample.cross for sample in samples]
    spare = min(sample.n for sample in samples) - 2 if slopes == "per-arm" else control.n + treatment.n - 3
    used: list[int] = []
    dropped: list[Dropped] = []
    for column in range(outcomes, control.columns):
        if not all(table[column][column] > 0 for table in tables):
            dropped.append(Dropped(column - outcomes, "no variance"))
        elif len(used) + 1 > spare:
            dropped.append(Dropped(column - outcomes, "too few units"))
        elif not all(_unexplained(table, used, column) > COLLINEAR for table in tables):
            dropped.append(Dropped(column - outcomes, "explained by those before it"))
        else:
            used.append(column)
    fitted = [tuple(tuple(_solve(table, used, outcome)) for outcome in range(outcomes)) for table in tables]
    return Adjustment(tuple(used), tuple(dropped), fitted[0], fitted[-1])


def centre_of(control: Comoments, treatment: Comoments) -> tuple[float, ...]:
    """Means of all columns over all units."""
    return (control + treatment).means


def adjusted_mean(
    arm: Comoments, column: int, used: tuple[int, ...], slope: tuple[float, ...], centre: tuple[float, ...]
) -> float:
    """What the column's mean would be if the covariates' means were those of all units."""
    away = math.fsum(b * (arm.means[i] - centre[i]) for b, i in zip(slope, used, strict=True))
    return arm.means[column] - away


def residual(
    weights: tuple[float, ...], slopes: tuple[tuple[float, ...], ...], arm: Comoments, used: tuple[int, ...]
) -> float:
    """Sum of squares of Σ w_j·(y_j − β_j·x) about its mean in an arm; 0 where only rounding is left."""
    outcomes = len(weights)
    coefficients = dict(enumerate(weights))
    for place, column in enumerate(used):
        coefficients[column] = -math.fsum(weights[j] * slopes[j][place] for j in range(outcomes))
    whole = _form(arm, dict(enumerate(weights)), dict(enumerate(weights)))
    left = _form(arm, coefficients, coefficients)
    # Where a ratio is the same for all units its outcomes cancel, and their rounding stays.
    terms = math.fsum(
        abs(a * b * arm.cross[i][j]) for i, a in enumerate(weights) for j, b in enumerate(weights)
    )
    return left if left > max(EXACT * whole, ROUNDING * terms) else 0.0


def variance_parts(
    control: Comoments,
    treatment: Comoments,
    found: Adjustment,
    slopes: tuple[tuple[float, ...], tuple[float, ...]],
    rest: tuple[float, float],
    kind: Slopes,
) -> tuple[Part, ...]:
    """The parts of the variance of two adjusted means, from each arm's slopes and sum of squares."""
    n, k = control.n + treatment.n, len(found.used)
    few = k > 0 and min(control.n, treatment.n) <= FEW * k and kind != "pooled"
    spares = [
        arm.n - 1 - k if kind == "per-arm" else (arm.n - 1) * (n - 2 - k) / (n - 2)
        for arm in (control, treatment)
    ]
    variances = [
        left / (spare if few else arm.n - 1)
        for left, spare, arm in zip(rest, spares, (control, treatment), strict=True)
    ]
    away = _distances(control, treatment, found.used)
    reach = [0.0, 0.0]
    parts = []
    if few and kind == "per-arm":
        reach = [_square(arm.cross, found.used, d) for arm, d in zip((control, treatment), away, strict=True)]
    elif few:
        parts.append(_slopes_part(control, treatment, found.used, away, variances))
    parts.append(Part(variances[1] / treatment.n + variances[1] * reach[1], 0.0, 0.0, spares[1]))
    parts.append(Part(0.0, variances[0] / control.n + variances[0] * reach[0], 0.0, spares[0]))
    if k:
        every = control + treatment
        on_control, on_treatment = (dict(zip(found.used, slope, strict=True)) for slope in slopes)
        scale = 1 / (n - 1) / n
        parts.append(
            Part(
                _form(every, on_treatment, on_treatment) * scale,
                _form(every, on_control, on_control) * scale,
                _form(every, on_treatment, on_control) * scale,
                n - 1,
            )
        )
    return tuple(parts)


def _distances(
    control: Comoments, treatment: Comoments, used: tuple[int, ...]
) -> tuple[list[float], list[float]]:
    """How far the covariates' means in each arm lie from those of all units."""
    gaps = [treatment.means[i] - control.means[i] for i in used]
    n = control.n + treatment.n
    return [-gap * treatment.n / n for gap in gaps], [gap * control.n / n for gap in gaps]


def _square(table: Table, used: Sequence[int], vector: list[float]) -> float:
    """v'·S⁻¹·v."""
    return math.fsum(a * b for a, b in zip(vector, _solved(table, used, vector), strict=True))


def _slopes_part(
    control: Comoments,
    treatment: Comoments,
    used: tuple[int, ...],
    away: tuple[list[float], list[float]],
    variances: list[float],
) -> Part:
    """What the uncertainty of common slopes adds to the variance of both estimates."""
    within = _within(control, treatment).cross
    pulls = [dict(zip(used, _solved(within, used, vector), strict=True)) for vector in away]

    def product(left: dict[int, float], right: dict[int, float]) -> float:
        return variances[0] * _form(control, left, right) + variances[1] * _form(treatment, left, right)

    return Part(
        product(pulls[1], pulls[1]),
        product(pulls[0], pulls[0]),
        product(pulls[1], pulls[0]),
        control.n + treatment.n - 2 - len(used),
    )


def _within(control: Comoments, treatment: Comoments) -> Comoments:
    """Cross products around each arm's own means."""
    return Comoments(
        control.n + treatment.n,
        control.means,
        tuple(
            tuple(a + b for a, b in zip(left, right, strict=True))
            for left, right in zip(control.cross, treatment.cross, strict=True)
        ),
    )


def _form(arm: Comoments, left: dict[int, float], right: dict[int, float]) -> float:
    return math.fsum(a * b * arm.cross[i][j] for i, a in left.items() for j, b in right.items())


def _solve(table: Table, used: Sequence[int], target: int) -> list[float]:
    """Slopes of the target on the columns used."""
    return _solved(table, used, [table[i][target] for i in used])


def _solved(table: Table, used: Sequence[int], wanted: list[float]) -> list[float]:
    """The normal equations of the columns used, scaled, by Cholesky's method."""
    scale = [math.sqrt(table[i][i]) for i in used]
    lower: list[list[float]] = []
    middle: list[float] = []
    for a, i in enumerate(used):
        row: list[float] = []
        for b, j in enumerate(used[: a + 1]):
            rest = table[i][j] / scale[a] / scale[b] - math.fsum(
                row[m] * (lower[b][m] if b < a else row[m]) for m in range(b)
            )
            row.append(math.sqrt(rest) if b == a else rest / lower[b][b])
        lower.append(row)
        middle.append((wanted[a] / scale[a] - math.fsum(row[m] * middle[m] for m in range(a))) / row[a])
    slopes = [0.0] * len(used)
    for a in reversed(range(len(used))):
        after = math.fsum(lower[m][a] * slopes[m] for m in range(a + 1, len(used)))
        slopes[a] = (middle[a] - after) / lower[a][a]
    return [slope / scale[a] for a, slope in enumerate(slopes)]


def _unexplained(table: Table, used: list[int], column: int) -> float:
    """Share of the column's variance that the columns used leave unexplained."""
    slopes = _solve(table, used, column)
    explained = math.fsum(b * table[i][column] for b, i in zip(slopes, used, strict=True))
    return 1 - explained / table[column][column]
