"""What is fitted on and what is held out: by time, by row, or each row's last. Pure.

A split never lets the future into the past: `by_time` and `leave_last` use moments, `within_rows` is for
data that has none.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.interactions import Matrix, interactions
from counterpoint.errors import InputError
from counterpoint.stats.checks import finite

__all__ = ["Split", "by_rows", "by_time", "leave_last", "within_rows"]


@dataclass(frozen=True, slots=True)
class Split:
    """What methods are fitted on, what they are asked about, and what should come back.

    `history` and `held` have the same rows; `fitted` has others where whole rows were held out.
    """

    fitted: Matrix
    history: Matrix
    held: Matrix


def within_rows(matrix: Matrix, share: float = 0.2, *, tilt: float = 0.0, seed: int = 0) -> Split:
    """Holds out a share of each row by chance: at least one where the row has two or more.

    With a `tilt` items are drawn by how many rows have them to that power, so that what is held out is more popular
    (below 0 less): a slice for validation is to be as popular as what will be judged. Drawn without replacement, the
    least of an exponential over its weight first (Efraimidis and Spirakis 2006).
    """
    _share(share)
    finite("tilt", tilt)
    read = interactions(matrix)
    lengths = np.diff(read.indptr)
    which = np.repeat(np.arange(read.shape[0]), lengths)
    chance = np.random.default_rng(seed).random(read.nnz)
    if tilt:
        degrees = np.bincount(read.indices, minlength=read.shape[1]).astype(np.float64)
        chance = -np.log1p(-chance) / degrees[read.indices] ** tilt
    place = _places(which, chance, read.indptr)
    wanted = np.where(lengths > 1, np.maximum(1, np.floor(lengths * share)), 0)
    return _within(read, place < wanted[which])


def leave_last(matrix: Matrix, moments: Matrix, count: int = 1) -> Split:
    """Holds out the last `count` of each row that has more than that; `moments` says when, in the same cells.

    Among equal moments the item with the higher number is the last.
    """
    if count < 1:
        raise InputError(f"count == {count}, must be 1 or more")
    read = interactions(matrix)
    when = _moments(read, moments)
    lengths = np.diff(read.indptr)
    which = np.repeat(np.arange(read.shape[0]), lengths)
    place = _places(which, -when - read.indices * 1e-9, read.indptr)
    return _within(read, (place < count) & (lengths > count)[which])


def by_time(matrix: Matrix, moments: Matrix, at: float, *, gap: float = 0.0) -> Split:
    """Fits on what happened before `at` less `gap`, and holds out what happened from `at` on.

    What lies in the gap is in neither: it would tell what a day's session goes on with. What a row had
    before is not asked for again.
    """
    if gap < 0:
        raise InputError(f"gap == {gap}, must be 0 or more")
    read = interactions(matrix)
    when = _moments(read, moments)
    before = _cells(read, when < at - gap)
    return Split(before, before, _cells(read, when >= at))


def by_rows(matrix: Matrix, share: float = 0.1, *, held: float = 0.2, seed: int = 0) -> Split:
    """Holds out a share of whole rows, which are then folded in by what is left of them: new listeners."""
    _share(share)
    read = interactions(matrix)
    out = np.random.default_rng(seed).random(read.shape[0]) < share
    if out.all() or not out.any():
        raise InputError(
            f"share == {share} of {read.shape[0]} rows leaves nothing on one side; have more rows"
        )
    inside = within_rows(read[out], held, seed=seed)
    return Split(sp.csr_matrix(read[~out]), inside.history, inside.held)


def _share(share: float) -> None:
    if not 0 < share < 1:
        raise InputError(f"share == {share}, must be above 0 and below 1")


def _moments(read: Matrix, moments: Matrix) -> NDArray[np.float64]:
    """The moment of each cell, in the order of the matrix."""
    when = sp.csr_matrix(moments, dtype=np.float64, copy=True)
    when.sort_indices()
    same = when.shape == read.shape and np.array_equal(when.indptr, read.indptr)
    if not (same and np.array_equal(when.indices, read.indices)):
        raise InputError("moments must have a value in exactly the cells that the matrix has, and no others")
    if not np.isfinite(when.data).all():
        raise InputError("moments must be finite numbers")
    return np.asarray(when.data)


def _places(which: NDArray[np.intp], key: NDArray[np.float64], starts: NDArray[np.int32]) -> NDArray[np.intp]:
    """The place of each cell within its row, by `key`, from 0."""
    order = np.lexsort((key, which))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order)) - starts[which[order]]
    return place


def _within(read: Matrix, out: NDArray[np.bool_]) -> Split:
    kept = _cells(read, ~out)
    return Split(kept, kept, _cells(read, out))


def _cells(read: Matrix, chosen: NDArray[np.bool_]) -> Matrix:
    starts = np.concatenate(([0], np.cumsum(chosen)))[read.indptr].astype(np.int32)
    return sp.csr_matrix((read.data[chosen], read.indices[chosen], starts), shape=read.shape)
