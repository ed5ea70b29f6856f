"""Playlists continued: from their title, their tracks, and the order of these. Pure.

Three voices are heard, each scaled to its own best, and how much each counts is learnt for the number of
tracks that are given (a title says most about an empty playlist and little about a long one):

    tracks      the item graph over which tracks people put together
    title       which tracks playlists with these words have, popular tracks discounted
    order       which tracks follow the last ones

The task and its measures are those of the Million Playlist Dataset challenge (Chen et al. 2018).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.evaluation import evaluate
from counterpoint.discover.graph import strongest
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import ItemGraph, ItemGraphOptions
from counterpoint.discover.ranking import Floats, Ranking, top
from counterpoint.discover.titles import Words
from counterpoint.errors import InputError

__all__ = ["Continuation", "Playlist", "playlist_matrix"]

GIVEN = (0, 1, 5, 25)
"""Numbers of given tracks for which the voices are weighed."""
WINDOW = 3
"""Tracks after a track that still follow it."""
RECENT = 5
"""Last tracks of a playlist whose followers are heard."""
LEADS = 500
"""Followers and tracks of a word that are kept."""
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
"""Weights that are tried for a voice beside the tracks'."""
BATCH = 256
HELD = 0.15
"""The share of playlists that weights are learnt on."""
ASKED = 400
"""Playlists that a mix is judged on, at most."""
PLACES = 100
Mix = tuple[float, float, float]
"""What tracks, title and order count."""
USUAL: Mix = (1.0, 0.25, 0.25)
OPTIONS: tuple[Mapping[str, Any], ...] = (
    {"output_power": 0.3},
    {"output_power": 0.3, "low_pass": 0.8, "damping": 0.0},
    {"output_power": 0.1},
    {"output_power": 0.0, "input_power": 0.0},
    {"output_power": 0.0, "input_power": 0.0, "low_pass": 0.0, "damping": 0.0},
    {"output_power": 0.3, "low_pass": 3.0, "damping": 0.0},
)
"""Options of the graph that are tried; with powers and filter at 0 it is a neighbourhood by cosine."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """Tracks in their order, as columns, and the title that somebody gave them."""

    tracks: tuple[int, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Continuation:
    """A fitted continuation."""

    graph: ItemGraph
    words: Words
    said: sp.csr_matrix
    """Words by tracks: how much a word speaks for a track."""
    follows: sp.csr_matrix
    """Tracks by tracks: how much a track follows another."""
    weights: Mapping[int, Mix] = field(default_factory=lambda: dict.fromkeys(GIVEN, USUAL))
    """For each number of given tracks: what tracks, title and order count."""

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
        """Fits the voices, and weighs them on a tenth of the playlists that a first fit has not seen.

        Raises `InputError` for tracks that are not below `tracks`.
        """
        options = options or ItemGraphOptions(rank=128)
        if not playlist_matrix(playlists, tracks).nnz:
            raise InputError("playlists have no tracks, so there is nothing to fit")
        out = np.random.default_rng(seed).random(len(playlists)) < HELD
        unseen = [each for each, held in zip(playlists, out, strict=True) if held and len(each.tracks) > 1]
        seen = [each for each, held in zip(playlists, out, strict=True) if not held]
        weights = dict.fromkeys(GIVEN, USUAL)
        if unseen and any(each.tracks for each in seen):
            said("weighing tracks, title and order")
            first = _tuned(_voices(cls, seen, tracks, options, seed), unseen)
            options = first.graph.options
            weights = {given: first._weighed(unseen, given) for given in GIVEN}
        said("fitting all playlists")
        return replace(_voices(cls, playlists, tracks, options, seed), weights=weights)

    def recommend(self, seeds: Sequence[Playlist], count: int = 500, *, known: bool = False) -> Ranking:
        """The `count` best next tracks for each playlist, its own left out unless `known`."""
        if count < 1:
            raise InputError(f"count == {count}, must be 1 or more")
        parts = []
        for start in range(0, len(seeds), BATCH):
            batch = seeds[start : start + BATCH]
            heard = self._heard(batch)
            nearest = [min(GIVEN, key=lambda given: abs(given - len(each.tracks))) for each in batch]
            weights = np.array([self.weights[given] for given in nearest], dtype=np.float32)
            parts.append(self._ranked(batch, heard, weights, count, known=known))
        if not parts:
            return Ranking(np.empty((0, count), np.int32), np.empty((0, count), np.float32))
        return Ranking(np.vstack([each.items for each in parts]), np.vstack([each.scores for each in parts]))

    def _heard(self, seeds: Sequence[Playlist]) -> tuple[Floats, Floats, Floats]:
        """What each voice scores, scaled to its own best."""
        tracks = self.graph.items
        words = self.words.matrix([each.title for each in seeds])
        last = sp.lil_matrix((len(seeds), tracks), dtype=np.float32)
        for row, each in enumerate(seeds):
            for back, track in enumerate(reversed(each.tracks[-RECENT:])):
                last[row, track] = max(last[row, track], 1 / (1 + back))
        return (
            _scaled(self.graph.scores(playlist_matrix(seeds, tracks))),
            _scaled((words @ self.said).toarray()),
            _scaled((last.tocsr() @ self.follows).toarray()),
        )

    def _ranked(
        self,
        seeds: Sequence[Playlist],
        heard: tuple[Floats, Floats, Floats],
        weights: Floats,
        count: int,
        *,
        known: bool,
    ) -> Ranking:
        # A little of what is popular decides where no voice speaks.
        base = self.graph.degrees / (1000 * max(float(self.graph.degrees.max(initial=0)), 1.0))
        scores = sum(weights[:, [at]] * voice for at, voice in enumerate(heard)) + base
        if not known:
            for row, each in enumerate(seeds):
                scores[row, list(each.tracks)] = -np.inf
        return top(scores.astype(np.float32), count)

    def _weighed(self, unseen: Sequence[Playlist], given: int) -> Mix:
        """The weights that continue unseen playlists best from so many tracks."""
        seeds, held = _cut(unseen, given, self.graph.items)
        if not seeds:
            return USUAL
        heard = self._heard(seeds)
        return max(_mixes(given), key=lambda mix: self._worth(seeds, held, heard, mix))

    def _worth(
        self, seeds: Sequence[Playlist], held: Matrix, heard: tuple[Floats, Floats, Floats], mix: Mix
    ) -> float:
        """The mean of NDCG and R-precision of a mix."""
        weights = np.tile(np.array(mix, dtype=np.float32), (len(seeds), 1))
        found = evaluate(self._ranked(seeds, heard, weights, PLACES, known=False), held, held)
        return (found.measured("ndcg").mean + found.measured("r-precision").mean) / 2


def playlist_matrix(playlists: Sequence[Playlist], tracks: int) -> Matrix:
    """Playlists by tracks: 1 where a playlist has a track. Raises `InputError` for a track that is not there."""
    lengths = [len(each.tracks) for each in playlists]
    columns = np.fromiter(
        (track for each in playlists for track in each.tracks), dtype=np.int64, count=sum(lengths)
    )
    wrong = np.flatnonzero((columns < 0) | (columns >= tracks))
    if len(wrong):
        row = int(np.searchsorted(np.cumsum(lengths), wrong[0], side="right"))
        raise InputError(
            f"playlists[{row}] has the track {columns[wrong[0]]}, must be from 0 to {tracks - 1}"
        )
    rows = np.repeat(np.arange(len(playlists)), lengths)
    found = sp.csr_matrix(
        (np.ones(len(columns), np.float32), (rows, columns)), shape=(len(playlists), tracks)
    )
    found.sum_duplicates()
    found.data[:] = 1
    return found


def _voices(
    made: type[Continuation], playlists: Sequence[Playlist], tracks: int, options: ItemGraphOptions, seed: int
) -> Continuation:
    matrix = playlist_matrix(playlists, tracks)
    graph = ItemGraph.fit(matrix, options, seed=seed)
    titles = [each.title for each in playlists]
    words = Words(titles)
    return made(
        graph,
        words,
        _said(words.matrix(titles), matrix, graph.degrees),
        _follows(playlists, tracks, graph.degrees),
    )


def _tuned(first: Continuation, unseen: Sequence[Playlist]) -> Continuation:
    """With the graph's options that continue unseen playlists best from their tracks alone."""
    tried = [first]
    for each in OPTIONS:
        options = replace(first.graph.options, **each)
        if options != first.graph.options:
            tried.append(replace(first, graph=first.graph.tuned(options)))
    if first.graph.together is None or len(tried) == 1:
        return first
    cuts = [_cut(unseen, given, first.graph.items) for given in GIVEN[1:]]
    cuts = [(seeds, held) for seeds, held in cuts if seeds]
    if not cuts:
        return first
    return max(
        tried,
        key=lambda each: sum(each._worth(seeds, held, each._heard(seeds), (1, 0, 0)) for seeds, held in cuts),
    )


