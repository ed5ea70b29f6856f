"""Comoments of one arm: count, means and centred cross products of several columns, which add."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterpoint.errors import InputError
from counterpoint.stats.checks import numbers, whole
from counterpoint.stats.moments import Moments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Comoments"]


@dataclass(frozen=True, slots=True)
class Comoments:
    """The sufficient statistics of k columns per unit: for covariates, ratios and combinations of both.

    As with `Moments`, what is kept is centred, so that an offset of any size costs no digits, and `+`
    merges two disjoint samples exactly as if they were one.

    Raises:
        InputError: the shapes disagree, `cross` is not symmetric, or a number is not finite.

    References:
        Chan, Golub, LeVeque (1983), Algorithms for computing the sample variance. The American
        Statistician 37(3), equations 2.1a and 2.1b; for cross products as Schubert, Gertz (2018),
        Numerically stable parallel computation of (co-)variance, SSDBM, equation 21.

    >>> left, right = Comoments.of([[1, 2], [2, 5]]), Comoments.of([[6, 8]])
    >>> left + right == Comoments.of([[1, 2], [2, 5], [6, 8]])
    True
    >>> (left + right).covariance(0, 1)
    7.5
    """

    n: int
    """Number of units."""
    means: tuple[float, ...]
    """Mean of each column; zeros where there are no units."""
    cross: tuple[tuple[float, ...], ...]
    """`cross[i][j]`: sum over units of column i's distance from its mean times column j's from its own."""

    def __post_init__(self) -> None:
        k = len(self.means)
        whole("n", self.n)
        if not k or len(self.cross) != k or any(len(row) != k for row in self.cross):
            raise InputError(
                f"cross has {[len(row) for row in self.cross]} numbers in its rows and means has {k};"
                " give k means and k rows of k numbers, k of 1 or more"
            )
        if not all(map(math.isfinite, self.means)) or not all(map(math.isfinite, sum(self.cross, ()))):
            raise InputError("means and cross must be finite; leave out units whose values are not")
        for i, row in enumerate(self.cross):
            if row[i] < 0:
                raise InputError(f"cross[{i}][{i}] == {row[i]}, must not be negative; it is a sum of squares")
            for j in range(i):
                if row[j] != self.cross[j][i]:
                    raise InputError(f"cross[{i}][{j}] differs from cross[{j}][{i}]; give a symmetric table")

    @classmethod
    def of(cls, values: "ArrayLike") -> "Comoments":
        """Compute the comoments of an array of finite numbers, one row per unit and one column per variable.

        Raises:
            InputError: the array has not two dimensions, or a value is not finite.
        """
        import numpy as np  # here, since a server that only shows results needs none of it

        array = numbers("values", values)
        if array.ndim != 2:
            raise InputError(f"values has {array.ndim} dimensions, must have 2: units by columns")
        if not array.shape[0]:
            return cls.empty(array.shape[1])
        if spoilt := int(np.count_nonzero(~np.isfinite(array))):
            raise InputError(
                f"{spoilt} of {array.size} values are not finite numbers; leave them out or replace them"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            first = array.mean(axis=0)
            means = first + (array - first).mean(axis=0)
            away = array - means
            cross = away.T @ away
        if not np.isfinite(cross).all():
            largest = float(np.abs(array).max())
            raise InputError(
                f"values reach {largest:g}, too large to square and add; give them in a larger unit"
            )
        cross = (cross + cross.T) / 2  # matrix products need not be symmetric to the last digit
        return cls(array.shape[0], tuple(means.tolist()), tuple(tuple(row) for row in cross.tolist()))

    @classmethod
    def empty(cls, columns: int) -> "Comoments":
        """No units of this many columns: what other comoments are added to."""
        return cls(0, (0.0,) * columns, ((0.0,) * columns,) * columns)

    @classmethod
    def merge(cls, parts: Iterable["Comoments"]) -> "Comoments":
        """Add one or more disjoint samples of the same columns.

        Raises:
            InputError: there is no part, since then the number of columns is not known.
        """
        whole: Comoments | None = None
        for part in parts:
            whole = part if whole is None else whole + part
        if whole is None:
            raise InputError("parts is empty; give one or more comoments, or use Comoments.empty(columns)")
        return whole

    def __add__(self, other: "Comoments") -> "Comoments":
        if len(self.means) != len(other.means):
            raise InputError(
                f"comoments of {len(self.means)} and {len(other.means)} columns do not add; select the same columns"
            )
        n = self.n + other.n
        if not self.n or not other.n:
            return self if self.n else other
        gaps = [theirs - ours for ours, theirs in zip(self.means, other.means, strict=True)]
        share, weight = other.n / n, self.n * other.n / n
        return Comoments(
            n,
            tuple(mean + gap * share for mean, gap in zip(self.means, gaps, strict=True)),
            tuple(
                tuple(
                    # (gap·gap)·weight, in this order, is the same for (i, j) and (j, i) to the last digit.
                    self.cross[i][j] + other.cross[i][j] + gaps[i] * gaps[j] * weight
                    for j in range(len(gaps))
                )
                for i in range(len(gaps))
            ),
        )

    @property
    def columns(self) -> int:
        """Number of columns, k."""
        return len(self.means)

    def moments(self, i: int = 0) -> Moments:
        """The moments of column i alone."""
        return Moments(self.n, self.means[i], self.cross[i][i])

    def covariance(self, i: int, j: int) -> float | None:
        """Sample covariance of two columns with n − 1; none below two units, where it is not defined."""
        return self.cross[i][j] / (self.n - 1) if self.n > 1 else None

    def select(self, indices: Sequence[int]) -> "Comoments":
        """The comoments of these columns, in this order.

        >>> Comoments.of([[1, 2], [2, 5]]).select([1]).means
        (3.5,)
        """
        return Comoments(
            self.n,
            tuple(self.means[i] for i in indices),
            tuple(tuple(self.cross[i][j] for j in indices) for i in indices),
        )
