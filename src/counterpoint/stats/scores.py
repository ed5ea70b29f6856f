"""Intervals of rates that hold at small counts: of one rate, and of two by the score test, which the pooled z is."""

import math
from collections.abc import Callable
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, level, whole
from counterpoint.stats.contrast import Interval, agree
from counterpoint.stats.distributions import normal_quantile, normal_tail
from counterpoint.stats.moments import Moments
from counterpoint.stats.rates import restricted_rates
from counterpoint.stats.roots import falling_root

__all__ = ["RateInterval", "rate_interval", "score_interval"]

RateInterval = Literal["wilson", "exact"]
"""By the score test, which is right on average; or by the binomial, which is never wrong too often."""

LOW, HIGH = math.log(1e-12), math.log(1e12)
"""Ends of what is looked at of the logarithm of a ratio."""


def rate_interval(
    successes: int, n: int, *, alpha: float = 0.05, method: RateInterval = "wilson"
) -> Interval:
    """The interval of one rate, of level 1 − alpha; good for few units, and for rates near 0 and 1.

    "wilson": (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²))/(1 + z²/n). "exact" (Clopper and Pearson): the quantiles alpha/2 of
    Beta(x, n − x + 1) and 1 − alpha/2 of Beta(x + 1, n − x).

    Raises:
        InputError: the counts are impossible, or alpha is not strictly between 0 and 1.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212.
        Clopper, Pearson (1934), The use of confidence or fiducial limits, Biometrika 26, 404-413.

    >>> found = rate_interval(7, 50)
    >>> round(found.low, 6), round(found.high, 6)
    (0.069508, 0.261862)
    """
    level("alpha", alpha)
    choice("method", method, ("wilson", "exact"))
    whole("n", n, least=1)
    whole("successes", successes)
    if successes > n:
        raise InputError(f"successes == {successes}, must be at most n == {n}")
    if method == "exact":
        from scipy.special import betainccinv, betaincinv

        low = float(betaincinv(successes, n - successes + 1, alpha / 2)) if successes else 0.0
        high = float(betainccinv(successes + 1, n - successes, alpha / 2)) if successes < n else 1.0
        return Interval(low, high)
    z2 = normal_quantile(alpha / 2) ** 2
    rate = successes / n
    reach = math.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n)))
    middle, whole_ = rate + z2 / (2 * n), 1 + z2 / n
    return Interval(
        (middle - reach) / whole_ if successes else 0.0, (middle + reach) / whole_ if successes < n else 1.0
    )


def score_interval(
    control: Moments,
    treatment: Moments,
    below: float | None,
    above: float | None,
    *,
    relative: bool = False,
) -> Interval | None:
    """All differences of two rates, or relative changes, that the score test does not reject.

    The score test of a change takes the variance at the rates most likely with it (`restricted_rates`); at no change
    that is the pooled z. So these intervals exclude 0 exactly when the pooled test rejects, and they hold at
    smaller counts than those of the unpooled error.

    Args:
        control: Moments of a 0/1 outcome (see `rate`).
        treatment: As the control.
        below: Error allowed below the low end, under one half; none leaves the side open.
        above: Error allowed above the high end, under one half; none leaves the side open.
        relative: Whether the change is a share of the control's rate.

    Returns:
        None where an arm has no units, or a share is asked for and nobody had the outcome.

    Raises:
        InputError: an error is not above 0 and below one half.

    References:
        Mee (1984), Confidence bounds for the difference between two probabilities, Biometrics 40, 1175-1176.
        Koopman (1984), Confidence intervals for the ratio of two binomial proportions, Biometrics 40, 513-517.

    >>> from counterpoint.stats import rate
    >>> found = score_interval(rate(1, 10), rate(7, 10), 0.025, 0.025)
    >>> round(found.low, 6), round(found.high, 6)
    (0.182126, 0.83695)
    """
    for name, error in (("below", below), ("above", above)):
        if error is not None:
            level(name, error, below=0.5)
    if min(control.n, treatment.n) < 1 or (relative and control.mean + treatment.mean == 0):
        return None

    def z(effect: float) -> float:
        """The score statistic; it falls as the effect rises."""
        low, high = restricted_rates(
            control.mean, treatment.mean, ratio=control.n / treatment.n, margin=effect, relative=relative
        )
        weight = 1 + effect if relative else 1.0
        distance = treatment.mean - weight * control.mean - (0.0 if relative else effect)
        spread = high * (1 - high) / treatment.n + weight * weight * low * (1 - low) / control.n
        if spread > 0:
            return distance / math.sqrt(spread)
        return math.copysign(math.inf, distance) if distance else 0.0

    inner = treatment.mean - control.mean
    if relative:
        inner = math.log(treatment.mean / control.mean) if min(treatment.mean, control.mean) > 0 else 0.0
        inner = HIGH if control.mean == 0 else LOW if treatment.mean == 0 else inner
    start, end = (LOW, HIGH) if relative else (-1 + 1e-15, 1 - 1e-15)
    inner = min(max(inner, start), end)

    def root(statistic: Callable[[float], float], error: float, first: float, last: float) -> float:
        wanted = normal_quantile(1 - error)
        return falling_root(lambda at: min(statistic(at), 1e9) - wanted, first, last, within=1e-14)

    def at(place: float) -> float:
        return z(math.expm1(place) if relative else place)

    low = high = None
    if below is not None:
        low = start if inner <= start else root(at, below, start, inner)
    if above is not None:
        high = end if inner >= end else -root(lambda place: -at(-place), above, -end, -inner)
    if relative:
        low = None if low is None else (-1.0 if low <= LOW else math.expm1(low))
        high = None if high is None else (math.inf if high >= HIGH else math.expm1(high))
    else:
        low, high = (
            None if place is None else math.copysign(1.0, place) if abs(place) >= end else place
            for place in (low, high)
        )
    seen = z(0.0)
    found = agree(low, high, (0.0, 0.0), normal_tail(seen), normal_tail(-seen), below, above)
    return Interval(max(found.low, -1.0), found.high if relative else min(found.high, 1.0))
