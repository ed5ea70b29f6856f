"""Rankings: the best items for each row, in an order that does not depend on chance. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ranking", "best", "top"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
NOTHING = -1
"""Stands where a row has fewer items than were asked for."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The best items of each row.

    `items` and `scores` have one row for each row asked about and one column for each place, best first.
    Where fewer items could be ranked, `items` is -1 and `scores` minus infinity.
    """

    items: Ints
    scores: Floats

    def __len__(self) -> int:
        return len(self.items)

    def of(self, row: int) -> list[int]:
        """The items of one row, best first, without empty places."""
        return [int(each) for each in self.items[row] if each != NOTHING]


def best(scores: Floats, count: int) -> NDArray[np.intp]:
    """Where the `count` largest of a vector are, largest first; equals in the order of their places."""
    if count < len(scores):
        # All that equal the last one that gets in, so that the lowest places win among them.
        floor = -np.partition(-scores, count - 1)[count - 1]
        chosen = np.flatnonzero(scores >= floor)
    else:
        chosen = np.arange(len(scores))
    return chosen[np.argsort(-scores[chosen], kind="stable")][:count]


def top(scores: Floats, count: int) -> Ranking:
    """The `count` best columns of each row of a dense matrix; columns at minus infinity are no answer."""
    items = np.full((len(scores), count), NOTHING, dtype=np.int32)
    values = np.full((len(scores), count), -np.inf, dtype=np.float32)
    for row, each in enumerate(scores):
        chosen = best(each, count)
        chosen = chosen[each[chosen] > -np.inf]
        items[row, : len(chosen)] = chosen
        values[row, : len(chosen)] = each[chosen]
    return Ranking(items, values)
