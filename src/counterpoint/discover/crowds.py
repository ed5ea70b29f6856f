"""What enough people have to be told to everybody: items and words of titles of a few would tell of these few. Pure.

Who reads what goes with an item, or how a playlist of some title goes on, learns what somebody has who alone has it.
So only items and words of so many people are told to whoever does not act for listeners.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.listened import Listened
from counterpoint.discover.playlists import Continuation
from counterpoint.discover.titles import words_of

__all__ = ["Counts", "people_by", "worded_by"]

Counts = NDArray[np.int32]


def people_by(listened: Listened) -> Counts:
    """For each item, how many people heard it or keep it in a playlist; a playlist of nobody known counts as one."""
    people = np.repeat(np.arange(len(listened.listeners), dtype=np.int64), np.diff(listened.matrix.indptr))
    columns = listened.matrix.indices.astype(np.int64)
    owners = _owners(listened)
    kept = [
        (owners[at], listened.columns[item])
        for at, each in enumerate(listened.playlists)
        for item in each.items
    ]
    more = np.array(kept, dtype=np.int64).reshape(-1, 2)
    people, columns = np.concatenate([people, more[:, 0]]), np.concatenate([columns, more[:, 1]])
    return _distinct(people, columns, len(listened.items))


def worded_by(listened: Listened, continuation: Continuation | None) -> Counts:
    """For each word that the continuation knows, how many people have it in a title."""
    if continuation is None:
        return np.zeros(0, dtype=np.int32)
    places, owners = continuation.voices.words.columns, _owners(listened)
    said = [
        (owners[at], places[word])
        for at, each in enumerate(listened.playlists)
        for word in words_of(each.title)
        if word in places
    ]
    pairs = np.array(said, dtype=np.int64).reshape(-1, 2)
    return _distinct(pairs[:, 0], pairs[:, 1], len(places))


def _owners(listened: Listened) -> list[int]:
    """A number for whoever has each playlist: their row where they have one."""
    numbers: dict[Any, int] = dict(listened.rows)
    return [
        numbers.setdefault((each.name,) if each.listener is None else each.listener, len(numbers))
        for each in listened.playlists
    ]


def _distinct(people: NDArray[np.int64], columns: NDArray[np.int64], size: int) -> Counts:
    pairs = np.unique(people * max(size, 1) + columns)
    return np.bincount(pairs % max(size, 1), minlength=size)[:size].astype(np.int32)
