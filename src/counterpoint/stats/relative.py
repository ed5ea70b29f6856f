"""The relative change of two means, bounded by Fieller's theorem."""

import math
from dataclasses import dataclass

from counterpoint.stats.contrast import Interval, agree, contrast
from counterpoint.stats.distributions import t_quantile
from counterpoint.stats.moments import Moments

__all__ = ["Relative", "relative"]

ROUNDS = 20
"""Upper limit of the rounds in which a bound's own degrees of freedom settle; three or four are usual."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A change as a share of the control mean: 0.02 is 2 % more."""

    estimate: float
    interval: Interval


def relative(
    control: Moments,
    treatment: Moments,
    below: float | None,
    above: float | None,
    *,
    nulls: tuple[float, float] = (0.0, 0.0),
) -> Relative | None:
    """Estimate μ_t/μ_c − 1, bounded by all ratios that a test of the arms would not reject.

    Fieller's set holds every r for which μ_t − (1 + r)·μ_c is not significantly different from zero. At
    r = 0 this is Welch's test of the difference itself, and at r = −m the test of a non-inferiority
    margin m; so this interval and those tests cannot disagree, which intervals by the delta or the log
    method can. `nulls` names the changes that the low and the high end are tested against; there the
    agreement holds to the last digit.

    Args:
        control: The arm that the change is relative to.
        treatment: The arm that changed.
        below: Error allowed below the low end, under one half; none leaves the side open.
        above: Error allowed above the high end, under one half; none leaves the side open.
        nulls: The relative changes that the low and the high end test.

    Returns:
        None where a share of the control mean has no meaning: the control mean is not above zero, or
        so uncertain that it might not be.

    References:
        Fieller (1954), Some problems in interval estimation. Journal of the Royal Statistical Society B
        16(2), 175-185.
    """
    at_low, at_high = (contrast(control, treatment, 1 + null) for null in nulls)
    if at_low is None or at_high is None or not control.mean > 0 or max(below or 0, above or 0) >= 0.5:
        return None
    low = None if below is None else _bound(control, treatment, below, sign=-1)
    high = None if above is None else _bound(control, treatment, above, sign=1)
    if (low is None) is not (below is None) or (high is None) is not (above is None):
        return None
    ends = agree(low, high, nulls, at_low.p_greater(), at_high.p_less(), below, above)
    return Relative((treatment.mean - control.mean) / control.mean, ends)


def _bound(control: Moments, treatment: Moments, error: float, *, sign: int) -> float | None:
    """One root of Fieller's quadratic, with the degrees of freedom of the contrast at that root."""
    tested = contrast(control, treatment)
    ratio: float | None = None
    for _ in range(ROUNDS):
        if tested is None:
            return None
        root = _root(control, treatment, t_quantile(tested.df, 1 - error), sign)
        if root is None or (ratio is not None and math.isclose(root, ratio, rel_tol=1e-14)):
            return None if root is None else root - 1
        ratio = root
        tested = contrast(control, treatment, ratio)
    return None if ratio is None else ratio - 1


def _root(control: Moments, treatment: Moments, t: float, sign: int) -> float | None:
    vt, vc = treatment.variance, control.variance
    if vt is None or vc is None:
        return None
    st, sc = t * t * vt / treatment.n, t * t * vc / control.n
    a = control.mean * control.mean - sc
    if not a > 0:
        return None
    # A quarter of the quadratic's discriminant, written without the fourth powers that cancel in it.
    inside = treatment.mean**2 * sc + control.mean**2 * st - st * sc
    return (control.mean * treatment.mean + sign * math.sqrt(max(inside, 0.0))) / a
