"""The few distribution functions that the tests need.

`scipy.special` is loaded by the first call, since its import costs more than all other work of a small
analysis together; `scipy.stats` (another second) is never loaded.
"""

import math
from statistics import NormalDist

__all__ = [
    "binomial_tails",
    "chi_square_tail",
    "log_normal_tail",
    "noncentral_t_tail",
    "normal_quantile",
    "normal_quantile_of_log",
    "normal_tail",
    "t_lower",
    "t_quantile",
]

_NORMAL = NormalDist()
FAR = 1000.0
"""Of a t distribution, in √ν: from here on its tail is a power with a few terms more."""
MOST_FAR = 100.0
"""Degrees of freedom beyond which no number is small enough to be the probability of lying so far out."""


def normal_tail(z: float) -> float:
    """Probability that a standard normal lies above `z`.

    >>> round(normal_tail(1.959963984540054), 12)
    0.025
    """
    from scipy.special import ndtr

    return float(ndtr(-z))


def normal_quantile(probability: float) -> float:
    """The point below which a standard normal lies with this probability, strictly between 0 and 1."""
    return _NORMAL.inv_cdf(probability)


def log_normal_tail(z: float) -> float:
    """Natural logarithm of `normal_tail`, exact where that is too small for a number.

    >>> round(log_normal_tail(40.0), 6)
    -804.608442
    """
    from scipy.special import log_ndtr

    return float(log_ndtr(-z))


def normal_quantile_of_log(log_tail: float) -> float:
    """The point above which a standard normal lies with the probability exp(`log_tail`), below 1.

    >>> round(normal_quantile_of_log(-804.608442), 6)
    40.0
    """
    from scipy.special import ndtri_exp

    return -float(ndtri_exp(log_tail))


def t_lower(df: float, t: float) -> float:
    """Probability that Student's t with `df` degrees of freedom, not necessarily whole, lies below `t`.

    >>> round(t_lower(1, -1e200) * 1e200, 9)  # Cauchy's, 1/(π·t)
    0.318309886
    """
    from scipy.special import stdtr

    if abs(t) > FAR * max(math.sqrt(df), 1.0):
        tail = math.exp(_log_tail(df, math.log(df) - 2 * math.log(abs(t)))) if abs(t) < math.inf else 0.0
        return tail if t < 0 else 1 - tail
    return float(stdtr(df, t))


def t_quantile(df: float, probability: float) -> float:
    """The point below which Student's t with `df` degrees of freedom lies with this probability.

    >>> round(t_quantile(1, 0.75), 12)
    1.0
    """
    from scipy.special import stdtrit

    if df < MOST_FAR and 0 < probability < 1e-8:
        # Where the point is far out the library's function has no digits, or the wrong sign.
        log_x = (math.log(probability) - _log_tail(df, 0.0, terms=1)) * 2 / df
        if log_x < -2 * math.log(FAR):
            for _ in range(4):
                log_x += (math.log(probability) - _log_tail(df, log_x)) * 2 / df
            return -math.exp(min((math.log(df) - log_x) / 2, 709.0))
    return float(stdtrit(df, probability))


def _log_tail(df: float, log_x: float, *, terms: int = 4) -> float:
    """Logarithm of P(T < −t) for t far out, x = ν/t² (which is there ν/(ν + t²) as well as needed).

    ½·I_y(ν/2, ½) with y = x/(1 + x), by its series x^a/(a·B(a, ½))·Σ (½)_k/k!·a/(a + k)·y^k, a = ν/2.
    """
    a = df / 2
    x = math.exp(log_x)
    y = x / (1 + x)
    log_y = log_x - math.log1p(x)
    weight, series = 1.0, 0.0
    for k in range(terms):
        series += weight * a / (a + k) * y**k
        weight *= (0.5 + k) / (k + 1)
    log_beta = math.lgamma(a) + math.lgamma(0.5) - math.lgamma(a + 0.5)
    power = a * log_y if terms > 1 else a * log_x
    return power - math.log(2 * a) - log_beta + math.log(series)


def noncentral_t_tail(df: float, away: float, t: float) -> float:
    """Probability that a noncentral t, of a numerator with mean `away`, lies above `t`.

    P(Z + away > t·S) over S = χ/√df, by the trapezoidal rule in log S, where the integrand is smooth and
    dies out on both sides: twelve digits, also where the library's function has none.

    >>> round(noncentral_t_tail(126, 0.5 / (2 / 64) ** 0.5, t_quantile(126, 0.975)), 9)
    0.801458623
    """
    import numpy as np
    from scipy.special import ndtr

    spread = 1 / (2 * df) ** 0.5
    x = np.linspace(-max(10 * spread, 40 / df), min(10 * spread, 4.0), 801)
    density = np.exp(df * (x - np.expm1(2 * x) / 2))
    return float(density @ ndtr(away - t * np.exp(x)) / density.sum())


def binomial_tails(n: int, probability: float, away: float) -> float:
    """Probability that a binomial of `n` lies at least `away` from its mean, on either side.

    >>> round(binomial_tails(4, 0.5, 2.0), 9)  # none or all of four
    0.125
    """
    from scipy.special import betainc, betaincc

    mean, slack = (
        n * probability,
        1e-9 * max(1.0, away),
    )  # the distance that was seen counts, whatever was rounded
    low, high = math.floor(mean - away + slack), math.ceil(mean + away - slack)
    if low >= high:
        return 1.0
    below = 0.0 if low < 0 else float(betaincc(low + 1, n - low, probability))
    above = 0.0 if high > n else float(betainc(high, n - high + 1, probability))
    return min(1.0, below + above)


def chi_square_tail(df: int, value: float) -> float:
    """Probability that a chi-square variable with `df` degrees of freedom lies above `value`.

    >>> round(chi_square_tail(2, 2.0), 9)  # exp(-1)
    0.367879441
    """
    from scipy.special import chdtrc

    return float(chdtrc(df, value))
