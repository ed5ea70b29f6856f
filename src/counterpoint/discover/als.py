"""Alternating least squares for implicit feedback, with a regularisation that grows with how much is known. Pure.

Hu, Koren and Volinsky 2008 for the objective, Takács, Pilászy and Tikk 2011 for solving it by conjugate
gradients, Rendle et al. 2021 ("Revisiting the performance of iALS on item recommendation benchmarks") for
the regularisation by frequency.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.checkpoints import NOWHERE, Checkpoints, Stage
from counterpoint.discover.devices import CPU, Device
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import Floats
from counterpoint.discover.recommender import Recommender
from counterpoint.stats.checks import finite, positive, share, whole

__all__ = ["Als", "AlsOptions"]

STEPS = 3
"""Conjugate gradient steps of one half of an iteration, warm from the last one."""
FOLDING = 12
"""Steps for a row that starts from nothing."""
ITERATION = "iteration"
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
        checkpoints: Checkpoints = NOWHERE,
        device: Device = CPU,
    ) -> Self:
        """Alternates between both sides; the same seed gives the same factors. Both are kept after each iteration."""
        options = options or AlsOptions()
        rows = presence(interactions(matrix))
        columns = sp.csr_matrix(rows.T)
        columns.sort_indices()
        kept = checkpoints.found(ITERATION) or _begun(rows.shape, options.factors, seed)
        left, right = device.put(kept["left"]), device.put(kept["right"])
        across, down = _Rows(rows, device), _Rows(columns, device)
        for done in range(int(kept["done"]), options.iterations):
            said(f"iteration {done + 1} of {options.iterations}")
            left = _solved(across, right, left, options, steps=STEPS)
            right = _solved(down, left, right, options, steps=STEPS)
            kept = {"done": np.array(done + 1), "left": device.get(left), "right": device.get(right)}
            checkpoints.keep(ITERATION, kept)
        return cls(options, kept["right"])

    def refined(self, matrix: Matrix, rounds: int) -> Self:
        """After more rounds on what it was fitted to: for factors of items that were found by another objective."""
        rows = presence(interactions(matrix, items=self.items))
        columns = sp.csr_matrix(rows.T)
        columns.sort_indices()
        across, down = _Rows(rows, CPU), _Rows(columns, CPU)
        left, right = np.zeros((rows.shape[0], self.factors.shape[1]), dtype=np.float32), self.factors
        for _ in range(rounds):
            left = _solved(across, right, left, self.options, steps=STEPS)
            right = _solved(down, left, right, self.options, steps=STEPS)
        return type(self)(self.options, right)

    @property
    def items(self) -> int:
        return len(self.factors)

    def scores(self, history: Matrix) -> Floats:
        rows = presence(history)  # an interaction is there or not; its weight is no part of this objective
        start = np.zeros((rows.shape[0], self.factors.shape[1]), dtype=np.float32)
        folded = _solved(_Rows(rows, CPU), self.factors, start, self.options, steps=FOLDING)
        return np.asarray(folded @ self.factors.T)


def _begun(shape: tuple[int, int], size: int, seed: int) -> Stage:
    """Both sides before the first iteration."""
    chance = np.random.default_rng(seed)
    right = (chance.standard_normal((shape[1], size)) / size).astype(np.float32)
    return {"done": np.array(0), "left": np.zeros((shape[0], size), dtype=np.float32), "right": right}


class _Rows:
    """What each row has, on a device."""

    def __init__(self, rows: Matrix, device: Device) -> None:
        self.device = device
        self.known = np.diff(rows.indptr).astype(np.float32)
        self.sparse = device.sparse(rows)
        self._rows = rows
        which = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        self._cells = [
            (device.put(which[start : start + CHUNK]), device.put(rows.indices[start : start + CHUNK]))
            for start in range(0, rows.nnz, CHUNK)
        ]

    def seen(self, other: Any, x: Any) -> Any:
        """Σ y (y · x) over what each row has."""
        xp = self.device.xp
        if not self._cells:
            return xp.zeros_like(x)
        dots = [xp.einsum("nf,nf->n", x[which], other[columns]) for which, columns in self._cells]
        return self.device.with_values(self._rows, xp.concatenate(dots)) @ other


def _solved(rows: _Rows, other: Any, start: Any, options: AlsOptions, *, steps: int) -> Any:
    """Every row's factors given the other side's, by conjugate gradients for all rows at once.

    Each row solves (α0 YᵀY + Σ y yᵀ over what it has + λ_row I) x = Σ y over what it has.
    """
    device, xp = rows.device, rows.device.xp
    gram = options.unobserved * (other.T @ other)
    known = rows.known
    ridge = device.put(np.asarray(options.ridge_of(known, len(other)), dtype=np.float32)[:, None])

    def applied(x: Any) -> Any:
        return x @ gram + rows.seen(other, x) + ridge * x

    x = start + 0
    residual = rows.sparse @ other - applied(x)
    direction = residual + 0
    size = xp.einsum("rf,rf->r", residual, residual)
    for _ in range(steps):
        moved = applied(direction)
        along = xp.einsum("rf,rf->r", direction, moved)
        step = _ratio(xp, size, along)[:, None]
        x += step * direction
        residual -= step * moved
        now = xp.einsum("rf,rf->r", residual, residual)
        direction = residual + _ratio(xp, now, size)[:, None] * direction
        size = now
    x[device.put(known == 0)] = 0
    return x


def _ratio(xp: Any, over: Any, under: Any) -> Any:
    """A ratio, and nothing where next to nothing stands below."""
    there = under > 1e-30
    return xp.where(there, over / xp.where(there, under, xp.ones_like(under)), xp.zeros_like(under))
