"""How good rankings are: per row and over the catalogue, with intervals, and methods compared in pairs. Pure.

Per row, with the held-out items as what is relevant and k places (Järvelin and Kekäläinen 2002 for NDCG):

    recall         found / relevant
    capped-recall  found / min(relevant, k), as Liang et al. 2018 publish it
    ndcg           Σ found 1/log2(place + 1) over the best that could be
    map            mean precision at each found, over min(relevant, k)
    r-precision    found in the first `relevant` places, over min(relevant, k)

An item that stands in a list twice counts at its first place. Over all lists: coverage (share of the catalogue that
anybody is shown), novelty (mean surprise in bits, -log2 of the share of rows that have an item), exposure (share of
places that go to the most popular tenth of what is consumed, beside its share of consumption).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from counterpoint.discover.interactions import Matrix, interactions
from counterpoint.discover.ranking import NOTHING, Ranking
from counterpoint.errors import InputError
from counterpoint.stats.checks import level

__all__ = [
    "PER_ROW",
    "Comparison",
    "Evaluation",
    "Measured",
    "PairedTest",
    "compare",
    "evaluate",
    "measured",
    "per_row",
]

PER_ROW = ("recall", "capped-recall", "ndcg", "map", "r-precision")
Values = NDArray[np.float64]
PairedTest = Literal["student", "signs"]
"""How a difference is told from chance: by Student's t, or by turning the signs of rows (Fisher's randomisation)."""
TURNS = 9_999
"""How often signs are turned: p is of a ten-thousandth at least."""
CELLS = 1 << 22
"""Signs that are drawn at once: bounds memory."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean over rows with the interval in which it lies."""

    mean: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one ranking is worth on one held-out set."""

    places: int
    rows: NDArray[np.intp]
    """The rows that had something held out; the others say nothing."""
    values: Mapping[str, Values]
    """Each measure of `PER_ROW`, for each of `rows`."""
    coverage: float
    novelty: float
    exposure: float
    consumption: float

    def measured(self, name: str, *, alpha: float = 0.05) -> Measured:
        """The mean of a measure with its interval over rows (Student's, from the rows' own spread)."""
        return measured(self.values[name], alpha=alpha)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much better one method is than another, row by row."""

    measure: str
    difference: Measured
    p: float
    """Two-sided, of no difference."""
    relative: float
    """The difference as a share of the other's mean."""


def measured(each: Values, *, alpha: float = 0.05) -> Measured:
    """The mean of one value for each row, with its interval over rows (Student's, from the rows' own spread)."""
    level("alpha", alpha)
    if not len(each):
        return Measured(float("nan"), float("nan"), float("nan"), 0)
    half = _half(each, alpha)
    return Measured(float(each.mean()), float(each.mean() - half), float(each.mean() + half), len(each))


def evaluate(ranking: Ranking, held: Matrix, fitted: Matrix, *, places: int | None = None) -> Evaluation:
    """A ranking against what was held out, row by row.

    `fitted` says how popular items are. Raises `InputError` where rows, items or places do not fit.
    """
    relevant = interactions(held, name="held")
    if len(ranking) != relevant.shape[0]:
        raise InputError(f"held has {relevant.shape[0]} rows, must have {len(ranking)} as the ranking does")
    places = places or ranking.items.shape[1]
    if places > ranking.items.shape[1]:
        raise InputError(f"places == {places}, but the ranking has {ranking.items.shape[1]}")
    items = ranking.items[:, :places]
    if int(items.max(initial=NOTHING)) >= relevant.shape[1]:
        raise InputError(f"the ranking has the item {items.max()}, but there are {relevant.shape[1]}")
    lengths = np.diff(relevant.indptr)
    rows = np.flatnonzero(lengths)
    found = _found(items, relevant)[rows]
    wanted = lengths[rows]
    degrees = np.asarray((fitted > 0).sum(axis=0), dtype=np.float64).ravel()
    shown = items[items != NOTHING]
    return Evaluation(
        places, rows, per_row(found, wanted, places), *_lists(shown, degrees, max(1, fitted.shape[0]))
    )


