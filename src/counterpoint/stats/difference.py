"""The difference of two arms, from any estimator: means by Welch's test, rates by z-tests, and the rest."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from counterpoint.stats.checks import choice, level
from counterpoint.stats.contrast import Contrast, Interval, State
from counterpoint.stats.moments import Moments
from counterpoint.stats.pairs import Distribution, Pair, RatePair, joint_of, pair_of
from counterpoint.stats.relative import Relative, relative
from counterpoint.stats.scores import score_interval

__all__ = ["Difference", "Side", "difference", "rate_difference"]

Side = Literal["two-sided", "greater", "less"]
"""The alternative: the treatment differs, is higher, or is lower."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is known of treatment − control; every field of the test is none unless `state` is "tested"."""

    state: State
    control_mean: float
    """The control's estimate: a mean, or what else the estimator makes (a rate, a ratio)."""
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
    control: Moments | Pair,
    treatment: Moments | None = None,
    *,
    alpha: float = 0.05,
    side: Side = "two-sided",
    distribution: Distribution = "t",
) -> Difference:
    """Compare two arms: two moments by Welch's t-test, or any pair by the variance of its estimator.

    The interval has level 1 − alpha: both ends for "two-sided", one end and infinity for the others. The
    relative interval is Fieller's, so it excludes 0 exactly when the test rejects.

    Args:
        control: The control's moments, or a pair, which holds both arms.
        treatment: The treatment's moments; left out with a pair.
        alpha: Level of the test on the chosen side.
        side: The alternative.
        distribution: Of the statistic: "t", right for small samples too, or "z".

    Raises:
        InputError: alpha is not strictly between 0 and 1, or an argument has no such choice.

    References:
        Welch (1947), Biometrika 34, 28-35. Fieller (1954), J. R. Statist. Soc. B 16(2), 175-185.

    >>> found = difference(Moments.of([1, 2, 3, 4]), Moments.of([3, 5, 6, 8]))
    >>> round(found.estimate, 3), round(found.se, 3), round(found.df, 3), round(found.p, 3)
    (3.0, 1.225, 5.01, 0.058)
    >>> difference(Moments.of([1, 1]), Moments.of([2, 2])).state
    'no variance'
    """
    pair = pair_of(control, treatment)
    below, above = _errors(alpha, side)
    joint = joint_of(pair, distribution)
    tested = joint.contrast() if joint else None
    share = relative(pair, below=below, above=above, distribution=distribution)
    return _described(pair, tested, share, alpha=alpha, side=side)


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
    rates; its intervals, absolute and relative, are those of the score test (`score_interval`), since one on the unpooled
    error would not agree with it. For counts under about five see `rate_exact`, for margins
    `rate_noninferiority`.

    Raises:
        InputError: alpha is not strictly between 0 and 1.

    References:
        Agresti (2013), Categorical Data Analysis, 3rd edition, section 3.1.

    >>> from counterpoint.stats import rate
    >>> round(rate_difference(rate(30, 200), rate(45, 200)).p, 6)
    0.053549
    """
    pair = RatePair(control, treatment)
    found = difference(pair, alpha=alpha, side=side)
    if not pooled or found.state == "too few units" or control.mean == treatment.mean in (0, 1):
        return found
    both = control + treatment
    se = math.sqrt(both.m2 / both.n * (1 / control.n + 1 / treatment.n))
    tested = Contrast(treatment.mean - control.mean, se, math.inf)
    below, above = _errors(alpha, side)
    if max(below or 0, above or 0) >= 0.5:
        return replace(_described(pair, tested, None, alpha=alpha, side=side), interval=None)
    share = score_interval(control, treatment, below, above, relative=True) if control.mean > 0 else None
    return replace(
        _described(pair, tested, None, alpha=alpha, side=side),
        interval=score_interval(control, treatment, below, above),
        relative=None if share is None else Relative(treatment.mean / control.mean - 1, share, "score"),
    )


def _errors(alpha: float, side: Side) -> tuple[float | None, float | None]:
    """The error allowed below the low and above the high end."""
    level("alpha", alpha)
    ends: dict[Side, tuple[float | None, float | None]] = {
        "two-sided": (alpha / 2, alpha / 2),
        "greater": (alpha, None),
        "less": (None, alpha),
    }
    choice("side", side, tuple(ends))
    return ends[side]


def _described(
    pair: Pair, tested: Contrast | None, share: Relative | None, *, alpha: float, side: Side
) -> Difference:
    means = (pair.control, pair.treatment, pair.treatment - pair.control)
    if tested is None:
        state = pair.state
        return Difference("no variance" if state == "tested" else state, *means, alpha, side)
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
