"""How methods are judged, as one value: what is held out, among what they choose, by which measures and which test. Pure.

The same protocol judges a search's trials, what a version is fitted by, a comparison that is kept, and benchmarks:

>>> import numpy as np
>>> from counterpoint.discover import Model, Protocol
>>> plays = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 1, 0, 0, 1]] * 5)
>>> bench = Protocol(split="within", held=0.4, places=(2,)).bench(plays)
>>> model = Model("neighbours", seed=0).fit(bench.split.fitted)
>>> found = bench.judged({"neighbours": model.fitted, "popularity": Model("popularity").fit(bench.split.fitted).fitted})
>>> found.measured("popularity", "recall").rows
20
"""

from collections.abc import Iterable
from typing import Any, Literal, Self

import msgspec
import numpy as np

from counterpoint.discover.bench import Bench, bench_of
from counterpoint.discover.evaluation import PER_ROW, PairedTest
from counterpoint.discover.interactions import Matrix, interactions, times
from counterpoint.discover.splits import Split, by_rows, by_time, leave_last, within_rows
from counterpoint.errors import InputError
from counterpoint.said import Said
from counterpoint.spelling import near
from counterpoint.stats.checks import choice, finite, level, whole

__all__ = ["ASKED", "Candidates", "Protocol", "SplitBy"]

SplitBy = Literal["auto", "time", "last", "within", "listeners", "given"]
Candidates = Literal["unknown", "available", "given", "sampled"]
ASKED = 6000
"""Rows that a trial of a search is judged on: their spread makes an interval of about a hundredth of the mean."""
MOST_PLACES = 10_000
"""Nobody looks further; lists are kept as wide as they are asked for, so that more is a mistake that costs the memory."""
SPLITS: tuple[SplitBy, ...] = ("auto", "time", "last", "within", "listeners", "given")
CANDIDATES: tuple[Candidates, ...] = ("unknown", "available", "given", "sampled")


