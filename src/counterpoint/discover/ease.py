"""EASE: the best linear model of items on items, in closed form; for catalogues that fit in memory. Pure.

Steck 2019, "Embarrassingly shallow autoencoders for sparse data": with G = XᵀX and P = (G + λI)^-1, the
weights are B = -P / diag(P) with a diagonal of 0.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.checkpoints import NOWHERE, Checkpoints, done_once
from counterpoint.discover.devices import CPU, Device
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import Floats
from counterpoint.discover.recommender import Recommender
from counterpoint.errors import InputError

__all__ = ["EASE_ITEMS", "Ease"]

EASE_ITEMS = 20_000
"""Items beyond which the inverse (items² · 8 bytes, twice) is refused: 6.4 GB."""


@dataclass(frozen=True, slots=True)
class Ease(Recommender):
    """Dense weights of every item on every other."""

    name: ClassVar[str] = "ease"
    weights: Floats
    """(items, items): what an item of the history adds to the score of another."""

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        *,
        ridge: float = 250.0,
        checkpoints: Checkpoints = NOWHERE,
        device: Device = CPU,
    ) -> Self:
        """`ridge` is λ. What comes together is kept, and then the weights.

        Raises `InputError` for more items than memory is for.
        """
        if not 0 < ridge < np.inf:
            raise InputError(f"ridge == {ridge}, must be above 0 and finite")
        read = presence(interactions(matrix))
        if read.shape[1] > EASE_ITEMS:
            raise InputError(
                f"{read.shape[1]:,} items, must be at most {EASE_ITEMS:,} for the exact inverse; take the item graph"
            )
        kept = done_once(checkpoints, "together", lambda: {"gram": sp.csr_matrix(read.T) @ read})
        found = done_once(checkpoints, "weights", lambda: {"weights": _weights(kept["gram"], ridge, device)})
        return cls(found["weights"])

    @property
    def items(self) -> int:
        return len(self.weights)

    def scores(self, history: Matrix) -> Floats:
        return np.asarray(history @ self.weights, dtype=np.float32)


def _weights(together: sp.csr_matrix, ridge: float, device: Device) -> Floats:
    gram = np.asarray(together.toarray(), dtype=np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    inverse = device.get(device.xp.linalg.inv(device.put(gram)))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights.astype(np.float32)
