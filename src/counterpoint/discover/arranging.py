"""A list out of candidates: as broad as the listener's tastes, with artists apart and the popular kept in bounds. Pure.

Greedy re-ranking: each place takes the candidate with the largest

    (1 − λ) · score − λ · n · KL(p || q)

where p is how the listener's own listening is spread over categories and q how the list so far is with the
candidate in it, a little of p mixed in so that it is finite (Steck 2018, "Calibrated recommendations"), and n its
length: n KL is what the spread costs in the likelihood of the list, so that λ means the same at every place.
Artists' caps and gaps and the bound on popular items are rules: a candidate that breaks one waits, and comes only
when nothing else is left.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from counterpoint.errors import InputError
from counterpoint.stats.checks import share, whole

__all__ = ["Arrangement", "arrange", "divergence"]

MIXED = 0.01
"""Of p in q: Steck's α."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """What a list must keep to."""

    places: int = 30
    calibration: float = 0.5
    """λ: 0 takes scores alone, 1 breadth alone."""
    by_artist: int = 2
    """Items of one artist at most."""
    gap: int = 3
    """Places between two items of one artist at least."""
    popular: float = 0.5
    """The share of places that the most popular items may take."""

    def __post_init__(self) -> None:
        whole("places", self.places, least=1)
        whole("by_artist", self.by_artist, least=1)
        whole("gap", self.gap)
        share("calibration", self.calibration)
        share("popular", self.popular)


def divergence(wanted: Values, found: Values) -> float:
    """KL(p || q) in nats, with q mixed with p so that it is finite; 0 where the spread is the same."""
    mixed = (1 - MIXED) * found + MIXED * wanted
    inside = wanted > 0
    return float((wanted[inside] * np.log(wanted[inside] / mixed[inside])).sum())


def arrange(
    scores: Sequence[float],
    categories: Values,
    taste: Values,
    artists: Sequence[int],
    popular: Sequence[bool],
    rules: Arrangement | None = None,
) -> list[int]:
    """The places of candidates in the list, as positions among the candidates, best first.

    `categories` has one row for each candidate, its shares over categories; `taste` the listener's own shares.
    `artists` tells candidates of one artist apart (below 0: nobody's), `popular` whether a candidate is one of the
    most popular. Raises `InputError` where lengths or shares do not fit.
    """
    rules = rules or Arrangement()
    worth, spread, wanted = _checked(scores, categories, taste)
    if not len(worth) == len(artists) == len(popular):
        raise InputError(
            f"artists and popular have {len(artists)} and {len(popular)} values, must have {len(worth)}"
        )
    left, total = list(range(len(worth))), np.zeros(len(wanted))
    chosen: list[int] = []
    counts: Counter[int] = Counter()
    bound = int(rules.popular * rules.places)
    while left and len(chosen) < rules.places:
        recent = {artists[at] for at in chosen[-rules.gap :]} if rules.gap else set()
        crowded = sum(popular[at] for at in chosen) >= bound
        free = [
            at
            for at in left
            if artists[at] < 0 or (counts[artists[at]] < rules.by_artist and artists[at] not in recent)
        ]
        free = [at for at in free if not (crowded and popular[at])] or free or left
        length = len(chosen) + 1
        gains = [
            (1 - rules.calibration) * worth[at]
            - rules.calibration * length * divergence(wanted, (total + spread[at]) / length)
            for at in free
        ]
        taken = free[int(np.argmax(gains))]
        chosen.append(taken)
        left.remove(taken)
        counts[artists[taken]] += 1
        total += spread[taken]
    return chosen


def _checked(scores: Sequence[float], categories: Values, taste: Values) -> tuple[Values, Values, Values]:
    """Scores from 0 to 1, so that λ means the same for every listener; and shares that sum to one."""
    raw, spread, wanted = (np.asarray(each, dtype=np.float64) for each in (scores, categories, taste))
    if spread.shape != (len(raw), len(wanted)):
        raise InputError(f"categories has the shape {spread.shape}, must have {(len(raw), len(wanted))}")
    for name, each in (("scores", raw), ("categories", spread), ("taste", wanted)):
        if not np.isfinite(each).all() or (name != "scores" and (each < 0).any()):
            raise InputError(f"{name} must be finite numbers, and shares 0 or more")
    width = float(np.ptp(raw)) if len(raw) else 0.0
    worth = (raw - raw.min()) / width if width else np.zeros_like(raw)
    totals = spread.sum(axis=1, keepdims=True)
    spread = np.divide(spread, totals, out=np.zeros_like(spread), where=totals > 0)
    return worth, spread, wanted / wanted.sum() if wanted.sum() else wanted