def _said(words: Matrix, matrix: Matrix, degrees: Floats) -> sp.csr_matrix:
    """Words by tracks: the share of a word's playlists that have a track, rare words and tracks counting more."""
    count = np.asarray(words.sum(axis=0), dtype=np.float32).ravel()
    rarity = np.log1p(words.shape[0] / np.maximum(count, 1)).astype(np.float32)
    # The 2 in the divisor keeps a word of two playlists from being surer than one of two hundred.
    left = rarity / (count + 2)
    return strongest(sp.csr_matrix(words.T @ matrix), LEADS, left=left, right=_rare(degrees))


def _follows(playlists: Sequence[Playlist], tracks: int, degrees: Floats) -> sp.csr_matrix:
    """Tracks by tracks: how often one comes soon after another, nearer ones counting more."""
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for each in playlists:
        for step in range(1, WINDOW + 1):
            rows.extend(each.tracks[:-step])
            columns.extend(each.tracks[step:])
            values.extend([1 / step] * max(0, len(each.tracks) - step))
    found = sp.csr_matrix((np.array(values, np.float32), (rows, columns)), shape=(tracks, tracks))
    found.sum_duplicates()
    return strongest(found, LEADS, left=(1 / (degrees + 2)).astype(np.float32), right=_rare(degrees))


def _rare(degrees: Floats) -> Floats:
    return np.asarray(np.where(degrees > 0, np.maximum(degrees, 1) ** np.float32(-0.3), 0), dtype=np.float32)


def _scaled(scores: NDArray[np.float32]) -> Floats:
    """Each row to its own best, so that voices can be added."""
    most = np.maximum(scores.max(axis=1, initial=0, keepdims=True), 1e-12)
    return np.asarray(scores / most, dtype=np.float32)


def _cut(unseen: Sequence[Playlist], given: int, tracks: int) -> tuple[list[Playlist], Matrix]:
    """The first tracks of playlists that have more, and the rest of each as what should come."""
    longer = [each for each in unseen if len(each.tracks) > given][:ASKED]
    seeds = [Playlist(each.tracks[:given], each.title) for each in longer]
    rest = [Playlist(tuple(set(each.tracks[given:]) - set(each.tracks[:given]))) for each in longer]
    return seeds, playlist_matrix(rest, tracks)


def _mixes(given: int) -> Iterator[Mix]:
    if not given:
        yield (0.0, 1.0, 0.0)
        return
    for title in SHARES:
        for order in SHARES:
            yield (1.0, title, order)
