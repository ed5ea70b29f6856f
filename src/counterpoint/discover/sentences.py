"""Why something is recommended, in sentences that are true: nothing is said that the data does not hold. Pure."""

from collections.abc import Sequence

import numpy as np

from counterpoint.discover.graph import among
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.neighbours import Neighbours
from counterpoint.discover.shelf import Shelf
from counterpoint.said import Said

__all__ = ["POPULAR", "reason_of"]

POPULAR: Said = "Many listen to it."
NAMED = 2
"""Items that are named."""


def reason_of(shelf: Shelf, item: int, because: Sequence[int]) -> str:
    """Why an item, from the listener's own items that gave most of its score.

    "Comes together" is said where listeners or playlists have both, "beside" where somebody put both near each other
    in a playlist; where a broad direction of taste alone joins them, that they go together is all that is said.
    """
    if not because:
        return POPULAR
    met = [each for each in because if _met(shelf, each, item)]
    names = [f'"{shelf.title(shelf.items[each])}"' for each in (met or because)[:NAMED]]
    said = f"{'Often comes together' if met else 'Goes'} with {' and '.join(names)}."
    beside = next((each for each in because if shelf.is_beside(each, item)), None)
    if beside is None:
        return said
    return f'{said} People put it beside "{shelf.title(shelf.items[beside])}" in their playlists.'


def _met(shelf: Shelf, one: int, other: int) -> bool:
    """Whether somebody has both, as far as the model keeps it."""
    match shelf.model:
        case ItemGraph():
            square = shelf.model.graph
        case Neighbours():
            square = shelf.model.similar
        case _:
            return False
    return bool(among(square, np.array([one], dtype=np.int32), np.array([other]))[0, 0])
