"""Listeners with planted tastes: what a method should find is known."""

import numpy as np
import scipy.sparse as sp


def checkerboard(size: int = 40) -> sp.csr_matrix:
    """Even rows have even items, odd rows odd ones, with holes; the holes are what should come back."""
    rows, columns = np.indices((size, size))
    plays = ((rows % 2) == (columns % 2)) & (((rows * 7 + columns * 3) % 5) != 0)
    return sp.csr_matrix(plays.astype(np.float32))


def tastes(
    *, listeners: int = 600, items: int = 200, kinds: int = 4, plays: int = 15, seed: int = 0
) -> tuple[sp.csr_matrix, np.ndarray, np.ndarray]:
    """Listeners of one kind each, who mostly play items of it, popular ones more; also both kinds' labels."""
    chance = np.random.default_rng(seed)
    listener, item = chance.integers(kinds, size=listeners), np.arange(items) % kinds
    weight = 1 / (1 + np.arange(items) // kinds) ** 0.7
    rows, columns = [], []
    for row in range(listeners):
        likes = weight * np.where(item == listener[row], 12.0, 1.0)
        chosen = chance.choice(items, size=plays, replace=False, p=likes / likes.sum())
        rows.extend([row] * plays)
        columns.extend(chosen)
    matrix = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(listeners, items))
    return matrix, listener, item
