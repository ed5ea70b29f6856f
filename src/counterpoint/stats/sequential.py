"""What a group sequential test costs and shows: its power, the units it needs, the units it uses."""

import math
from collections.abc import Sequence
from functools import lru_cache

from counterpoint.errors import InputError
from counterpoint.stats.boundaries import boundaries
from counterpoint.stats.crossing import checked_information, checked_sides, crossing
from counterpoint.stats.distributions import normal_quantile_of_log
from counterpoint.stats.roots import falling_root
from counterpoint.stats.spending import SQUARE, Spending, checked_level

__all__ = ["expected_information", "inflation", "sequential_power"]


def sequential_power(
    information: Sequence[float],
    *,
    drift: float,
    alpha: float = 0.05,
    sides: int = 2,
    spending: Spending = SQUARE,
    last: bool = False,
) -> float:
    """The chance to reject upwards at one of the looks, exactly.

    Args:
        information: Share of the planned information at each look.
        drift: Mean of Z once all planned information is in: effect/SE at the planned size. A single look
            of power 1 − β has z(1 − alpha/sides) + z(1 − β).
        alpha: The error over all sides and looks.
        sides: With 2, what rejects downwards is an error of its own kind and does not count as power.
        spending: The spending function.
        last: Whether the last look spends the rest, though information is below 1.

    Raises:
        InputError: as `boundaries`, or drift is not a number.

    References:
        Jennison, Turnbull (2000), Group Sequential Methods, chapter 19.

    >>> round(sequential_power([0.25, 0.5, 0.75, 1.0], drift=2.8015851), 4)
    0.778
    """
    bounds = boundaries(information, alpha=alpha, sides=sides, spending=spending, last=last)
    return math.fsum(crossing(information, bounds, drift=drift, sides=sides).upper)


def inflation(
    information: Sequence[float],
    *,
    alpha: float = 0.05,
    beta: float = 0.2,
    sides: int = 2,
    spending: Spending = SQUARE,
) -> float:
    """How many times the units of a single look the same power 1 − beta needs with these looks.

    Multiply the units of a fixed-horizon size (at level alpha/sides, see `power`) by it: that is the
    largest number, reached where no look rejects. Power is the chance to reject upwards.

    Args:
        information: Share of the planned information at each look; the last is 1.
        alpha: The error over all sides and looks.
        beta: One minus the power; with alpha/sides less than 1.
        sides: 1 or 2.
        spending: The spending function.

    Raises:
        InputError: as `boundaries`; the last look is not at 1, or beta is out of range.

    References:
        Jennison, Turnbull (2000), Group Sequential Methods, section 7.2: (drift needed/drift of one look)².

    >>> round(inflation([0.2, 0.4, 0.6, 0.8, 1.0], spending=Spending("obrien-fleming")), 4)
    1.0247
    """
    times = checked_information(information)
    if abs(times[-1] - 1) > 1e-9:
        raise InputError(f"information[{len(times) - 1}] == {times[-1]}, must be 1: the planned end")
    if not 0 < beta < 1 - checked_level(alpha) / checked_sides(sides):
        raise InputError(f"beta == {beta}, must be above 0 and below 1 - alpha/sides")
    return _inflation((*times[:-1], 1.0), alpha, beta, sides, spending)


@lru_cache(maxsize=256)
def _inflation(
    information: tuple[float, ...], alpha: float, beta: float, sides: int, spending: Spending
) -> float:
    bounds = boundaries(information, alpha=alpha, sides=sides, spending=spending)
    fixed = normal_quantile_of_log(math.log(alpha / sides)) + normal_quantile_of_log(math.log(beta))

    def lacking(drift: float) -> float:
        return 1 - beta - math.fsum(crossing(information, bounds, drift=drift, sides=sides).upper)

    # No test beats a single look, and the last look alone has the power at this distance from its boundary.
    enough = max(bounds[-1], fixed) + abs(normal_quantile_of_log(math.log(beta))) + 1e-9
    return (falling_root(lacking, fixed, enough, within=1e-9) / fixed) ** 2


def expected_information(
    information: Sequence[float], boundaries: Sequence[float], *, drift: float = 0.0, sides: int = 2
) -> float:
    """The mean share of the planned information at which a test with these boundaries stops.

    Times the planned units it is the expected sample size; where no look rejects, the last one stops.

    Raises:
        InputError: as `crossing`.

    >>> round(expected_information([0.5, 1.0], [2.5, 2.0], drift=2.8), 4)
    0.8492
    """
    found = crossing(information, boundaries, drift=drift, sides=sides)
    stops = [up + down for up, down in zip(found.upper, found.lower, strict=True)]
    stops[-1] = 1 - math.fsum(stops[:-1])
    return math.fsum(time * chance for time, chance in zip(information, stops, strict=True))
