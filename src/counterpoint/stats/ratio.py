"""Ratios of sums, such as clicks per view, of units that each bring a numerator and a denominator."""

import math
from dataclasses import dataclass
from typing import ClassVar

from counterpoint.stats.comoments import Comoments
from counterpoint.stats.contrast import State
from counterpoint.stats.covariates import (
    AdjustedPair,
    adjusted_mean,
    centre_of,
    residual,
    variance_parts,
)
from counterpoint.stats.pairs import Joint

__all__ = ["RatioPair"]


@dataclass(frozen=True, slots=True)
class RatioPair(AdjustedPair):
    """Ratios of the mean of column 0 to that of column 1, by the delta method over units.

    With R = N̄/D̄ the variance of an arm's ratio is (s_N² − 2R·s_ND + R²·s_D²)/(n·D̄²), n − 1 in the
    covariances. Units, not events, are independent: the formula for independent events is wrong in either direction.
    This one equals the least squares over events clustered by unit, up to n/(n − 1). The terms of that variance cancel where
    units hardly differ in their ratio: what is left of them below 1e-14 (a noise of a ten-millionth of R·D) is "no variance".

    Column 0 may also be N − `origin`·D, for an origin near the ratios: where both grow together, as sums of values that
    lie far from 0 do with the number of values, that is what keeps the digits. Every figure is the same but for rounding.

    Further columns are covariates (those of numerator and denominator before the experiment, say). They
    adjust both means as `CovariatePair` does, and R, its variance and its part from the covariates'
    means follow from (N − R·D)/D̄ in the place of y.

    Raises:
        InputError: the arms have not the same columns, or fewer than two.

    References:
        Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics: a practical guide with
        novel ideas, KDD. For the covariates those of `CovariatePair`.

    >>> from counterpoint.stats import Comoments
    >>> control = Comoments.of([[1, 2], [0, 1], [2, 3], [1, 4]])
    >>> treatment = Comoments.of([[2, 2], [1, 1], [3, 5], [2, 3]])
    >>> pair = RatioPair(control, treatment)
    >>> pair.control, round(pair.treatment, 6), round(pair.contrast().se, 6)
    (0.4, 0.727273, 0.157876)
    """

    origin: float = 0.0
    """What of the denominator was taken off the numerator."""

    outcomes: ClassVar[int] = 2
    wanted: ClassVar[str] = "a numerator, a denominator and the same covariates"

    @property
    def control(self) -> float:
        """Ratio of the control; not a number where its denominator is not above 0."""
        return self.origin + _ratio(*self._means()[0])

    @property
    def treatment(self) -> float:
        """Ratio of the treatment; not a number where its denominator is not above 0."""
        return self.origin + _ratio(*self._means()[1])

    @property
    def state(self) -> State:
        """Whether the arms can be compared; if not, why."""
        if min(self.units) < 2:
            return "too few units"
        if not all(mean[1] > 0 for mean in self._means()):
            return "no denominator"
        return "tested" if any(self._linear()[1]) else "no variance"

    @property
    def variance_kept(self) -> float | None:
        """Variance of the difference as a share of that without covariates; none where there is no test."""
        adjusted = self.contrast()
        bare = RatioPair(self.control_arm.select((0, 1)), self.treatment_arm.select((0, 1))).contrast()
        return (adjusted.se / bare.se) ** 2 if adjusted and bare else None

    def joint(self) -> Joint | None:
        """The ratios with their variances; none unless `state` is "tested"."""
        if self.state != "tested":
            return None
        slopes, rest = self._linear()
        parts = variance_parts(
            self.control_arm,
            self.treatment_arm,
            self.adjustment,
            slopes,
            rest,
            self.slopes,
        )
        return Joint(self.control, self.treatment, parts)

    def _means(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The adjusted numerator and denominator of the control and of the treatment."""
        found = self.adjustment
        centre = centre_of(self.control_arm, self.treatment_arm)
        control, treatment = (
            tuple(adjusted_mean(arm, column, found.used, slopes[column], centre) for column in (0, 1))
            for arm, slopes in ((self.control_arm, found.control), (self.treatment_arm, found.treatment))
        )
        return (control[0], control[1]), (treatment[0], treatment[1])

    def _linear(self) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], tuple[float, float]]:
        """Of (N − R·D)/D̄: each arm's slopes on the covariates, and its sum of squares around them."""
        found = self.adjustment
        slopes, rest = [], []
        arms = ((self.control_arm, found.control), (self.treatment_arm, found.treatment))
        for (arm, fitted), (numerator, denominator) in zip(arms, self._means(), strict=True):
            weights = (1 / denominator, -_ratio(numerator, denominator) / denominator)
            slopes.append(
                tuple(weights[0] * on_n + weights[1] * on_d for on_n, on_d in zip(*fitted, strict=True))
            )
            rest.append(self._noise(arm, weights, fitted))
        return (slopes[0], slopes[1]), (rest[0], rest[1])

    def _noise(
        self, arm: Comoments, weights: tuple[float, float], fitted: tuple[tuple[float, ...], ...]
    ) -> float:
        """Sum of squares of Σ w_j·(y_j − β_j·x) in an arm."""
        return residual(weights, fitted, arm, self.adjustment.used)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.nan
