"""Playlists continued: from their title, their tracks, and the order of these. Pure.

Several voices are heard (`voices.VOICES`), each scaled to its own best, and how much each counts is learnt for the
number of tracks that are given: a title says most about an empty playlist and little about a long one.

The task and its measures are those of the Million Playlist Dataset challenge (Chen et al. 2018).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from counterpoint.discover.als import Als, AlsOptions
from counterpoint.discover.blending import USUAL, Mix, blended, learnt, worth
from counterpoint.discover.evaluation import evaluate
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.ranking import Ranking, top
from counterpoint.discover.recommender import CELLS, Recommender
from counterpoint.discover.voices import Playlist, Voices, playlist_matrix
from counterpoint.errors import InputError
from counterpoint.stats.checks import whole

__all__ = ["Continuation", "Playlist", "playlist_matrix"]

Fitted = TypeVar("Fitted", bound=Recommender)
GIVEN = (0, 1, 5, 25)
"""Numbers of given tracks for which the voices are weighed."""
HELD = 0.15
"""The share of playlists that weights are learnt on."""
ASKED = 400
"""Playlists that a mix is judged on, at most."""
PLACES = 200
"""Places that a mix is judged by."""
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
    for factors, ridge, unobserved in ((32, 0.03, 0.1), (32, 0.1, 0.03), (32, 0.03, 0.03), (16, 0.003, 0.3))
)
"""Options of the factors that are tried."""


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
        out = np.random.default_rng(seed).random(len(playlists)) < HELD
        unseen = [each for each, held in zip(playlists, out, strict=True) if held and len(each.tracks) > 1]
        seen = [each for each, held in zip(playlists, out, strict=True) if not held]
        weights, tastes = dict.fromkeys(GIVEN, USUAL), TASTES[0]
        if unseen and any(each.tracks for each in seen):
            said("weighing tracks, title and order")
            first = _tuned(seen, unseen, tracks, options, seed)
            options, tastes = first.graph.options, first.tastes.options
            weights = {given: learnt(first, *_cut(unseen, given, tracks), PLACES) for given in GIVEN}
        said("fitting all playlists")
        matrix = playlist_matrix(playlists, tracks)
        graph, factors = ItemGraph.fit(matrix, options, seed=seed), Als.fit(matrix, tastes, seed=seed)
        return cls(Voices.over(playlists, graph, factors), weights)

    def recommend(self, seeds: Sequence[Playlist], count: int = 500, *, known: bool = False) -> Ranking:
        """The `count` best next tracks for each playlist, its own left out unless `known`."""
        whole("count", count, least=1)
        count = int(min(count, self.voices.graph.items))
        parts = []
        size = max(1, CELLS // self.voices.graph.items)
        for start in range(0, len(seeds), size):
            batch = seeds[start : start + size]
            nearest = [min(GIVEN, key=lambda given: abs(given - len(each.tracks))) for each in batch]
            mixes = np.array([self.weights[given] for given in nearest], dtype=np.float32)
            scores = blended(self.voices.heard(batch), mixes)
            if not known:
                for row, each in enumerate(batch):
                    scores[row, list(each.tracks)] = -np.inf
            parts.append(top(scores, count))
        if not parts:
            return Ranking(np.empty((0, count), np.int32), np.empty((0, count), np.float32))
        return Ranking(np.vstack([each.items for each in parts]), np.vstack([each.scores for each in parts]))


def _tuned(
    seen: Sequence[Playlist],
    unseen: Sequence[Playlist],
    tracks: int,
    options: ItemGraphOptions,
    seed: int,
) -> Voices:
    """Voices of what is seen, graph and tastes with the options that continue what is unseen best by themselves."""
    matrix = playlist_matrix(seen, tracks)
    cuts = [_cut(unseen, given, tracks) for given in GIVEN[1:]]
    judged = [(playlist_matrix(seeds, tracks), held) for seeds, held in cuts if seeds]
    # One track says so little that popularity wins, which is a voice of its own.
    judged = judged[1:] or judged
    graph = ItemGraph.fit(matrix, options, seed=seed)
    graphs = [graph]
    if graph.together is not None:
        graphs += [graph.tuned(replace(options, **each)) for each in GRAPHS]
    tastes = [Als.fit(matrix, each, seed=seed) for each in TASTES]
    return Voices.over(seen, _best(graphs, judged), _best(tastes, judged))


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
