"""What it is worth to know more before deciding between going on and stopping. Pure.

To go on is worth V, to stop is worth 0. Whoever decides now gets max(E[V], 0); whoever learns first decides on what
was learned. The difference is the expected value of information: of knowing everything (EVPI), of knowing one part
(EVPPI), or of a test that says something (EVSI). It is never below 0, and never above EVPI. Decisions are taken to
be neutral to risk.

References:
    Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, chapters 4, 5 and 9;
    Howard (1966), Information Value Theory, IEEE Transactions on Systems Science and Cybernetics 2(1).
"""

import math
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, positive, share, whole
from counterpoint.stats.distributions import normal_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "binary_test_value",
    "evpi_beta",
    "evpi_draws",
    "evpi_normal",
    "evppi_draws",
    "evsi_beta_binomial",
    "evsi_normal",
]

ROUNDING = 1e-12
"""Worths below this share of what is at stake are rounding, and nothing."""


def evpi_normal(mean: float, sd: float) -> float:
    """What it is worth to know V exactly, where it is normal; in V's unit.

    E[max(V, 0)] − max(E[V], 0) = σ·(φ(d) − d·Φ(−d)) with d = |μ|/σ, the unit normal loss.

    Raises:
        InputError: the mean is not finite, or the standard deviation is below 0 or not finite.

    >>> round(evpi_normal(0.0, 1.0), 6)  # 1/√(2π)
    0.398942
    """
    finite("mean", mean)
    finite("sd", sd)
    if sd < 0:
        raise InputError(f"sd == {sd}, must be 0 or more")
    if sd == 0:
        return 0.0
    d = abs(mean) / sd
    return max(0.0, sd * (math.exp(-d * d / 2) / math.sqrt(2 * math.pi) - d * normal_tail(d)))


def evsi_normal(mean: float, sd: float, *, noise: float, n: int) -> float:
    """What `n` observations with standard deviation `noise` are worth, where V is normal; in V's unit.

    The mean that one will have afterwards is normal around today's with variance σ⁴/(σ² + s²/n).

    Raises:
        InputError: `noise` is not above 0, `n` is no whole number of at least 0, or as `evpi_normal` says.

    >>> round(evsi_normal(0.0, 1.0, noise=1.0, n=1), 6)  # 1/√(4π)
    0.282095
    """
    positive("noise", noise)
    whole("n", n)
    if n == 0 or sd == 0:
        return evpi_normal(mean, 0.0)
    return evpi_normal(mean, sd / math.hypot(1, noise / sd / math.sqrt(n)))


def evpi_beta(a: float, b: float, *, gain: float, cost: float) -> float:
    """What it is worth to know p ~ Beta(a, b), where V = gain·p − cost; in the unit of gain and cost.

    With c = cost/gain, E[max(V, 0)] = gain·(a/(a+b))·(1 − I_c(a+1, b)) − cost·(1 − I_c(a, b)).

    Raises:
        InputError: a, b or gain is not above 0, or the cost is not finite.

    >>> round(evpi_beta(1, 1, gain=1.0, cost=0.5), 6)  # ∫ max(p − ½, 0) dp
    0.125
    """
    _beta_arguments(a, b, gain, cost)
    from scipy.special import betainc

    c = min(1.0, max(0.0, cost / gain))
    mean = a / (a + b)
    kept = gain * mean * (1 - betainc(a + 1, b, c)) - cost * (1 - betainc(a, b, c))
    return max(0.0, float(kept) - max(gain * mean - cost, 0.0))


