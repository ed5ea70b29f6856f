"""The item graph with a low-rank filter: what comes together, and the broad directions of taste behind it. Pure.

With X the histories, each row scaled by its length to the power -r/2 and each column by its degree to the power
-p, S = XᵀX without its diagonal, σ² and V the largest eigenvalues and eigenvectors of XᵀX (σ₁² the largest), a
history h scores

    (h · degree^-(b + ½ - p)) · (S + V diag(α σ₁² - β σ²) Vᵀ) · degree^(c - ½ + p)

S is what is heard together. It lets a direction of taste through as strongly as the direction is, so that the
few that everybody shares drown the rest; the filter evens that out: the directions of V come through with
α σ₁² + (1 - β) σ². α alone is an ideal low-pass over the graph (Shen et al. 2021, "How powerful is graph
convolution for recommendation?", GF-CF); a response that is nearly flat over what is let through is what Kim et
al. 2025 ("Graph spectral filtering with Chebyshev interpolation for recommendation") found best. b and c say how
much a popular item counts in the history and in the answer. Scores are sums over the history, so that a reason
can be given for each.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, Self, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.checkpoints import NOWHERE, Checkpoints, Stage, done_once
from counterpoint.discover.devices import CPU, Device
from counterpoint.discover.graph import among, co_occurrences, diagonal, nearest, pairs, strongest
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.low_rank import right_vectors
from counterpoint.discover.ranking import NOTHING, Floats, Ints, Ranking, best
from counterpoint.discover.recommender import Recommender, Wanted
from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, whole

__all__ = ["KEPT_PAIRS", "ItemGraph", "ItemGraphOptions", "Neighbourhood"]

Truths = NDArray[np.bool_]
Neighbourhood: TypeAlias = Callable[
    [Matrix, Floats, tuple[Floats, Floats], int], tuple[sp.csr_matrix | None, sp.csr_matrix]
]
"""Of a matrix, what each row weighs, what items count on both sides, and how many neighbours: all co-occurrences
(None where they are too many to keep), and the strongest neighbours of each item."""
RANK, LEAST_RANK = 512, 16
ITEMS_OF_A_DIRECTION = 64
"""A catalogue's usual rank is one direction for this many items, within these bounds."""
FITTED = ("row_power", "item_power")
"""Options that only a fit can change."""
KEPT_PAIRS = 1 << 27
"""Co-occurrences kept for exact updates: 1 GiB. With more, an update fits the graph again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemGraphOptions:
    """What is chosen on a validation split."""

    rank: int = RANK
    """Directions of the low-pass filter; 0 leaves it out."""
    low_pass: float = 0.3
    """α: how much the filter lets every direction through, the strongest direction of the graph being 1."""
    damping: float = 0.7
    """β: how much of its own strength a direction loses; 0 leaves the graph as it is."""
    input_power: float = 0.2
    """b: how much less a popular item of the history says."""
    output_power: float = 0.45
    """c: how much a popular item is favoured; lower is more long tail."""
    row_power: float = 0.7
    """r: how much less each item of a long row says of what comes together."""
    item_power: float = 0.4
    """p: how much less a popular item says of the directions."""
    neighbours: int = 400
    """Neighbours kept of each item."""
    candidates: int = 300
    """Items that the graph proposes and the filter scores again."""

    def __post_init__(self) -> None:
        whole("rank", self.rank)
        whole("neighbours", self.neighbours, least=1)
        whole("candidates", self.candidates, least=1)
        for name in ("low_pass", "damping", "input_power", "output_power", "row_power", "item_power"):
            finite(name, getattr(self, name))

    @classmethod
    def usual(cls, items: int) -> Self:
        """What suits most catalogues of this size: a small one has fewer directions that are more than noise."""
        return cls(rank=min(RANK, max(LEAST_RANK, items // ITEMS_OF_A_DIRECTION)))


@dataclass(frozen=True, slots=True)
class ItemGraph(Recommender):
    """The fitted graph. `added` takes new rows in exactly; `low_pass` is renewed by a new fit."""

    name: ClassVar[str] = "item-graph"
    options: ItemGraphOptions
    degrees: Floats
    """Rows that have each item."""
    together: sp.csr_matrix | None
    """All co-occurrences, each row weighing its length to the power -r; None where there are too many."""
    graph: sp.csr_matrix
    """The strongest neighbours of each item, scaled for scoring."""
    vectors: Floats
    """(items, rank): the directions of the filter."""
    strengths: Floats
    """(rank,): σ², how much of the histories lies along each."""
    entering: Floats
    """degree^-(b + ½ - p): what an item of the history counts in the filter."""
    leaving: Floats
    """degree^(c - ½ + p): what an item of the answer counts in it."""

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        options: ItemGraphOptions | None = None,
        *,
        seed: int = 0,
        said: Callable[[str], None] = lambda _: None,
        neighbourhood: "Neighbourhood | None" = None,
        checkpoints: Checkpoints = NOWHERE,
        device: Device = CPU,
    ) -> Self:
        """Fits the graph and the filter; `said` is told what is being done, `neighbourhood` computes co-occurrences.

        Kept are the co-occurrences (block by block where they are too many at once), then the filter block by block.
        """
        neighbourhood = neighbourhood or partial(_neighbourhood, checkpoints=checkpoints)
        read = presence(interactions(matrix))
        options = options or ItemGraphOptions.usual(read.shape[1])
        said("co-occurrences")
        degrees = np.asarray(read.sum(axis=0), dtype=np.float32).ravel()
        sides = _sides(degrees, options)

        def near() -> Stage:
            all_, strongest_ = neighbourhood(read, _shares(read, options), sides, options.neighbours)
            return {"graph": strongest_} | ({} if all_ is None else {"together": all_})

        near_by = done_once(checkpoints, "co-occurrences", near)
        together, graph = near_by.get("together"), near_by["graph"]
        said("low-rank filter")
        scaled = _scaled(read, degrees, options)
        filtered = done_once(
            checkpoints,
            "filter",
            lambda: {
                "vectors": right_vectors(
                    scaled, options.rank, seed=seed, checkpoints=checkpoints, device=device
                )
            },
        )
        vectors = filtered["vectors"]
        strengths = np.square(np.asarray(scaled @ vectors)).sum(axis=0)
        return cls(options, degrees, together, graph, vectors, strengths, *_powers(degrees, options))

    def tuned(self, options: ItemGraphOptions) -> Self:
        """The same graph with other options, at the cost of choosing neighbours; the rank can only fall.

        Where co-occurrences were too many to be kept, the neighbours stay those that were chosen. Raises
        `InputError` for another `row_power` or `item_power`, which want a fit.
        """
        for name in FITTED:
            if getattr(options, name) != getattr(self.options, name):
                raise InputError(
                    f"{name} == {getattr(options, name)}, must be {getattr(self.options, name)} as it was fitted; "
                    "fit again"
                )
        if self.together is not None:
            graph = _chosen(self.together, self.degrees, options)
        else:
            before = self.options
            left = _power(self.degrees, before.input_power - options.input_power)
            right = _power(self.degrees, options.output_power - before.output_power)
            graph = strongest(self.graph, options.neighbours, left=left, right=right)
        entering, leaving = _powers(self.degrees, options)
        return replace(
            self,
            options=options,
            graph=graph,
            vectors=self.vectors[:, : options.rank],
            strengths=self.strengths[: options.rank],
            entering=entering,
            leaving=leaving,
        )

    def added(self, matrix: Matrix) -> Self:
        """The graph with more rows, as if they had been there from the start; the filter stays as it was.

        Raises `InputError` where co-occurrences were too many to be kept.
        """
        if self.together is None:
            raise InputError(
                f"more than {KEPT_PAIRS:,} pairs of items come together: too many to keep for updates; fit again"
            )
        read = presence(interactions(matrix, items=self.items))
        together = sp.csr_matrix(self.together + co_occurrences(read, weights=_shares(read, self.options)))
        degrees = self.degrees + np.asarray(read.sum(axis=0), dtype=np.float32).ravel()
        entering, leaving = _powers(degrees, self.options)
        return replace(
            self,
            degrees=degrees,
            together=together,
            graph=_chosen(together, degrees, self.options),
            entering=entering,
            leaving=leaving,
        )

    @property
    def items(self) -> int:
        return len(self.degrees)

    def scores(self, history: Matrix) -> Floats:
        found = np.asarray((history @ self.graph).toarray(), dtype=np.float32)
        if self.vectors.shape[1]:
            found += (self._tastes(history) @ self.vectors.T) * self.leaving
        return found

    def reasons(self, history: Matrix, item: int) -> list[tuple[int, float]]:
        """What each item of a history (one row) adds to the score of `item`, most first. They sum to the score."""
        rows = interactions(history, name="history", items=self.items)
        if rows.shape[0] != 1:
            raise InputError(f"history has {rows.shape[0]} rows, must have one")
        had = rows.indices
        parts = self.parts(rows, np.array([item]))[:, 0]
        return [(int(had[at]), float(parts[at])) for at in np.argsort(-parts, kind="stable")]

    def parts(self, history: Matrix, items: NDArray[np.intp]) -> Floats:
        """(items of the history, `items`): what each item of one row adds to the scores of several, in the row's order."""
        had = history.indices
        broad = (self.vectors[had] * self._response) @ self.vectors[items].T
        broad *= self.entering[had, None] * self.leaving[items]
        return np.asarray(history.data[:, None] * (among(self.graph, had, items) + broad))

    def _ranked(self, ask: Wanted, start: int, end: int) -> Ranking:
        """In two steps: the graph proposes, and the filter scores what it proposed.

        The graph reaches some thousands of items; the filter would score all of them to little end.
        """
        rows = ask.history[start:end]
        near = sp.csr_matrix(rows @ self.graph)
        tastes = self._tastes(rows)
        items = np.full((rows.shape[0], ask.count), NOTHING, dtype=np.int32)
        values = np.full((rows.shape[0], ask.count), -np.inf, dtype=np.float32)
        refused = np.zeros(self.items, dtype=bool) if ask.allowed is None else ~ask.allowed
        wide = max(self.options.candidates, 2 * ask.count)
        for row in range(rows.shape[0]):
            out = ask.hidden.indices[ask.hidden.indptr[start + row] : ask.hidden.indptr[start + row + 1]]
            before = refused[out]
            refused[out] = True
            span = slice(near.indptr[row], near.indptr[row + 1])
            reached, scores = _open(near.indices[span], near.data[span], refused, wide)
            if tastes.shape[1] and len(reached):
                scores = scores + (self.vectors[reached] @ tastes[row]) * self.leaving[reached]
            chosen = best(scores, ask.count)
            found, kept = reached[chosen], scores[chosen]
            if len(found) < ask.count:
                found, kept = self._filled(found, kept, refused, ask.count)
            items[row, : len(found)], values[row, : len(found)] = found, kept
            refused[out] = before
        return Ranking(items, values)

    def _tastes(self, rows: Matrix) -> Floats:
        """(rows, rank): where each history lies among the directions, as far as they are let through."""
        weighted = sp.csr_matrix(
            (rows.data * self.entering[rows.indices], rows.indices, rows.indptr), shape=rows.shape
        )
        return np.asarray(weighted @ self.vectors) * self._response

    @property
    def _response(self) -> Floats:
        """(rank,): what the filter adds to each direction."""
        top = self.strengths[:1]
        return np.float32(self.options.low_pass) * top - np.float32(self.options.damping) * self.strengths

    def _filled(self, found: Ints, scores: Floats, refused: Truths, count: int) -> tuple[Ints, Floats]:
        """Popular items after what the graph reaches, so that an empty history has an answer too."""
        rest = np.where(refused, -np.inf, self.degrees).astype(np.float32)
        rest[found] = -np.inf
        more = best(rest, count - len(found))
        more = more[rest[more] > -np.inf]
        # Below everything that was reached, in the order of their popularity.
        floor = float(scores.min()) if len(scores) else 0.0
        below = (floor - 1 - np.arange(len(more), dtype=np.float32)).astype(np.float32)
        return np.concatenate([found, more]).astype(np.int32), np.concatenate([scores, below])


