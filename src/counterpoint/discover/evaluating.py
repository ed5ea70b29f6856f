"""Methods compared on one log: each tuned on a slice of what is fitted on, then judged once on what was held out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.bench import Bench
from counterpoint.discover.evaluation import PER_ROW, Evaluation
from counterpoint.discover.exposure import Tier
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.judgement import Judgement, Pair
from counterpoint.discover.log import Log
from counterpoint.discover.methods import METHODS, fitted, method_of
from counterpoint.discover.protocol import Protocol
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.search import search
from counterpoint.discover.splits import Split
from counterpoint.discover.version import Figure, figures_of
from counterpoint.errors import InputError
from counterpoint.said import Said

__all__ = ["ArtistTier", "AtPlaces", "Beside", "Compared", "Judged", "JudgedTier", "compared"]

BASELINE = "popularity"


class JudgedTier(msgspec.Struct, frozen=True, rename="camel"):
    """The items of one tier of popularity: what lists show of them beside what is heard of them."""

    name: str
    items: int
    shown: int
    exposure: Figure
    consumption: float


class ArtistTier(msgspec.Struct, frozen=True, rename="camel"):
    """The artists of one tier, by how often they are heard: what lists show of them beside that."""

    name: str
    artists: int
    shown: int
    """How many of them are in any list."""
    exposure: Figure
    """The share of those places that have an artist."""
    consumption: float


class AtPlaces(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What lists of another length are worth."""

    places: int
    recall: Figure
    capped_recall: Figure
    ndcg: Figure
    map: Figure
    r_precision: Figure = msgspec.field(name="r-precision")


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
    artists: tuple[ArtistTier, ...] = ()
    """Tiers of artists, the small ones last; empty where nobody is known to have made an item."""
    capped_recall: Figure | None = None
    """What was found of as much as the places can hold."""
    at: tuple[AtPlaces, ...] = ()
    """Lists of the protocol's other lengths."""
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
    protocol: Protocol | None = None
    """How they were judged; none in what was kept before there were protocols."""
    warnings: tuple[Said, ...] = ()
    """What a reader of the figures has to know."""
    pairs: tuple[Pair, ...] = ()
    """Every two methods compared, by every measure and number of places."""


def compared(
    log: Log,
    *,
    protocol: Protocol | None = None,
    split: Split | None = None,
    methods: Sequence[str] = (),
    budget: float = 60.0,
    categories: NDArray[np.float64] | None = None,
    makers: Matrix | None = None,
    said: Callable[[str], None] = lambda _: None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Compared:
    """All methods, or some, by one protocol, each tuned as hard.

    Args:
        log: what was heard; of a split that is given, what is fitted on and the names of items.
        protocol: how methods are judged, and tuned on a slice of what is fitted on; the usual one without it.
        split: one that is given, a published one for example, instead of one that the protocol makes.
        methods: their names.
        budget: CPU seconds of tuning each.
        categories, makers: as `exposure_of` takes them: what calibration and tiers of artists are by.
        said: told in a line what is being done.
        advance: told how many of how many methods are done.

    Raises:
        InputError: the log does not have what the protocol needs, or there is no such method.
    """
    protocol = protocol or Protocol()
    if split is None:
        bench = protocol.bench(log.matrix, moments=log.moments, names=log.items)
    else:
        bench = protocol.given(split, moments=log.moments, names=log.items)
    wanted = list(_fitting([method_of(each).name for each in methods] or list(METHODS), bench, said))
    models: dict[str, Recommender] = {}
    spent: dict[str, tuple[Mapping[str, Any], float]] = {}
    for done, name in enumerate(wanted):
        advance(done, len(wanted))
        models[name], options, seconds = _tuned(name, bench, log, budget, said)
        spent[name] = (options, seconds)
    judgement = bench.judged(models, categories=categories, makers=makers)
    advance(len(wanted), len(wanted))
    return _compared(bench, judgement, spent, "tiers of popularity" if categories is None else "genres")


def _fitting(names: Sequence[str], bench: Bench, said: Callable[[str], None]) -> Iterator[str]:
    """The methods that the catalogue is not too large for."""
    items = bench.split.fitted.shape[1]
    for name in dict.fromkeys(names):
        most = METHODS[name].most_items
        if most is not None and items > most:
            said(f"{name} is left out: {items:,} items are more than its {most:,}")
        else:
            yield name


def _tuned(
    name: str, bench: Bench, log: Log, budget: float, said: Callable[[str], None]
) -> tuple[Recommender, Mapping[str, Any], float]:
    """A method with the options that do best on a slice of what is fitted on, and the CPU seconds of its fit."""
    seed, matrix = bench.protocol.seed, bench.split.fitted
    validation = bench.protocol.validation()
    try:
        found = search(
            matrix,
            methods=(name,),
            budget=budget,
            seed=seed,
            said=said,
            moments=bench.moments,
            protocol=validation,
            names=log.items,
        )
    except InputError:  # what came before is too little to be cut in the same way once more
        by_chance = msgspec.structs.replace(validation, split="within", candidates="unknown", items=())
        found = search(matrix, methods=(name,), budget=budget, seed=seed, said=said, protocol=by_chance)
    started = time.process_time()
    model = fitted(name, matrix, found.best.options, seed=seed)
    return model, found.best.options, time.process_time() - started


def _compared(
    bench: Bench,
    judgement: Judgement,
    spent: Mapping[str, tuple[Mapping[str, Any], float]],
    calibrated: str,
) -> Compared:
    order = judgement.order()
    heard = judgement.exposures[order[0]].heard if order else None
    return Compared(
        split=bench.held_out,
        places=bench.protocol.places[0],
        rows=len(bench.rows),
        calibrated=calibrated,
        heard=heard.points if heard else (),
        heard_gini=heard.gini if heard else float("nan"),
        methods=tuple(_judged(name, judgement, *spent[name], best=order[0]) for name in order),
        protocol=bench.protocol,
        warnings=bench.warnings,
        pairs=judgement.pairs(),
    )


def _judged(
    name: str, judgement: Judgement, options: Mapping[str, Any], seconds: float, *, best: str
) -> Judged:
    found, shown = judgement.of(name), judgement.exposures[name]
    more = BASELINE in judgement.evaluations and name != BASELINE
    return Judged(
        method=name,
        options=dict(options),
        fit_seconds=round(seconds, 2),
        **figures_of(found),
        calibration=Figure.of(shown.calibration),
        gini=shown.shown.gini,
        tiers=tuple(JudgedTier(*_tier(each)) for each in shown.tiers),
        lorenz=shown.shown.points,
        diversity=Figure.of(shown.diversity),
        artists=tuple(ArtistTier(*_tier(each)) for each in shown.artists),
        capped_recall=Figure.of(found.measured("capped-recall")),
        at=tuple(_at(judgement.of(name, places=each)) for each in judgement.protocol.places[1:]),
        behind=_beside(judgement, best, name, named=best) if name != best else None,
        beside_popularity=_beside(judgement, name, BASELINE, named=BASELINE) if more else None,
    )


def _tier(tier: Tier) -> tuple[str, int, int, Figure, float]:
    return tier.name, tier.items, tier.shown, Figure.of(tier.exposure), tier.consumption


def _at(found: Evaluation) -> AtPlaces:
    figures = {name.replace("-", "_"): Figure.of(found.measured(name)) for name in PER_ROW}
    return AtPlaces(places=found.places, **figures)


def _beside(judgement: Judgement, one: str, other: str, *, named: str) -> Beside:
    found = judgement.compared(one, other, "recall")
    return Beside(found.difference.mean, found.difference.low, found.difference.high, found.p, named)
