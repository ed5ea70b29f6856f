"""A shelf: a fitted model with the names of its items and what is known of them, ready to be asked. Pure.

What does not depend on the listener is worked out once for a version: which items have a value, which are the most
popular, who made them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.exposure import makers_of, small_items
from counterpoint.discover.interactions import Matrix
from counterpoint.discover.recommender import Recommender
from counterpoint.discover.weekly import Catalogue
from counterpoint.errors import InputError
from counterpoint.spelling import near

__all__ = ["Attributes", "Shelf"]

Attributes = Mapping[str, Mapping[str, Sequence[str]]]
"""The values of each facet (artist, genre, show, language …) of each item."""
Truths = NDArray[np.bool_]
CATEGORIES = 64
"""Genres that a playlist is calibrated over: the most frequent; the rest counts as one."""
MOST_WHERES = 256
"""Conditions whose items are remembered."""
POPULAR = 0.1
"""The share of items that counts as the most popular."""


class Shelf:
    """What one version of a recommender ranks. It does not change; any thread may ask it."""

    def __init__(
        self,
        model: Recommender,
        items: Sequence[str],
        attributes: Attributes,
        popularity: NDArray[Any],
        follows: Matrix | None = None,
    ) -> None:
        """Take the model, the names of its columns, what is known of items, and how many listeners have each.

        `follows` has a value where somebody put one item soon after another in a playlist.
        """
        self.model = model
        self.items = tuple(items)
        self.attributes = attributes
        self.popularity = np.asarray(popularity, dtype=np.float32)
        self.follows = follows
        self.columns: dict[str, int] = {name: at for at, name in enumerate(self.items)}
        self._wheres: dict[frozenset[tuple[str, str]], Truths] = {}

    @cached_property
    def facets(self) -> Mapping[str, Mapping[str, NDArray[np.intp]]]:
        """The columns that have each value of each facet."""
        found: dict[str, dict[str, list[int]]] = {}
        for name, column in self.columns.items():
            for facet, values in self.attributes.get(name, {}).items():
                for value in values:
                    found.setdefault(facet, {}).setdefault(value, []).append(column)
        return {
            facet: {value: np.array(listed, dtype=np.intp) for value, listed in values.items()}
            for facet, values in found.items()
        }

    def having(self, traits: Iterable[tuple[str, str]]) -> NDArray[np.intp]:
        """The columns that have any of these values of a facet."""
        parts = [self.facets.get(facet, {}).get(value) for facet, value in traits]
        there = [part for part in parts if part is not None]
        return np.unique(np.concatenate(there)) if there else np.empty(0, dtype=np.intp)

    def where(self, conditions: frozenset[tuple[str, str]]) -> Truths | None:
        """One truth for each item; None where any may come.

        Values of one facet are alternatives, facets hold together. `*` is any value: ("show", "*") is every episode.
        Raises `InputError` for a facet that no item has.
        """
        if not conditions:
            return None
        known = self._wheres.get(conditions)
        if known is None:
            if len(self._wheres) >= MOST_WHERES:
                self._wheres.clear()
            known = self._wheres[conditions] = self._matching(conditions)
        return known

    def _matching(self, conditions: frozenset[tuple[str, str]]) -> Truths:
        found = np.ones(len(self.items), dtype=bool)
        for facet in {facet for facet, _ in conditions}:
            if facet not in self.facets:
                raise InputError(
                    f'no item has "{facet}"; known are {", ".join(sorted(self.facets)) or "none"}{near(facet, list(self.facets))}'
                )
            values = {value for one, value in conditions if one == facet}
            wanted = self.facets[facet] if "*" in values else values
            inside = np.zeros(len(self.items), dtype=bool)
            inside[self.having((facet, value) for value in wanted)] = True
            found &= inside
        return found

    def row(self, weights: Mapping[str, float]) -> Matrix:
        """One row of the matrix from weights above 0 by item; items that the version does not know are left out."""
        pairs = sorted(
            (column, weight)
            for name, weight in weights.items()
            if weight > 0 and (column := self.columns.get(name)) is not None
        )
        columns = np.array([column for column, _ in pairs], dtype=np.int32)
        values = np.array([weight for _, weight in pairs], dtype=np.float32)
        return Matrix((values, columns, np.array([0, len(pairs)])), shape=(1, len(self.items)))

    def title(self, name: str) -> str:
        """What an item is called; its name where nothing says."""
        return next(iter(self.attributes.get(name, {}).get("title", ())), name)

    def names(self, columns: Iterable[int]) -> list[str]:
        """The names of columns."""
        return [self.items[column] for column in columns]

    @cached_property
    def popular(self) -> Truths:
        """Whether each item is among the most popular tenth."""
        found = np.zeros(len(self.items), dtype=bool)
        most = max(1, int(POPULAR * len(self.items)))
        found[np.argsort(-self.popularity, kind="stable")[:most]] = True
        return found & (self.popularity > 0)

    @cached_property
    def catalogue(self) -> Catalogue:
        """What the weekly playlist has to know of items: genres, artists, and what is popular."""
        genres = self.facets.get("genre", {})
        frequent = sorted(genres, key=lambda genre: (-len(genres[genre]), genre))[:CATEGORIES]
        shares = np.zeros((len(self.items), len(frequent) + 1))
        for at, genre in enumerate(frequent):
            shares[genres[genre], at] = 1
        shares[shares.sum(axis=1) == 0, -1] = 1
        artists = np.full(len(self.items), -1, dtype=np.int64)
        for number, artist in enumerate(sorted(self.facets.get("artist", {}))):
            artists[self.facets["artist"][artist]] = number
        makers = makers_of([self.attributes.get(name, {}).get("artist", ()) for name in self.items])
        small = small_items(makers, self.popularity.astype(np.float64))
        return Catalogue(
            shares / shares.sum(axis=1, keepdims=True),
            artists,
            self.popular,
            small=small if small.any() else None,
        )
