"""What every method of ranking can do: score items for histories, and rank them. Pure."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.interactions import Matrix, interactions, presence
from counterpoint.discover.ranking import Floats, Ranking, top
from counterpoint.errors import InputError
from counterpoint.stats.checks import whole

__all__ = ["Recommender", "Wanted", "wanted"]

CELLS = 1 << 24
"""Cells of the dense scores of one batch: 64 MiB."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a ranking is asked for, checked."""

    history: Matrix
    count: int
    hidden: Matrix
    """What must not come back: the history itself, unless known items may."""
    allowed: NDArray[np.bool_] | None


class Recommender(ABC):
    """A fitted method. It takes rows that it has never seen as well: folding in is scoring.

    Rows of `history` are listeners or playlists, columns are the items that it was fitted on. Fitted
    methods are values: nothing that is asked of them changes them.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def items(self) -> int:
        """How many items it ranks."""

    @abstractmethod
    def scores(self, history: Matrix) -> Floats:
        """A dense score of every item for each row, each item of the history counting by its value.

        Larger is better; rows are not comparable.
        """

    def rank(
        self,
        history: Matrix,
        count: int = 20,
        *,
        known: bool = False,
        weighted: bool = False,
        hidden: Matrix | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Ranking:
        """The `count` best items for each row.

        `known` lets items of the history come back. `weighted` takes its values for how much each item counts
        (what was played last more than what was played first); else whatever is there counts as 1. `hidden` has a value wherever an item must not come
        ("not my taste"), `allowed` is one truth for each item (a market's catalogue). Raises `InputError`
        for other shapes.
        """
        ask = wanted(
            self.items, history, count, known=known, weighted=weighted, hidden=hidden, allowed=allowed
        )
        size = max(1, CELLS // max(1, self.items))
        parts = [self._ranked(ask, start, start + size) for start in range(0, ask.history.shape[0], size)]
        if not parts:
            return Ranking(np.empty((0, ask.count), np.int32), np.empty((0, ask.count), np.float32))
        return Ranking(np.vstack([each.items for each in parts]), np.vstack([each.scores for each in parts]))

    def _ranked(self, ask: Wanted, start: int, end: int) -> Ranking:
        scores = self.scores(ask.history[start:end])
        without = ask.hidden[start:end]
        scores[np.repeat(np.arange(without.shape[0]), np.diff(without.indptr)), without.indices] = -np.inf
        if ask.allowed is not None:
            scores[:, ~ask.allowed] = -np.inf
        return top(scores, ask.count)


def wanted(
    items: int,
    history: Matrix,
    count: int,
    *,
    known: bool,
    weighted: bool,
    hidden: Matrix | None,
    allowed: NDArray[np.bool_] | None,
) -> Wanted:
    """What was asked for, checked against what was fitted."""
    whole("count", count, least=1)
    rows = interactions(history, name="history", items=items)
    out = rows if not known else sp.csr_matrix(rows.shape, dtype=np.float32)
    if hidden is not None:
        more = interactions(hidden, name="hidden", items=items)
        if more.shape != rows.shape:
            raise InputError(
                f"hidden has {more.shape[0]} rows, must have {rows.shape[0]} as the history does"
            )
        out = sp.csr_matrix(out + more)
    if allowed is not None:
        allowed = np.asarray(allowed)
        if allowed.dtype != np.bool_ or allowed.shape != (items,):
            raise InputError(
                f"allowed has the shape {allowed.shape} of {allowed.dtype}, must be {items} truths"
            )
    return Wanted(rows if weighted else presence(rows), min(int(count), items), out, allowed)
