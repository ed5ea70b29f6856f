"""What lists show beside what is heard: by popularity, over the whole catalogue, and for each listener. Pure.

A list that only shows what everybody hears is accurate and starves the rest; how much of the places each tier of
popularity gets beside what it has of listening says so (Abdollahpouri et al. 2019, "The unfairness of popularity bias
in recommendation"). The same by artists says what the small ones among those who make it get: tiers of artists by how
often listeners have something of theirs. The Lorenz curve says it without tiers. Calibration says it for each listener: how far the spread
of their list over categories is from that of their history (Steck 2018, KL divergence; 0 is the same). Diversity says
how unlike the items of one list are: 1 less the mean cosine, over its pairs, of who hears them (Ziegler et al. 2005,
"Improving recommendation lists through topic diversification").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.arranging import divergence
from counterpoint.discover.evaluation import Measured, measured
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import NOTHING, Ranking
from counterpoint.errors import InputError

__all__ = [
    "SMALL",
    "TIERS",
    "Curve",
    "Exposure",
    "Tier",
    "categories_of",
    "exposure_of",
    "makers_of",
    "small_items",
    "tiers_of",
]

Values = NDArray[np.float64]
TIERS: tuple[tuple[str, float], ...] = (
    ("top 1 %", 0.01),
    ("next 9 %", 0.1),
    ("next 40 %", 0.5),
    ("other half", 1.0),
)
"""Tiers of items, or of artists, by popularity, each with where it ends."""
SMALL = len(TIERS) - 1
"""The tier of small artists: the half of them that is heard least."""
POINTS = 50
"""Points of a curve."""
ASKED, BATCH = 1_000, 100
"""Lists that diversity is measured on, evenly taken, and how many at once."""


@dataclass(frozen=True, slots=True)
class Tier:
    """The items, or the artists, of one tier of popularity."""

    name: str
    items: int
    """How many items, or artists."""
    shown: int
    """How many of them are in any list."""
    exposure: Measured
    """The share of places that they get, a mean over listeners."""
    consumption: float
    """The share of listening that they have."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How unevenly something is spread over items: Lorenz's curve and Gini's coefficient."""

    points: tuple[tuple[float, float], ...]
    """The share of items, the least popular first, and what share these have together."""
    gini: float
    """0: each item has the same; 1: one has all."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the lists of many listeners show together."""

    tiers: tuple[Tier, ...]
    shown: Curve
    heard: Curve
    calibration: Measured
    """Mean divergence of lists from histories over categories, in nats; less is better."""
    diversity: Measured
    """How unlike the items of a list are, from 0 to 1, a mean over at most `ASKED` lists of two items or more."""
    artists: tuple[Tier, ...] = ()
    """Tiers of artists: of the places and of the listening that have an artist. Empty where nobody is known."""


def tiers_of(degrees: Values) -> NDArray[np.intp]:
    """The tier of each item, as a position in `TIERS`, by how many have it; equals stand in the order of items."""
    order = np.argsort(-np.asarray(degrees, dtype=np.float64), kind="stable")
    ends = [max(1, int(np.ceil(len(order) * end))) for _, end in TIERS]
    tiers = np.empty(len(order), dtype=np.intp)
    tiers[order] = np.searchsorted(ends, np.arange(len(order)), side="right")
    return tiers


def makers_of(values: Sequence[Sequence[str]]) -> Matrix:
    """Items by artists, with a value where one made it; from the artists of each item."""
    columns: dict[str, int] = {}
    listed = [[columns.setdefault(name, len(columns)) for name in dict.fromkeys(each)] for each in values]
    starts = np.concatenate(([0], np.cumsum([len(each) for each in listed]))).astype(np.int32)
    indices = np.array([column for each in listed for column in each], dtype=np.int32)
    return sp.csr_matrix((np.ones(len(indices)), indices, starts), shape=(len(listed), len(columns)))


def small_items(makers: Matrix, degrees: Values) -> NDArray[np.bool_]:
    """Whether each item is of small artists alone; one that nobody is known to have made is not."""
    small = tiers_of(_heard_of(makers, degrees)) == SMALL
    count = np.diff(makers.indptr)
    return np.asarray((count > 0) & (makers @ small == count), dtype=bool)


def exposure_of(
    ranking: Ranking,
    history: Matrix,
    fitted: Matrix,
    *,
    categories: Values | None = None,
    makers: Matrix | None = None,
) -> Exposure:
    """What the lists of `ranking` show, beside what is heard in `fitted`.

    `history` has the rows of the ranking. Calibration is over `categories` (items by categories, each item's shares),
    or over the tiers of popularity without them. `makers` (items by artists) is what the tiers of artists are by; a place
    whose item has several artists is shared by them. Raises `InputError` where rows or items do not fit.
    """
    rows = presence(interactions(history, name="history"))
    heard = presence(interactions(fitted, name="fitted", items=rows.shape[1]))
    if len(ranking) != rows.shape[0]:
        raise InputError(f"history has {rows.shape[0]} rows, must have {len(ranking)} as the ranking does")
    degrees = np.asarray(heard.sum(axis=0), dtype=np.float64).ravel()
    lists = _lists(ranking, rows.shape[1])
    counts = np.asarray(lists.sum(axis=0), dtype=np.float64).ravel()
    spread = _spread(tiers_of(degrees))
    return Exposure(
        _tiers(lists, spread, degrees, spread.sum(axis=0), (spread * (counts > 0)[:, None]).sum(axis=0)),
        _curve(counts, degrees),
        _curve(degrees, degrees),
        measured(_calibration(lists, rows, spread if categories is None else categories)),
        measured(_diversity(lists, heard, degrees)),
        () if makers is None or not makers.nnz else _artists(lists, makers, degrees, counts),
    )


