"""From listening to a fitted version: the method chosen and judged on the last fifth in time, then fitted to all. Pure.

What is judged on is seen by no search: the choice is made on what came before it, on a slice of that.
Playlists are rows of their own beside the listeners', and are judged on nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import scipy.sparse as sp

from counterpoint.discover.bench import Bench
from counterpoint.discover.checkpoints import NOWHERE, Checkpoints
from counterpoint.discover.devices import CPU, Device
from counterpoint.discover.evaluation import Evaluation, compare
from counterpoint.discover.interactions import Matrix, bounded
from counterpoint.discover.listened import Listened
from counterpoint.discover.methods import METHODS, fitted
from counterpoint.discover.model import MOST_ITEMS_OF_A_ROW
from counterpoint.discover.playlists import Continuation, Playlist
from counterpoint.discover.protocol import ASKED, Protocol
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.search import Trial, search
from counterpoint.engine import DUCKDB, EngineAddress
from counterpoint.errors import InputError
from counterpoint.said import Said

__all__ = [
    "Choice",
    "Judged",
    "chosen",
    "continuation_of",
    "fitted_to",
    "heard_by",
    "judged",
    "rivals",
    "rows_of",
]

PROTOCOL = Protocol(split="time", rows=ASKED, newcomers=False)
"""A version is judged on listeners who were heard before the last fifth in time."""
Told = Callable[[str], None]
Setting = tuple[str, Mapping[str, Any]]
"""A method with its options."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A method with its options, and how it came to be chosen."""

    method: str
    options: Mapping[str, Any]
    trials: tuple[Trial, ...] = ()
    note: Said = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One method on what was held out."""

    method: str
    options: Mapping[str, Any]
    found: Evaluation
    behind: float | None = None
    p: float | None = None


def chosen(
    listened: Listened,
    *,
    budget: float,
    seed: int,
    done: Sequence[Trial] = (),
    tried: Callable[[Trial], None] = lambda _: None,
    said: Told = lambda _: None,
) -> Choice:
    """The method that does best on a slice of what came before the last fifth in time, within a budget of CPU seconds.

    Where so little was heard that nothing can be held out, it is popularity, and a note says so.
    """
    matrix, moments = rows_of(listened)
    bench = _bench(matrix, moments, listened)
    try:
        found = search(
            matrix if bench is None else bench.split.fitted,
            moments=None if bench is None else bench.moments,
            budget=budget,
            seed=seed,
            said=said,
            done=done,
            tried=tried,
            protocol=msgspec.structs.replace(PROTOCOL.validation(), split="auto", newcomers=True, seed=seed),
        )
    except InputError:
        return Choice(
            "popularity", {}, note="So little was heard that methods cannot be compared; this is popularity."
        )
    return Choice(found.best.method, found.best.options, found.trials)


def rivals(choice: Choice, *, budget: float) -> list[Setting]:
    """What the chosen method is compared with: popularity, and the best of each other method that was tried.

    Those whose trials took longest are left out where all would take longer than the budget of the choice.
    """
    best: dict[str, Trial] = {}
    for trial in choice.trials:
        if trial.method not in best or trial.recall.mean > best[trial.method].recall.mean:
            best[trial.method] = trial
    found: list[Setting] = [("popularity", {})]
    spent = 0.0
    for trial in sorted(best.values(), key=lambda each: each.seconds):
        spent += trial.seconds
        if spent <= budget and trial.method != "popularity":
            found.append((trial.method, trial.options))
    return [each for each in found if each[0] != choice.method]


def judged(
    listened: Listened,
    choice: Choice,
    others: Sequence[Setting],
    *,
    seed: int,
    said: Told = lambda _: None,
    checkpoints: Callable[[str], Checkpoints] = lambda _: NOWHERE,
    device: Device = CPU,
) -> list[Judged]:
    """The chosen method on the last fifth in time, then others, the best first. Empty where nothing can be held out."""
    bench = _bench(*rows_of(listened), listened)
    if bench is None:
        return []
    rows = []
    for method, options in ((choice.method, choice.options), *others):
        said(f"judging {method}")
        model = fitted(
            method,
            bounded(bench.split.fitted, MOST_ITEMS_OF_A_ROW),
            options,
            seed=seed,
            checkpoints=checkpoints(method),
            device=device,
        )
        rows.append((method, options, bench.evaluated(model)))
    first = Judged(*rows[0])
    return [first, *sorted((_behind(first, *row) for row in rows[1:]), key=lambda each: each.behind or 0.0)]


def fitted_to(
    listened: Listened,
    choice: Choice,
    *,
    seed: int,
    said: Told = lambda _: None,
    engine: EngineAddress = DUCKDB,
    checkpoints: Checkpoints = NOWHERE,
    device: Device = CPU,
) -> Recommender:
    """The chosen method fitted to everything, on Spark where that is the engine.

    Raises:
        InputError: there is no such method, or it has no such options.
        WorkspaceError: Spark is not installed or does not answer.
    """
    matrix, _ = rows_of(listened)
    most = METHODS[choice.method].most_items if choice.method in METHODS else None
    if most is not None and matrix.shape[1] > most:
        raise InputError(
            f"{matrix.shape[1]:,} items are more than the {most:,} that {choice.method} is for; take another method."
        )
    read = bounded(matrix, MOST_ITEMS_OF_A_ROW)
    return fitted(
        choice.method,
        read,
        choice.options,
        seed=seed,
        said=said,
        engine=engine,
        checkpoints=checkpoints,
        device=device,
    )


def continuation_of(listened: Listened, *, seed: int, said: Told = lambda _: None) -> Continuation | None:
    """What continues playlists; none where there are none."""
    if not listened.playlists:
        return None
    columns = listened.columns
    lists = [
        Playlist(tuple(dict.fromkeys(columns[item] for item in each.items)), each.title)
        for each in listened.playlists
    ]
    return Continuation.fit(lists, len(listened.items), seed=seed, said=said)


def heard_by(listened: Listened) -> "np.ndarray[Any, np.dtype[np.int32]]":
    """For each item, how many listeners heard it."""
    return np.bincount(listened.matrix.indices, minlength=len(listened.items)).astype(np.int32)


def rows_of(listened: Listened) -> tuple[Matrix, Matrix]:
    """Listeners' rows and, under them, those of playlists; and the moment of each cell in seconds."""
    lists = [sorted({listened.columns[item] for item in each.items}) for each in listened.playlists]
    lengths = np.array([len(each) for each in lists], dtype=np.int64)
    indices = np.array([column for each in lists for column in each], dtype=np.int32)
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    shape = (len(lists), len(listened.items))
    ones = sp.csr_matrix((np.ones(len(indices), np.float32), indices, starts), shape=shape)
    at = np.repeat([each.at / 1e6 for each in listened.playlists], lengths).astype(np.float64)
    moments = sp.csr_matrix((at, indices, starts), shape=shape)
    return (
        sp.csr_matrix(sp.vstack([listened.matrix, ones], format="csr")),
        sp.csr_matrix(sp.vstack([listened.moments, moments], format="csr")),
    )


def _bench(matrix: Matrix, moments: Matrix, listened: Listened) -> Bench | None:
    """What versions are judged on; none where nobody was heard both before and after. Playlists are not asked."""
    try:
        return PROTOCOL.bench(matrix, moments=moments, first=len(listened.listeners))
    except InputError:
        return None


def _behind(first: Judged, method: str, options: Mapping[str, Any], found: Evaluation) -> Judged:
    against = compare(first.found, found)
    return Judged(method, options, found, against.difference.mean, against.p)
