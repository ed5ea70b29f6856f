"""Interactions as the matrix that models read: checked, plain, and bounded. Pure."""

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp

from counterpoint.errors import InputError

__all__ = ["Matrix", "bounded", "interactions", "presence", "times"]

Matrix: TypeAlias = sp.csr_matrix
"""Rows are listeners or playlists, columns are items; a value says how strongly, above 0."""
MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: multiplying by it spreads neighbouring numbers (Knuth, TAOCP 3, 6.4)."""


def interactions(matrix: Any, *, name: str = "matrix", items: int | None = None) -> Matrix:
    """A matrix as canonical CSR of float32: sorted columns, duplicates added up, no stored zeros.

    Takes what SciPy or NumPy can make a matrix of, with rows of who and columns of what; never changes
    what was given. `items` is how many columns there must be.

    Raises `InputError` for anything else: other shapes, a value that is not finite, a value below 0.
    """
    try:
        if np.iscomplexobj(matrix):
            raise TypeError("its numbers are complex")
        if sp.issparse(matrix) and matrix.format in ("csr", "csc"):
            matrix.check_format(full_check=True)  # a column that is not there would write where nothing is
        read = sp.csr_matrix(matrix, dtype=np.float64, copy=True)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{name} is no matrix of numbers with rows of who and columns of what: {error}"
        ) from None
    if items is not None and read.shape[1] != items:
        raise InputError(
            f"{name} has {read.shape[1]} columns, must have {items}: one for each item that was fitted"
        )
    read.sum_duplicates()
    wrong = ~np.isfinite(read.data) | (read.data < 0)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        row = int(np.searchsorted(read.indptr, at, side="right")) - 1
        raise InputError(
            f"{name}[{row}, {read.indices[at]}] == {read.data[at]}, must be finite and 0 or more; "
            "leave out what somebody dislikes, and give it as `hidden` when you rank"
        )
    read.eliminate_zeros()
    read.sort_indices()
    bounds = np.finfo(np.float32)
    values = np.clip(read.data, bounds.tiny, bounds.max).astype(np.float32)
    return sp.csr_matrix((values, read.indices, read.indptr), shape=read.shape)


def times(moments: Any) -> Matrix:
    """Moments as a sparse matrix, one for each cell of a log. Raises `InputError` for what is none."""
    try:
        return sp.csr_matrix(moments, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"moments is no matrix of times, one for each cell of the log: {error}") from None


def presence(matrix: Matrix) -> Matrix:
    """1 for whatever is there, so that a million plays of one song count as much as one."""
    return sp.csr_matrix((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)


def bounded(matrix: Matrix, most: int) -> Matrix:
    """Rows with at most `most` items each, so that one robot costs no more than a keen listener.

    A row that has more keeps the strongest; among equals a choice that depends on the row and the item
    only, so that it is the same every time and favours no item.
    """
    if most < 1:
        raise InputError(f"most == {most}, must be 1 or more")
    lengths = np.diff(matrix.indptr)
    if lengths.max(initial=0) <= most:
        return matrix
    kept = np.ones(matrix.nnz, dtype=bool)
    for row in np.flatnonzero(lengths > most):
        start, end = matrix.indptr[row], matrix.indptr[row + 1]
        with np.errstate(over="ignore"):
            spread = (matrix.indices[start:end].astype(np.uint64) + np.uint64(row) + np.uint64(1)) * MIX
        order = np.lexsort((spread ^ (spread >> np.uint64(29)), -matrix.data[start:end]))
        kept[start + order[most:]] = False
    starts = np.concatenate(([0], np.cumsum(kept)))[matrix.indptr]
    return sp.csr_matrix((matrix.data[kept], matrix.indices[kept], starts), shape=matrix.shape)
