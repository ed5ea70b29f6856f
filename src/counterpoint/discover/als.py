"""Alternating least squares for implicit feedback, with a regularisation that grows with how much is known. Pure.

Hu, Koren and Volinsky 2008 for the objective, Takács, Pilászy and Tikk 2011 for solving it by conjugate
gradients, Rendle et al. 2021 ("Revisiting the performance of iALS on item recommendation benchmarks") for
the regularisation by frequency.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import Floats
from counterpoint.discover.recommender import Recommender
from counterpoint.stats.checks import finite, positive, share, whole

__all__ = ["Als", "AlsOptions"]

STEPS = 3
"""Conjugate gradient steps of one half of an iteration, warm from the last one."""
FOLDING = 12
"""Steps for a row that starts from nothing."""
CHUNK = 1 << 18
"""Interactions whose factors are multiplied at a time: bounds memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsOptions:
    """What is chosen on a validation split."""

    factors: int = 64
    iterations: int = 8
    unobserved: float = 0.1
    """α0: how much an item that somebody does not have counts beside one that they have."""
    ridge: float = 0.003
    """λ, times (what is known of the row + `constant` · α0 · the other side) ** `frequency`."""
    frequency: float = 1.0
    constant: float = 1.0
    """1 as Rendle et al. have it; 0 as Zhou et al. 2008 and MLlib: by what is known of the row alone."""

    def __post_init__(self) -> None:
        whole("factors", self.factors, least=1)
        whole("iterations", self.iterations, least=1)
        positive("unobserved", self.unobserved)
        positive("ridge", self.ridge)
        finite("frequency", self.frequency)
        share("constant", self.constant)

    def ridge_of(self, known: Any, others: int) -> Any:
        """The ridge of rows of which so much is known, with `others` on the other side."""
        known = np.maximum(known, 1)  # who has nothing has no factors, and no ridge of 0 either
        return self.ridge * (known + self.constant * self.unobserved * others) ** self.frequency


@dataclass(frozen=True, slots=True)
class Als(Recommender):
    """The factors of items; those of a row are solved for when it asks, so that new rows are no matter."""

    name: ClassVar[str] = "als"
    options: AlsOptions
    factors: Floats
    """(items, factors)."""

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        options: AlsOptions | None = None,
        *,
        seed: int = 0,
        said: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Alternates between both sides; the same seed gives the same factors."""
        options = options or AlsOptions()
        rows = presence(interactions(matrix))
        columns = sp.csr_matrix(rows.T)
        columns.sort_indices()
        chance = np.random.default_rng(seed)
        size = options.factors
        right = (chance.standard_normal((rows.shape[1], size)) / size).astype(np.float32)
        left = np.zeros((rows.shape[0], size), dtype=np.float32)
        for done in range(options.iterations):
            said(f"iteration {done + 1} of {options.iterations}")
            left = _solved(rows, right, left, options, steps=STEPS)
            right = _solved(columns, left, right, options, steps=STEPS)
        return cls(options, right)

    def refined(self, matrix: Matrix, rounds: int) -> Self:
        """After more rounds on what it was fitted to: for factors of items that were found by another objective."""
        rows = presence(interactions(matrix, items=self.items))
        columns = sp.csr_matrix(rows.T)
        columns.sort_indices()
        left, right = np.zeros((rows.shape[0], self.factors.shape[1]), dtype=np.float32), self.factors
        for _ in range(rounds):
            left = _solved(rows, right, left, self.options, steps=STEPS)
            right = _solved(columns, left, right, self.options, steps=STEPS)
        return type(self)(self.options, right)

    @property
    def items(self) -> int:
        return len(self.factors)

    def scores(self, history: Matrix) -> Floats:
        rows = presence(history)  # an interaction is there or not; its weight is no part of this objective
        start = np.zeros((rows.shape[0], self.factors.shape[1]), dtype=np.float32)
        return np.asarray(_solved(rows, self.factors, start, self.options, steps=FOLDING) @ self.factors.T)


def _solved(rows: Matrix, other: Floats, start: Floats, options: AlsOptions, *, steps: int) -> Floats:
    """Every row's factors given the other side's, by conjugate gradients for all rows at once.

    Each row solves (α0 YᵀY + Σ y yᵀ over what it has + λ_row I) x = Σ y over what it has.
    """
    gram = (options.unobserved * (other.T @ other)).astype(np.float32)
    known = np.diff(rows.indptr).astype(np.float32)
    ridge = np.asarray(options.ridge_of(known, len(other)), dtype=np.float32)[:, None]

    def applied(x: Floats) -> Floats:
        return np.asarray(x @ gram + _seen(rows, other, x) + ridge * x)

    x = start.copy()
    residual = np.asarray(rows @ other) - applied(x)
    direction = residual.copy()
    size = np.einsum("rf,rf->r", residual, residual)
    for _ in range(steps):
        moved = applied(direction)
        along = np.einsum("rf,rf->r", direction, moved)
        step = np.divide(size, along, out=np.zeros_like(size), where=along > 1e-30)[:, None]
        x += step * direction
        residual -= step * moved
        now = np.einsum("rf,rf->r", residual, residual)
        direction = (
            residual + np.divide(now, size, out=np.zeros_like(now), where=size > 1e-30)[:, None] * direction
        )
        size = now
    x[known == 0] = 0
    return x


def _seen(rows: Matrix, other: Floats, x: Floats) -> Floats:
    """Σ y (y · x) over what each row has."""
    dots = np.empty(rows.nnz, dtype=np.float32)
    for span, which in _chunks(rows):
        dots[span] = np.einsum("nf,nf->n", x[which], other[rows.indices[span]])
    return np.asarray(sp.csr_matrix((dots, rows.indices, rows.indptr), shape=rows.shape) @ other)


def _chunks(rows: Matrix) -> Iterator[tuple[slice, np.ndarray]]:
    which = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    for start in range(0, rows.nnz, CHUNK):
        span = slice(start, min(start + CHUNK, rows.nnz))
        yield span, which[span]