def _heard_of(makers: Matrix, degrees: Values) -> Values:
    """How often listeners have something of each artist: once for each listener and item."""
    return np.asarray(makers.T @ np.asarray(degrees, dtype=np.float64)).ravel()


def _artists(lists: Matrix, makers: Matrix, degrees: Values, counts: Values) -> tuple[Tier, ...]:
    if makers.shape[0] != lists.shape[1]:
        raise InputError(f"makers has {makers.shape[0]} rows, must have {lists.shape[1]} items")
    made = presence(makers)
    tiers = _spread(tiers_of(_heard_of(made, degrees)))
    shares = sp.diags(1 / np.maximum(np.diff(made.indptr), 1)) @ made @ tiers
    shown = np.asarray(made.T @ (counts > 0)).ravel() > 0
    if not (counts @ shares).sum() or not (degrees @ shares).sum():
        return ()
    return _tiers(lists, shares, degrees, tiers.sum(axis=0), (tiers * shown[:, None]).sum(axis=0))


def _lists(ranking: Ranking, items: int) -> Matrix:
    inside = ranking.items != NOTHING
    starts = np.concatenate(([0], np.cumsum(inside.sum(axis=1))))
    return sp.csr_matrix((np.ones(int(starts[-1])), ranking.items[inside], starts), (len(ranking), items))


def _spread(tiers: NDArray[np.intp]) -> Values:
    spread = np.zeros((len(tiers), len(TIERS)))
    spread[np.arange(len(tiers)), tiers] = 1
    return spread


def _tiers(lists: Matrix, spread: Values, degrees: Values, size: Values, shown: Values) -> tuple[Tier, ...]:
    """`spread` has the shares of each item over the tiers, `size` and `shown` how many there are and are in a list."""
    found = np.asarray(lists @ spread)
    lengths = found.sum(axis=1)
    shares = found[lengths > 0] / lengths[lengths > 0, None]
    heard = degrees @ spread
    total = heard.sum()
    return tuple(
        Tier(
            name,
            int(size[at]),
            int(shown[at]),
            measured(shares[:, at]),
            float(heard[at] / total) if total else float("nan"),
        )
        for at, (name, _) in enumerate(TIERS)
    )


def _curve(amounts: Values, degrees: Values) -> Curve:
    """The curve over items in ascending order of what they have; popularity decides among equals."""
    order = np.lexsort((degrees, amounts))
    total = float(amounts.sum())
    if not total:
        return Curve((), float("nan"))
    share = np.concatenate(([0.0], np.cumsum(amounts[order]) / total))
    at = np.unique(np.linspace(0, len(amounts), POINTS + 1).round().astype(np.intp))
    points = tuple((float(each / len(amounts)), float(share[each])) for each in at)
    return Curve(points, float(1 - (share[1:] + share[:-1]).sum() / len(amounts)))


def _calibration(lists: Matrix, rows: Matrix, categories: Values) -> Values:
    if len(categories) != rows.shape[1]:
        raise InputError(f"categories has {len(categories)} rows, must have {rows.shape[1]} items")
    wanted, found = rows @ categories, lists @ categories
    both = (wanted.sum(axis=1) > 0) & (found.sum(axis=1) > 0)
    return divergence(_shares(wanted[both]), _shares(found[both]))


def _diversity(lists: Matrix, heard: Matrix, degrees: Values) -> Values:
    """Of each list: with x̂ the unit vectors of who hears an item, Σ over pairs of cos = |Σ x̂|² less the items' own."""
    rows = np.flatnonzero(np.diff(lists.indptr) > 1)
    rows = rows[np.linspace(0, len(rows) - 1, min(ASKED, len(rows))).round().astype(np.intp)]
    unit = sp.csr_matrix(
        heard @ sp.diags(np.where(degrees > 0, np.maximum(degrees, 1) ** -0.5, 0.0))
    ).T.tocsr()
    found = [np.empty(0)]
    for start in range(0, len(rows), BATCH):
        some = lists[rows[start : start + BATCH]]
        together = some @ unit
        squares = np.asarray(together.multiply(together).sum(axis=1)).ravel()
        length, own = np.diff(some.indptr), np.asarray(some @ (degrees > 0)).ravel()
        found.append(1 - (squares - own) / (length * (length - 1)))
    return np.concatenate(found)


def _shares(rows: Values) -> Values:
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


def categories_of(values: Sequence[Sequence[str]]) -> tuple[Values, tuple[str, ...]]:
    """Items by categories, each item's shares, from the values that each item has; and the categories' names.

    An item without a value is of none.
    """
    names = tuple(sorted({value for each in values for value in each}))
    columns = {name: at for at, name in enumerate(names)}
    spread = np.zeros((len(values), len(names)))
    for at, each in enumerate(values):
        for value in each:
            spread[at, columns[value]] += 1 / len(each)
    return spread, names
