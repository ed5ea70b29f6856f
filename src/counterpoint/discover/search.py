"""Which method and options suit this data: tried on a held-out slice of it, in a budget of time, for all to see.

Nothing here sees what a later evaluation holds out: the slice is taken from what is fitted on.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from counterpoint.discover.bench import Bench
from counterpoint.discover.evaluation import Evaluation, Measured
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import FITTED, ItemGraph, ItemGraphOptions
from counterpoint.discover.methods import METHODS, Method, fitted, method_of
from counterpoint.discover.protocol import ASKED, Protocol
from counterpoint.discover.recommender import Recommender
from counterpoint.stats.checks import choice, positive

__all__ = ["Search", "Trial", "search"]

Said = Callable[[str], None]
FAR = 0.75
"""A method's first trials below this share of the best leave it out of what is improved."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One method with its options on the validation slice."""

    method: str
    options: Mapping[str, Any]
    recall: Measured
    ndcg: Measured
    seconds: float
    """CPU seconds of fitting and ranking."""


@dataclass(frozen=True, slots=True)
class Search:
    """Everything that was tried, in its order, and what came out best."""

    trials: tuple[Trial, ...]
    best: Trial
    measure: str
    rows: int
    """Rows of the validation slice that had something held out."""
    ended: str
    """Why it stopped: everything was tried, or the budget was spent."""


def search(
    matrix: Matrix,
    *,
    budget: float = 120.0,
    methods: tuple[str, ...] = (),
    moments: Matrix | None = None,
    places: int = 20,
    measure: str = "recall",
    seed: int = 0,
    clock: Callable[[], float] = time.process_time,
    said: Said = lambda _: None,
    done: Sequence[Trial] = (),
    tried: Callable[[Trial], None] = lambda _: None,
    protocol: Protocol | None = None,
    names: Iterable[Any] | None = None,
) -> Search:
    """Tries every method's starts, then improves the best one option at a time.

    `budget` is in seconds of `clock`; a trial that has begun is finished, and one that is known to take longer
    than what is left is not begun, unless it is the first. `measure` is `recall` or `ndcg` at `places`. `protocol` says
    how trials are judged, instead of these two and what is usual: the last fifth in time where there are moments, else
    a fifth of each row, on `ASKED` rows; `names` are of the items, where it names candidates. The same data, seed and trials give the same figures; a longer budget only adds
    trials. Raises `InputError` where nothing can be held out.
    """
    positive("budget", budget)
    protocol = protocol or Protocol(places=(places,), measures=(measure,), rows=ASKED, seed=seed)
    measure = _decides(protocol)
    bench = _Workbench(protocol.bench(matrix, moments=moments, names=names), seed, clock, said)
    started = clock()
    earlier = 0.0
    trials: list[Trial] = []
    ended = "everything was tried"
    for method, options in _proposals(
        tuple(map(method_of, methods)) or tuple(METHODS.values()), trials, measure
    ):
        spent = earlier + clock() - started
        if trials and spent > budget:
            ended = "the budget was spent"
            break
        if method.most_items is not None and matrix.shape[1] > method.most_items:
            continue
        trial = next((each for each in done if (each.method, each.options) == (method.name, options)), None)
        takes = method.seconds(matrix.shape[1])
        if trial is None and trials and spent + takes > budget:
            said(f"{method.name} takes about {takes:,.0f} CPU s, more than is left")
            ended = "the budget was spent"
            continue
        if trial is None:
            trial = bench.tried(method.name, options)
            tried(trial)
        else:
            earlier += trial.seconds
            bench.passed(method.name, options)
        trials.append(trial)
    best = max(trials, key=lambda each: _worth(each, measure))
    return Search(tuple(trials), best, measure, best.recall.rows, ended)


def _decides(protocol: Protocol) -> str:
    """The measure that a search goes by: those that trials are told by."""
    choice("measure", protocol.measures[0], ("recall", "ndcg"))
    return protocol.measures[0]


def _proposals(
    methods: tuple[Method, ...], trials: list[Trial], measure: str
) -> Iterator[tuple[Method, Mapping[str, Any]]]:
    """What to try next, looking at what came of what was tried."""
    for method in methods:
        for options in method.starts:
            yield method, options
    for method in _promising(trials, measure):
        while True:
            before = _best(trials, method.name, measure)
            tried = [dict(each.options) for each in trials if each.method == method.name]
            for name, values in method.steps.items():
                for value in values:
                    options = {**_best(trials, method.name, measure).options, name: value}
                    if options not in tried:
                        tried.append(options)
                        yield method, options
            if _best(trials, method.name, measure) is before:
                break


def _promising(trials: list[Trial], measure: str) -> Iterator[Method]:
    """Methods from the best on, those that the best is not `FAR` ahead of: one option may be worth that much."""
    names = {each.method for each in trials}
    worth = {name: _worth(_best(trials, name, measure), measure) for name in names}
    for name in sorted(names, key=lambda each: (-worth[each], each)):
        if worth[name] >= FAR * max(worth.values()):
            yield METHODS[name]


def _best(trials: list[Trial], name: str, measure: str) -> Trial:
    return max((each for each in trials if each.method == name), key=lambda each: _worth(each, measure))


def _worth(trial: Trial, measure: str) -> float:
    return float(getattr(trial, measure).mean)


class _Workbench:
    """Fits and judges; keeps the widest item graph, since its other options cost little on top."""

    def __init__(self, bench: Bench, seed: int, clock: Callable[[], float], said: Said) -> None:
        self._bench, self._seed = bench, seed
        self._clock, self._said = clock, said
        self._graph: ItemGraph | None = None
        self._passed: list[Mapping[str, Any]] = []

    def passed(self, name: str, options: Mapping[str, Any]) -> None:
        """A trial was done before; only if a later one builds on its graph that is fitted again."""
        if name == "item-graph":
            self._passed.append(options)

    def tried(self, name: str, options: Mapping[str, Any]) -> Trial:
        started = self._clock()
        found = self._judged(self._fitted(name, options))
        spent = self._clock() - started
        recall, ndcg = found.measured("recall"), found.measured("ndcg")
        listed = ", ".join(f"{key} {value}" for key, value in options.items()) or "as it comes"
        self._said(f"{name} ({listed}): recall {recall.mean:.4f}, NDCG {ndcg.mean:.4f}, {spent:.1f} s")
        return Trial(name, dict(options), recall, ndcg, spent)

    def _fitted(self, name: str, options: Mapping[str, Any]) -> Recommender:
        while name == "item-graph" and self._passed:
            before = self._passed.pop(0)
            if self._tuned(before) is None:
                self._fit(name, before)
        graph, wanted = self._graph, self._tuned(options) if name == "item-graph" else None
        if graph is not None and wanted is not None:
            return graph.tuned(wanted)
        return self._fit(name, options)

    def _tuned(self, options: Mapping[str, Any]) -> ItemGraphOptions | None:
        """The options in full, where the graph that is kept can be tuned to them."""
        graph = self._graph
        if graph is None:
            return None
        wanted = replace(ItemGraphOptions.usual(graph.items), **options)
        same = all(getattr(wanted, each) == getattr(graph.options, each) for each in FITTED)
        return wanted if same and wanted.rank <= graph.options.rank else None

    def _fit(self, name: str, options: Mapping[str, Any]) -> Recommender:
        graph = self._graph
        model = fitted(name, self._bench.split.fitted, options, seed=self._seed)
        if isinstance(model, ItemGraph) and (graph is None or model.options.rank):
            self._graph = model
        return model

    def _judged(self, model: Recommender) -> Evaluation:
        return self._bench.evaluated(model)