def evsi_beta_binomial(a: float, b: float, *, gain: float, cost: float, n: int) -> float:
    """What it is worth to see of `n` tries how many succeed, where p ~ Beta(a, b) and V = gain·p − cost.

    Σₖ BB(k; n, a, b)·max(gain·(a+k)/(a+b+n) − cost, 0) − max(gain·a/(a+b) − cost, 0), exactly.

    Raises:
        InputError: as `evpi_beta` says, or `n` is no whole number of at least 0.

    >>> round(evsi_beta_binomial(1, 1, gain=1.0, cost=0.5, n=1), 6)  # ½·(2/3 − ½)
    0.083333
    """
    _beta_arguments(a, b, gain, cost)
    whole("n", n)
    import numpy as np
    from scipy.special import betaln, gammaln

    k = np.arange(n + 1)
    logs = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + betaln(a + k, b + n - k) - betaln(a, b)
    after = np.maximum(gain * (a + k) / (a + b + n) - cost, 0.0)
    return max(0.0, float(np.exp(logs) @ after) - max(gain * a / (a + b) - cost, 0.0))


def _beta_arguments(a: float, b: float, gain: float, cost: float) -> None:
    positive("a", a)
    positive("b", b)
    positive("gain", gain)
    finite("cost", cost)


def evpi_draws(values: "NDArray[np.float64]") -> float:
    """What it is worth to know V, from draws of it; shape (n,), in V's unit."""
    import numpy as np

    return max(0.0, float(np.maximum(values, 0.0).mean() - max(float(values.mean()), 0.0)))


def evppi_draws(values: "NDArray[np.float64]", part: "NDArray[np.float64]", *, slices: int = 50) -> float:
    """What it is worth to know one `part` of V, from draws of both; shapes (n,), in V's unit.

    Within slices of equal count along the part, V is averaged: Σ max(mean, 0)/slices − max(mean of all, 0).
    Slices that are too thin make it too high, since their means are noise; wide ones too low.

    Raises:
        InputError: the shapes differ, or there are fewer draws than slices.

    References:
        Strong & Oakley (2013), An Efficient Method for Computing Single-Parameter Partial Expected Value of
        Perfect Information, Medical Decision Making 33(6).
    """
    import numpy as np

    if values.shape != part.shape or values.ndim != 1:
        raise InputError(
            f"values and part have shapes {values.shape} and {part.shape}, must be the same (n,)"
        )
    if len(values) < slices:
        raise InputError(f"there are {len(values)} draws, must be at least as many as slices, {slices}")
    ordered = values[np.argsort(part, kind="stable")]
    kept = sum(len(some) * max(float(some.mean()), 0.0) for some in np.array_split(ordered, slices))
    return max(0.0, kept / len(values) - max(float(values.mean()), 0.0))


def binary_test_value(
    holds: float, *, gain: float, cost: float, sensitivity: float, specificity: float, rest: float = 1.0
) -> float:
    """What a test of one risk is worth, in the unit of gain and cost; V = gain if every risk holds, less the cost.

    Closed form, by Bayes: it passes with probability π = q·s + (1 − q)·(1 − t), and then the risk holds with q·s/π,
    else with q·(1 − s)/(1 − π).

    Args:
        holds: q, the chance that this risk holds.
        gain: What the bet brings if all four hold.
        cost: What it costs in any case.
        sensitivity: s, the chance that the test passes where the risk holds.
        specificity: t, the chance that it fails where the risk does not hold; both 1 give EVPPI.
        rest: The chance that all other risks hold, independent of this one.

    Raises:
        InputError: a chance is not between 0 and 1, or gain or cost is not finite.

    >>> round(binary_test_value(0.5, gain=10.0, cost=6.0, sensitivity=1.0, specificity=1.0), 6)  # ½·(10 − 6)
    2.0
    """
    for name, chance in (
        ("holds", holds),
        ("sensitivity", sensitivity),
        ("specificity", specificity),
        ("rest", rest),
    ):
        share(name, chance)
    finite("gain", gain)
    finite("cost", cost)
    passes = holds * sensitivity + (1 - holds) * (1 - specificity)
    passed = rest * holds * sensitivity * gain - passes * cost
    failed = rest * holds * (1 - sensitivity) * gain - (1 - passes) * cost
    worth = max(passed, 0.0) + max(failed, 0.0) - max(rest * holds * gain - cost, 0.0)
    return worth if worth > ROUNDING * (abs(gain) + abs(cost)) else 0.0
