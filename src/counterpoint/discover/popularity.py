"""The honest baseline that any method must beat: what most have. Pure."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import Floats
from counterpoint.discover.recommender import Recommender

__all__ = ["Popularity"]


@dataclass(frozen=True, slots=True)
class Popularity(Recommender):
    """Items by how many rows have them."""

    name: ClassVar[str] = "popularity"
    degrees: Floats
    """Rows that have each item."""

    @classmethod
    def fit(cls, matrix: Matrix) -> Self:
        """Counts the rows of each item."""
        return cls(np.asarray(presence(interactions(matrix)).sum(axis=0), dtype=np.float32).ravel())

    @property
    def items(self) -> int:
        return len(self.degrees)

    def scores(self, history: Matrix) -> Floats:
        return np.tile(self.degrees, (history.shape[0], 1))
