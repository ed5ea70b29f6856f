"""How often what was predicted came true: Brier score, its parts, and honest words for few questions. Pure.

References:
    Brier (1950), Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78(1);
    Murphy (1973), A New Vector Partition of the Probability Score, Journal of Applied Meteorology 12(4);
    Stephenson, Coelho & Jolliffe (2008), Two Extra Components in the Brier Score Decomposition, Weather and
    Forecasting 23(4);
    Spiegelhalter (1986), Probabilistic Prediction in Patient Management, Statistics in Medicine 5(5).
"""

import math
from collections.abc import Sequence

import msgspec

from counterpoint.errors import InputError
from counterpoint.said import Said
from counterpoint.stats.checks import level, share, whole
from counterpoint.stats.distributions import normal_tail

__all__ = ["FEW", "SOME", "Bin", "Calibration", "Resolved", "calibrate", "exact_interval"]

FEW, SOME = 10, 30
"""Below the first nothing is said; below the second it is a hint, not a verdict."""
BINS = 5
UNUSUAL = 0.05
HALVES = 0.25
"""The Brier score of who always says one half."""


class Resolved(msgspec.Struct, frozen=True):
    """A prediction and what became of it."""

    p: float
    outcome: bool


class Bin(msgspec.Struct, frozen=True, rename="camel"):
    """Questions with similar predictions; the interval is of the share that came true, exact, 90 %."""

    low: float
    high: float
    n: int
    predicted: float
    came_true: float
    interval: tuple[float, float]


class Calibration(msgspec.Struct, frozen=True, rename="camel"):
    """What is known of the predictions. `brier` is 0 for who always knew, 0.25 for who always says one half."""

    n: int
    brier: float | None = None
    interval: tuple[float, float] | None = None
    """Of the Brier score, 90 %, from the spread of the questions; none below `FEW`."""
    expected: float | None = None
    """What the Brier score would be on average if every chance had been right."""
    reliability: float | None = None
    """How far the shares that came true lie from what was predicted; 0 is best."""
    resolution: float | None = None
    """How far they lie from the share of all; more is better."""
    uncertainty: float | None = None
    """How hard the questions were: b·(1 − b) for the share b of all that came true."""
    within: float | None = None
    """What predictions that differ within one bin add: brier = reliability − resolution + uncertainty + within."""
    p: float | None = None
    """How often figures as far from the chances as these would come if every chance had been right."""
    bins: tuple[Bin, ...] = ()
    sentence: Said = ""


def calibrate(resolved: Sequence[Resolved]) -> Calibration:
    """The calibration of predictions of independent questions.

    Raises:
        InputError: a prediction is not between 0 and 1.

    >>> calibrate([Resolved(1.0, True), Resolved(0.0, False)]).brier
    0.0
    """
    for one in resolved:
        share("p", one.p)
    n = len(resolved)
    if not n:
        return Calibration(0, sentence="No prediction has been resolved yet.")
    scores = [(one.p - one.outcome) ** 2 for one in resolved]
    brier = math.fsum(scores) / n
    base = sum(one.outcome for one in resolved) / n
    binned = [found for found in _binned(resolved) if found]
    parts = [
        (len(some), _mean([one.p for one in some]), _mean([float(one.outcome) for one in some]))
        for some in binned
    ]
    reliability = math.fsum(count * (p - came) ** 2 for count, p, came in parts) / n
    resolution = math.fsum(count * (came - base) ** 2 for count, p, came in parts) / n
    p_value = _spiegelhalter(resolved)
    interval = _interval(scores) if n >= FEW else None
    return Calibration(
        n=n,
        brier=brier,
        interval=interval,
        expected=math.fsum(one.p * (1 - one.p) for one in resolved) / n,
        reliability=reliability,
        resolution=resolution,
        uncertainty=base * (1 - base),
        within=brier - (reliability - resolution + base * (1 - base)),
        p=p_value,
        bins=tuple(_bin(some) for some in binned),
        sentence=_sentence(n, interval, p_value, parts),
    )


def exact_interval(successes: int, n: int, *, alpha: float = 0.1) -> tuple[float, float]:
    """The interval of a share after Clopper and Pearson (1934), by quantiles of the beta distribution.

    Raises:
        InputError: alpha is not strictly between 0 and 1, or there are more successes than tries.

    >>> low, high = exact_interval(0, 10)
    >>> low, round(high, 6) == round(1 - 0.05 ** 0.1, 6)
    (0.0, True)
    """
    level("alpha", alpha)
    whole("successes", successes)
    whole("n", n, least=1)
    if successes > n:
        raise InputError(f"successes == {successes}, must be at most n, {n}")
    from scipy.special import betaincinv

    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, alpha / 2))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - alpha / 2))
    return low, high


def _binned(resolved: Sequence[Resolved]) -> list[list[Resolved]]:
    bins: list[list[Resolved]] = [[] for _ in range(BINS)]
    for one in resolved:
        bins[min(BINS - 1, int(one.p * BINS))].append(one)
    return bins


def _bin(some: Sequence[Resolved]) -> Bin:
    place = min(BINS - 1, int(some[0].p * BINS))
    true = sum(one.outcome for one in some)
    return Bin(
        low=place / BINS,
        high=(place + 1) / BINS,
        n=len(some),
        predicted=_mean([one.p for one in some]),
        came_true=true / len(some),
        interval=exact_interval(true, len(some)),
    )


def _interval(scores: Sequence[float]) -> tuple[float, float]:
    from counterpoint.stats.distributions import t_quantile

    n, mean = len(scores), _mean(scores)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (n - 1) / n)
    reach = t_quantile(n - 1, 0.95) * spread
    return max(0.0, mean - reach), min(1.0, mean + reach)


def _spiegelhalter(resolved: Sequence[Resolved]) -> float | None:
    """Two-sided p of Z = Σ(x − p)(1 − 2p) / √Σ(1 − 2p)²p(1 − p); None where every p is 0, ½ or 1."""
    variance = math.fsum((1 - 2 * one.p) ** 2 * one.p * (1 - one.p) for one in resolved)
    if variance <= 0:
        return None
    z = math.fsum((one.outcome - one.p) * (1 - 2 * one.p) for one in resolved) / math.sqrt(variance)
    return 2 * normal_tail(abs(z))


def _sentence(
    n: int,
    interval: tuple[float, float] | None,
    p: float | None,
    parts: Sequence[tuple[int, float, float]],
) -> str:
    if interval is None:
        return f"Only {n} of {FEW} resolved: too few to say anything about how well we predict."
    unlike = p is not None and p < UNUSUAL
    if not unlike:
        said = "nothing speaks against the chances that were given"
    else:
        # Which way: predicted further from one half than what came.
        bold = math.fsum(count * (abs(p - 0.5) - abs(came - 0.5)) for count, p, came in parts)
        said = (
            "the chances were too bold: closer to one half would have been better"
            if bold > 0
            else ("the chances were too timid: further from one half would have been better")
        )
    low, high = interval
    against = "better" if high < HALVES else "worse" if low > HALVES else "not clearly better or worse"
    closing = " Take it as a hint, not as a verdict." if n < SOME else ""
    return f"Of {n} resolved, {said}; {against} than always saying one half.{closing}"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
