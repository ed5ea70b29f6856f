"""Effects that were chosen because they were significant, brought back to what is likely (winner's curse)."""

import math
from dataclasses import dataclass

from counterpoint.errors import InputError
from counterpoint.stats.checks import choice, finite, level, positive
from counterpoint.stats.difference import Side
from counterpoint.stats.distributions import normal_quantile, normal_tail

__all__ = ["Shrunk", "shrunk"]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A significant effect as it was seen and as it is likely to be."""

    seen: float
    estimate: float
    """Conditional maximum likelihood: the effect that makes the estimate, given that it was significant,
    most likely. Towards 0, never past it."""
    method: str = "conditional likelihood"


def shrunk(estimate: float, se: float, *, alpha: float = 0.05, side: Side = "two-sided") -> Shrunk:
    """Correct an estimate for having been selected by its own significance.

    An effect that is only reported when its test rejects is too large on average. This maximises the
    likelihood of the estimate conditional on the rejection, which needs no prior and no other
    experiments: log φ(z − θ) − log P(reject; θ), in standard errors, zero where
    z − θ = d/dθ log P(reject; θ). One that barely passed is corrected most, one far beyond the bound not at all.

    Args:
        estimate: What was seen, in the metric's unit.
        se: Its standard error.
        alpha: Level of the test that selected it, on its side.
        side: Side of the test that selected it.

    Raises:
        InputError: the estimate was not significant, so it was not selected; or a number is out of range.

    References:
        Zhong, Prentice (2008), Bias-reduced estimators and confidence intervals for odds ratios in
        genome-wide association studies. Biostatistics 9(4), 621-634.

    >>> round(shrunk(2.1, 1.0).estimate, 2), round(shrunk(5.0, 1.0).estimate, 2)
    (0.56, 5.0)
    """
    finite("estimate", estimate)
    positive("se", se)
    level("alpha", alpha)
    choice("side", side, ("two-sided", "greater", "less"))
    gain = -1.0 if side == "less" or (side == "two-sided" and estimate < 0) else 1.0
    bound = normal_quantile(1 - (alpha / 2 if side == "two-sided" else alpha))
    z = gain * estimate / se
    if z < bound - 1e-6 and not (side != "two-sided" and alpha >= 0.5):
        raise InputError(
            f"estimate == {estimate} with se == {se} is not significant at alpha == {alpha} ({side}),"
            " so it was not selected; show it as it is"
        )

    def excess(effect: float) -> float:
        """Slope of the conditional likelihood at an effect, in standard errors; it falls through zero."""
        power = normal_tail(bound - effect)
        slope = _density(bound - effect)
        if side == "two-sided":
            power += normal_tail(bound + effect)
            slope -= _density(bound + effect)
        return z - effect - slope / power

    low, high = 0.0, max(z, 0.0)
    if excess(low) <= 0:
        return Shrunk(estimate, 0.0)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return Shrunk(estimate, gain * low * se)


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
