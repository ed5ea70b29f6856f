"""Why something is recommended, in sentences that are true: nothing is said that the data does not hold. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.graph import among
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.neighbours import Neighbours
from counterpoint.discover.shelf import Shelf
from counterpoint.said import Said

__all__ = ["POPULAR", "reasons_of"]

Truths = NDArray[np.bool_]

POPULAR: Said = "Many listen to it."
NAMED = 2
"""Items that are named."""


def reasons_of(shelf: Shelf, picked: Sequence[tuple[int, Sequence[int]]]) -> list[str]:
    """Why each item, from the listener's own items that gave most of its score.

    "Comes together" is said where listeners or playlists have both, "beside" where somebody put both near each other
    in a playlist; where a broad direction of taste alone joins them, that they go together is all that is said.
    """
    own = sorted({each for _, because in picked for each in because})
    place = {each: at for at, each in enumerate(own)}
    rows, items = np.array(own, dtype=np.int32), np.array([item for item, _ in picked], dtype=np.intp)
    met, beside = _met(shelf, rows, items), _beside(shelf, rows, items)
    return [
        _sentence(
            shelf,
            because,
            [each for each in because if met[place[each], at]],
            next((each for each in because if beside[place[each], at]), None),
        )
        for at, (_, because) in enumerate(picked)
    ]


def _sentence(shelf: Shelf, because: Sequence[int], met: Sequence[int], beside: int | None) -> str:
    if not because:
        return POPULAR
    names = [f'"{shelf.title(shelf.items[each])}"' for each in (met or because)[:NAMED]]
    said = f"{'Often comes together' if met else 'Goes'} with {' and '.join(names)}."
    if beside is None:
        return said
    return f'{said} People put it beside "{shelf.title(shelf.items[beside])}" in their playlists.'


def _met(shelf: Shelf, rows: NDArray[np.int32], items: NDArray[np.intp]) -> Truths:
    """Whether somebody has both, as far as the model keeps it."""
    match shelf.model:
        case ItemGraph():
            return np.asarray(among(shelf.model.graph, rows, items) != 0)
        case Neighbours():
            return np.asarray(among(shelf.model.similar, rows, items) != 0)
    return np.zeros((len(rows), len(items)), dtype=bool)


def _beside(shelf: Shelf, rows: NDArray[np.int32], items: NDArray[np.intp]) -> Truths:
    """Whether somebody put both near each other in a playlist, as far as that is kept."""
    if shelf.follows is None:
        return np.zeros((len(rows), len(items)), dtype=bool)
    before = among(shelf.follows, items.astype(np.int32), rows.astype(np.intp)).T
    return np.asarray((among(shelf.follows, rows, items) != 0) | (before != 0))