def _open(indices: Ints, scores: Floats, refused: Truths, wide: int) -> tuple[Ints, Floats]:
    """The `wide` best of what was reached and may come, in the order of the items."""
    free = ~refused[indices]
    reached, scores = indices[free], scores[free]
    if len(scores) > wide:
        chosen = np.argpartition(-scores, wide - 1)[:wide]
        reached, scores = reached[chosen], scores[chosen]
    order = np.argsort(reached)
    return reached[order], scores[order]


def _shares(matrix: Matrix, options: ItemGraphOptions) -> Floats:
    """What a row weighs: what one listener says is shared among all that they have."""
    return _power(np.diff(matrix.indptr), -options.row_power)


def _neighbourhood(
    matrix: Matrix,
    shares: Floats,
    sides: tuple[Floats, Floats],
    count: int,
    *,
    checkpoints: Checkpoints = NOWHERE,
) -> tuple[sp.csr_matrix | None, sp.csr_matrix]:
    left, right = sides
    if min(pairs(matrix), matrix.shape[1] ** 2) <= 2 * KEPT_PAIRS:
        found = co_occurrences(matrix, weights=shares)
        if found.nnz <= KEPT_PAIRS:
            return found, strongest(found, count, left=left, right=right)
    return None, nearest(matrix, count, left=left, right=right, weights=shares, checkpoints=checkpoints)


def _chosen(together: sp.csr_matrix, degrees: Floats, options: ItemGraphOptions) -> sp.csr_matrix:
    left, right = _sides(degrees, options)
    return strongest(together, options.neighbours, left=left, right=right)


def _sides(degrees: Floats, options: ItemGraphOptions) -> tuple[Floats, Floats]:
    """What an item of the history and one of the answer count in the graph."""
    return _power(degrees, -options.input_power - 0.5), _power(degrees, options.output_power - 0.5)


def _scaled(matrix: Matrix, degrees: Floats, options: ItemGraphOptions) -> Matrix:
    rows = diagonal(np.sqrt(_shares(matrix, options)))
    return sp.csr_matrix(rows @ matrix @ diagonal(_power(degrees, -options.item_power)))


def _powers(degrees: Floats, options: ItemGraphOptions) -> tuple[Floats, Floats]:
    entering = _power(degrees, options.item_power - options.input_power - 0.5)
    return entering, _power(degrees, options.output_power + options.item_power - 0.5)


def _power(degrees: Floats | NDArray[np.int32], power: float) -> Floats:
    """degree ** power, and nothing where there is nothing."""
    return np.where(degrees > 0, np.maximum(degrees, 1) ** np.float32(power), 0).astype(np.float32)
