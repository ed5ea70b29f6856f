"""The difference of two arms: Welch's test of means, and z-tests of rates."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.contrast import Contrast, Interval, State, contrast, state_of
from counterpoint.stats.moments import Moments
from counterpoint.stats.relative import Relative, relative

__all__ = ["Difference", "Side", "difference", "rate_difference"]

Side = Literal["two-sided", "greater", "less"]
"""The alternative: the treatment differs, is higher, or is lower."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is known of treatment − control; every field of the test is none unless `state` is "tested"."""

    state: State
    control_mean: float
    treatment_mean: float
    estimate: float
    """Treatment mean minus control mean."""
    alpha: float
    side: Side
    se: float | None = None
    df: float | None = None
    """Degrees of freedom; infinite for a z-test."""
    statistic: float | None = None
    p: float | None = None
    """p of the chosen side; the interval excludes 0 exactly when it is at most alpha."""
    p_two_sided: float | None = None
    p_greater: float | None = None
    p_less: float | None = None
    interval: Interval | None = None
    relative: Relative | None = None
    """The change as a share of the control mean; none where that has no meaning."""


def difference(
    control: Moments, treatment: Moments, *, alpha: float = 0.05, side: Side = "two-sided"
) -> Difference:
    """Compare two means by Welch's t-test, which needs neither equal variances nor equal sizes.

    The interval has level 1 − alpha: both ends for "two-sided", one end and infinity for the others. The
    relative interval is Fieller's, so it excludes 0 exactly when the test rejects.

    Raises:
        InputError: alpha is not strictly between 0 and 1.

    References:
        Welch (1947), Biometrika 34, 28-35. Fieller (1954), J. R. Statist. Soc. B 16(2), 175-185.

    >>> found = difference(Moments.of([1, 2, 3, 4]), Moments.of([3, 5, 6, 8]))
    >>> round(found.estimate, 3), round(found.se, 3), round(found.df, 3), round(found.p, 3)
    (3.0, 1.225, 5.01, 0.058)
    >>> difference(Moments.of([1, 1]), Moments.of([2, 2])).state
    'no variance'
    """
    tested = contrast(control, treatment)
    below, above = _errors(alpha, side)
    share = relative(control, treatment, below, above)
    return _described(control, treatment, tested, state_of(control, treatment), share, alpha=alpha, side=side)


def rate_difference(
    control: Moments,
    treatment: Moments,
    *,
    alpha: float = 0.05,
    side: Side = "two-sided",
    pooled: bool = False,
) -> Difference:
    """Compare two rates by a z-test; the moments are those of a 0/1 outcome (see `rate`).

    The standard error is √(p_c(1 − p_c)/n_c + p_t(1 − p_t)/n_t). `pooled=True` tests with the variance under equal
    rates and therefore gives no interval: one on the unpooled error would not agree with it.

    Raises:
        InputError: alpha is not strictly between 0 and 1.

    References:
        Agresti (2013), Categorical Data Analysis, 3rd edition, section 3.1.

    >>> from counterpoint.stats import rate
    >>> round(rate_difference(rate(30, 200), rate(45, 200)).p, 6)
    0.053549
    """
    _errors(alpha, side)
    state = state_of(control, treatment)
    if state != "tested":
        return _described(control, treatment, None, state, None, alpha=alpha, side=side)
    if pooled:
        both = control + treatment
        se = math.sqrt(both.m2 / both.n * (1 / control.n + 1 / treatment.n))
    else:
        se = math.sqrt(control.m2 / control.n**2 + treatment.m2 / treatment.n**2)
    tested = Contrast(treatment.mean - control.mean, se, math.inf)
    found = _described(control, treatment, tested, state, None, alpha=alpha, side=side)
    return replace(found, interval=None) if pooled else found


def _errors(alpha: float, side: Side) -> tuple[float | None, float | None]:
    """The error allowed below the low and above the high end."""
    if not 0 < alpha < 1:
        raise InputError(f"alpha == {alpha}, must be above 0 and below 1")
    return {"two-sided": (alpha / 2, alpha / 2), "greater": (alpha, None), "less": (None, alpha)}[side]


def _described(
    control: Moments,
    treatment: Moments,
    tested: Contrast | None,
    state: State,
    share: Relative | None,
    *,
    alpha: float,
    side: Side,
) -> Difference:
    means = (control.mean, treatment.mean, treatment.mean - control.mean)
    if tested is None:
        return Difference(state, *means, alpha, side)
    p_two_sided, p_greater, p_less = tested.p_two_sided(), tested.p_greater(), tested.p_less()
    return Difference(
        "tested",
        *means,
        alpha,
        side,
        se=tested.se,
        df=tested.df,
        statistic=tested.statistic(),
        p={"two-sided": p_two_sided, "greater": p_greater, "less": p_less}[side],
        p_two_sided=p_two_sided,
        p_greater=p_greater,
        p_less=p_less,
        interval=tested.interval(*_errors(alpha, side)),
        relative=share,
    )
