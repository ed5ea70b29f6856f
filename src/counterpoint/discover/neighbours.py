"""Item neighbourhoods: cosine, TF-IDF and BM25 over what comes together. Baselines, tuned as hard as the rest. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.graph import diagonal, nearest
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import Floats
from counterpoint.discover.recommender import Recommender
from counterpoint.errors import InputError
from counterpoint.stats.checks import whole

__all__ = ["WEIGHTINGS", "Neighbours", "Weighting"]

Weighting = Literal["cosine", "tf-idf", "bm25"]
WEIGHTINGS: tuple[Weighting, ...] = ("cosine", "tf-idf", "bm25")
K1, B = 1.2, 0.75
"""The usual constants of BM25 (Robertson and Zaragoza 2009, section 3.5)."""


@dataclass(frozen=True, slots=True)
class Neighbours(Recommender):
    """A sum over the history of how similar each item is to it (Sarwar et al. 2001; Deshpande and Karypis 2004)."""

    name: ClassVar[str] = "neighbours"
    similar: sp.csr_matrix
    """Items by items: the similarity of the nearest."""

    @classmethod
    def fit(cls, matrix: Matrix, *, neighbours: int = 100, weighting: Weighting = "cosine") -> Self:
        """Keeps the `neighbours` most similar items of each."""
        if weighting not in WEIGHTINGS:
            raise InputError(f"weighting == {weighting!r}, must be one of {', '.join(WEIGHTINGS)}")
        whole("neighbours", neighbours, least=1)
        read = _weighted(presence(interactions(matrix)), weighting)
        squares = np.asarray(read.multiply(read).sum(axis=0), dtype=np.float64).ravel()
        length = np.where(squares > 0, 1 / np.sqrt(np.maximum(squares, 1e-300)), 0).astype(np.float32)
        return cls(nearest(read, int(neighbours), left=length, right=length))

    @property
    def items(self) -> int:
        return int(self.similar.shape[0])

    def scores(self, history: Matrix) -> Floats:
        return np.asarray((history @ self.similar).toarray(), dtype=np.float32)


def _weighted(matrix: Matrix, weighting: Weighting) -> Matrix:
    if weighting == "cosine":
        return matrix
    rows = matrix.shape[0]
    degrees = np.asarray(matrix.sum(axis=0), dtype=np.float64).ravel()
    if weighting == "tf-idf":
        return sp.csr_matrix(matrix @ diagonal(np.log(rows / np.maximum(degrees, 1)) + 1))
    lengths = np.diff(matrix.indptr)
    rarity = np.log((rows - degrees + 0.5) / (degrees + 0.5) + 1)
    norm = K1 * (1 - B + B * lengths / max(lengths.mean(), 1e-12)) + 1
    return sp.csr_matrix(diagonal((K1 + 1) / norm) @ matrix @ diagonal(rarity))
