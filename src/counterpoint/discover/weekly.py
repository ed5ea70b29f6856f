"""The playlist of one listener for one week: mostly new to them, as broad as their taste, each track with its reason. Pure.

The same inputs give the same playlist, to the track: chance comes from the listener and the week alone, and the
`inputs` digest says whether two playlists were made from the same.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.arranging import Arrangement, arrange
from counterpoint.discover.explaining import contributions
from counterpoint.discover.exploring import explore
from counterpoint.discover.interactions import Matrix, interactions
from counterpoint.discover.recommender import Recommender
from counterpoint.errors import InputError
from counterpoint.stats.checks import share, whole

__all__ = ["Catalogue", "WeeklyOptions", "WeeklyPlaylist", "WeeklyTrack", "seed_of", "weekly"]

REASONS = 3
MIXTURE = 4
"""Candidates for each place that are explored: the next best after the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyOptions:
    """What a playlist keeps to."""

    arrangement: Arrangement = field(default_factory=Arrangement)
    candidates: int = 200
    known: float = 0.1
    """The share of places for what the listener knows already: a familiar face now and then."""
    explored: int = 2
    """Places where chance decides, with its propensity kept."""
    greed: float = 0.5
    """How likely the best candidate is where chance decides."""

    def __post_init__(self) -> None:
        whole("candidates", self.candidates, least=1)
        whole("explored", self.explored)
        share("known", self.known)
        if self.explored > self.arrangement.places:
            raise InputError(
                f"explored == {self.explored}, must be at most the {self.arrangement.places} places"
            )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is known of the items, in the order of the model's columns."""

    categories: NDArray[np.float64]
    """(items, categories): what shares of each category an item is."""
    artists: NDArray[np.int64]
    """Who made it; -1 where nobody is known."""
    popular: NDArray[np.bool_]
    """Whether it is one of the most popular."""
    allowed: NDArray[np.bool_] | None = None
    small: NDArray[np.bool_] | None = None
    """Whether it is of small artists."""


@dataclass(frozen=True, slots=True)
class WeeklyTrack:
    """One track and why it is there."""

    item: int
    score: float
    because: tuple[tuple[int, float], ...]
    """Items of the listener's own and what share of the score each gave; empty where only popularity speaks."""
    known: bool
    explored: bool
    propensity: float
    """How likely it was to stand in its place: 1 where nothing was left to chance."""


@dataclass(frozen=True, slots=True)
class WeeklyPlaylist:
    """Thirty tracks or so, for one listener and one ISO week such as 2026-W45."""

    listener: str
    week: str
    tracks: tuple[WeeklyTrack, ...]
    inputs: str
    """SHA-256 of everything that it was made from."""

    def items(self) -> list[int]:
        """The tracks' items in their order."""
        return [each.item for each in self.tracks]


def weekly(
    model: Recommender,
    history: Matrix,
    catalogue: Catalogue,
    *,
    listener: str,
    week: str,
    version: str = "",
    hidden: Collection[int] = (),
    lately: Collection[int] = (),
    options: WeeklyOptions | None = None,
) -> WeeklyPlaylist:
    """The playlist. `hidden` is what the listener does not want, `lately` what recent playlists had.

    `history` is one row; its values count. `version` names the model in the digest. Raises `InputError` for shapes
    that do not fit the model.
    """
    options = options or WeeklyOptions()
    row = interactions(history, name="history", items=model.items)
    if row.shape[0] != 1 or len(catalogue.categories) != model.items:
        raise InputError(f"history must have one row and the catalogue {model.items} items")
    away = sp.csr_matrix((1, model.items), dtype=np.float32).tolil()
    away[0, sorted({*hidden, *lately})] = 1
    refused = away.tocsr()
    fresh = model.rank(row, options.candidates, hidden=refused, weighted=True, allowed=catalogue.allowed)
    again = model.rank(
        row, options.candidates, known=True, hidden=refused, weighted=True, allowed=catalogue.allowed
    )
    mine = set(row.indices.tolist())
    familiar = [item for item in again.of(0) if item in mine]
    places = options.arrangement.places
    rationed = familiar[: int(options.known * places)]
    scores = {
        int(item): float(score)
        for ranking in (again, fresh)
        for item, score in zip(ranking.items[0], ranking.scores[0], strict=True)
    }
    seed = seed_of(listener, week)
    little = _of_small(model, row, catalogue, refused, options)
    scores = little | scores
    listed = list(dict.fromkeys((*fresh.of(0), *little, *rationed)))
    chosen = _arranged(listed, scores, row, catalogue, options)
    rest = [item for item in fresh.of(0) if item not in chosen]
    drawn = _drawn(chosen, rest, scores, catalogue, options, seed)
    reasons = _because(model, row, [item for item, _, _ in drawn])
    tracks = tuple(
        WeeklyTrack(item, scores[item], because, item in mine, explored, chance)
        for (item, explored, chance), because in zip(drawn, reasons, strict=True)
    )
    return WeeklyPlaylist(
        listener, week, tracks, _digest(row, hidden, lately, options, listener, week, version)
    )


