"""A weighted difference of two means with its t distribution: what every test of two arms is made of."""

import math
from dataclasses import dataclass
from typing import Literal

from counterpoint.stats.distributions import t_lower, t_quantile
from counterpoint.stats.moments import Moments

__all__ = ["Contrast", "Interval", "State", "agree", "state_of"]

State = Literal["tested", "too few units", "no variance", "no denominator"]
"""Whether a test could run; if not, why. An untested hypothesis has no p, rather than p = 1.

"no denominator": the mean of a ratio's denominator is not above 0 in an arm, so there is no ratio.
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """An open interval; an end without a bound is infinite."""

    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether the value lies outside or on the edge: p ≤ α rejects, so the edge is rejected."""
        return not self.low < value < self.high


@dataclass(frozen=True, slots=True)
class Contrast:
    """The estimate of μ_t − weight·μ_c, with what is needed to test it and to bound it."""

    estimate: float
    se: float
    """Standard error, unpooled; above 0."""
    df: float
    """Degrees of freedom, Welch–Satterthwaite's where variances are several; infinite for a z-test."""

    def statistic(self, null: float = 0.0) -> float:
        """Distance of the estimate from `null` in standard errors."""
        return (self.estimate - null) / self.se

    def p_greater(self, null: float = 0.0) -> float:
        """One-sided p of the alternative that the contrast is above `null`."""
        return t_lower(self.df, -self.statistic(null))

    def p_less(self, null: float = 0.0) -> float:
        """One-sided p of the alternative that the contrast is below `null`."""
        return t_lower(self.df, self.statistic(null))

    def p_two_sided(self, null: float = 0.0) -> float:
        """Two-sided p of the alternative that the contrast is not `null`."""
        return min(1.0, 2 * t_lower(self.df, -abs(self.statistic(null))))

    def interval(
        self, below: float | None, above: float | None, *, nulls: tuple[float, float] = (0.0, 0.0)
    ) -> Interval:
        """Bounds with at most `below` and `above` of error on each side; none leaves a side open.

        The low end is at or above `nulls[0]` exactly when `p_greater(nulls[0])` ≤ `below`, and the high
        end at or below `nulls[1]` exactly when `p_less(nulls[1])` ≤ `above`.
        """
        low = None if below is None else self.estimate - self.reach(below)
        high = None if above is None else self.estimate + self.reach(above)
        return agree(low, high, nulls, self.p_greater(nulls[0]), self.p_less(nulls[1]), below, above)

    def reach(self, error: float) -> float:
        """How far the bound with this much error lies from the estimate; negative above one half."""
        return -t_quantile(self.df, error) * self.se


def agree(
    low: float | None,
    high: float | None,
    nulls: tuple[float, float],
    p_greater: float,
    p_less: float,
    below: float | None,
    above: float | None,
) -> Interval:
    """Make an interval of computed ends agree with the tests of `nulls`, where rounding would not."""
    bottom, top = -math.inf, math.inf
    if low is not None and below is not None:
        bottom = max(low, nulls[0]) if p_greater <= below else min(low, math.nextafter(nulls[0], -math.inf))
    if high is not None and above is not None:
        top = min(high, nulls[1]) if p_less <= above else max(high, math.nextafter(nulls[1], math.inf))
    return Interval(bottom, top)


def state_of(control: Moments, treatment: Moments) -> State:
    """Say whether two samples can be compared at all."""
    if control.n < 2 or treatment.n < 2:
        return "too few units"
    return "tested" if control.m2 + treatment.m2 > 0 else "no variance"
