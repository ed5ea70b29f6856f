"""One listener's recommendations from a shelf: what they like folded in, what they do not want left out, each with its reasons. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.explaining import contributions
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.shelf import Shelf
from counterpoint.discover.taste import Corrections

__all__ = ["REASONS", "Liking", "Picked", "hidden_by", "like", "liked", "most_liked", "recommended"]

REASONS = 3
"""Reasons that are told of each recommendation; the rest of them is one number."""
MARGIN = 40
"""Candidates beside those that were asked for, among which dislikes change the order."""


@dataclass(frozen=True, slots=True)
class Liking:
    """What a listener's listening says, item by item."""

    weights: Mapping[str, float] = field(default_factory=dict)
    """Above 0: after decay and bounds."""
    disliked: Mapping[str, float] = field(default_factory=dict)
    """Above 0: how much skips and hides speak against an item."""


@dataclass(frozen=True, slots=True)
class Picked:
    """One recommendation. The parts and the rest add up to the score."""

    item: int
    score: float
    because: tuple[tuple[int, float], ...]
    """Items of the listener's own and what each added, the most first; below 0 where it speaks against it."""
    rest: float
    """What the other items of the history added together."""
    known: bool


def liked(liking: Liking, corrections: Corrections, shelf: Shelf) -> Liking:
    """The liking without what the listener took out: "not my taste" says nothing more, by item or by trait."""
    out = set(corrections.items) | set(shelf.names(shelf.having(corrections.traits)))
    return Liking(
        {item: weight for item, weight in liking.weights.items() if item not in out},
        {item: weight for item, weight in liking.disliked.items() if item not in out},
    )


def hidden_by(liking: Liking, corrections: Corrections, shelf: Shelf) -> NDArray[np.intp]:
    """The columns that must not come: what was taken out, and what was skipped or hidden."""
    named = [shelf.columns[item] for item in (*corrections.items, *liking.disliked) if item in shelf.columns]
    return np.union1d(np.array(named, dtype=np.intp), shelf.having(corrections.traits))


def recommended(
    shelf: Shelf,
    liking: Liking,
    count: int,
    *,
    corrections: Corrections | None = None,
    where: frozenset[tuple[str, str]] = frozenset(),
    known: bool = False,
) -> list[Picked]:
    """The `count` best items for a listener, best first; fewer where fewer may come.

    Corrections and dislikes act at once: what they name neither comes nor counts in the history, and what goes with
    an item that was skipped is worth less by as much as it would be worth more had it been liked.
    """
    told = corrections or Corrections()
    mine = liked(liking, told, shelf)
    row, against = shelf.row(mine.weights), shelf.row(mine.disliked)
    hidden = hidden_by(liking, told, shelf)
    if not row.nnz:
        return most_liked(shelf, count, where=where, hidden=hidden)
    away = np.zeros(len(shelf.items), dtype=bool)
    away[hidden] = True
    allowed = shelf.where(where)
    open_ = ~away if allowed is None else allowed & ~away
    wide = count + MARGIN if against.nnz else count
    ranking = shelf.model.rank(row, wide, known=known, weighted=True, allowed=open_)
    items = np.array(ranking.of(0), dtype=np.intp)
    return _explained(shelf, row, against, items, count)


def _explained(
    shelf: Shelf, row: Matrix, against: Matrix, items: NDArray[np.intp], count: int
) -> list[Picked]:
    parts = contributions(shelf.model, row, items)
    columns = row.indices
    if against.nnz:
        parts = np.vstack([parts, -contributions(shelf.model, against, items)])
        columns = np.concatenate([columns, against.indices])
    scores = parts.sum(axis=0)
    # What nothing of the history reaches is there for its popularity, and stays behind in the order of it.
    reached = (parts != 0).any(axis=0)
    order = np.lexsort((np.arange(len(items)), -np.where(reached, scores, 0), ~reached))[:count]
    mine = set(row.indices.tolist())
    return [_picked(int(items[at]), parts[:, at], columns, known=int(items[at]) in mine) for at in order]


def _picked(item: int, parts: NDArray[np.float64], columns: NDArray[np.int32], *, known: bool) -> Picked:
    score = float(parts.sum())
    order = np.argsort(-np.abs(parts), kind="stable")[:REASONS]
    because = tuple((int(columns[at]), float(parts[at])) for at in order if parts[at])
    return Picked(item, score, because, score - sum(part for _, part in because), known)


def most_liked(
    shelf: Shelf,
    count: int,
    *,
    where: frozenset[tuple[str, str]] = frozenset(),
    hidden: NDArray[np.intp] | None = None,
) -> list[Picked]:
    """What most listeners like, the same for everybody who asks: for whom nothing personal may be said."""
    worth = shelf.popularity.copy()
    allowed = shelf.where(where)
    if allowed is not None:
        worth[~allowed] = -1
    if hidden is not None:
        worth[hidden] = -1
    order = np.argsort(-worth, kind="stable")[:count]
    return [Picked(int(at), 0.0, (), 0.0, known=False) for at in order if worth[at] >= 0]


def like(
    shelf: Shelf,
    item: int,
    count: int,
    *,
    where: frozenset[tuple[str, str]] = frozenset(),
    told: NDArray[np.bool_] | None = None,
) -> list[Picked]:
    """The items that go best with one item, with what it adds to each; nothing where nothing does.

    `told` is true for items that may come; all may without it.
    """
    allowed = shelf.where(where)
    if told is not None:
        allowed = told if allowed is None else allowed & told
    row = Matrix(
        (np.ones(1, np.float32), np.array([item], np.int32), np.array([0, 1])), shape=(1, len(shelf.items))
    )
    items = np.array(shelf.model.rank(row, count, allowed=allowed).of(0), dtype=np.intp)
    return [each for each in _explained(shelf, row, shelf.row({}), items, count) if each.because]
