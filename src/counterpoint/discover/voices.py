"""What speaks for the next track of a playlist: its tracks, its title, its order. Pure."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from counterpoint.discover.als import Als
from counterpoint.discover.graph import nearest, strongest
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.item_graph import ItemGraph
from counterpoint.discover.ranking import Floats
from counterpoint.discover.titles import Words
from counterpoint.discover.topics import Topics, placed
from counterpoint.errors import InputError

__all__ = ["VOICES", "Playlist", "Voices", "playlist_matrix", "worded_matrix"]

VOICES: Mapping[str, str] = {
    "tracks": "the item graph over which tracks people put together",
    "tastes": "factors of playlists and tracks, which reach tracks that were never together",
    "together": "a neighbourhood by cosine, which has no opinion of what was never together",
    "title": "which tracks playlists with these words have, popular tracks discounted",
    "theme": "what belongs to those tracks by the graph, so that a word of few playlists speaks for many tracks",
    "order": "which tracks follow the last ones",
    "kinds": "a mixture over tracks and words alike, which knows how little a plain title says",
    "popularity": "what most have",
}
WINDOW = 3
"""Tracks after a track that still follow it."""
RECENT = 5
"""Last tracks of a playlist whose followers are heard."""
LEADS = 500
"""Followers and tracks of a word that are kept."""
THEME = 50
"""Tracks of a title that stand for its theme."""
NEIGHBOURS = 400
"""Of a track, that are kept of what comes together."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """Tracks in their order, as columns, and the title that somebody gave them."""

    tracks: tuple[int, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Voices:
    """All voices, fitted."""

    graph: ItemGraph
    tastes: Als
    together: sp.csr_matrix
    """Tracks by tracks: the cosine of the nearest."""
    topics: Topics
    """Over tracks, and words after them."""
    words: Words
    said: sp.csr_matrix
    """Words by tracks: how much a word speaks for a track."""
    follows: sp.csr_matrix
    """Tracks by tracks: how much a track follows another."""

    @classmethod
    def over(
        cls, playlists: Sequence[Playlist], graph: ItemGraph, tastes: Als, kinds: int, *, seed: int = 0
    ) -> "Voices":
        """With all other voices out of the playlists that graph and tastes were fitted to."""
        titles = [each.title or "" for each in playlists]
        words = Words(titles)
        matrix = playlist_matrix(playlists, graph.items)
        said = _said(words.matrix(titles), matrix, graph.degrees)
        length = np.maximum(graph.degrees, 1) ** np.float32(-0.5)
        together = nearest(matrix, NEIGHBOURS, left=length, right=length)
        both = worded_matrix(playlists, words, graph.items)
        topics = Topics.fit(both, kinds, placed(both, seed=seed), seed=seed)
        follows = _follows(playlists, graph.items, graph.degrees)
        return cls(graph, tastes, together, topics, words, said, follows)

    def heard(self, seeds: Sequence[Playlist]) -> tuple[Floats, ...]:
        """What each of `VOICES` scores, (seeds, tracks) each, every row scaled to its own best."""
        tracks = self.graph.items
        history = playlist_matrix(seeds, tracks)
        spoken = sp.csr_matrix(self.words.matrix([each.title or "" for each in seeds]) @ self.said)
        ones = np.ones(max(tracks, len(seeds)), dtype=np.float32)
        theme = strongest(spoken, THEME, left=ones[: len(seeds)], right=ones[:tracks])
        return (
            _scaled(self.graph.scores(history)),
            _scaled(self.tastes.scores(history)),
            _scaled((history @ self.together).toarray()),
            _scaled(spoken.toarray()),
            _scaled(self.graph.scores(theme)),
            _scaled((_last(seeds, tracks) @ self.follows).toarray()),
            _scaled(self.topics.scores(worded_matrix(seeds, self.words, tracks), tracks)),
            _scaled(np.tile(self.graph.degrees, (len(seeds), 1))),
        )


def playlist_matrix(playlists: Sequence[Playlist], tracks: int) -> Matrix:
    """Playlists by tracks: 1 where a playlist has a track. Raises `InputError` for a track that is not there."""
    lengths = [len(each.tracks) for each in playlists]
    flat: list[Any] = [track for each in playlists for track in each.tracks]
    try:
        columns = np.fromiter(map(operator.index, flat), dtype=np.int64, count=len(flat))
        wrong = np.flatnonzero((columns < 0) | (columns >= tracks)).tolist()
    except (TypeError, OverflowError):
        wrong = [
            at for at, each in enumerate(flat) if not (isinstance(each, Integral) and 0 <= int(each) < tracks)
        ]
    if wrong:
        row = int(np.searchsorted(np.cumsum(lengths), wrong[0], side="right"))
        raise InputError(
            f"playlists[{row}] has the track {flat[wrong[0]]!r}, must be a whole number from 0 to {tracks - 1}"
        )
    rows = np.repeat(np.arange(len(playlists)), lengths)
    found = sp.csr_matrix(
        (np.ones(len(columns), np.float32), (rows, columns)), shape=(len(playlists), tracks)
    )
    found.sum_duplicates()
    found.data[:] = 1
    return found


def worded_matrix(playlists: Sequence[Playlist], words: Words, tracks: int) -> Matrix:
    """Playlists by tracks and words after them: 1 where a playlist has a track, or its title a word."""
    titles = words.matrix([each.title or "" for each in playlists])
    return sp.csr_matrix(
        sp.hstack([playlist_matrix(playlists, tracks), titles], format="csr"), dtype=np.float32
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


def _last(seeds: Sequence[Playlist], tracks: int) -> Matrix:
    """Seeds by tracks: the last tracks of each, the very last counting most."""
    found = sp.lil_matrix((len(seeds), tracks), dtype=np.float32)
    for row, each in enumerate(seeds):
        for back, track in enumerate(reversed(each.tracks[-RECENT:])):
            found[row, track] = max(found[row, track], 1 / (1 + back))
    return sp.csr_matrix(found)


def _rare(degrees: Floats) -> Floats:
    return np.asarray(np.where(degrees > 0, np.maximum(degrees, 1) ** np.float32(-0.3), 0), dtype=np.float32)


def _scaled(scores: NDArray[np.float32]) -> Floats:
    """Each row to its own best, so that voices can be added."""
    most = np.maximum(scores.max(axis=1, initial=0, keepdims=True), 1e-12)
    return np.asarray(scores / most, dtype=np.float32)
