"""Listeners with latent tastes: what they like, which the product never sees, and what they therefore do. Pure.

Each likes a genre or two, one scene of each more than the other, and some artists more than others. From that follow
plays, skips, saves and playlists with titles; some plays come from the radio and follow nobody's taste. The same seed
gives the same listening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["LISTENERS", "Catalogue", "Genre", "Latent", "Music", "Song", "latent_of"]

LISTENERS = 240
FADING = 0.8
"""How fast fame falls from one artist of a genre to the next: its power of the place."""
SECOND = 0.7
"""The share of listeners who like a second genre."""
PARENTS = 0.06
"""The share whose children use the account."""
LULLABIES = 0.3
"""How much of what is heard on a parent's account is for children."""
SCENE = 4.0
"""How much more the artists of one's own scene are heard than those of the other."""
TALKED = 0.35
"""The share of listeners who hear podcasts too."""
CHILDREN = "children"

Values = NDArray[np.float64]


class Genre(msgspec.Struct, frozen=True):
    """A genre with its artists, and what their tracks and the playlists with them are called."""

    heard: float
    since: int
    artists: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    playlists: tuple[str, ...]


class Music(msgspec.Struct, frozen=True):
    """What there is to hear, as `arpeggio/music.yaml` says it."""

    tracks: int
    genres: dict[str, Genre]
    shows: dict[str, str]
    """The genre that each show talks about."""


@dataclass(frozen=True, slots=True)
class Song:
    """A track."""

    item: str
    title: str
    artist: str
    album: str
    genre: str
    released: int
    scene: int


@dataclass(frozen=True)
class Catalogue:
    """The tracks, and the episodes of shows."""

    music: Music
    songs: tuple[Song, ...]
    fame: Values
    """How much each track is heard within its genre; sums to 1 in each."""

    @classmethod
    def of(cls, music: Music, seed: int) -> "Catalogue":
        """Every artist's tracks: the first artist of a genre is its most famous, and the first track of each."""
        rng = np.random.default_rng((seed, 1))
        songs: list[Song] = []
        fame: list[float] = []
        for name, genre in music.genres.items():
            order = rng.permutation(len(genre.first) * len(genre.second))
            start = len(songs)
            for place, artist in enumerate(genre.artists):
                year = int(rng.integers(genre.since, 2018))
                for track in range(music.tracks):
                    one, other = divmod(int(order[place * music.tracks + track]), len(genre.second))
                    title = f"{genre.first[one]} {genre.second[other]}"
                    album = f"{artist}, {'first' if track < 3 else 'second'} album"
                    songs.append(
                        Song(
                            f"track-{len(songs) + 1:03d}",
                            title,
                            artist,
                            album,
                            name,
                            year + 2 * (track >= 3),
                            place % 2,
                        )
                    )
                    fame.append((place + 1) ** -FADING * (track + 1.5) ** -0.5)
            total = sum(fame[start:])
            fame[start:] = [each / total for each in fame[start:]]
        return cls(music, tuple(songs), np.array(fame))

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The place of each item."""
        return {each.item: at for at, each in enumerate(self.songs)}

    @cached_property
    def genres(self) -> NDArray[np.int64]:
        """For each track, the place of its genre."""
        names = list(self.music.genres)
        return np.array([names.index(each.genre) for each in self.songs])

    @cached_property
    def everybody(self) -> Values:
        """What the radio plays: fame, whoever listens. Nothing for children."""
        shares = np.array([each.heard for each in self.music.genres.values()])[self.genres] * self.fame
        return np.asarray(shares / shares.sum())


@dataclass(frozen=True)
class Latent:
    """The truth about each listener. It is in no event, and nothing but the demo's tests compares with it."""

    catalogue: Catalogue
    names: tuple[str, ...]
    genres: Values
    """(listeners, genres): how much of their own listening is of each."""
    scenes: NDArray[np.int64]
    """(listeners, genres): which scene of each they are of."""
    likes: Values
    """(listeners, tracks): how likely each play of their own choice is of each track; sums to 1."""
    children: NDArray[np.bool_]
    """Whose account plays lullabies."""
    shows: tuple[tuple[str, ...], ...]
    """The shows that each hears."""

    def enjoys(self, row: int, song: int) -> float:
        """How likely a listener is to hear a track to its end, wherever it comes from."""
        genre = self.catalogue.genres[song]
        if self.genres[row, genre] < 0.1:
            return 0.2
        return 0.92 if self.catalogue.songs[song].scene == self.scenes[row, genre] else 0.75

    def genre_of(self, row: int, share: float = 0.1) -> Mapping[str, float]:
        """The genres that a listener likes, with their shares."""
        names = list(self.catalogue.music.genres)
        return {names[at]: float(self.genres[row, at]) for at in np.flatnonzero(self.genres[row] >= share)}


def latent_of(catalogue: Catalogue, *, listeners: int = LISTENERS, seed: int) -> Latent:
    """Draw the listeners' tastes."""
    rng = np.random.default_rng((seed, 2))
    names = list(catalogue.music.genres)
    heard = np.array([each.heard for each in catalogue.music.genres.values()])
    genres = np.zeros((listeners, len(names)))
    for row in range(listeners):
        first, second = rng.choice(len(names), size=2, replace=False, p=heard / heard.sum())
        genres[row, first] = rng.uniform(0.6, 0.85) if rng.random() < SECOND else 1.0
        genres[row, second] = 1 - genres[row, first]
    children = rng.random(listeners) < PARENTS
    genres[children] *= 1 - LULLABIES
    genres[children, names.index(CHILDREN)] = LULLABIES
    scenes = rng.integers(0, 2, size=(listeners, len(names)))
    likes = _likes(catalogue, genres, scenes, rng)
    listened = tuple(f"listener-{number:05d}" for number in range(1, listeners + 1))
    return Latent(catalogue, listened, genres, scenes, likes, children, _shows(catalogue, genres, rng))


def _likes(
    catalogue: Catalogue, genres: Values, scenes: NDArray[np.int64], rng: np.random.Generator
) -> Values:
    scene = np.array([each.scene for each in catalogue.songs])
    artists = {name: at for at, name in enumerate(dict.fromkeys(each.artist for each in catalogue.songs))}
    whose = np.array([artists[each.artist] for each in catalogue.songs])
    fancy = rng.lognormal(0.0, 0.7, size=(len(genres), len(artists)))[:, whose]
    own = np.where(scenes[:, catalogue.genres] == scene, SCENE, 1.0)
    within = catalogue.fame * fancy * own
    for at in range(genres.shape[1]):
        inside = catalogue.genres == at
        within[:, inside] *= (genres[:, at] / within[:, inside].sum(axis=1))[:, None]
    return np.asarray(within)


def _shows(catalogue: Catalogue, genres: Values, rng: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    """Who hears podcasts hears those about what they like to hear, and now and then another."""
    names = list(catalogue.music.genres)
    shows: Sequence[tuple[str, str]] = list(catalogue.music.shows.items())
    found = []
    for row in genres:
        chance = np.array([0.08 + 0.9 * row[names.index(genre)] for _, genre in shows])
        heard = rng.random(len(shows)) < chance
        talks = rng.random() < TALKED
        found.append(tuple(show for (show, _), hears in zip(shows, heard, strict=True) if hears and talks))
    return tuple(found)
