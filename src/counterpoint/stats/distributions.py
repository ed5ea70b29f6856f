"""The few distribution functions that the tests need.

`scipy.special` is loaded by the first call, since its import costs more than all other work of a small
analysis together; `scipy.stats` (another second) is never loaded.
"""

from statistics import NormalDist

__all__ = [
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
    """Probability that Student's t with `df` degrees of freedom, not necessarily whole, lies below `t`."""
    from scipy.special import stdtr

    return float(stdtr(df, t))


def t_quantile(df: float, probability: float) -> float:
    """The point below which Student's t with `df` degrees of freedom lies with this probability.

    >>> round(t_quantile(1, 0.75), 12)
    1.0
    """
    from scipy.special import stdtrit

    return float(stdtrit(df, probability))


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


def chi_square_tail(df: int, value: float) -> float:
    """Probability that a chi-square variable with `df` degrees of freedom lies above `value`.

    >>> round(chi_square_tail(2, 2.0), 9)  # exp(-1)
    0.367879441
    """
    from scipy.special import chdtrc

    return float(chdtrc(df, value))
