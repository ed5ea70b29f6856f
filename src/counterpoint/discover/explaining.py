"""Reasons that are true: what each item of a history adds to a score, so that the reasons add up to it. Pure.

For the item graph, neighbours and EASE a score is a sum over the history by definition. For ALS it is one too: the
row's factors solve A x = Σ y over what it has, so that each of its items adds y_i · A^-1 · y (Hu, Koren and Volinsky
2008, section 5). What is popular has no reason but that.
"""

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.als import Als
from counterpoint.discover.ease import Ease
from counterpoint.discover.graph import among
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.neighbours import Neighbours
from counterpoint.discover.recommender import Recommender

__all__ = ["contributions"]

Parts = NDArray[np.float64]


def contributions(model: Recommender, history: Matrix, items: NDArray[np.intp]) -> Parts:
    """(items of the history, `items`): what each item of one row adds to the score of each of `items`.

    The rows are in the order of `history.indices`; the sum of a column is the score. All 0 where nothing of the
    history had a say, as with popularity.
    """
    had, weight = history.indices, history.data.astype(np.float64)[:, None]
    match model:
        case ItemGraph():
            return model.parts(history, items).astype(np.float64)
        case Neighbours():
            return np.asarray(weight * among(model.similar, had, items), dtype=np.float64)
        case Ease():
            return np.asarray(weight * model.weights[np.ix_(had, items)], dtype=np.float64)
        case Als():
            return _of_factors(model, had, items)
    return np.zeros((len(had), len(items)))


def _of_factors(model: Als, had: NDArray[np.int32], items: NDArray[np.intp]) -> Parts:
    factors, options = model.factors.astype(np.float64), model.options
    mine = factors[had]
    ridge = options.ridge_of(len(had), len(factors))
    system = options.unobserved * factors.T @ factors + mine.T @ mine + ridge * np.eye(factors.shape[1])
    return np.asarray(mine @ np.linalg.solve(system, factors[items].T), dtype=np.float64)
