"""Methods compared on one log: each tuned on a slice of what is fitted on, then judged once on what was held out."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.evaluation import Evaluation, compare, evaluate
from counterpoint.discover.exposure import Exposure, exposure_of
from counterpoint.discover.log import Log
from counterpoint.discover.methods import METHODS, fitted, method_of
from counterpoint.discover.search import search
from counterpoint.discover.splits import Split, by_rows, by_time, leave_last, within_rows
from counterpoint.discover.version import Figure, figures_of
from counterpoint.errors import InputError

__all__ = ["Beside", "Compared", "Judged", "JudgedTier", "SplitBy", "compared"]

SplitBy = Literal["auto", "time", "last", "within", "listeners"]
BASELINE = "popularity"


class JudgedTier(msgspec.Struct, frozen=True, rename="camel"):
    """The items of one tier of popularity: what lists show of them beside what is heard of them."""

    name: str
    items: int
    shown: int
    exposure: Figure
    consumption: float


class Beside(msgspec.Struct, frozen=True, rename="camel"):
    """A difference of recall between two methods, paired over listeners."""

    recall: float
    low: float
    high: float
    """The ends of its 95 % interval."""
    p: float
    """How likely such a difference is by chance."""
    by: str
    """The other method."""


class Judged(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One method on what was held out."""

    method: str
    options: dict[str, Any]
    fit_seconds: float
    recall: Figure
    ndcg: Figure
    map: Figure
    r_precision: Figure = msgspec.field(name="r-precision")
    coverage: float
    novelty: float
    exposure: float
    """The share of places that the most popular tenth of the items takes."""
    consumption: float
    """The share of what is heard that it has."""
    calibration: Figure
    """How far lists are from what each listener hears, in nats (Kullback and Leibler); less is better."""
    gini: float
    """How unevenly places are spread over items, from 0 to 1."""
    tiers: tuple[JudgedTier, ...]
    lorenz: tuple[tuple[float, float], ...]
    """The share of items, the least shown first, and the share of places that these have."""
    diversity: Figure | None = None
    """How unlike the items of one list are in who hears them, from 0 to 1; none in what was kept before it was measured."""
    behind: Beside | None = None
    """How much more the best has; none for that one."""
    beside_popularity: Beside | None = None
    """How much more it has than what everybody hears."""


class Compared(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Methods compared, the best first."""

    split: str
    """What was held out, in words."""
    places: int
    rows: int
    """Listeners of whom something was held out."""
    calibrated: str
    """Over what calibration is: genres, or tiers of popularity."""
    heard: tuple[tuple[float, float], ...] = ()
    """As `Judged.lorenz`, of what is heard."""
    heard_gini: float = float("nan")
    methods: tuple[Judged, ...]


def compared(
    log: Log,
    *,
    by: SplitBy = "auto",
    held: float = 0.2,
    places: int = 20,
    methods: Sequence[str] = (),
    budget: float = 60.0,
    seed: int = 0,
    categories: NDArray[np.float64] | None = None,
    said: Callable[[str], None] = lambda _: None,
) -> Compared:
    """All methods, or some, on the same held-out entries.

    `held` is the share that is held out, `budget` the CPU seconds of tuning each method; `categories` (items by
    genres) are what calibration is over. Raises `InputError` where the log does not have what the split needs, or
    there is no such method.
    """
    cut, how = split_of(log, by, held, seed=seed)
    found: dict[str, tuple[Evaluation, Exposure, Mapping[str, Any], float]] = {}
    for name in [method_of(each).name for each in methods] or list(METHODS):
        most = METHODS[name].most_items
        if most is not None and log.matrix.shape[1] > most:
            said(f"{name} is left out: {log.matrix.shape[1]:,} items are more than its {most:,}")
            continue
        best = search(cut.fitted, methods=(name,), budget=budget, places=places, seed=seed, said=said).best
        started = time.process_time()
        made = fitted(name, cut.fitted, best.options, seed=seed)
        spent = time.process_time() - started
        ranking = made.rank(cut.history, places)
        shown = exposure_of(ranking, cut.history, cut.fitted, categories=categories)
        found[name] = (evaluate(ranking, cut.held, cut.fitted), shown, best.options, spent)
    order = sorted(found, key=lambda name: -found[name][0].measured("recall").mean)
    judged = tuple(_judged(name, *found[name]) for name in order)
    evaluations = {name: each[0] for name, each in found.items()}
    heard = found[order[0]][1].heard if order else None
    return Compared(
        split=how,
        places=places,
        rows=len(evaluations[order[0]].rows) if order else 0,
        calibrated="tiers of popularity" if categories is None else "genres",
        heard=heard.points if heard else (),
        heard_gini=heard.gini if heard else float("nan"),
        methods=tuple(_placed(each, order[0], evaluations) for each in judged),
    )


def split_of(log: Log, by: SplitBy, held: float, *, seed: int) -> tuple[Split, str]:
    """What is held out of a log, and that in words.

    Raises:
        InputError: the split needs times, and the log has none.
    """
    if by in ("time", "last") and log.moments is None:
        raise InputError(
            f'--split {by} needs times, and the log has no column of them; take "within" or "listeners"'
        )
    if by == "last":
        return leave_last(log.matrix, log.moments), "each listener's last"
    if log.moments is not None and by in ("auto", "time"):
        at = float(np.quantile(log.moments.data, 1 - held))
        return by_time(log.matrix, log.moments, at), f"the last {held:.0%} in time"
    if by == "listeners":
        return by_rows(log.matrix, held, seed=seed), f"{held:.0%} of listeners, folded in by 80 % of theirs"
    return within_rows(log.matrix, held, seed=seed), f"{held:.0%} of each listener's, by chance"


def _judged(
    name: str, found: Evaluation, shown: Exposure, options: Mapping[str, Any], seconds: float
) -> Judged:
    return Judged(
        method=name,
        options=dict(options),
        fit_seconds=round(seconds, 2),
        **figures_of(found),
        calibration=Figure.of(shown.calibration),
        gini=shown.shown.gini,
        tiers=tuple(
            JudgedTier(each.name, each.items, each.shown, Figure.of(each.exposure), each.consumption)
            for each in shown.tiers
        ),
        lorenz=shown.shown.points,
        diversity=Figure.of(shown.diversity),
    )


def _placed(judged: Judged, best: str, evaluations: Mapping[str, Evaluation]) -> Judged:
    """With its differences from the best and from the baseline."""
    mine, base = evaluations[judged.method], evaluations.get(BASELINE)
    behind = _beside(evaluations[best], mine, best) if judged.method != best else None
    more = _beside(mine, base, BASELINE) if base is not None and judged.method != BASELINE else None
    return msgspec.structs.replace(judged, behind=behind, beside_popularity=more)


def _beside(one: Evaluation, other: Evaluation, named: str) -> Beside:
    found = compare(one, other)
    return Beside(found.difference.mean, found.difference.low, found.difference.high, found.p, named)
