"""Kinds of playlists that nobody named: a mixture over which tracks and words each kind has. Pure.

Every playlist is a mixture of kinds and of what is popular, and a kind is a distribution over tracks and words
of titles alike; so that a word, a track or both say which kinds an unseen playlist is of, and a word that says
nothing leaves what is popular. Fitted by expectation maximisation (Hofmann 1999, "Probabilistic latent semantic
indexing") from clusters (Arthur and Vassilvitskii 2007, k-means++), with what is popular as a kind that stays and
as the prior of all others.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.graph import diagonal
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.low_rank import right_vectors
from counterpoint.discover.ranking import Floats

__all__ = ["Topics", "placed"]

DIRECTIONS = 96
"""Of the space in which clusters are looked for."""
ROUNDS, CLUSTERING, FOLDING = 20, 8, 15
"""Steps of the fit, of its clusters, and for a playlist that was not fitted."""
PRIOR = 200.0
"""Tracks and words that a kind has from what is popular before it has any of its own."""
LOOSE = 0.05
"""Tracks that a playlist has of each kind, on average, before it has any."""
CHUNK = 1 << 16
"""Entries whose probability is computed at a time: bounds memory."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The fitted mixture."""

    spread: Floats
    """(columns, kinds + 1): how likely each kind has each column; the last is what is popular."""
    shares: Floats
    """(kinds + 1,): how much of everything is of each kind."""

    @classmethod
    def fit(cls, matrix: Matrix, kinds: int, space: Floats, *, seed: int = 0) -> Self:
        """Fits so many kinds to rows with a 1 for each column they have; `space` is where `placed` puts them."""
        chance = np.random.default_rng(seed)
        kinds = min(kinds, matrix.shape[0])
        degrees = np.asarray(matrix.sum(axis=0), dtype=np.float32).ravel()
        popular = (degrees / max(degrees.sum(), 1)).astype(np.float32)
        group = _clusters(space, kinds, chance)
        members = sp.csr_matrix((np.ones(len(group), np.float32), (group, np.arange(len(group)))))
        members.resize(kinds, len(group))
        held = np.full((matrix.shape[0], kinds + 1), 0.1 / kinds, dtype=np.float32)
        held[np.arange(len(group)), group], held[:, kinds] = 0.7, 0.2
        spread = np.empty((matrix.shape[1], kinds + 1), dtype=np.float32)
        spread[:, kinds] = popular
        spread[:, :kinds] = _normal((members @ matrix).toarray().T + PRIOR * popular[:, None], 0)
        across, order = _transposed(matrix)
        shares = np.full(kinds + 1, 1 / (kinds + 1), dtype=np.float32)
        for _ in range(ROUNDS):
            beside = _beside(matrix, held, spread)
            across.data = beside.data[order]
            found = held * (beside @ spread)
            kind = spread[:, :kinds] * (across @ held[:, :kinds])
            shares = (found.sum(axis=0) / max(float(found.sum()), 1e-12)).astype(np.float32)
            held = _normal(found + LOOSE * len(shares) * shares, 1)
            spread[:, :kinds] = _normal(kind + PRIOR * popular[:, None], 0)
        return cls(spread, shares)

    @property
    def kinds(self) -> int:
        """How many, without what is popular."""
        return len(self.shares) - 1

    def mixtures(self, matrix: Matrix) -> Floats:
        """(rows, kinds + 1): what each row is a mixture of; a row of nothing is of what everybody has."""
        held = np.tile(self.shares, (matrix.shape[0], 1))
        for _ in range(FOLDING):
            found = held * (_beside(matrix, held, self.spread) @ self.spread)
            held = _normal(found + LOOSE * len(self.shares) * self.shares, 1)
        return held

    def scores(self, matrix: Matrix, columns: int) -> Floats:
        """How likely each of the first `columns` is for each row."""
        return np.asarray(self.mixtures(matrix) @ self.spread[:columns].T, dtype=np.float32)


def placed(matrix: Matrix, *, seed: int = 0) -> Floats:
    """Rows as unit vectors in which those of one kind are near each other."""
    rows = np.asarray(matrix.sum(axis=1), dtype=np.float32).ravel()
    columns = np.asarray(matrix.sum(axis=0), dtype=np.float32).ravel()
    left, right = (np.maximum(each, 1) ** np.float32(-0.5) for each in (rows, columns))
    scaled = sp.csr_matrix(diagonal(left) @ matrix @ diagonal(right))
    found = np.asarray(scaled @ right_vectors(scaled, DIRECTIONS, seed=seed), dtype=np.float32)
    # The first direction is how popular everything is, which says nothing of kinds.
    found = found[:, 1:] if found.shape[1] > 1 else found
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9))


def _clusters(space: Floats, count: int, chance: np.random.Generator) -> np.ndarray:
    """The cluster of each row, by cosine."""
    centres = np.empty((count, space.shape[1]), dtype=np.float32)
    near = np.full(len(space), -1.0, dtype=np.float32)
    for at in range(count):
        far = np.maximum(1 - near, 1e-6).astype(np.float64)
        centres[at] = space[chance.choice(len(space), p=far / far.sum())]
        near = np.maximum(near, space @ centres[at])
    group = np.argmax(space @ centres.T, axis=1)
    for _ in range(CLUSTERING):
        members = sp.csr_matrix(
            (np.ones(len(group), np.float32), (group, np.arange(len(group)))), shape=(count, len(group))
        )
        sums = np.asarray(members @ space)
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(length > 1e-9, sums / np.maximum(length, 1e-9), centres)
        group = np.argmax(space @ centres.T, axis=1)
    return np.asarray(group)


def _beside(matrix: Matrix, held: Floats, spread: Floats) -> sp.csr_matrix:
    """Each entry over its probability."""
    which = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    found = np.empty(matrix.nnz, dtype=np.float32)
    for start in range(0, matrix.nnz, CHUNK):
        span = slice(start, start + CHUNK)
        found[span] = np.einsum("nk,nk->n", held[which[span]], spread[matrix.indices[span]])
    found = matrix.data / np.maximum(found, np.float32(1e-12))
    return sp.csr_matrix((found, matrix.indices, matrix.indptr), shape=matrix.shape)


def _transposed(matrix: Matrix) -> tuple[sp.csr_matrix, np.ndarray]:
    """The transpose, and which entry each of its entries is: its pattern stays while values change."""
    numbered = sp.csr_matrix(
        (np.arange(matrix.nnz, dtype=np.int64), matrix.indices, matrix.indptr), shape=matrix.shape
    )
    across = sp.csr_matrix(numbered.T)
    order = across.data.astype(np.int64)
    return sp.csr_matrix(
        (np.zeros(matrix.nnz, np.float32), across.indices, across.indptr), shape=across.shape
    ), order


def _normal(values: np.ndarray, axis: int) -> Floats:
    """Shares along an axis."""
    total = np.maximum(values.sum(axis=axis, keepdims=True), 1e-30)
    return np.asarray(values / total, dtype=np.float32)
