"""The directions in which most of a matrix lies: truncated singular vectors, the same for the same seed. Pure.

Randomised subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4). Signs are fixed, so that
two fits agree number for number.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.interactions import Matrix

__all__ = ["right_vectors"]

OVERSAMPLING = 32


def right_vectors(matrix: Matrix, rank: int, *, seed: int = 0, passes: int = 2) -> NDArray[np.float32]:
    """The right singular vectors of the `rank` largest singular values: (columns, rank), unit length each.

    `passes` is how often the sketch goes through the matrix and back; two are enough for a filter, since
    a rotation within the kept subspace changes no score. Fewer vectors come back where the matrix has no
    more.
    """
    rank = min(rank, *matrix.shape)
    width = min(rank + OVERSAMPLING, *matrix.shape)
    if not rank or not matrix.nnz:
        return np.zeros((matrix.shape[1], 0), dtype=np.float32)
    across = sp.csr_matrix(matrix.T)
    sketch = np.random.default_rng(seed).standard_normal((matrix.shape[0], width), dtype=np.float32)
    for _ in range(passes):
        sketch = _orthonormal(matrix @ _orthonormal(across @ sketch))
    folded = across @ sketch
    # The Gram matrix is small; in double precision its eigenvectors are as good as an SVD of `folded`.
    gram = folded.astype(np.float64)
    values, rotation = np.linalg.eigh(gram.T @ gram)
    kept = [at for at in np.argsort(-values, kind="stable")[:rank] if values[at] > 1e-10 * values[-1]]
    vectors = (folded @ (rotation[:, kept] / np.sqrt(values[kept])).astype(np.float32)).astype(np.float32)
    strongest = vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])]
    return np.asarray(vectors * np.where(strongest < 0, np.float32(-1), np.float32(1)))


def _orthonormal(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """An orthonormal basis of the columns: Cholesky of the Gram matrix, twice, for half the work of QR.

    Falls back to QR where columns depend on each other (Yamamoto et al. 2015, CholeskyQR2).
    """
    basis = matrix
    try:
        for _ in range(2):
            factor = np.linalg.cholesky((basis.T @ basis).astype(np.float64))
            basis = (basis @ np.linalg.inv(factor).T.astype(np.float32)).astype(np.float32)
    except np.linalg.LinAlgError:
        basis = np.linalg.qr(matrix)[0]
    if not np.isfinite(basis).all():
        basis = np.linalg.qr(matrix)[0]
    return basis
