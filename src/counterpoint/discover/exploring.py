"""A place or two for what the model is unsure of, with the probability of each choice written down. Pure.

Without these propensities nobody can say afterwards what another model would have earned (`offpolicy`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from counterpoint.errors import InputError
from counterpoint.stats.checks import positive, share

__all__ = ["Explored", "explore", "propensities"]


@dataclass(frozen=True, slots=True)
class Explored:
    """What was chosen for a place, and how likely that was."""

    chosen: int
    """Position among the candidates."""
    propensity: float


def propensities(scores: ArrayLike, *, greed: float = 0.9, warmth: float = 1.0) -> NDArray[np.float64]:
    """The probability of each candidate: the best with `greed`, else by softmax of standardised scores.

    `warmth` is the softmax's temperature: larger is more even. Every candidate has a probability above 0, so that
    any other policy can be judged. Raises `InputError` for no candidates or scores that are not finite.
    """
    share("greed", greed)
    positive("warmth", warmth)
    read = np.asarray(scores, dtype=np.float64)
    if read.ndim != 1 or not len(read) or not np.isfinite(read).all():
        raise InputError(f"scores must be a vector of finite numbers, 1 or more, got the shape {read.shape}")
    spread = read.std()
    standard = (read - read.max()) / (warmth * spread) if spread else np.zeros_like(read)
    soft = np.exp(np.maximum(standard, -30))
    found: NDArray[np.float64] = (1 - greed) * soft / soft.sum()
    found[int(np.argmax(read))] += greed
    return found


def explore(scores: ArrayLike, *, seed: int, greed: float = 0.9, warmth: float = 1.0) -> Explored:
    """One candidate, drawn; the same for a seed."""
    chances = propensities(scores, greed=greed, warmth=warmth)
    chosen = int(np.random.default_rng(seed).choice(len(chances), p=chances / chances.sum()))
    return Explored(chosen, float(chances[chosen]))
