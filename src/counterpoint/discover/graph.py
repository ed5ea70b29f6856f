"""Which items come together: co-occurrences over listeners or playlists, kept sparse and bounded. Pure."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.checkpoints import NOWHERE, Checkpoints
from counterpoint.discover.interactions import Matrix

__all__ = ["among", "co_occurrences", "diagonal", "nearest", "pairs", "strongest"]

Floats = NDArray[np.float32]
BLOCK = 1 << 25
"""Pairs of one block of rows before they are pruned: 256 MiB of values and columns."""


def pairs(matrix: Matrix) -> int:
    """How many updates all co-occurrences take: the sum over rows of the square of their length."""
    return int((np.diff(matrix.indptr).astype(np.int64) ** 2).sum())


def diagonal(values: NDArray[np.floating]) -> sp.csr_matrix:
    """A diagonal matrix of float32."""
    return sp.csr_matrix(sp.diags(values.astype(np.float32)))


def co_occurrences(matrix: Matrix, *, weights: Floats | None = None) -> sp.csr_matrix:
    """Items by items: the weight of the rows that have both, without the diagonal.

    `weights` is one weight for each row; a row that has much says less about each pair of it. Adding the
    result for other rows gives the result for all of them.
    """
    weighted = matrix if weights is None else sp.csr_matrix(diagonal(weights) @ matrix)
    found = sp.csr_matrix(sp.csr_matrix(matrix.T) @ weighted)
    return _without_diagonal(found)


def nearest(
    matrix: Matrix,
    count: int,
    *,
    left: Floats,
    right: Floats,
    power: float = 1.0,
    weights: Floats | None = None,
    checkpoints: Checkpoints = NOWHERE,
) -> sp.csr_matrix:
    """The strongest `count` neighbours of each item, in memory that does not grow with the pairs. Each block is kept.

    Entry (i, j) is left[i] · (the weight of rows with both · right[j]) ** power; the largest of each row stay.
    """
    weighted = matrix if weights is None else sp.csr_matrix(diagonal(weights) @ matrix)
    across = sp.csr_matrix(matrix.T)
    lengths = np.diff(matrix.indptr).astype(np.int64)
    # An item makes as many pairs as its rows are long.
    made = np.concatenate(([0], np.cumsum(across.astype(bool).astype(np.int64) @ lengths)))
    parts, start = [], 0
    while start < across.shape[0]:
        end = max(start + 1, int(np.searchsorted(made, made[start] + BLOCK, side="right")) - 1)
        part = checkpoints.found(f"block-{start}")
        if part is None:
            block = _without_diagonal(sp.csr_matrix(across[start:end] @ weighted), start)
            part = {"graph": strongest(block, count, left=left[start:end], right=right, power=power)}
            checkpoints.keep(f"block-{start}", part)
        parts.append(part["graph"])
        start = end
    if not parts:
        return sp.csr_matrix((0, 0), dtype=np.float32)
    return sp.csr_matrix(sp.vstack(parts, format="csr"))


def strongest(
    block: sp.csr_matrix, count: int, *, left: Floats, right: Floats, power: float = 1.0
) -> sp.csr_matrix:
    """Rows scaled on both sides, each with its `count` largest entries; equals in the order of their columns."""
    values = block.data * right[block.indices]
    if power != 1.0:
        values = values**power
    lengths = np.diff(block.indptr)
    kept = np.ones(len(values), dtype=bool)
    for row in np.flatnonzero(lengths > count):
        start, end = block.indptr[row], block.indptr[row + 1]
        each = values[start:end]
        floor = np.partition(each, len(each) - count)[len(each) - count]
        inside = np.greater_equal(each, floor, out=kept[start:end])
        over = int(np.count_nonzero(inside)) - count
        if over:
            inside[np.flatnonzero(each == floor)[-over:]] = False
    wide = np.minimum(lengths, count)
    starts = np.concatenate(([0], np.cumsum(wide))).astype(np.int32)
    values = (values[kept] * np.repeat(left, wide)).astype(np.float32)
    found = sp.csr_matrix((values, block.indices[kept], starts), shape=block.shape)
    found.sort_indices()
    return found


def among(square: Matrix, rows: NDArray[np.int32], columns: NDArray[np.intp]) -> Floats:
    """Those rows and columns of a square sparse matrix; only what the rows hold is looked at."""
    found = np.zeros((len(rows), len(columns)), dtype=np.float32)
    order = np.argsort(columns, kind="stable")
    ordered = columns[order]
    for at, row in enumerate(rows):
        start, end = square.indptr[row], square.indptr[row + 1]
        inside = square.indices[start:end]
        place = np.minimum(np.searchsorted(inside, ordered), max(len(inside) - 1, 0))
        if len(inside):
            there = inside[place] == ordered
            found[at, order[there]] = square.data[start:end][place[there]]
    return found


def _without_diagonal(block: sp.csr_matrix, first: int = 0) -> sp.csr_matrix:
    """Without the pair of an item with itself; row 0 of the block is the item `first`."""
    own = sp.diags_array(
        block.diagonal(first), offsets=first, shape=block.shape, format="csr", dtype=block.dtype
    )
    return sp.csr_matrix(block - own)  # what comes to 0 is no longer stored
