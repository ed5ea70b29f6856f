"""The relative change of two arms: Fieller's interval, which agrees with the tests, and two read-outs."""

import math
import sys
from dataclasses import dataclass
from typing import Literal

from counterpoint.stats.checks import choice, level
from counterpoint.stats.contrast import Contrast, Interval, agree
from counterpoint.stats.distributions import t_quantile
from counterpoint.stats.moments import Moments
from counterpoint.stats.pairs import Distribution, Joint, Pair, joint_of, pair_of

__all__ = ["Relative", "Scale", "relative"]

ROUNDS = 20
"""Upper limit of the rounds in which a bound's own degrees of freedom settle; three or four are usual."""
LARGEST = math.log(sys.float_info.max)

Scale = Literal["fieller", "delta", "log"]
"""How a relative change is bounded. Only Fieller's interval is the one that the tests are made with."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A change as a share of the control mean: 0.02 is 2 % more."""

    estimate: float
    interval: Interval
    scale: Scale | Literal["score"] = "fieller"
    """"score": of two rates, by `score_interval`, which agrees with the pooled z-test."""

    @property
    def tested(self) -> bool:
        """Whether the interval agrees with the tests; others are read-outs and may disagree with a verdict."""
        return self.scale in ("fieller", "score")


def relative(
    control: Moments | Pair,
    treatment: Moments | None = None,
    below: float | None = None,
    above: float | None = None,
    *,
    nulls: tuple[float, float] = (0.0, 0.0),
    scale: Scale = "fieller",
    distribution: Distribution = "t",
) -> Relative | None:
    """Estimate μ_t/μ_c − 1, bounded by all ratios that a test of the arms would not reject.

    Fieller's set holds every r for which μ_t − (1 + r)·μ_c is not significantly different from zero. At
    r = 0 this is the test of the difference itself, and at r = −m the test of a non-inferiority
    margin m; so this interval and those tests cannot disagree, which intervals by the delta or the log
    method can. `nulls` names the changes that the low and the high end are tested against; there the
    agreement holds to the last digit.

    The other scales are read-outs for comparison with other tools: "delta" is the estimate ± t·se with
    se² = (v_t − 2r·c + r²·v_c)/μ_c², r = μ_t/μ_c and c their covariance; "log" is exp(ln r ± t·se/r) − 1.
    Their degrees of freedom are those of the contrast at the estimate.

    Args:
        control: The arm that the change is relative to, or a pair, which holds both arms.
        treatment: The arm that changed; left out with a pair.
        below: Error allowed below the low end, under one half; none leaves the side open.
        above: Error allowed above the high end, under one half; none leaves the side open.
        nulls: The relative changes that the low and the high end test.
        scale: How the change is bounded.
        distribution: Of the statistic: "t", or "z" for variances taken as known.

    Returns:
        None where a share of the control mean has no meaning: the control mean is not above zero, or
        so uncertain that it might not be.

    Raises:
        InputError: an error is not above 0 and below 1, or an argument has no such choice.

    References:
        Fieller (1954), Some problems in interval estimation. Journal of the Royal Statistical Society B
        16(2), 175-185.

    >>> found = relative(Moments(1000, 10.0, 9990.0), Moments(1000, 10.5, 9990.0), 0.025, 0.025)
    >>> round(found.interval.low, 5), round(found.interval.high, 5)
    (0.02196, 0.07885)
    """
    joint = joint_of(pair_of(control, treatment), distribution)
    for name, error in (("below", below), ("above", above)):
        if error is not None:
            level(name, error)
    choice("scale", scale, ("fieller", "delta", "log"))
    if joint is None or not joint.control > 0 or max(below or 0, above or 0) >= 0.5:
        return None
    if scale != "fieller":
        return _read_out(joint, below, above, scale)
    at_low, at_high = (joint.contrast(1 + null) for null in nulls)
    if at_low is None or at_high is None:
        return None
    low = None if below is None else _bound(joint, below, sign=-1)
    high = None if above is None else _bound(joint, above, sign=1)
    if (low is None) is not (below is None) or (high is None) is not (above is None):
        return None
    ends = agree(low, high, nulls, at_low.p_greater(), at_high.p_less(), below, above)
    return Relative((joint.treatment - joint.control) / joint.control, ends)


def _read_out(joint: Joint, below: float | None, above: float | None, scale: Scale) -> Relative | None:
    ratio = joint.treatment / joint.control
    spread = joint.contrast(ratio)
    if spread is None or (scale == "log" and not ratio > 0):
        return None
    unit = spread.se / joint.control / (ratio if scale == "log" else 1.0)
    around = Contrast(math.log(ratio) if scale == "log" else ratio, unit, spread.df)
    low = -math.inf if below is None else around.estimate - around.reach(below)
    high = math.inf if above is None else around.estimate + around.reach(above)
    if scale == "log":
        low, high = _exponential(low), _exponential(high)
    return Relative(
        (joint.treatment - joint.control) / joint.control,
        Interval(-math.inf if below is None else low - 1, high - 1),
        scale,
    )


def _exponential(power: float) -> float:
    return math.exp(power) if power < LARGEST else math.inf


def _bound(joint: Joint, error: float, *, sign: int) -> float | None:
    """One root of Fieller's quadratic, with the degrees of freedom of the contrast at that root."""
    tested = joint.contrast()
    ratio: float | None = None
    for _ in range(ROUNDS):
        if tested is None:
            return None
        root = _root(joint, t_quantile(tested.df, 1 - error), sign)
        if root is None or (ratio is not None and math.isclose(root, ratio, rel_tol=1e-14)):
            return None if root is None else root - 1
        ratio = root
        tested = joint.contrast(ratio)
    return _halved(joint, error, sign=sign)


def _halved(joint: Joint, error: float, *, sign: int) -> float | None:
    """The same bound by halving, where two or three units make degrees of freedom that jump from root to root."""

    def tail(ratio: float) -> float:
        tested = joint.contrast(ratio)
        if tested is None:
            return 1.0
        return tested.p_greater() if sign < 0 else tested.p_less()

    inner = joint.treatment / joint.control
    step = sign * max(abs(inner), 1.0)
    while tail(inner + step) > error:
        step *= 2
        if math.isinf(step):
            return None
    outer = inner + step
    while (middle := (inner + outer) / 2) not in (inner, outer):
        inner, outer = (middle, outer) if tail(middle) > error else (inner, middle)
    return outer - 1


def _root(joint: Joint, t: float, sign: int) -> float | None:
    # All in shares of the control mean: squares of tiny or huge values would leave the range of numbers.
    plain = joint.control
    ratio = joint.treatment / plain
    vt, vc, both = (
        t * t * (v / plain / plain)
        for v in (joint.treatment_variance, joint.control_variance, joint.covariance)
    )
    a = 1 - vc
    # A quarter of the quadratic's discriminant, written without the fourth powers that cancel in it.
    inside = vt - 2 * ratio * both + ratio * ratio * vc - (vt * vc - both * both)
    if not (a > 0 and math.isfinite(inside)):
        return None
    return (ratio - both + sign * math.sqrt(max(inside, 0.0))) / a
