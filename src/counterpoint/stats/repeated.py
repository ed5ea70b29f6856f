"""What an estimate says at a look of a group sequential test: intervals and p-values that fit its boundary.

References:
    Jennison, Turnbull (1989), Interim analyses: the repeated confidence interval approach. J. R. Statist.
    Soc. B 51, 305-361; and (2000), Group Sequential Methods, chapters 8 and 9.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from counterpoint.errors import InputError
from counterpoint.stats.boundaries import boundaries
from counterpoint.stats.checks import choice, finite, positive
from counterpoint.stats.contrast import Interval
from counterpoint.stats.crossing import checked_sides
from counterpoint.stats.difference import Side
from counterpoint.stats.distributions import normal_tail
from counterpoint.stats.roots import falling_root
from counterpoint.stats.spending import SQUARE, Spending

__all__ = ["nominal_level", "repeated_interval", "repeated_p"]

DEEPEST_Z = 10.0
"""Beyond this many standard errors a repeated p-value is given as that of this many, under 10 to the minus 20."""


def repeated_interval(
    estimate: float, se: float, boundary: float, *, side: Side = "two-sided", null: float = 0.0
) -> Interval:
    """The repeated confidence interval estimate ± boundary·se, in the estimate's unit.

    The intervals of all looks together hold the true value with the test's confidence. Each excludes
    `null` exactly when its look rejects it: (estimate − null)/se is at or beyond the boundary. With
    "greater" or "less" the test has one side, and the interval one end.

    Raises:
        InputError: se is not above 0, or estimate, boundary or side is not what it must be.

    References:
        Jennison, Turnbull (1989), J. R. Statist. Soc. B 51, section 2.

    >>> repeated_interval(1.0, 0.5, 2.5)
    Interval(low=-0.25, high=2.25)
    """
    positive("se", se)
    finite("estimate", estimate)
    finite("null", null)
    choice("side", side, ("two-sided", "greater", "less"))
    if math.isnan(boundary) or boundary == -math.inf:
        raise InputError(f"boundary == {boundary}, must be a number, or infinite where a look cannot reject")
    statistic = (estimate - null) / se
    low, high = -math.inf, math.inf
    # Rounding must not let the interval disagree with the test.
    if side != "less":
        end = estimate - boundary * se
        low = max(end, null) if statistic >= boundary else min(end, math.nextafter(null, -math.inf))
    if side != "greater":
        end = estimate + boundary * se
        high = min(end, null) if -statistic >= boundary else max(end, math.nextafter(null, math.inf))
    return Interval(low, high)


def nominal_level(boundary: float, *, sides: int = 2) -> float:
    """The level at which a test of one look has this boundary; 0 where the look cannot reject.

    A test with a t distribution, or an interval by Fieller's theorem, becomes that of a look when it is
    made at this level instead of alpha.

    Raises:
        InputError: boundary is not a number, or sides is neither 1 nor 2.

    >>> round(nominal_level(2.413176), 6)
    0.015814
    """
    if math.isnan(boundary):
        raise InputError(f"boundary == {boundary}, must be a number, or infinite where a look cannot reject")
    return checked_sides(sides) * normal_tail(boundary)


def repeated_p(
    statistic: float,
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    sides: int = 2,
    spending: Spending = SQUARE,
    last: bool = False,
) -> float:
    """The repeated p-value at the newest look: the smallest level at which that look would reject.

    It is at most alpha exactly when the look rejects at `boundaries(information, alpha=alpha, ...)[-1]`,
    that is when its repeated interval excludes the null. The smallest one of all looks up to now is a
    p-value as well, whenever one stops.

    Args:
        statistic: Z at the newest look; beyond 10, p is that of 10, which is more than the true one.
        information: Share of the planned information at each look so far, the newest at the end. A look
            with less than one before it could not reject and counts for nothing.
        alpha: The level that the test is made at; p agrees with that test to the last digit.
        sides: 1 for large Z only, 2 for both signs.
        spending: The spending function.
        last: Whether the newest look ends the test and spends the rest.

    Raises:
        InputError: as `boundaries`, or statistic is not a number.

    References:
        Jennison, Turnbull (2000), Group Sequential Methods, section 9.5.

    >>> round(repeated_p(2.5, [0.5]), 6)  # at α·t² = 0.0124, the p of a single look
    0.049677
    """
    if math.isnan(statistic):
        raise InputError(f"statistic == {statistic}, must be a number")
    rising = tuple(time for place, time in enumerate(information) if time >= max(information[: place + 1]))
    z = abs(statistic) if sides == 2 else statistic
    rejects = z >= boundaries(rising, alpha=alpha, sides=sides, spending=spending, last=last)[-1]
    if rising[-1] != information[-1]:
        return 1.0
    p = _repeated(min(z, DEEPEST_Z), rising, sides, spending, last=last)
    return min(p, alpha) if rejects else max(p, math.nextafter(alpha, 1.0))


@lru_cache(maxsize=1024)
def _repeated(
    z: float, information: tuple[float, ...], sides: int, spending: Spending, *, last: bool
) -> float:
    def level(depth: float) -> float:
        return normal_tail(depth) if sides == 1 else math.erfc(depth / math.sqrt(2))

    def over(depth: float) -> float:
        """How far Z is above the boundary at the level that lies this deep in the tail; nearly a line."""
        found = boundaries(information, alpha=level(depth), sides=sides, spending=spending, last=last)[-1]
        return z - min(found, 1e6)

    shallow = -5.0 if sides == 1 else 1e-6  # levels above this are as good as 1
    if z <= shallow or over(shallow) < 0:
        return 1.0
    # The boundary is never below that of a single look at the same level.
    return level(falling_root(over, shallow, z))
