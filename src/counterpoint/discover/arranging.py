"""A list out of candidates: as broad as the listener's tastes, with artists apart and the popular kept in bounds. Pure.

Greedy re-ranking: each place takes the candidate with the largest

    (1 − λ) · score − λ · n · KL(p || q)

where p is how the listener's own listening is spread over categories and q how the list so far is with the
candidate in it, a little of p mixed in so that it is finite (Steck 2018, "Calibrated recommendations"), and n its
length: n KL is what the spread costs in the likelihood of the list, so that λ means the same at every place.
Artists' caps and gaps, the bound on popular items and the least share of small artists are rules: a candidate that
breaks one waits, and comes only when nothing else is left. The share of small artists holds for the first places of a
list as for all of them, so that they do not only fill its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

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
    small: float = field(
        default=0.0, repr=False
    )  # digests of lists from before there was this hang on the repr
    """The share of places that items of small artists take at least, as far as there are candidates of theirs."""

    def __post_init__(self) -> None:
        whole("places", self.places, least=1)
        whole("by_artist", self.by_artist, least=1)
        whole("gap", self.gap)
        share("calibration", self.calibration)
        share("popular", self.popular)
        share("small", self.small)

    def short(self, of_small: int, length: int) -> bool:
        """Whether a list of `length` must take one more of a small artist than it has."""
        return of_small < int(self.small * length + 1e-9)


def divergence(wanted: Values, found: Values) -> Values:
    """KL(p || q) in nats of each row q, mixed with p so that it is finite; 0 where the spread is the same.

    `wanted` is one p for all rows, or one for each.
    """
    return np.asarray(rel_entr(wanted, (1 - MIXED) * found + MIXED * wanted).sum(axis=-1))


def arrange(
    scores: Sequence[float],
    categories: Values,
    taste: Values,
    artists: Sequence[int],
    popular: Sequence[bool],
    rules: Arrangement | None = None,
    small: Sequence[bool] | None = None,
) -> list[int]:
    """The places of candidates in the list, as positions among the candidates, best first.

    `categories` has one row for each candidate, its shares over categories; `taste` the listener's own shares.
    `artists` tells candidates of one artist apart (below 0: nobody's), `popular` whether a candidate is one of the
    most popular, `small` whether it is of small artists. Raises `InputError` where lengths or shares do not fit.
    """
    rules = rules or Arrangement()
    worth, spread, wanted = _checked(scores, categories, taste)
    if not len(worth) == len(artists) == len(popular):
        raise InputError(
            f"artists and popular have {len(artists)} and {len(popular)} values, must have {len(worth)}"
        )
    known, codes = np.asarray(artists) >= 0, np.unique(artists, return_inverse=True)[1]
    liked = np.asarray(popular, dtype=bool)
    little = np.zeros(len(worth), dtype=bool) if small is None else np.asarray(small, dtype=bool)
    left, total, chosen = np.ones(len(worth), dtype=bool), np.zeros(len(wanted)), list[int]()
    while left.any() and len(chosen) < rules.places:
        free = _free(chosen, left, codes, known, liked, rules)
        length = len(chosen) + 1
        if rules.short(int(little[chosen].sum()), length) and little[free].any():
            free = free[little[free]]
        spent = length * divergence(wanted, (total + spread[free]) / length)
        taken = int(free[np.argmax((1 - rules.calibration) * worth[free] - rules.calibration * spent)])
        chosen.append(taken)
        left[taken] = False
        total += spread[taken]
    return chosen


def _free(
    chosen: list[int],
    left: NDArray[np.bool_],
    codes: NDArray[np.intp],
    known: NDArray[np.bool_],
    liked: NDArray[np.bool_],
    rules: Arrangement,
) -> NDArray[np.intp]:
    """Candidates that may come next; all that are left where the rules leave none.

    `codes` tells artists apart, from 0 on; whose artist is not `known` is nobody's.
    """
    listed = codes[chosen]
    out = np.bincount(listed, minlength=len(codes)) >= rules.by_artist
    if rules.gap:
        out[listed[-rules.gap :]] = True
    apart = left & ~(known & out[codes])
    if liked[chosen].sum() >= int(rules.popular * rules.places):
        apart = apart & ~liked if (apart & ~liked).any() else apart
    return np.flatnonzero(apart if apart.any() else left)


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