def compare(
    one: Evaluation,
    other: Evaluation,
    measure: str = "recall",
    *,
    alpha: float = 0.05,
    test: PairedTest = "student",
    seed: int = 0,
) -> Comparison:
    """One method less another on the same rows: paired, so that easy and hard rows cancel.

    `test` "signs" is by chance from `seed`, and assumes nothing of how differences are spread (Smucker et al. 2007).
    """
    if not np.array_equal(one.rows, other.rows):
        raise InputError("the two evaluations have different rows; evaluate both on the same held-out set")
    difference = one.values[measure] - other.values[measure]
    half, mean = _half(difference, alpha), float(difference.mean()) if len(difference) else float("nan")
    p = _by_signs(difference, seed) if test == "signs" else _by_student(difference)
    base = float(other.values[measure].mean()) if len(difference) else float("nan")
    relative = mean / base if base else float("nan")
    return Comparison(measure, Measured(mean, mean - half, mean + half, len(difference)), p, relative)


def _half(each: Values, alpha: float) -> float:
    if len(each) < 2:
        return float("inf")
    return float(stdtrit(len(each) - 1, 1 - alpha / 2)) * _error(each)


def _error(each: Values) -> float:
    return float(each.std(ddof=1) / np.sqrt(len(each)))


def _by_student(difference: Values) -> float:
    """Two-sided, of a mean of 0; 1 where nothing differs, and where one row alone says nothing."""
    if len(difference) < 2:
        return 1.0
    mean, error = float(difference.mean()), _error(difference)
    if not error:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(len(difference) - 1, -abs(mean) / error))


def _by_signs(difference: Values, seed: int) -> float:
    """The share of `TURNS` in which chance alone gives the signs, and a mean that is as far from 0 comes out."""
    each = difference[difference != 0]
    if not len(each):
        return 1.0
    chance, least = np.random.default_rng(seed), abs(each.sum()) * (1 - 1e-12)
    size, as_far = max(1, CELLS // len(each)), 0
    for start in range(0, TURNS, size):
        turned = chance.integers(0, 2, (min(size, TURNS - start), len(each)), dtype=np.int8)
        as_far += int((np.abs((2.0 * turned - 1) @ each) >= least).sum())
    return (as_far + 1) / (TURNS + 1)


def _found(items: NDArray[np.int32], relevant: Matrix) -> NDArray[np.bool_]:
    """Whether each place holds something relevant that no better place holds: one look-up for all cells."""
    width = relevant.shape[1]
    items = np.where(_again(items), NOTHING, items)
    which = np.repeat(np.arange(relevant.shape[0], dtype=np.int64), np.diff(relevant.indptr))
    keys = which * width + relevant.indices  # ascending: rows in order, columns sorted
    asked = np.arange(len(items), dtype=np.int64)[:, None] * width + items
    at = np.searchsorted(keys, asked)
    inside: NDArray[np.bool_] = (at < len(keys)) & (items != NOTHING)
    inside[inside] = keys[at[inside]] == asked[inside]
    return inside


def _again(items: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether a better place of the same row holds the same."""
    order = np.argsort(items, axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, axis=1)
    again = np.zeros(items.shape, dtype=bool)
    np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    return again


def per_row(found: NDArray[np.bool_], wanted: NDArray[np.int32], places: int) -> dict[str, Values]:
    """Each measure of each row: whether its places, best first, hold what should come, and how much of that there is."""
    discounts = 1 / np.log2(np.arange(2, places + 2))
    ideal = np.cumsum(discounts)[np.minimum(wanted, places) - 1] if len(wanted) else np.empty(0)
    hits = found.sum(axis=1)
    precision = np.cumsum(found, axis=1) / np.arange(1, places + 1)
    first = np.arange(places)[None, :] < wanted[:, None]
    return {
        "recall": hits / wanted,
        "capped-recall": hits / np.minimum(wanted, places),
        "ndcg": (found * discounts).sum(axis=1) / ideal,
        "map": (precision * found).sum(axis=1) / np.minimum(wanted, places),
        "r-precision": (found & first).sum(axis=1) / np.minimum(wanted, places),
    }


def _lists(shown: NDArray[np.int32], degrees: Values, rows: int) -> tuple[float, float, float, float]:
    """Coverage, novelty, and how much of the places and of consumption the popular tenth has."""
    if not len(shown):
        return 0.0, float("nan"), float("nan"), float("nan")
    coverage = len(np.unique(shown)) / len(degrees)
    novelty = float(-np.log2(np.maximum(degrees[shown], 1) / rows).mean())
    order = np.argsort(-degrees, kind="stable")
    head = np.zeros(len(degrees), dtype=bool)
    head[order[: max(1, int(np.ceil(len(degrees) / 10)))]] = True
    total = degrees.sum()
    return (
        coverage,
        novelty,
        float(head[shown].mean()),
        float(degrees[head].sum() / total) if total else float("nan"),
    )