def seed_of(listener: str, week: str) -> int:
    """Where the chance of a playlist comes from: the listener and the week alone."""
    return int.from_bytes(hashlib.sha256(f"{listener}\0{week}".encode()).digest()[:8], "big")


def _of_small(
    model: Recommender, row: Matrix, catalogue: Catalogue, refused: Matrix, options: WeeklyOptions
) -> dict[int, float]:
    """The best of small artists with their scores, as many as a list must have of them and as many again.

    The usual candidates are the most popular among what suits, and may have none.
    """
    count = 2 * int(np.ceil(options.arrangement.small * options.arrangement.places))
    if catalogue.small is None or not count:
        return {}
    allowed = catalogue.small if catalogue.allowed is None else catalogue.small & catalogue.allowed
    found = model.rank(row, count, hidden=refused, weighted=True, allowed=allowed)
    return {int(each): float(score) for each, score in zip(found.of(0), found.scores[0], strict=False)}


def _arranged(
    candidates: Sequence[int],
    scores: dict[int, float],
    row: Matrix,
    catalogue: Catalogue,
    options: WeeklyOptions,
) -> list[int]:
    taste = row.data.astype(np.float64) @ catalogue.categories[row.indices]
    if not taste.sum():
        taste = np.ones(catalogue.categories.shape[1])
    listed = list(candidates)
    found = arrange(
        [scores[item] for item in listed],
        catalogue.categories[listed],
        taste,
        catalogue.artists[listed].tolist(),
        catalogue.popular[listed].tolist(),
        options.arrangement,
        None if catalogue.small is None else catalogue.small[listed].tolist(),
    )
    return [listed[at] for at in found]


def _drawn(
    chosen: Sequence[int],
    rest: Sequence[int],
    scores: dict[int, float],
    catalogue: Catalogue,
    options: WeeklyOptions,
    seed: int,
) -> list[tuple[int, bool, float]]:
    """The list with its last places left to chance among what is there and what came next.

    Each of these places has candidates of its own, so that the propensity of what stands in one hangs on nothing that
    was drawn for another, and what was logged of one place can be judged by itself. Where lists owe small artists a
    share, what may take the place of one of theirs is of theirs.
    """
    kept = list(chosen[: len(chosen) - options.explored]) if options.explored else list(chosen)
    found = [(item, False, 1.0) for item in kept]
    last = list(chosen[len(kept) :])
    owed = catalogue.small if options.arrangement.small else None
    for place, item in enumerate(last):
        others = rest[place :: len(last)]
        if owed is not None and owed[item]:
            others = [each for each in others if owed[each]]
        among = [item, *others[:MIXTURE]]
        drawn = explore([scores[each] for each in among], seed=(seed + place) % 2**63, greed=options.greed)
        found.append((among[drawn.chosen], True, drawn.propensity))
    return found


def _because(model: Recommender, row: Matrix, items: Sequence[int]) -> list[tuple[tuple[int, float], ...]]:
    """For each item the listener's own items that gave most of the score, with their shares of it."""
    parts = contributions(model, row, np.array(items, dtype=np.intp))
    parts[row.indices[:, None] == np.array(items)] = 0
    parts = np.maximum(parts, 0)
    found = []
    for each in parts.T:
        total = float(each.sum())
        strongest = np.argsort(-each, kind="stable")[:REASONS]
        found.append(
            tuple((int(row.indices[at]), float(each[at] / total)) for at in strongest if each[at] > 0)
        )
    return found


def _digest(
    row: Matrix,
    hidden: Collection[int],
    lately: Collection[int],
    options: WeeklyOptions,
    listener: str,
    week: str,
    version: str,
) -> str:
    found = hashlib.sha256()
    for part in (
        row.indices.tobytes(),
        row.data.tobytes(),
        sorted(hidden),
        sorted(lately),
        options,
        listener,
        week,
        version,
        *([options.arrangement.small] if options.arrangement.small else []),
    ):
        found.update(part if isinstance(part, bytes) else repr(part).encode())
        found.update(b"\0")
    return found.hexdigest()
