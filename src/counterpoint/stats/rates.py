"""Rates under a hypothesis about them: the restricted estimates of Farrington and Manning, and margins."""

import math
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, positive, share
from counterpoint.stats.contrast import Contrast, state_of
from counterpoint.stats.moments import Moments
from counterpoint.stats.noninferiority import Direction, Noninferiority, noninferiority
from counterpoint.stats.pairs import RatePair

__all__ = ["RateVariance", "rate_noninferiority", "restricted_rates"]

RateVariance = Literal["unpooled", "restricted"]
"""Whether a rate's variance is that of the data, or that of the rates most likely at the margin."""


def restricted_rates(
    control: float, treatment: float, *, ratio: float, margin: float, relative: bool
) -> tuple[float, float]:
    """The most likely rates of control and treatment given where the hypothesis puts their contrast.

    Absolute: p_t − p_c = margin, the middle root of a cubic; relative: p_t = (1 + margin)·p_c, the lower
    root of a quadratic.

    Args:
        control: Observed rate of the control.
        treatment: Observed rate of the treatment.
        ratio: Units of the control per unit of the treatment.
        margin: Where the hypothesis puts the change; negative for a loss.
        relative: Whether it is a share of the control's rate.

    Raises:
        InputError: a rate is not between 0 and 1, or the margin leaves no such rates.

    References:
        Farrington, Manning (1990), Test statistics and sample size formulae for comparative binomial
        trials with null hypothesis of non-zero risk difference or non-unity relative risk. Statistics in
        Medicine 9, 1447-1454.

    >>> found = restricted_rates(0.5, 0.45, ratio=1, margin=-0.1, relative=False)
    >>> round(found[0], 4), round(found[1], 4)
    (0.5253, 0.4253)
    """
    share("control", control)
    share("treatment", treatment)
    positive("ratio", ratio)
    if not -1 < margin < (math.inf if relative else 1):
        raise InputError(f"margin == {margin}, must be above -1" + ("" if relative else " and below 1"))
    if relative:
        times, a = 1 + margin, 1 + ratio
        b = -(times * (1 + ratio * control) + ratio + treatment)
        c = times * (treatment + ratio * control)
        root = math.sqrt(max(b * b - 4 * a * c, 0.0))
        # The lower root, without taking the difference of two numbers that are nearly equal.
        most = 2 * c / (-b + root)
        return min(max(most / times, 0.0), 1.0), min(max(most, 0.0), 1.0)
    if margin == 0:
        both = (treatment + ratio * control) / (1 + ratio)
        return both, both
    a = 1 + ratio
    b = -(1 + ratio + treatment + ratio * control + margin * (ratio + 2))
    c = margin * margin + margin * (2 * treatment + ratio + 1) + treatment + ratio * control
    d = -treatment * margin * (1 + margin)
    third = b / (3 * a)
    v = third**3 - b * c / (6 * a * a) + d / (2 * a)
    u = math.copysign(math.sqrt(max(third * third - c / (3 * a), 0.0)), v)
    angle = (math.pi + math.acos(min(max(v / u**3, -1.0), 1.0))) / 3 if u else math.pi / 2
    treated = 2 * u * math.cos(angle) - third
    treated = min(max(treated, 0.0, margin), 1.0, 1.0 + margin)
    return min(max(treated - margin, 0.0), 1.0), treated


def rate_noninferiority(
    control: Moments,
    treatment: Moments,
    *,
    margin: float,
    direction: Direction = "increase",
    relative: bool = True,
    variance: RateVariance = "unpooled",
) -> Noninferiority:
    """Test that a rate is worse than the control's by less than `margin`; one-sided z.

    The moments are those of a 0/1 outcome (see `rate`). "unpooled" takes p(1 − p)/n of each arm, so it agrees with the
    intervals of `RatePair`; "restricted" the rates most likely at the margin, which keeps its level at
    smaller samples and has no interval of a simple form (for small counts see `rate_exact`).

    Raises:
        InputError: the margin is not above 0, a relative one is 1 or more, or no such rates exist.

    References:
        Farrington, Manning (1990), Statistics in Medicine 9, 1447-1454.

    >>> from counterpoint.stats import rate
    >>> found = rate_noninferiority(rate(90, 200), rate(85, 200), margin=0.1, relative=False)
    >>> round(found.statistic, 4), round(found.p, 4)
    (1.5123, 0.0652)
    """
    choice("variance", variance, ("unpooled", "restricted"))
    found = noninferiority(
        RatePair(control, treatment), margin=margin, direction=direction, relative=relative
    )
    can_test = state_of(control, treatment) != "too few units" and found.state != "no share"
    if variance == "unpooled" or not can_test:
        return found
    gain = 1 if direction == "increase" else -1
    at = -gain * margin
    low, high = restricted_rates(
        control.mean, treatment.mean, ratio=control.n / treatment.n, margin=at, relative=relative
    )
    weight = 1 + at if relative else 1.0
    spread = high * (1 - high) / treatment.n + weight * weight * low * (1 - low) / control.n
    if not spread > 0:
        return Noninferiority("no variance", margin, relative, direction)
    distance = gain * (treatment.mean - weight * control.mean) + (0.0 if relative else margin)
    tested = Contrast(distance, math.sqrt(spread), math.inf)
    return Noninferiority(
        "tested",
        margin,
        relative,
        direction,
        distance,
        tested.se,
        tested.df,
        tested.statistic(),
        tested.p_greater(),
        has_interval=False,
    )
