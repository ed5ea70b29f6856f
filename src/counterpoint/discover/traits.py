"""What is said of the items that a taste is read from: facets of their own, eras of their release, moods of the playlists they stand in. Pure."""

import re
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from counterpoint.discover.across import Texts
from counterpoint.discover.playlists import Continuation
from counterpoint.discover.shelf import Attributes, Shelf

__all__ = ["FACETS", "MOODS", "Traits"]

FACETS = ("artist", "genre", "show", "era", "mood", "language")
"""What a taste has shares of, in the order in which a page shows them."""
MOODS: Mapping[str, str] = {
    word: mood
    for mood, words in {
        "calm": "calm chill relax relaxing relaxed mellow quiet soft ambient unwind ruhe",
        "focus": "focus study studying work concentration reading coding deep",
        "sleep": "sleep sleeping night bedtime lullaby lullabies dream dreams",
        "energy": "gym workout run running energy power training fitness pump motivation",
        "party": "party dance dancing club disco festival friday",
        "happy": "happy joy good feelgood sunny summer smile",
        "sad": "sad heartbreak cry crying melancholy blue lonely breakup",
        "romantic": "love romantic romance date wedding valentine",
        "travel": "road trip drive driving travel commute train journey",
        "nostalgia": "old throwback memories oldies nostalgia retro childhood",
    }.items()
    for word in words.split()
}
"""Words of playlists' titles with the mood that they speak of."""
CLEAR = 0.5
"""A mood is an item's where it says at least this share of what the item's clearest mood says."""
_YEAR = re.compile(r"(1[89]|20)\d\d")


class Traits:
    """The values of each facet for each item of a version, and how all listening is spread over them."""

    def __init__(self, shelf: Shelf, continuation: Continuation | None) -> None:
        """Take the shelf, and what was learnt from playlists where there are any."""
        self._shelf, self._continuation = shelf, continuation
        self.texts = Texts(shelf)

    @cached_property
    def attributes(self) -> Attributes:
        """For each item, the values of each of `FACETS`."""
        moods = self._moods
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for column, name in enumerate(self._shelf.items):
            told = self._shelf.attributes.get(name, {})
            mine = {facet: tuple(told[facet]) for facet in FACETS if told.get(facet)}
            if eras := _eras(told.get("released", ())):
                mine["era"] = eras
            if column in moods:
                mine["mood"] = moods[column]
            if mine:
                found[name] = mine
        return found

    @cached_property
    def everybody(self) -> Mapping[str, Mapping[str, float]]:
        """The share of each value over all listeners, each of them counting once for an item."""
        counts: dict[str, dict[str, float]] = {facet: {} for facet in FACETS}
        for name, facets in self.attributes.items():
            heard = float(self._shelf.popularity[self._shelf.columns[name]])
            for facet, values in facets.items():
                for value in values:
                    counts[facet][value] = counts[facet].get(value, 0.0) + heard / len(values)
        return {
            facet: {value: count / total for value, count in values.items()}
            for facet, values in counts.items()
            if (total := sum(values.values()))
        }

    @property
    def _moods(self) -> dict[int, tuple[str, ...]]:
        """The moods of the columns that stand in playlists whose titles speak of any."""
        if self._continuation is None:
            return {}
        voices = self._continuation.voices
        said, columns = voices.said, voices.words.columns
        names = sorted(set(MOODS.values()))
        worth = np.zeros((len(names), said.shape[1]))
        for word, mood in MOODS.items():
            if word in columns:
                row = said[columns[word]]
                worth[names.index(mood), row.indices] += row.data
        found = {}
        for column in np.flatnonzero(worth.max(axis=0, initial=0) > 0):
            each = worth[:, column]
            found[int(column)] = tuple(
                names[at] for at in np.argsort(-each, kind="stable")[:2] if each[at] >= CLEAR * each.max()
            )
        return found


def _eras(released: tuple[str, ...] | list[str] | object) -> tuple[str, ...]:
    """The decade of a release, such as 1990s; a date is written with its year first, or is one."""
    for each in released if isinstance(released, tuple | list) else ():
        if year := _YEAR.search(str(each)):
            return (f"{year.group()[:3]}0s",)
    return ()
