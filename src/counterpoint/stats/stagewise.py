"""What is known of the effect once a group sequential test has stopped: an estimate without the bias of stopping."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, level, positive
from counterpoint.stats.contrast import Interval, agree
from counterpoint.stats.crossing import checked_sides, crossing
from counterpoint.stats.roots import falling_root

__all__ = ["Stagewise", "stagewise_estimate", "stagewise_p"]


@dataclass(frozen=True, slots=True)
class Stagewise:
    """A stopped test, by the order "rejected earlier is more extreme"."""

    estimate: float
    """Median unbiased: as often above the truth as below it."""
    interval: Interval
    """Of level 1 − alpha; with one side only its low end."""
    p: float
    """As `stagewise_p`; at most alpha exactly when the interval excludes 0."""
    seen: float
    """The estimate as it is without looks, which is too far out on average after an early stop."""


def stagewise_p(
    statistic: float, information: Sequence[float], boundaries: Sequence[float], *, sides: int = 2
) -> float:
    """The p-value of a test that has stopped, by the order "rejected earlier is more extreme".

    It is the chance, under the null, to reject at an earlier look or else to have at least this Z now;
    once, when the test has stopped: at the boundary, or at its last look. It is then at most alpha
    exactly when the test rejects, up to the rounding of the recursion.

    Args:
        statistic: Z where the test stopped.
        information: Share of the planned information at each look that was made.
        boundaries: Boundaries of the looks before the one that stopped: one fewer than `information`.
        sides: 1 or 2; with two the p-value is that of both sides.

    Raises:
        InputError: as `crossing`, or statistic is not a number.

    References:
        Tsiatis, Rosner, Mehta (1984), Exact confidence intervals following a group sequential test.
        Biometrics 40, 797-803.

    >>> round(stagewise_p(2.6, [0.5, 1.0], [2.5]), 6)
    0.01919
    """
    if math.isnan(statistic):
        raise InputError(f"statistic == {statistic}, must be a number")
    z = abs(statistic) if sides == 2 else statistic
    return min(1.0, crossing(information, [*boundaries, z], sides=sides).total)


def stagewise_estimate(
    estimate: float,
    se: float,
    information: Sequence[float],
    boundaries: Sequence[float],
    *,
    alpha: float = 0.05,
    sides: int = 2,
) -> Stagewise:
    """Estimate and bound the effect of a test that has stopped.

    An effect that stopped a test early is too large on average, and its plain interval too short. Under every
    effect the outcomes have an order, and the chance to be as extreme as what happened or more: the median
    unbiased estimate is the effect at which that is ½, and the ends those at which it is alpha/2 to either side
    (alpha with one side). Repeated intervals hold at all looks and are wider; this one is for the end.

    Args:
        estimate: What was seen where the test stopped, in the metric's unit.
        se: Its standard error there.
        information: Share of the planned information at each look that was made.
        boundaries: Boundaries of the looks before the one that stopped: one fewer than `information`.
        alpha: Error of the interval.
        sides: 1 for a test that stops upwards only, 2 for both sides.

    Raises:
        InputError: as `crossing`; se is not above 0, or estimate or alpha is not what it must be.

    References:
        Tsiatis, Rosner, Mehta (1984), Biometrics 40, 797-803. Jennison, Turnbull (2000), Group Sequential
        Methods, section 8.4.

    >>> found = stagewise_estimate(2.8, 1.0, [0.5, 1.0], [2.5])
    >>> round(found.estimate, 3), round(found.interval.low, 3), round(found.interval.high, 3)
    (2.681, 0.544, 4.693)
    """
    finite("estimate", estimate)
    positive("se", se)
    level("alpha", alpha)
    z = estimate / se
    p = stagewise_p(z, information, boundaries, sides=sides)
    # With two sides the test is the same upside down, so what is below 0 is looked at from there.
    turn = -1.0 if checked_sides(sides) == 2 and z < 0 else 1.0
    bounds = [*boundaries, turn * z]
    last = information[-1]

    def effect(chance: float) -> float:
        """In units of the drift: where to be as extreme, upwards, has this chance."""

        def short(drift: float) -> float:
            return chance - math.fsum(crossing(information, bounds, drift=drift, sides=sides).upper)

        start = turn * z / math.sqrt(last)
        step = 4.0 / math.sqrt(last)
        low, high = start - step, start + step
        while short(low) < 0:
            low -= step
        while short(high) > 0:
            high += step
        return falling_root(short, low, high, within=1e-10)

    unit = turn * se * math.sqrt(last)  # what a drift is worth in the metric's unit
    error = alpha / sides
    ends = [unit * effect(error), unit * effect(1 - error)] if sides == 2 else [unit * effect(error)]
    low, high = min(ends), max(ends) if sides == 2 else None
    upward = p / sides if turn > 0 else 1 - p / sides
    downward = p / sides if turn < 0 else 1 - p / sides
    interval = agree(low, high, (0.0, 0.0), upward, downward, error, error if sides == 2 else None)
    return Stagewise(unit * effect(0.5), interval, p, estimate)
