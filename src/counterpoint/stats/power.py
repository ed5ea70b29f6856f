"""How many units a fixed-horizon test needs, and the smallest effect that a number of units can show.

Levels are one-sided: give `alpha / 2` for a two-sided test. The distribution is normal, which asks for
one or two units per arm fewer than the t distribution does.
"""

import math

from counterpoint.errors import InputError
from counterpoint.stats.checks import level, positive
from counterpoint.stats.distributions import normal_quantile

__all__ = ["detectable_difference", "detectable_rate_difference", "units_per_arm", "units_per_arm_rate"]


def units_per_arm(sd: float, effect: float, *, alpha: float = 0.05, beta: float = 0.2) -> int:
    """Units in each of two equal arms that show a difference of `effect` with power 1 − beta.

    n = (z_α + z_β)²·2σ²/δ², rounded up.

    Raises:
        InputError: sd or effect is not above 0, or a level is out of range.

    References:
        Chow, Shao, Wang (2008), Sample Size Calculations in Clinical Research, 2nd edition, section 3.2.

    >>> units_per_arm(1.0, 0.1, alpha=0.025)
    1570
    """
    positive("sd", sd)
    positive("effect", abs(effect))
    return _ceiling(2 * (sd / effect) * (sd / effect) * _quantiles(alpha, beta) ** 2)


def detectable_difference(sd: float, n: int, *, alpha: float = 0.05, beta: float = 0.2) -> float:
    """The difference of means that `n` units per arm show with power 1 − beta, in the metric's unit.

    >>> round(detectable_difference(1.0, 1570, alpha=0.025), 4)
    0.1
    """
    positive("sd", sd)
    positive("n", n)
    return _quantiles(alpha, beta) * sd * math.sqrt(2 / n)


def units_per_arm_rate(base: float, effect: float, *, alpha: float = 0.05, beta: float = 0.2) -> int:
    """Units in each of two equal arms that show a rate moving from `base` to `base + effect`.

    The variance is pooled under equal rates and unpooled under the effect.

    References:
        Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, 3rd edition, 4.2.

    >>> units_per_arm_rate(0.10, 0.02, alpha=0.025)
    3841
    """
    for name, value in (("base", base), ("base + effect", base + effect)):
        level(name, value)
    positive("effect", abs(effect))
    return _ceiling(_rate_units(base, effect, alpha, beta))


def detectable_rate_difference(
    base: float, n: int, *, alpha: float = 0.05, beta: float = 0.2
) -> float | None:
    """The rise of a rate that `n` units per arm show with power 1 − beta; none if no rate up to 1 does.

    >>> round(detectable_rate_difference(0.10, 3841, alpha=0.025), 4)
    0.02
    """
    positive("n", n)
    level("base", base)
    low, high = 0.0, 1 - base
    if _rate_units(base, high * (1 - 1e-12), alpha, beta) > n:
        return None
    for _ in range(80):  # the units needed fall as the effect grows, so halving finds the effect
        middle = (low + high) / 2
        low, high = (middle, high) if _rate_units(base, middle, alpha, beta) > n else (low, middle)
    return high


def _rate_units(base: float, effect: float, alpha: float, beta: float) -> float:
    other = base + effect
    mean = (base + other) / 2
    under_null = _quantile("alpha", alpha) * math.sqrt(2 * mean * (1 - mean))
    under_effect = _quantile("beta", beta) * math.sqrt(base * (1 - base) + other * (1 - other))
    ratio = (under_null + under_effect) / effect
    return ratio * ratio


def _ceiling(units: float) -> int:
    if not math.isfinite(units):
        raise InputError("effect is too small for any number of units; plan for a larger one")
    return math.ceil(units)


def _quantiles(alpha: float, beta: float) -> float:
    return _quantile("alpha", alpha) + _quantile("beta", beta)


def _quantile(name: str, error: float) -> float:
    level(name, error, below=0.5)
    return normal_quantile(1 - error)
