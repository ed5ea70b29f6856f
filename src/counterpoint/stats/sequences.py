"""Tests that may be looked at after every unit, without a largest number of units: always-valid inference.

They need no plan of looks, and pay for it: at the same number of units they show less than the boundaries
of `boundaries` do.
"""

import math

from counterpoint.stats.checks import finite, level, positive
from counterpoint.stats.crossing import checked_sides

__all__ = [
    "confidence_sequence_margin",
    "confidence_sequence_p",
    "mixture_margin",
    "mixture_p",
    "rho2_growthbook",
    "rho2_tuned",
]


def confidence_sequence_margin(
    se: float, n: int, *, alpha: float = 0.05, rho2: float, sides: int = 2
) -> float:
    """Half the width of the asymptotic confidence sequence, in the estimate's unit.

    The intervals estimate ± margin at all n together hold the true value with chance 1 − alpha, in the
    limit of many units: SE·√(2(x + 1)/x·ln(√(x + 1)/α)) with x = n·ρ². With one side it is only the lower
    (or only the upper) end: SE·√(2(x + 1)/x·ln(1 + √(x + 1)/(2α))).

    Args:
        se: Standard error of the estimate at n, above 0.
        n: Units in both arms together.
        alpha: The error over all times.
        rho2: ρ², which says at which n the sequence is narrowest; see `rho2_tuned`. Part of the plan:
            chosen before the data.
        sides: 2, or 1 for one end alone.

    The margin divided by `se` is the boundary of Z, as `repeated_interval` takes it.

    Raises:
        InputError: se, n or rho2 is not above 0, or alpha or sides is out of range.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and
        asymptotic confidence sequences. Annals of Statistics 52, 2613-2640: equation 9 and, for one side,
        the mixture over positive means with Φ(w) ≥ 1 − exp(−w²/2).

    >>> round(confidence_sequence_margin(0.01, 5000, rho2=rho2_growthbook(5000, 0.05)), 6)
    0.030352
    """
    x = _mixed(n, rho2)
    positive("se", se)
    level("alpha", alpha)
    log_root = math.log1p(x) / 2
    two = log_root - math.log(alpha)
    depth = two if checked_sides(sides) == 2 else math.log1p(math.exp(two) / 2)
    return se * math.sqrt(2 * (x + 1) / x * depth)


def confidence_sequence_p(statistic: float, n: int, *, rho2: float, sides: int = 2) -> float:
    """The always-valid p-value of the same sequence: the smallest alpha whose interval excludes the null.

    With x = n·ρ² and y = z²·x/(2(x + 1)): √(x + 1)·e^(−y), or √(x + 1)/(2(e^y − 1)) with one side; at most 1.
    The smallest of all times up to now is a p-value as well.

    Args:
        statistic: Estimate (less its null) divided by its standard error at n.
        n: Units in both arms together.
        rho2: As for `confidence_sequence_margin`.
        sides: 2, or 1 for positive Z only.

    Raises:
        InputError: n or rho2 is not above 0, statistic is not a number, or sides is out of range.

    References:
        Waudby-Smith et al. (2024), Annals of Statistics 52, 2613-2640.

    >>> round(confidence_sequence_p(3.0352, 5000, rho2=rho2_growthbook(5000, 0.05)), 5)
    0.05
    """
    x = _mixed(n, rho2)
    finite("statistic", statistic)
    y = statistic * statistic * x / (2 * (x + 1))
    root = math.log1p(x) / 2
    if checked_sides(sides) == 2:
        return math.exp(min(0.0, root - y))
    if statistic <= 0 or y == 0:
        return 1.0
    return math.exp(min(0.0, root - math.log(2) - y - math.log(-math.expm1(-y))))


