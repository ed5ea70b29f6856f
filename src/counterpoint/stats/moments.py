"""Moments of one arm: count, mean and centred sum of squares, which add without losing precision."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, numbers, whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Moments", "rate"]


@dataclass(frozen=True, slots=True)
class Moments:
    """The sufficient statistics of a sample for every test of means.

    Sums of squares lose all digits once values are large against their spread; the centred sum does
    not, so it is what is kept, and `+` merges two disjoint samples exactly as if they were one.

    References:
        Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance. The American
        Statistician 37(3), equations 2.1a and 2.1b.

    >>> Moments.of([1.0, 2.0]) + Moments.of([3.0]) == Moments.of([1.0, 2.0, 3.0])
    True
    """

    n: int
    """Number of units."""
    mean: float
    """Mean over the units; 0 where there are none."""
    m2: float
    """Sum of squared deviations from the mean."""

    def __post_init__(self) -> None:
        whole("n", self.n)
        if not (math.isfinite(self.mean) and 0 <= self.m2 < math.inf):
            raise InputError(
                f"mean == {self.mean} and m2 == {self.m2}, must be finite and m2 not negative;"
                " leave out units whose values are not finite"
            )

    @classmethod
    def of(cls, values: "ArrayLike") -> "Moments":
        """Compute the moments of a one-dimensional array of finite numbers.

        Raises:
            InputError: a value is not finite, since it would spoil every figure without a trace.
        """
        import numpy as np  # here, since a server that only shows results needs none of it

        array = numbers("values", values).ravel()
        if not array.size:
            return EMPTY
        if spoilt := int(np.count_nonzero(~np.isfinite(array))):
            raise InputError(
                f"{spoilt} of {array.size} values are not finite numbers; remove or replace them first."
            )
        # The second pass mends what rounding took from the first, which matters at offsets like 1e8.
        with np.errstate(over="ignore", invalid="ignore"):
            first = float(array.mean())
            mean = first + float((array - first).mean())
            deviation = array - mean
            m2 = float(deviation @ deviation)
        if not (math.isfinite(mean) and math.isfinite(m2)):
            largest = float(np.abs(array).max())
            raise InputError(
                f"values reach {largest:g}, too large to square and add; give them in a larger unit"
            )
        return cls(array.size, mean, m2)

    @classmethod
    def merge(cls, parts: Iterable["Moments"]) -> "Moments":
        """Add any number of disjoint samples; none gives the empty sample."""
        return sum(parts, EMPTY)

    def __add__(self, other: "Moments") -> "Moments":
        n = self.n + other.n
        if not self.n or not other.n:
            return self if self.n else other
        gap = other.mean - self.mean
        return Moments(
            n, self.mean + gap * other.n / n, self.m2 + other.m2 + gap * gap * self.n * other.n / n
        )

    @property
    def variance(self) -> float | None:
        """Sample variance with n − 1; none below two units, where it is not defined."""
        return self.m2 / (self.n - 1) if self.n > 1 else None


EMPTY = Moments(0, 0.0, 0.0)


def rate(successes: int, n: int) -> Moments:
    """Moments of a 0/1 outcome that `successes` of `n` units had.

    Raises:
        InputError: the counts are negative, or there are more successes than units.

    >>> rate(1, 4)
    Moments(n=4, mean=0.25, m2=0.75)
    """
    whole("n", n)
    finite("successes", successes)
    if not (0 <= successes <= n and successes == successes // 1):
        raise InputError(f"successes == {successes}, must be a whole number between 0 and n == {n}")
    if not n:
        return EMPTY
    return Moments(n, successes / n, successes * (n - successes) / n)
