"""What another way of choosing would have earned, from choices that were logged with their propensities. Pure.

With rewards r of logged choices, the probability p with which each was made and the probability q with which
the other way would make it, weights are w = q / p:

    ips      mean of w r                                     unbiased (Horvitz and Thompson 1952)
    snips    Σ w r / Σ w                                     less variance, a little bias (Swaminathan and Joachims 2015)
    dr       mean of m + w (r − r̂)                           unbiased if either p or the model is right (Dudík et al. 2011)

where r̂ is a model's reward for the logged choice and m the model's mean over the other way's choices. The
effective sample size is (Σ w)² / Σ w² (Kish 1965): with few effective choices an estimate says little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from counterpoint.errors import InputError
from counterpoint.stats.checks import level

__all__ = ["OffPolicy", "off_policy"]

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """An estimate with its interval (normal, from the choices' own spread)."""

    method: str
    mean: float
    low: float
    high: float
    choices: int
    effective: float
    """Effective sample size; what was not chosen by the other way counts nothing."""
    largest: float
    """The largest weight: one choice that outweighs all others makes any estimate a guess."""


def off_policy(
    rewards: ArrayLike,
    logged: ArrayLike,
    target: ArrayLike,
    *,
    method: str = "snips",
    modelled: ArrayLike | None = None,
    expected: ArrayLike | None = None,
    most: float = np.inf,
    alpha: float = 0.05,
) -> OffPolicy:
    """What the other way of choosing would have earned per choice.

    `logged` is p of each logged choice, above 0; `target` is q. `modelled` and `expected` are r̂ and m, for
    `dr`. `most` bounds weights: less variance, a bias towards less. Raises `InputError` for arrays of
    other lengths, a propensity that is no probability, or an unknown method.
    """
    level("alpha", alpha)
    earned, chance, other = (
        _vector(name, each) for name, each in (("rewards", rewards), ("logged", logged), ("target", target))
    )
    if not len(earned) or not len(earned) == len(chance) == len(other):
        raise InputError(
            f"rewards, logged and target have {len(earned)}, {len(chance)} and {len(other)} values, must be as many, 1 or more"
        )
    _probabilities("logged", chance, above=True)
    _probabilities("target", other)
    weights = np.minimum(other / chance, most)
    match method:
        case "ips":
            each = weights * earned
        case "snips":
            if not weights.sum():
                raise InputError(
                    "target gives every logged choice the probability 0: nothing that was logged tells of it"
                )
            mean = float((weights * earned).sum() / weights.sum())
            # The linearised ratio: its spread is that of w (r - mean) over the mean weight.
            each = mean + weights * (earned - mean) / weights.mean()
        case "dr":
            if modelled is None or expected is None:
                raise InputError(
                    'method == "dr" needs modelled and expected: a model\'s reward of each choice and its mean over the target'
                )
            each = _vector("expected", expected) + weights * (earned - _vector("modelled", modelled))
        case _:
            raise InputError(f'method == "{method}", must be one of ips, snips, dr')
    return _estimate(method, each, weights, alpha)


def _estimate(method: str, each: Values, weights: Values, alpha: float) -> OffPolicy:
    mean = float(each.mean())
    spread = float(each.std(ddof=1)) if len(each) > 1 else float("inf")
    half = float(ndtri(1 - alpha / 2)) * spread / np.sqrt(len(each))
    squares = float((weights**2).sum())
    effective = float(weights.sum() ** 2 / squares) if squares else 0.0
    return OffPolicy(method, mean, mean - half, mean + half, len(each), effective, float(weights.max()))


def _vector(name: str, values: ArrayLike) -> Values:
    read = np.asarray(values, dtype=np.float64)
    if read.ndim != 1 or not np.isfinite(read).all():
        raise InputError(f"{name} must be a vector of finite numbers, got the shape {read.shape}")
    return read


def _probabilities(name: str, values: Values, *, above: bool = False) -> None:
    wrong = np.flatnonzero((values < 0) | (values > 1) | (above & (values == 0)))
    if len(wrong):
        raise InputError(
            f"{name}[{wrong[0]}] == {values[wrong[0]]}, must be {'above' if above else 'from'} 0 and at most 1"
        )
