"""Chances of correlated Z's by the multivariate normal distribution itself, for a few looks."""

import numpy as np
from scipy.stats import multivariate_normal


def stays_inside(information: list[float], bounds: list[float], *, sides: int, drift: float = 0.0) -> float:
    """The chance never to cross; with one side, only the upper boundaries are there."""
    low = -np.array(bounds) if sides == 2 else np.full(len(bounds), -np.inf)
    return between(information, list(low), bounds, drift=drift)


def between(information: list[float], low: list[float], high: list[float], *, drift: float = 0.0) -> float:
    """The chance that Z is between `low` and `high` at each look, to about 1e-6."""
    times = np.array(information)
    means = drift * np.sqrt(times)
    found = multivariate_normal.cdf(
        np.array(high) - means,
        cov=np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times)),
        lower_limit=np.array(low) - means,
        maxpts=400_000,
        abseps=1e-7,
        releps=1e-7,
        rng=np.random.default_rng(1),
    )
    return float(found)
