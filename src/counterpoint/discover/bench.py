"""What a protocol made of data: rows that are asked, what should come back, and among which items. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.evaluation import Evaluation, evaluate
from counterpoint.discover.exposure import exposure_of
from counterpoint.discover.interactions import Matrix, presence
from counterpoint.discover.judgement import Judgement
from counterpoint.discover.ranking import NOTHING, Ranking, top
from counterpoint.discover.recommender import CELLS, Recommender
from counterpoint.discover.splits import Split
from counterpoint.errors import InputError
from counterpoint.said import Said
from counterpoint.spelling import near

if TYPE_CHECKING:
    from counterpoint.discover.protocol import Protocol

__all__ = ["Bench", "bench_of"]

Truths = NDArray[np.bool_]
Values = NDArray[np.float64]
MISLEADS = (
    "Measures among sampled candidates mislead: the order of methods may be another one among all items (Krichene and"
    " Rendle 2020)."
)
LATER = (
    "Each listener's last is held out at a time of their own: methods were fitted on what others heard later."
)


@dataclass(frozen=True, slots=True)
class Among:
    """Which items are candidates. Without any of these: all that a row does not have."""

    allowed: Truths | None = None
    """For each item, whether it is one for every row."""
    drawn: Matrix | None = None
    """The candidates of each row."""
    since: Values | None = None
    """From when on each item was there; with `at`, when each row is asked."""
    at: Values | None = None

    def out(self, start: int, end: int, items: int) -> Truths:
        """For some rows and each item, whether it is none."""
        found = np.zeros((end - start, items), dtype=bool)
        if self.allowed is not None:
            found |= ~self.allowed
        if self.drawn is not None:
            found |= self.drawn[start:end].toarray() == 0
        if self.since is not None and self.at is not None:
            found |= self.since[None, :] > self.at[start:end, None]
        return found

    def of(self, rows: NDArray[np.intp]) -> "Among":
        """Those of some rows."""
        drawn = None if self.drawn is None else self.drawn[rows]
        return Among(self.allowed, drawn, self.since, None if self.at is None else self.at[rows])


@dataclass(frozen=True, slots=True)
class Bench:
    """A protocol on data: methods are fitted to `split.fitted`, and asked about the rows of `split.history`."""

    protocol: "Protocol"
    split: Split
    rows: NDArray[np.intp]
    """Which rows of what was held out of are asked: those of whom something is held out."""
    moments: Matrix | None
    """The time of each cell that is fitted, where it is known: what a search on a slice of it needs."""
    held_out: Said
    """What is held out, in words."""
    among: Among
    warnings: tuple[Said, ...]
    """What a reader of the measures has to know."""

    def ranked(self, model: Recommender | Ranking) -> Ranking:
        """The lists of a method, as long as the longest that is asked for; a ranking that is given is checked.

        Raises:
            InputError: a ranking has other rows, or shows what is no candidate.
        """
        count = max(self.protocol.places)
        if isinstance(model, Ranking):
            found = Ranking(model.items[:, :count], model.scores[:, :count])
            self._check(found)
        elif self.among.drawn is None and self.among.at is None:
            found = model.rank(self.split.history, count, allowed=self.among.allowed)
        else:
            found = self._chosen(model, count)
        return _wide(found, count)

    def evaluated(self, model: Recommender | Ranking) -> Evaluation:
        """What a method is worth, at the first number of places."""
        ranking = self.ranked(model)
        return evaluate(ranking, self.split.held, self.split.fitted, places=self.protocol.places[0])

    def judged(
        self,
        models: Mapping[str, Recommender | Ranking],
        *,
        categories: Values | None = None,
        makers: Matrix | None = None,
    ) -> Judgement:
        """What methods are worth, each by its lists. `categories` and `makers` are as `exposure_of` takes them."""
        evaluations, exposures = {}, {}
        for name, model in models.items():
            ranking = self.ranked(model)
            evaluations[name] = {
                places: evaluate(ranking, self.split.held, self.split.fitted, places=places)
                for places in self.protocol.places
            }
            decides = self.protocol.places[0]
            first = Ranking(ranking.items[:, :decides], ranking.scores[:, :decides])
            exposures[name] = exposure_of(
                first, self.split.history, self.split.fitted, categories=categories, makers=makers
            )
        return Judgement(self.protocol, evaluations, exposures)

    def _chosen(self, model: Recommender, count: int) -> Ranking:
        """By the scores of all items, where each row has candidates of its own."""
        rows, items = self.split.history.shape
        size = max(1, CELLS // max(1, items))
        parts = []
        for start in range(0, rows, size):
            history = presence(self.split.history[start : start + size])
            scores = np.array(model.scores(history), dtype=np.float32)
            scores[history.nonzero()] = -np.inf
            scores[self.among.out(start, start + history.shape[0], items)] = -np.inf
            parts.append(top(scores, count))
        return Ranking(np.vstack([each.items for each in parts]), np.vstack([each.scores for each in parts]))

    def _check(self, ranking: Ranking) -> None:
        rows, items = self.split.history.shape
        if len(ranking) != rows:
            raise InputError(
                f"the ranking has {len(ranking)} rows, must have {rows}: those of `Bench.rows`, in their order"
            )
        if int(ranking.items.max(initial=NOTHING)) >= items:
            raise InputError(f"the ranking has the item {ranking.items.max()}, but there are {items}")
        size = max(1, CELLS // max(1, items))
        for start in range(0, rows, size):
            end = min(start + size, rows)
            out = self.among.out(start, end, items)
            out[self.split.history[start:end].nonzero()] = True
            shown = ranking.items[start:end]
            wrong = (shown != NOTHING) & np.take_along_axis(out, np.maximum(shown, 0), axis=1)
            if wrong.any():
                row, place = (int(each[0]) for each in np.nonzero(wrong))
                raise InputError(
                    f"ranking[{start + row}, {place}] == {shown[row, place]} is no candidate:"
                    " the row has it already, or the protocol leaves it out"
                )


def bench_of(
    protocol: "Protocol",
    split: Split,
    *,
    moments: Matrix | None,
    names: Iterable[Any] | None,
    held_out: Said,
    first: int | None,
) -> Bench:
    """The rows that are asked, with their candidates; what is held out and no candidate is not asked for.

    Raises:
        InputError: nothing is held out of anybody, or the candidates are not to be had.
    """
    warnings: list[Said] = [LATER] if protocol.split == "last" else []
    history, held = split.history[:first], split.held[:first]
    among, held = _among(protocol, Split(split.fitted, history, held), moments, names, warnings)
    wanted = np.diff(held.indptr) > 0
    if not protocol.newcomers:
        wanted &= np.diff(history.indptr) > 0
    rows = np.flatnonzero(wanted)
    if not len(rows):
        raise InputError(
            "no row has two items or more, so nothing can be held out to choose by; give more data"
        )
    if protocol.rows is not None and len(rows) > protocol.rows:
        rows = np.sort(np.random.default_rng(protocol.seed).choice(rows, protocol.rows, replace=False))
    asked = Split(split.fitted, sp.csr_matrix(history[rows]), sp.csr_matrix(held[rows]))
    among = among.of(rows)
    if protocol.candidates == "sampled":
        among = Among(drawn=_drawn(asked, protocol.sampled, protocol.seed))
        warnings.append(MISLEADS)
    return Bench(protocol, asked, rows, moments_of(split.fitted, moments), held_out, among, tuple(warnings))


def moments_of(fitted: Matrix, moments: Matrix | None) -> Matrix | None:
    """The moments of the cells that are fitted; none where rows of its own were made of them."""
    if moments is None or moments.shape != fitted.shape:
        return None
    return sp.csr_matrix((_at_cells(fitted, moments), fitted.indices, fitted.indptr), shape=fitted.shape)


def _at_cells(cells: Matrix, moments: Matrix) -> Values:
    """The moment of each cell of a matrix that has no others than the moments have."""
    ordered = moments.copy()
    ordered.sort_indices()
    return np.asarray(ordered.data[np.searchsorted(_keys(ordered), _keys(cells))], dtype=np.float64)


def _keys(matrix: Matrix) -> NDArray[np.int64]:
    which = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return np.asarray(which * matrix.shape[1] + matrix.indices, dtype=np.int64)


def _among(
    protocol: "Protocol",
    split: Split,
    moments: Matrix | None,
    names: Iterable[Any] | None,
    warnings: list[Said],
) -> tuple[Among, Matrix]:
    """The candidates, and what is held out of them."""
    among, items = Among(), split.fitted.shape[1]
    held = split.held
    asked = np.repeat(np.arange(held.shape[0]), np.diff(held.indptr))
    known = np.isin(_keys(held), _keys(split.history))
    left = ~known
    if known.any():
        warnings.append(
            f"{int(known.sum()):,} held-out entries are known of the same listener, and not asked for."
        )
    if protocol.candidates == "given":
        among = Among(allowed=_named(protocol.items, names, items))
        why = "no candidates"
    elif protocol.candidates == "available" and protocol.split in ("time", "given"):
        among = Among(allowed=np.bincount(split.fitted.indices, minlength=items) > 0)
        why = "of items that nobody had before"
    elif protocol.candidates == "available" and protocol.split == "last" and moments is not None:
        among = Among(since=_since(moments), at=_asked_at(held, moments))
        why = "of items that nobody had before"
    elif protocol.candidates == "available":
        raise InputError(
            f'candidates == "available" needs a split in time, and "{protocol.split}" is by chance; take "time" or "last"'
        )
    else:
        return among, _those(held, left)
    if among.allowed is not None:
        left &= among.allowed[held.indices]
    if among.since is not None and among.at is not None:
        left &= among.since[held.indices] <= among.at[asked]
    if gone := int((~left & ~known).sum()):
        warnings.append(f"{gone:,} held-out entries are {why}, and not asked for.")
    return among, _those(held, left)


def _named(wanted: Sequence[str], names: Iterable[Any] | None, items: int) -> Truths:
    listed = [str(each) for each in (range(items) if names is None else names)]
    columns = {name: at for at, name in enumerate(listed)}
    allowed = np.zeros(items, dtype=bool)
    for name in wanted:
        if name not in columns:
            raise InputError(f'there is no item "{name}" to be a candidate{near(name, listed) or "."}')
        allowed[columns[name]] = True
    return allowed


def _since(moments: Matrix) -> Values:
    """When somebody had each item first; never where nobody did."""
    found = np.full(moments.shape[1], np.inf)
    np.minimum.at(found, moments.indices, moments.data)
    return found


def _asked_at(held: Matrix, moments: Matrix) -> Values:
    """When each row is asked: at the first moment of what is held out of it."""
    when = _at_cells(held, sp.csr_matrix(moments[: held.shape[0]]))
    found = np.full(held.shape[0], np.inf)
    np.minimum.at(found, np.repeat(np.arange(held.shape[0]), np.diff(held.indptr)), when)
    return found


def _drawn(split: Split, count: int, seed: int) -> Matrix:
    """For each row what is held out, and so many by chance of what it has not; all of them where there are no more."""
    chance, items = np.random.default_rng(seed), split.fitted.shape[1]
    found = []
    for row in range(split.held.shape[0]):
        held = split.held.indices[split.held.indptr[row] : split.held.indptr[row + 1]]
        history = split.history.indices[split.history.indptr[row] : split.history.indptr[row + 1]]
        taken = np.concatenate((held, history))
        some = chance.choice(items, min(items, count + len(taken)), replace=False)
        found.append(np.concatenate((held, some[~np.isin(some, taken)][:count])))
    starts = np.concatenate(([0], np.cumsum([len(each) for each in found])))
    cells = np.concatenate(found)
    drawn = sp.csr_matrix((np.ones(len(cells), np.float32), cells, starts), shape=split.held.shape)
    drawn.sort_indices()
    return drawn


def _those(matrix: Matrix, chosen: Truths) -> Matrix:
    starts = np.concatenate(([0], np.cumsum(chosen)))[matrix.indptr]
    return sp.csr_matrix((matrix.data[chosen], matrix.indices[chosen], starts), shape=matrix.shape)


def _wide(ranking: Ranking, count: int) -> Ranking:
    """With empty places where there are fewer items than places."""
    missing = count - ranking.items.shape[1]
    if missing <= 0:
        return ranking
    rows = len(ranking)
    return Ranking(
        np.hstack([ranking.items, np.full((rows, missing), NOTHING, dtype=np.int32)]),
        np.hstack([ranking.scores, np.full((rows, missing), -np.inf, dtype=np.float32)]),
    )
