"""Sample ratio mismatch: do the arms hold the shares of users that were planned?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from counterpoint.errors import InputError
from counterpoint.stats.checks import level, positive
from counterpoint.stats.distributions import binomial_tails, chi_square_tail

__all__ = [
    "SampleRatio",
    "SequentialSampleRatio",
    "exact_sample_ratio",
    "sample_ratio",
    "sequential_sample_ratio",
]

CONCENTRATIONS = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6)
"""Weights of the belief in the planned shares that are mixed if none is named."""


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


@dataclass(frozen=True, slots=True)
class SequentialSampleRatio:
    """The sequential test of the arms' sizes, which may be looked at after every unit."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    """Users that the planned shares give each arm."""
    log_bayes_factor: float
    """Natural logarithm of how much more likely the counts are under other shares than the planned ones."""
    p: float
    """Always-valid p-value; the smallest up to now counts."""
    mismatch: bool
    """Whether p is at most alpha."""


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
    expected = _expected(observed, shares)
    df = len(shares) - 1
    if min(expected) < 5 - 1e-9:  # shares like 0.1 + 0.2 are not exact
        return SampleRatio("too few units", tuple(observed), expected, df)
    statistic = math.fsum((count - due) ** 2 / due for count, due in zip(observed, expected, strict=True))
    return SampleRatio("tested", tuple(observed), expected, df, statistic, chi_square_tail(df, statistic))


def exact_sample_ratio(observed: Sequence[int], shares: Sequence[float]) -> float:
    """The chance of an arm as far from its planned share as the farthest one is here, exact for few units as for many.

    Each arm against all others is a binomial, of whose two tails those points count that lie as far from what is
    expected. Of two arms that is one test; of more, p is the smallest times their number, at most 1 (Bonferroni).

    Raises:
        InputError: as `sample_ratio`.

    >>> round(exact_sample_ratio([10, 0], [1, 1]), 9)  # 2 / 2^10
    0.001953125
    """
    expected = _expected(observed, shares)
    total = sum(observed)
    if not total:
        return 1.0
    several = list(zip(observed, expected, strict=True))
    tested = several[:1] if len(several) == 2 else several
    chances = [binomial_tails(total, due / total, abs(count - due)) for count, due in tested]
    return min(1.0, min(chances) * len(tested))


def sequential_sample_ratio(
    observed: Sequence[int],
    planned: Sequence[float],
    *,
    concentration: float | Sequence[float] = CONCENTRATIONS,
    alpha: float = 0.01,
) -> SequentialSampleRatio:
    """Test the numbers of units in each arm against planned shares, again and again as they come.

    The chance that p ever falls to alpha, at any time, is at most alpha while the shares are kept. With
    prior mass c and shares θ the counts n of all time so far give ln BF = lnΓ(c) − lnΓ(c + n) +
    Σ(lnΓ(cθᵢ + nᵢ) − lnΓ(cθᵢ)) − Σ nᵢ·ln θᵢ, and p = 1/BF, at most 1. Of several c it is the mean of their factors,
    which keeps the same promise and finds large mismatches early and small ones late.

    Args:
        observed: Units in each arm, of all time so far.
        planned: Planned shares, which need not sum to one.
        concentration: c, the weight in units of the belief in the planned shares: a mismatch of about
            1/√c of a share is found soonest. Declared before the data; several are mixed in equal parts, by
            default 10 to 1,000,000 by powers of ten.
        alpha: The chance of a false alarm over all times.

    Raises:
        InputError: as `sample_ratio`; concentration is not above 0, or alpha is not between 0 and 1.

    References:
        Lindon, Malek (2022), Anytime-valid inference for multinomial count data. NeurIPS 35.

    >>> found = sequential_sample_ratio([821_588, 815_482], [1, 1], concentration=10_000)
    >>> round(found.p, 6), found.mismatch
    (0.000156, True)
    """
    expected = _expected(observed, planned)
    several = (concentration,) if isinstance(concentration, int | float) else tuple(concentration)
    if not several:
        raise InputError("concentration is empty; give one number or several")
    for each in several:
        positive("concentration", each)
    level("alpha", alpha)
    whole = math.fsum(planned)
    shares = [share / whole for share in planned]
    logs = [_log_factor(observed, expected, shares, each) for each in several]
    most = max(logs)
    log_factor = most + math.log(math.fsum(math.exp(each - most) for each in logs) / len(logs))
    p = math.exp(min(0.0, -log_factor))
    return SequentialSampleRatio(tuple(observed), expected, log_factor, p, p <= alpha)


def _log_factor(
    observed: Sequence[int], expected: Sequence[float], shares: Sequence[float], prior: float
) -> float:
    """Logarithm of the Bayes factor, also where each Γ is so large that their quotient would lose all digits.

    With ln Γ(z) = (z − ½)·ln z − z + ½·ln 2π + s(z) the large terms become Σ aᵢ·ln(aᵢ/eᵢ), with aᵢ = cθᵢ + nᵢ and what
    is expected of it eᵢ = (c + n)·θᵢ, of which only Σ (aᵢ·ln(1 + δᵢ/eᵢ) − δᵢ) with δᵢ = aᵢ − eᵢ is left.
    """
    total = sum(observed)
    apart, counts = [], []
    for count, due, share in zip(observed, expected, shares, strict=True):
        near, gap = (prior + total) * share, count - due
        counts.append(prior * share + count)
        apart.append(counts[-1] * math.log1p(gap / near) - gap)
    begun = [prior * share for share in shares]
    terms = [*apart, *map(_rest, counts), -_rest(prior + total), _rest(prior)]
    return math.fsum(terms + [-_rest(each) for each in begun])


def _rest(z: float) -> float:
    """s(z) − ½·ln z, from Stirling's series where that is exact to a double."""
    if z < 10:
        return math.lgamma(z) - z * math.log(z) + z - math.log(2 * math.pi) / 2
    inverse = 1 / z
    square = inverse * inverse
    series = inverse * (
        1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    )
    return series - math.log(z) / 2


def _expected(observed: Sequence[int], shares: Sequence[float]) -> tuple[float, ...]:
    """Units that the shares give each arm, or an InputError for what cannot be."""
    if len(observed) != len(shares) or len(shares) < 2:
        raise InputError(
            f"{len(observed)} counts and {len(shares)} shares: give one of each for two arms or more"
        )
    for share in shares:
        if not (share > 0 and math.isfinite(share)):
            raise InputError(f"share == {share}, must be above 0")
    for count in observed:
        if not (count >= 0 and count == count // 1 and count < math.inf):
            raise InputError(
                f"count == {count}, must be a whole number, 0 or more; count the units of each arm"
            )
    total, whole = sum(observed), math.fsum(shares)
    return tuple(total * share / whole for share in shares)
