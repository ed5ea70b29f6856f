"""Sample ratio mismatch: do the arms hold the shares of users that were planned?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.distributions import chi_square_tail

__all__ = ["SampleRatio", "sample_ratio"]


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The chi-square test of the arms' sizes; statistic and p are none unless `state` is "tested"."""

    state: Literal["tested", "too few units"]
    observed: tuple[int, ...]
    expected: tuple[float, ...]
    """Users that the planned shares give each arm."""
    df: int
    statistic: float | None = None
    p: float | None = None


def sample_ratio(observed: Sequence[int], shares: Sequence[float]) -> SampleRatio:
    """Test the numbers of units in each arm against planned shares, which need not sum to one.

    Pearson's chi-square is only trusted where every arm should hold five units or more; below that the
    state is "too few units".

    Raises:
        InputError: fewer than two arms, a share that is not above 0, a negative count, or unequal lengths.

    References:
        Pearson (1900), On the criterion... Philosophical Magazine 50, 157-175. Fabijan et al. (2019),
        Diagnosing sample ratio mismatch in online controlled experiments, KDD, for its use as a gate.

    >>> round(sample_ratio([821_588, 815_482], [1, 1]).p, 9)
    1.822e-06
    """
    if len(observed) != len(shares) or len(shares) < 2:
        raise InputError(
            f"{len(observed)} counts and {len(shares)} shares: give one of each for two arms or more"
        )
    for share in shares:
        if not (share > 0 and math.isfinite(share)):
            raise InputError(f"share == {share}, must be above 0")
    for count in observed:
        if count < 0:
            raise InputError(f"count == {count}, must not be negative")
    total, whole = sum(observed), math.fsum(shares)
    expected = tuple(total * share / whole for share in shares)
    df = len(shares) - 1
    if min(expected) < 5 - 1e-9:  # shares like 0.1 + 0.2 are not exact
        return SampleRatio("too few units", tuple(observed), expected, df)
    statistic = math.fsum((count - due) ** 2 / due for count, due in zip(observed, expected, strict=True))
    return SampleRatio("tested", tuple(observed), expected, df, statistic, chi_square_tail(df, statistic))
