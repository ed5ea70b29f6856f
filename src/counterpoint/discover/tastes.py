"""Several tastes of one listener, kept apart: lullabies and metal have no middle. Pure.

The items of a history lie as points on a sphere (their low-rank vectors); spherical k-means finds k groups for
each k up to a few, and the k is taken whose groups hold together by the silhouette (Rousseeuw 1987) more than
by a threshold; one taste where nothing does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from counterpoint.errors import InputError

__all__ = ["Tastes", "tastes_of"]

Vectors = NDArray[np.float64]
MOST = 4
CLEAR = 0.25
"""Silhouette above which groups are worth keeping apart (weak structure begins there: Kaufman and Rousseeuw 1990)."""
LEAST = 5
"""Items of a taste at least."""


@dataclass(frozen=True, slots=True)
class Tastes:
    """Which taste each item of a history belongs to."""

    groups: tuple[tuple[int, ...], ...]
    """Positions in the history, the largest taste first."""
    silhouette: float
    """How well they hold together, from -1 to 1; 1 with one taste means nothing."""


def tastes_of(vectors: ArrayLike, *, seed: int = 0, most: int = MOST) -> Tastes:
    """Groups of the rows of `vectors`, one row for each item of the history; the same for a seed."""
    points = np.asarray(vectors, dtype=np.float64)
    if points.ndim != 2 or not np.isfinite(points).all():
        raise InputError(f"vectors must be a matrix of finite numbers, got the shape {points.shape}")
    lengths = np.linalg.norm(points, axis=1)
    placed = np.flatnonzero(lengths > 0)
    whole = Tastes((tuple(range(len(points))),) if len(points) else (), 1.0)
    if len(placed) < 2 * LEAST:
        return whole
    unit = points[placed] / lengths[placed, None]
    best = whole
    for count in range(2, most + 1):
        labels = _grouped(unit, count, np.random.default_rng(seed + count))
        sizes = np.bincount(labels, minlength=count)
        if sizes.min() < LEAST:
            continue
        clear = _silhouette(unit, labels, count)
        if clear > CLEAR and (len(best.groups) < 2 or clear > best.silhouette):
            order = np.argsort(-sizes, kind="stable")
            best = Tastes(tuple(tuple(int(at) for at in placed[labels == each]) for each in order), clear)
    return best


def _grouped(unit: Vectors, count: int, chance: np.random.Generator) -> NDArray[np.intp]:
    """Spherical k-means with starts spread out (Arthur and Vassilvitskii 2007), the best of eight."""
    best, kept = -np.inf, np.zeros(len(unit), dtype=np.intp)
    for _ in range(8):
        centres = _starts(unit, count, chance)
        labels = np.argmax(unit @ centres.T, axis=1)
        for _ in range(30):
            for each in range(count):
                if (labels == each).any():
                    middle = unit[labels == each].sum(axis=0)
                    centres[each] = middle / max(np.linalg.norm(middle), 1e-12)
            now = np.argmax(unit @ centres.T, axis=1)
            if (now == labels).all():
                break
            labels = now
        worth = float((unit * centres[labels]).sum())
        if worth > best + 1e-12:
            best, kept = worth, labels
    return kept


def _starts(unit: Vectors, count: int, chance: np.random.Generator) -> Vectors:
    chosen = [int(chance.integers(len(unit)))]
    while len(chosen) < count:
        apart = np.maximum(1 - (unit @ unit[chosen].T).max(axis=1), 0) + 1e-12
        chosen.append(int(chance.choice(len(unit), p=apart / apart.sum())))
    return unit[chosen].copy()


def _silhouette(unit: Vectors, labels: NDArray[np.intp], count: int) -> float:
    """The mean over points of (b - a) / max(a, b): a to its own group, b to the nearest other, by 1 - cosine."""
    distance = 1 - unit @ unit.T
    np.fill_diagonal(distance, 0)
    sizes = np.bincount(labels, minlength=count)
    sums = np.stack([distance[:, labels == each].sum(axis=1) for each in range(count)], axis=1)
    own = sums[np.arange(len(unit)), labels] / np.maximum(sizes[labels] - 1, 1)
    others = sums / np.maximum(sizes, 1)
    others[np.arange(len(unit)), labels] = np.inf
    nearest = others.min(axis=1)
    return float(((nearest - own) / np.maximum(np.maximum(own, nearest), 1e-12)).mean())