class Protocol(msgspec.Struct, frozen=True, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """How methods are judged. Raises `InputError` where a value is none that it can have."""

    split: SplitBy = "auto"
    """What is held out: the last `held` in time, each row's `last`, a share within each row, a share of whole rows
    (folded in by 80 % of theirs), or a split that is given; auto takes time where there are moments, else within."""
    held: float = 0.2
    """The share that is held out."""
    last: int = 1
    """How many of each row, where the split is last."""
    gap: float = 0.0
    """In the unit of moments: what lies so long before the cut in time is in neither part."""
    tilt: float = 0.0
    """How much more likely popular items are held out within rows; see `splits.within_rows`."""
    candidates: Candidates = "unknown"
    """Among what a method chooses: all items that a row does not have; of those the ones that somebody had by then;
    the `items` that are given; or what was held out and `sampled` others."""
    items: tuple[str, ...] = ()
    """The candidates that are given, by name."""
    sampled: int = 100
    places: tuple[int, ...] = (20,)
    """Lengths of lists; the first one decides."""
    measures: tuple[str, ...] = PER_ROW
    """Measures of `evaluation.PER_ROW` by which methods are compared in pairs; the first one decides."""
    rows: int | None = None
    """How many rows are asked at most, drawn by the seed; all of them without it."""
    newcomers: bool = True
    """Whether rows that have nothing before are asked as well."""
    test: PairedTest = "student"
    alpha: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        choice("split", self.split, SPLITS)
        choice("candidates", self.candidates, CANDIDATES)
        choice("test", self.test, ("student", "signs"))
        level("held", self.held)
        level("alpha", self.alpha)
        finite("gap", self.gap)
        finite("tilt", self.tilt)
        for name in ("last", "sampled"):
            whole(name, getattr(self, name), least=1)
        whole("seed", self.seed)
        if self.rows is not None:
            whole("rows", self.rows, least=1)
        if not self.places or not self.measures:
            raise InputError("places and measures must have one value or more")
        for each in self.places:
            whole("places", each, least=1)
            if each > MOST_PLACES:
                raise InputError(f"places == {each}, must be at most {MOST_PLACES:,}")
        for measure in self.measures:
            if measure not in PER_ROW:
                raise InputError(
                    f'measure == "{measure}", must be one of {", ".join(PER_ROW)}{near(str(measure), PER_ROW)}'
                )
        if (self.candidates == "given") != bool(self.items):
            raise InputError('items are the candidates that are given: with candidates == "given" name some')

    def bench(
        self,
        matrix: Any,
        *,
        moments: Any = None,
        names: Iterable[Any] | None = None,
        first: int | None = None,
    ) -> Bench:
        """Hold out of a matrix, and be ready to judge.

        `moments` has the time of each cell, `names` those of items (else their numbers); only the `first` rows are
        asked where that is given (the others are playlists, say, which are fitted and not asked).

        Raises:
            InputError: the split or the candidates need moments and there are none, or the split is one that is given.
        """
        read = interactions(matrix)
        when = None if moments is None else times(moments)
        made = self.on(when)
        return bench_of(
            made, made._split(read, when), moments=when, names=names, held_out=made.words(), first=first
        )

    def given(self, split: Split, *, moments: Any = None, names: Iterable[Any] | None = None) -> Bench:
        """Judge on a split that somebody else made, a published one for example.

        Raises:
            InputError: its parts do not fit, or nothing is held out.
        """
        fitted = interactions(split.fitted, name="fitted")
        items = fitted.shape[1]
        history, held = (
            interactions(each, name=name, items=items)
            for name, each in (("history", split.history), ("held", split.held))
        )
        if history.shape != held.shape:
            raise InputError(
                f"held has {held.shape[0]} rows, must have {history.shape[0]} as the history has"
            )
        when = None if moments is None else times(moments)
        made = msgspec.structs.replace(self, split="given")
        whole = Split(fitted, history, held)
        return bench_of(made, whole, moments=when, names=names, held_out=made.words(), first=None)

    def on(self, moments: Matrix | None) -> Self:
        """The protocol as it is on such data: what auto stands for, said."""
        if self.split == "auto":
            return msgspec.structs.replace(self, split="within" if moments is None else "time")
        if self.split in ("time", "last") and moments is None:
            raise InputError(
                f'the split "{self.split}" needs times, and the log has no column of them; take "within" or "listeners"'
            )
        return self

    def validation(self) -> Self:
        """How a search judges on a slice of what is fitted: in the same way, on fewer rows.

        A given split says nothing of how it was made: a slice is then by time where there are moments, or within rows.
        Sampled candidates are for the last word alone, since options that do well among few need not among all. Trials
        are told by recall and NDCG: by NDCG is chosen where a measure decides that counts the places of what is found.
        """
        decides = "recall" if self.measures[0] in ("recall", "capped-recall") else "ndcg"
        return msgspec.structs.replace(
            self,
            split="auto" if self.split == "given" else self.split,
            candidates="unknown" if self.candidates == "sampled" else self.candidates,
            measures=(decides,),
            rows=ASKED,
        )

    def _split(self, read: Matrix, moments: Matrix | None) -> Split:
        if moments is not None and self.split == "time":
            at = float(np.quantile(moments.data, 1 - self.held)) if moments.nnz else 0.0
            return by_time(read, moments, at, gap=self.gap)
        if moments is not None and self.split == "last":
            return leave_last(read, moments, self.last)
        if self.split == "listeners":
            return by_rows(read, self.held, seed=self.seed)
        if self.split == "within":
            return within_rows(read, self.held, tilt=self.tilt, seed=self.seed)
        raise InputError('the split is "given": call Protocol.given with its parts')

    def words(self) -> Said:
        """What is held out, in words."""
        match self.split:
            case "time":
                return f"the last {100 * self.held:g} % in time"
            case "last":
                return "each listener's last" if self.last == 1 else f"each listener's last {self.last}"
            case "listeners":
                return f"{100 * self.held:g} % of listeners, folded in by 80 % of theirs"
            case "given":
                return "a part that was given"
        return f"{100 * self.held:g} % of each listener's, by chance"
