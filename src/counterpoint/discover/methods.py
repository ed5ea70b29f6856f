"""Every method by name, with its options and what a search may try. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.checkpoints import NOWHERE, Checkpoints
from counterpoint.discover.devices import CPU, Device
from counterpoint.discover.ease import EASE_ITEMS, Ease
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.neighbours import WEIGHTINGS, Neighbours
from counterpoint.discover.popularity import Popularity
from counterpoint.discover.recommender import Recommender
from counterpoint.engine import DUCKDB, EngineAddress
from counterpoint.errors import InputError
from counterpoint.spelling import near
from counterpoint.stats.checks import finite

__all__ = ["METHODS", "Method", "fitted", "method_of"]

Options = Mapping[str, Any]
Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Method:
    """One way of ranking, and how a search goes about it."""

    name: str
    meaning: str
    starts: tuple[Options, ...]
    """Options that a search tries first."""
    steps: Mapping[str, tuple[Any, ...]]
    """Then, one option at a time, these values, as long as they help."""
    most_items: int | None = None
    """Catalogues that are larger are not for it."""
    on_spark: bool = False
    """Whether Spark can fit it."""
    seconds: Callable[[int], float] = lambda items: 0.0
    """CPU seconds that a fit is known to take at least, by the number of items; 0 where a budget need not fear it."""


METHODS: Mapping[str, Method] = {
    each.name: each
    for each in (
        Method("popularity", "what most have: the baseline to beat", ({},), {}),
        Method(
            "neighbours",
            "what is similar to the history, item by item",
            tuple({"weighting": each} for each in WEIGHTINGS),
            {"neighbours": (50, 200, 400)},
        ),
        Method(
            "item-graph",
            "what comes together, with the broad directions of taste behind it",
            ({}, {"input_power": 0.0, "output_power": 0.0}, {"rank": 0}),
            {
                "rank": (16, 32, 64, 128, 256),
                "output_power": (0.1, 0.2, 0.3, 0.4, 0.55),
                "low_pass": (0.1, 0.2, 0.4, 0.6),
                "damping": (0.0, 0.5, 0.9),
                "input_power": (0.0, 0.1, 0.3, 0.4),
                "item_power": (0.3, 0.5),
                "row_power": (0.5, 1.0),
            },
            on_spark=True,
        ),
        Method(
            "ease",
            "the best linear weights of items on items, in closed form",
            ({"ridge": 250.0},),
            {"ridge": (50.0, 100.0, 500.0, 1000.0)},
            EASE_ITEMS,
            seconds=lambda items: 1.5e-11 * items**3,  # measured: 1,072 s for 41,000 items
        ),
        Method(
            "als",
            "factors of listeners and items, fitted in turns",
            ({"ridge": 0.003}, {"ridge": 0.03}),
            {
                "ridge": (0.001, 0.01, 0.1),
                "unobserved": (0.03, 0.3, 1.0),
                "factors": (32, 128, 256),
                "frequency": (0.5,),
                "constant": (0.0,),
            },
            on_spark=True,
        ),
    )
}
"""In the order in which a search tries them."""
_SPARKS = tuple(each.name for each in METHODS.values() if each.on_spark)


def method_of(name: str) -> Method:
    """Raises `InputError` with what may have been meant."""
    if str(name) not in METHODS:
        listed = ", ".join(METHODS)
        raise InputError(
            f'method == "{name}", must be one of auto, {listed}{near(str(name), tuple(METHODS))}'
        )
    return METHODS[str(name)]


def fitted(
    name: str,
    matrix: Matrix,
    options: Options,
    *,
    seed: int,
    said: Said = lambda _: None,
    engine: EngineAddress = DUCKDB,
    checkpoints: Checkpoints = NOWHERE,
    device: Device = CPU,
) -> Recommender:
    """A method fitted with options, on Spark where that is the engine and can.

    Where a `device` gives up, as for lack of memory, it is fitted in this process, which is said. Raises:
        InputError: it has no such options.
        WorkspaceError: Spark is not installed or does not answer.
    """
    method = method_of(name)
    said(name)
    if engine.kind == "spark":
        if method.on_spark:
            return _on_spark(name, matrix, options, engine, seed=seed, said=said)
        said(f"{name} is fitted in this process; Spark fits {' and '.join(_SPARKS)}")
    if device is not CPU:
        try:
            return _here(name, matrix, options, seed, said, checkpoints, device)
        except (MemoryError, RuntimeError) as error:
            said(f"the {device.name} gives up ({error}); {name} is fitted on the processor")
    return _here(name, matrix, options, seed, said, checkpoints, CPU)


def _here(
    name: str,
    matrix: Matrix,
    options: Options,
    seed: int,
    said: Said,
    checkpoints: Checkpoints,
    device: Device,
) -> Recommender:
    match name:
        case "popularity":
            _only(name, options, ())
            return Popularity.fit(matrix)
        case "neighbours":
            _only(name, options, ("neighbours", "weighting"))
            return Neighbours.fit(matrix, **options)
        case "ease":
            _only(name, options, ("ridge",))
            finite("ridge", options.get("ridge", 1.0))
            return Ease.fit(matrix, checkpoints=checkpoints, device=device, **options)
        case "als":
            given = _given(AlsOptions(), name, options)
            return Als.fit(matrix, given, seed=seed, said=said, checkpoints=checkpoints, device=device)
        case _:
            given = _given(ItemGraphOptions.usual(matrix.shape[1]), name, options)
            return ItemGraph.fit(matrix, given, seed=seed, said=said, checkpoints=checkpoints, device=device)


def _on_spark(
    name: str, matrix: Matrix, options: Options, engine: EngineAddress, *, seed: int, said: Said
) -> Recommender:
    from counterpoint.discover.spark import als_on, item_graph_on

    if name == "als":
        return als_on(engine, matrix, _given(AlsOptions(), name, options), seed=seed, said=said)
    return item_graph_on(
        engine, matrix, _given(ItemGraphOptions.usual(matrix.shape[1]), name, options), seed=seed, said=said
    )


def _given(base: Any, name: str, options: Options) -> Any:
    _only(name, options, tuple(each.name for each in fields(base)))
    found = replace(base, **options)
    whole = [each.name for each in fields(base) if isinstance(getattr(base, each.name), int)]
    return replace(found, **{each: int(getattr(found, each)) for each in whole})  # 64.0 is as good as 64


def _only(name: str, options: Options, known: tuple[str, ...]) -> None:
    for each in options:
        if each not in known:
            listed = ", ".join(known) or "none"
            raise InputError(f'method "{name}" has no option "{each}"; it has {listed}{near(each, known)}')
