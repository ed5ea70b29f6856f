"""Playlists continued: from their title, their tracks, and the order of these. Pure.

Several voices are heard (`voices.VOICES`), each scaled to its own best, and how much each counts is learnt (`blending`)
for the number of tracks that are given: a title says most about an empty playlist and little about a long one.

The task and its measures are those of the Million Playlist Dataset challenge (Chen et al. 2018).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.blending import (
    BATCH,
    POPULAR,
    USUAL,
    Judged,
    Mix,
    beats_popularity,
    blended,
    chosen,
    judged,
    learnt,
    worth,
)
from counterpoint.discover.evaluation import evaluate
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.ranking import Ranking, top
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.titles import Words
from counterpoint.discover.topics import Topics, placed
from counterpoint.discover.voices import Playlist, Voices, playlist_matrix, worded_matrix
from counterpoint.errors import InputError
from counterpoint.stats.checks import whole

__all__ = ["Continuation", "Playlist", "playlist_matrix"]

Fitted = TypeVar("Fitted", bound=Recommender)
GIVEN = (0, 1, 5, 25)
"""Numbers of given tracks for which the voices are weighed."""
PARTS = 5
"""Parts of the playlists, one of which is held out at a time."""
ENOUGH = 300
"""Held-out playlists that weights are learnt on before no further part is held out."""
MOST_PARTS = 3
"""Parts that are held out at most."""
ASKED = 600
"""Playlists of a part that are looked at, at most."""
PLACES = 200
"""Tracks of each voice that are weighed."""
FITS: tuple[Mapping[str, Any], ...] = ({}, {"row_power": 1.0, "item_power": 0.5})
"""Options that the graph is fitted with: as they come, and long rows and popular tracks counting less."""
GRAPHS: tuple[Mapping[str, Any], ...] = (
    {"output_power": 0.3},
    {"output_power": 0.3, "low_pass": 0.8, "damping": 0.0},
    {"output_power": 0.1},
    {"output_power": 0.0, "input_power": 0.0},
    {"output_power": 0.0, "input_power": 0.0, "low_pass": 0.0, "damping": 0.0},
    {"output_power": 0.3, "low_pass": 3.0, "damping": 0.0},
)
"""Options of the graph that are tried; with powers and filter at 0 it is a neighbourhood by cosine."""
TASTES = tuple(
    AlsOptions(factors=factors, ridge=ridge, unobserved=unobserved)
    for factors, ridge, unobserved in (
        (32, 0.03, 0.1),
        (32, 0.1, 0.03),
        (32, 0.03, 0.03),
        (16, 0.003, 0.3),
        (16, 0.1, 0.3),
        (64, 0.1, 0.03),
    )
)
"""Options of the factors that are tried."""
KINDS = (6, 12, 20, 32, 48, 72, 108, 160)
"""Numbers of kinds that are tried, until more are worth less twice."""
SOME = 4000
"""Playlists that options and the number of kinds are chosen on, at most."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A fitted continuation."""

    voices: Voices
    weights: Mapping[int, Mix] = field(default_factory=lambda: dict.fromkeys(GIVEN, USUAL))
    """For each number of given tracks: what each voice counts."""

    @classmethod
    def fit(
        cls,
        playlists: Sequence[Playlist],
        tracks: int,
        *,
        options: ItemGraphOptions | None = None,
        seed: int = 0,
        said: Callable[[str], None] = lambda _: None,
    ) -> "Continuation":
        """Fits the voices, and weighs them on a part of the playlists that a first fit has not seen.

        Raises `InputError` for tracks that are not below `tracks`.
        """
        options = options or ItemGraphOptions(rank=128)
        whole("tracks", tracks)
        whole("seed", seed)
        if not playlist_matrix(playlists, tracks).nnz:
            raise InputError("playlists have no tracks, so there is nothing to fit")
        part = np.random.default_rng(seed).integers(PARTS, size=len(playlists))
        weights, tastes, kinds = dict.fromkeys(GIVEN, USUAL), TASTES[0], KINDS[0]
        judgements: list[dict[int, Judged]] = []
        for out in range(MOST_PARTS):
            unseen = [
                each for each, at in zip(playlists, part, strict=True) if at == out and len(each.tracks) > 1
            ]
            seen = [each for each, at in zip(playlists, part, strict=True) if at != out]
            if not unseen or not any(each.tracks for each in seen):
                continue
            said(f"weighing what speaks for a track, part {out + 1}")
            if judgements:
                first = _voices(seen, tracks, options, tastes, kinds, seed)
            else:
                first = _tuned(seen, unseen, tracks, options, seed)
                options, tastes = first.graph.options, first.tastes.options
                kinds = first.topics.kinds
            judgements.append({given: judged(first, *_cut(unseen, given, tracks), PLACES) for given in GIVEN})
            if sum(len(each[1].wanted) for each in judgements) >= ENOUGH:
                break
        if judgements:
            weights = _weights(judgements)
        said("fitting all playlists")
        return cls(_voices(playlists, tracks, options, tastes, kinds, seed), weights)

    def recommend(self, seeds: Sequence[Playlist], count: int = 500, *, known: bool = False) -> Ranking:
        """The `count` best next tracks for each playlist, its own left out unless `known`."""
        whole("count", count, least=1)
        count = int(min(count, self.voices.graph.items))
        parts = []
        size = max(1, BATCH // self.voices.graph.items)
        for start in range(0, len(seeds), size):
            batch = seeds[start : start + size]
            mixes = np.array([self._mix(len(each.tracks)) for each in batch], dtype=np.float32)
            scores = blended(self.voices.heard(batch), mixes)
            if not known:
                for row, each in enumerate(batch):
                    scores[row, list(each.tracks)] = -np.inf
            parts.append(top(scores, count))
        if not parts:
            return Ranking(np.empty((0, count), np.int32), np.empty((0, count), np.float32))
        return Ranking(np.vstack([each.items for each in parts]), np.vstack([each.scores for each in parts]))

    def _mix(self, given: int) -> NDArray[np.float64]:
        """What the voices count for so many given tracks: between the numbers that were weighed, by their logarithm."""
        after = next((each for each in GIVEN if each >= given), GIVEN[-1])
        before = max((each for each in GIVEN if each <= given), default=0)
        near, far = np.array(self.weights[before]), np.array(self.weights[after])
        if before == after:
            return near
        share = np.log(given / before) / np.log(after / before)
        return np.asarray((1 - share) * near + share * far)


def _weights(judgements: Sequence[Mapping[int, Judged]]) -> dict[int, Mix]:
    """The weights for each number of given tracks, each held near those for fewer."""
    found: dict[int, Mix] = {}
    before = USUAL
    for given in GIVEN:
        parts = [each[given] for each in judgements if len(each[given].wanted)]
        if not given and parts and not beats_popularity(parts, USUAL):
            found[given] = POPULAR
            continue
        found[given] = (chosen if given else learnt)(parts, before) if parts else before
        # What is learnt of titles alone says nothing of tracks.
        before = found[given] if given else USUAL
    return found


def _voices(
    playlists: Sequence[Playlist],
    tracks: int,
    options: ItemGraphOptions,
    tastes: AlsOptions,
    kinds: int,
    seed: int,
) -> Voices:
    matrix = playlist_matrix(playlists, tracks)
    graph, factors = ItemGraph.fit(matrix, options, seed=seed), Als.fit(matrix, tastes, seed=seed)
    return Voices.over(playlists, graph, factors, kinds, seed=seed)


def _tuned(
    seen: Sequence[Playlist],
    unseen: Sequence[Playlist],
    tracks: int,
    options: ItemGraphOptions,
    seed: int,
) -> Voices:
    """Voices of what is seen, each with the options that continue what is unseen best by itself."""
    some = seen[:: -(-len(seen) // SOME)]
    matrix = playlist_matrix(some, tracks)
    cuts = [_cut(unseen, given, tracks) for given in GIVEN[1:]]
    judged = [(playlist_matrix(seeds, tracks), held) for seeds, held in cuts if seeds]
    # One track says so little that popularity wins, which is a voice of its own.
    judged = judged[1:] or judged
    graphs: list[ItemGraph] = []
    for each in FITS:
        graph = ItemGraph.fit(matrix, replace(options, **each), seed=seed)
        graphs.append(graph)
        if graph.together is not None:
            graphs += [graph.tuned(replace(graph.options, **other)) for other in GRAPHS]
    tastes = [Als.fit(matrix, each, seed=seed) for each in TASTES]
    graph, factors = _best(graphs, judged), _best(tastes, judged)
    kinds = _kinds(some, unseen, tracks, seed)
    if len(some) == len(seen):
        return Voices.over(seen, graph, factors, kinds, seed=seed)
    return _voices(seen, tracks, graph.options, factors.options, kinds, seed)


def _kinds(seen: Sequence[Playlist], unseen: Sequence[Playlist], tracks: int, seed: int) -> int:
    """How many kinds continue what is unseen best, from titles and a few tracks."""
    words = Words([each.title or "" for each in seen])
    matrix = worded_matrix(seen, words, tracks)
    space = placed(matrix, seed=seed)
    cuts = [_cut(unseen, given, tracks) for given in (1, 5)]
    asked = [(worded_matrix(seeds, words, tracks), held) for seeds, held in cuts if seeds]
    found, most, worse = KINDS[0], -np.inf, 0
    for kinds in KINDS:
        if kinds > max(KINDS[0], len(seen) // 4) or worse > 1:
            break
        topics = Topics.fit(matrix, kinds, space, seed=seed)
        value = sum(_likely(topics, history, held, tracks) for history, held in asked)
        worse = 0 if value > most else worse + 1
        if value > most:
            found, most = kinds, value
    return found


def _likely(topics: Topics, history: Matrix, held: Matrix, tracks: int) -> float:
    """How likely the tracks that should come are, as a mean logarithm."""
    found = 0.0
    size = max(1, BATCH // tracks)
    for start in range(0, history.shape[0], size):
        rest = held[start : start + size]
        rows, columns = rest.nonzero()
        scores = topics.scores(history[start : start + size], tracks)[rows, columns]
        found += float(np.log(np.maximum(scores, 1e-9), dtype=np.float64).sum())
    return float(found / max(1, held.nnz))


def _best(models: Sequence[Fitted], judged: Sequence[tuple[Matrix, Matrix]]) -> Fitted:
    """The one whose lists are worth most; the first of equals."""

    def value(model: Fitted) -> float:
        return sum(
            float(worth(evaluate(model.rank(seeds, PLACES), held, held).values).mean())
            for seeds, held in judged
        )

    return max(models, key=value)


def _cut(unseen: Sequence[Playlist], given: int, tracks: int) -> tuple[list[Playlist], Matrix]:
    """The first tracks of playlists that have more, and the rest of each as what should come."""
    longer = [each for each in unseen if len(each.tracks) > given][:ASKED]
    seeds = [Playlist(each.tracks[:given], each.title) for each in longer]
    rest = [Playlist(tuple(set(each.tracks[given:]) - set(each.tracks[:given]))) for each in longer]
    return seeds, playlist_matrix(rest, tracks)