def rho2_tuned(n: float, alpha: float = 0.05) -> float:
    """ρ² that makes the two-sided sequence narrowest at `n` units: (−W₋₁(−α²/e) − 1)/n.

    Raises:
        InputError: n is not above 0, or alpha is out of range.

    References:
        Waudby-Smith et al. (2024), Annals of Statistics 52, section on tuning; W₋₁ is the lower branch of
        Lambert's function.

    >>> round(rho2_tuned(5000) * 5000, 6)
    8.211968
    """
    positive("n", n)
    level("alpha", alpha)
    return (_deep(1 - 2 * math.log(alpha)) - 1) / n


def rho2_growthbook(n: float = 5000, alpha: float = 0.05) -> float:
    """ρ² as GrowthBook tunes it, nearly narrowest at `n` units: (−2·ln α + ln(1 − 2·ln α))/n.

    Raises:
        InputError: n is not above 0, or alpha is out of range.

    References:
        Howard, Ramdas, McAuliffe, Sekhon (2021), Annals of Statistics 49, 1055-1080: their approximation.

    >>> round(rho2_growthbook(5000, 0.05) * 5000, 6)
    7.936155
    """
    positive("n", n)
    level("alpha", alpha)
    depth = -2 * math.log(alpha)
    return (depth + math.log1p(depth)) / n


def mixture_p(difference: float, n: int, *, variance: float, mixing: float) -> float:
    """The always-valid p-value of the mixture sequential probability ratio test of a difference.

    1/Λ, at most 1, with Λ = √(V/(V + nτ²))·exp(n²τ²Δ̂²/(2V(V + nτ²))) for Var Δ̂ = V/n. The smallest of all
    times up to now is a p-value as well.

    Args:
        difference: Δ̂, the difference of the arms (less its null), in the metric's unit.
        n: Units in each arm.
        variance: V, the sum of the variances of one unit of each arm, in the unit squared.
        mixing: τ², the variance of the effects that the test mixes over; declared before the data.

    Raises:
        InputError: difference is not a number, or n, variance or mixing is not above 0.

    References:
        Johari, Koomen, Pekelis, Walsh (2022), Always valid inference. Operations Research 70, 1806-1821.

    >>> round(mixture_p(0.2, 1000, variance=2.0, mixing=0.01), 6)
    0.000589
    """
    for name, value in (("n", n), ("variance", variance), ("mixing", mixing)):
        positive(name, value)
    finite("difference", difference)
    # The same mixture as a confidence sequence of Z with x = n·τ²/V.
    x = n * mixing / variance
    z2 = difference * difference * n / variance
    return math.exp(min(0.0, math.log1p(x) / 2 - z2 * x / (2 * (1 + x))))


def mixture_margin(n: int, *, variance: float, mixing: float, alpha: float = 0.05) -> float:
    """Half the width of the interval that excludes 0 exactly when `mixture_p` is at most alpha.

    √(2V(V + nτ²)/(n²τ²)·ln(√((V + nτ²)/V)/α)), in the metric's unit; the arguments are those of `mixture_p`.

    Raises:
        InputError: n, variance or mixing is not above 0, or alpha is out of range.

    References:
        Johari, Koomen, Pekelis, Walsh (2022), Operations Research 70, 1806-1821.

    >>> round(mixture_margin(1000, variance=2.0, mixing=0.01), 6)
    0.136674
    """
    for name, value in (("n", n), ("variance", variance), ("mixing", mixing)):
        positive(name, value)
    level("alpha", alpha)
    x = n * mixing / variance
    depth = math.log1p(x) / 2 - math.log(alpha)
    return math.sqrt(variance / n * 2 * (1 + x) / x * depth)


def _deep(depth: float) -> float:
    """The larger w with w − ln w = `depth`, above 1: −W₋₁(−e^−depth), also where that power is no number."""
    w = depth + math.log(depth) + 0.5 if depth > 1.5 else 1 + math.sqrt(2 * (depth - 1)) + 1
    for _ in range(50):  # Newton from above, of a function that is convex
        step = (w - math.log(w) - depth) / (1 - 1 / w)
        w -= step
        if abs(step) <= 1e-15 * w:
            break
    return w


def _mixed(n: float, rho2: float) -> float:
    positive("n", n)
    positive("rho2", rho2)
    return n * rho2
