"""The directions in which most of a matrix lies: truncated singular vectors, the same for the same seed. Pure.

Large matrices by a randomised block Krylov method (Musco and Musco 2015, algorithm 2): its subspace holds every
power of the matrix that was computed, so that for the same work it captures more than subspace iteration, which
keeps the last power only. Small ones exactly. Signs are fixed, so that two fits agree number for number.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.checkpoints import NOWHERE, Checkpoints
from counterpoint.discover.devices import CPU, Device
from counterpoint.discover.interactions import Matrix

__all__ = ["right_vectors"]

Floats = NDArray[np.float32]
BLOCK = 64
BASIS = 2.5
"""Vectors of the subspace for each one wanted: more come nearer to the exact ones, at the cost of their square."""
EXACT = 1024
"""The smaller side of a matrix up to which its Gram matrix is decomposed in full."""


def right_vectors(
    matrix: Matrix,
    rank: int,
    *,
    seed: int = 0,
    basis: float = BASIS,
    checkpoints: Checkpoints = NOWHERE,
    device: Device = CPU,
) -> Floats:
    """The right singular vectors of the `rank` largest singular values: (columns, rank), unit length each.

    `basis` times `rank` vectors span what the answer is taken from. Fewer come back where the matrix has no more.
    Each block of the subspace is kept.
    """
    rank = min(rank, *matrix.shape)
    if not rank or not matrix.nnz:
        return np.zeros((matrix.shape[1], 0), dtype=np.float32)
    wide = int(np.ceil(max(basis * rank, rank + BLOCK) / BLOCK)) * BLOCK
    if min(matrix.shape) <= max(EXACT, wide):
        vectors = _exact(matrix, rank)
    else:
        vectors = _krylov(matrix, rank, wide, seed, checkpoints, device)
    strongest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    return np.asarray(vectors * np.where(strongest < 0, np.float32(-1), np.float32(1)))


def _exact(matrix: Matrix, rank: int) -> Floats:
    double = matrix.astype(np.float64)
    if matrix.shape[1] <= matrix.shape[0]:
        values, vectors = _largest((double.T @ double).toarray(), rank)
        return vectors.astype(np.float32)
    values, vectors = _largest((double @ double.T).toarray(), rank)
    return np.asarray(double.T @ (vectors / np.sqrt(values)), dtype=np.float32)


def _krylov(
    matrix: Matrix, rank: int, wide: int, seed: int, checkpoints: Checkpoints, device: Device
) -> Floats:
    through, across = device.sparse(matrix), device.sparse(sp.csr_matrix(matrix.T))
    inside = device.put(np.zeros((matrix.shape[1], wide), dtype=np.float32))
    outside = device.put(np.zeros((matrix.shape[0], wide), dtype=np.float32))
    for start in range(0, wide, BLOCK):
        here = slice(start, start + BLOCK)
        kept = checkpoints.found(f"directions-{start}")
        if kept is not None:
            inside[:, here], outside[:, here] = device.put(kept["inside"]), device.put(kept["outside"])
            continue
        if start:
            block, before = across @ outside[:, start - BLOCK : start], inside[:, :start]
            for _ in range(2):  # once more, since rounding leaves a little of what is there already
                block = block - before @ (before.T @ block)
        else:
            chance = np.random.default_rng(seed).standard_normal((matrix.shape[0], BLOCK), dtype=np.float32)
            block = across @ device.put(chance)
        inside[:, here] = _orthonormal(block, device)
        outside[:, here] = through @ inside[:, here]
        found = {"inside": device.get(inside[:, here]), "outside": device.get(outside[:, here])}
        checkpoints.keep(f"directions-{start}", found)
    _, rotation = _largest(device.get(outside.T @ outside).astype(np.float64), rank)
    return np.asarray(device.get(inside @ device.put(rotation.astype(np.float32))))


def _largest(gram: NDArray[np.float64], rank: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest eigenvalues with their vectors, largest first; none that rounding made."""
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(-values, kind="stable")[:rank]
    kept = order[values[order] > 1e-10 * values[-1]]
    return values[kept], vectors[:, kept]


def _orthonormal(block: Any, device: Device) -> Any:
    """An orthonormal basis of the columns: Cholesky of the Gram matrix, twice, for half the work of QR.

    QR where columns depend on each other (Yamamoto et al. 2015, CholeskyQR2). The small matrices are this process'.
    """
    basis = block
    try:
        for _ in range(2):
            factor = np.linalg.cholesky(device.get(basis.T @ basis).astype(np.float64))
            basis = basis @ device.put(np.linalg.inv(factor).T.astype(np.float32))
    except np.linalg.LinAlgError:
        return _by_qr(block, device)
    return basis if bool(device.xp.isfinite(basis).all()) else _by_qr(block, device)


def _by_qr(block: Any, device: Device) -> Any:
    return device.put(np.linalg.qr(device.get(block))[0])
