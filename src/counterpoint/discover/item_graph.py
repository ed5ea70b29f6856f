"""The item graph with a low-rank filter: what comes together, and the broad directions of taste behind it. Pure.

With X the histories scaled by the degrees of both sides to the power -1/2, S = XᵀX without its diagonal
and V the first right singular vectors of X, a history h scores

    (h · degree^-b) · (S + α V Vᵀ) · degree^c

S is what is heard together, V Vᵀ the ideal low-pass filter over it (Shen et al. 2021, "How powerful is graph
convolution for recommendation?", GF-CF). b and c say how much a popular item counts in the history and in
the answer. Scores are sums over the history, so that a reason can be given for each.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.graph import among, co_occurrences, diagonal, nearest, pairs, strongest
from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.low_rank import right_vectors
from counterpoint.discover.ranking import NOTHING, Floats, Ints, Ranking, best
from counterpoint.discover.recommender import Recommender, Wanted
from counterpoint.errors import InputError
from counterpoint.stats.checks import finite, whole

__all__ = ["ItemGraph", "ItemGraphOptions"]

Truths = NDArray[np.bool_]
KEPT_PAIRS = 1 << 27
"""Co-occurrences kept for exact updates: 1 GiB. With more, an update fits the graph again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemGraphOptions:
    """What is chosen on a validation split."""

    rank: int = 512
    """Directions of the low-pass filter; 0 leaves it out."""
    low_pass: float = 0.3
    """α: how much the filter counts beside the graph."""
    input_power: float = 0.2
    """b: how much less a popular item of the history says."""
    output_power: float = 0.35
    """c: how much a popular item is favoured; lower is more long tail."""
    neighbours: int = 400
    """Neighbours kept of each item."""
    candidates: int = 300
    """Items that the graph proposes and the filter scores again."""

    def __post_init__(self) -> None:
        whole("rank", self.rank)
        whole("neighbours", self.neighbours, least=1)
        whole("candidates", self.candidates, least=1)
        for name in ("low_pass", "input_power", "output_power"):
            finite(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class ItemGraph(Recommender):
    """The fitted graph. `added` takes new rows in exactly; `low_pass` is renewed by a new fit."""

    name: ClassVar[str] = "item-graph"
    options: ItemGraphOptions
    degrees: Floats
    """Rows that have each item."""
    together: sp.csr_matrix | None
    """All co-occurrences, each row of a history weighing one over its length; None where there are too many."""
    graph: sp.csr_matrix
    """The strongest neighbours of each item, scaled for scoring."""
    vectors: Floats
    """(items, rank): the directions of the low-pass filter."""
    entering: Floats
    """α · degree^-b: what an item of the history counts in the filter."""
    leaving: Floats
    """degree^c: what an item of the answer counts in it."""

    @classmethod
    def fit(
        cls,
        matrix: Matrix,
        options: ItemGraphOptions | None = None,
        *,
        seed: int = 0,
        said: Callable[[str], None] = lambda _: None,
    ) -> Self:
        """Fits the graph and the filter; `said` is told what is being done."""
        options = options or ItemGraphOptions()
        read = presence(interactions(matrix))
        said("co-occurrences")
        degrees = np.asarray(read.sum(axis=0), dtype=np.float32).ravel()
        together = _together(read)
        said("neighbours")
        graph = _graph(read, together, degrees, options)
        said("low-rank filter")
        vectors = right_vectors(_scaled(read, degrees), options.rank, seed=seed)
        return cls(options, degrees, together, graph, vectors, *_powers(degrees, options))

    def tuned(self, options: ItemGraphOptions, matrix: Matrix | None = None) -> Self:
        """The same graph with other options, at the cost of choosing neighbours; the rank can only fall.

        `matrix` is what it was fitted on, wanted only where co-occurrences were too many to be kept.
        """
        if self.together is None and matrix is None:
            raise InputError("matrix == None, must be what was fitted: co-occurrences were too many to keep")
        read = (
            sp.csr_matrix((0, self.items), dtype=np.float32)
            if matrix is None
            else presence(interactions(matrix, items=self.items))
        )
        graph = _graph(read, self.together, self.degrees, options)
        powers = _powers(self.degrees, options)
        return replace(
            self,
            options=options,
            graph=graph,
            vectors=self.vectors[:, : options.rank],
            entering=powers[0],
            leaving=powers[1],
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
        together = sp.csr_matrix(self.together + co_occurrences(read, weights=_shares(read)))
        degrees = self.degrees + np.asarray(read.sum(axis=0), dtype=np.float32).ravel()
        entering, leaving = _powers(degrees, self.options)
        graph = _graph(read, together, degrees, self.options)
        return replace(
            self, degrees=degrees, together=together, graph=graph, entering=entering, leaving=leaving
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
        broad = (self.vectors[had] @ self.vectors[items].T) * self.entering[had, None] * self.leaving[items]
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
        """(rows, rank): where each history lies among the directions."""
        weighted = sp.csr_matrix(
            (rows.data * self.entering[rows.indices], rows.indices, rows.indptr), shape=rows.shape
        )
        return np.asarray(weighted @ self.vectors)

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


def _shares(matrix: Matrix) -> Floats:
    """One over the length of each row: what one listener says is shared among all that they have."""
    return np.asarray(1 / np.maximum(np.diff(matrix.indptr), 1), dtype=np.float32)


def _together(matrix: Matrix) -> sp.csr_matrix | None:
    """All co-occurrences, unless there could be more than are kept."""
    if min(pairs(matrix), matrix.shape[1] ** 2) > 2 * KEPT_PAIRS:
        return None
    found = co_occurrences(matrix, weights=_shares(matrix))
    return found if found.nnz <= KEPT_PAIRS else None


def _graph(
    matrix: Matrix, together: sp.csr_matrix | None, degrees: Floats, options: ItemGraphOptions
) -> sp.csr_matrix:
    left = _power(degrees, -options.input_power - 0.5)
    right = _power(degrees, options.output_power - 0.5)
    if together is None:
        return nearest(matrix, options.neighbours, left=left, right=right, weights=_shares(matrix))
    return strongest(together, options.neighbours, left=left, right=right)


def _scaled(matrix: Matrix, degrees: Floats) -> Matrix:
    return sp.csr_matrix(diagonal(np.sqrt(_shares(matrix))) @ matrix @ diagonal(_power(degrees, -0.5)))


def _powers(degrees: Floats, options: ItemGraphOptions) -> tuple[Floats, Floats]:
    entering = np.float32(options.low_pass) * _power(degrees, -options.input_power)
    return entering, _power(degrees, options.output_power)


def _power(degrees: Floats, power: float) -> Floats:
    """degree ** power, and nothing for items that nobody has."""
    return np.where(degrees > 0, np.maximum(degrees, 1) ** np.float32(power), 0).astype(np.float32)
