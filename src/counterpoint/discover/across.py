"""From one kind of item to another: podcasts for who listens to music, by the listeners that both share and by words. Pure.

An item that many heard is ranked by what comes together; for one that few heard that says little yet, and the words of
its title, show, genre and artist speak for it: the share of the first voice is n / (n + `SURE`) with n listeners.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.answering import Liking, Picked, hidden_by, liked, recommended
from counterpoint.discover.shelf import Shelf
from counterpoint.discover.taste import Corrections
from counterpoint.graph.similar.corpus import Corpus, Vocabulary
from counterpoint.graph.similar.words import terms_of

__all__ = ["Found", "Texts", "across"]

SURE = 20.0
"""Listeners with whom an item is judged as much by them as by its words."""
MOST_TEXTS = 50
"""Items of the history whose words are read, those that are liked most."""
FACETS = ("show", "genre", "artist", "album")
"""What is read beside the title."""
SHARED = 3
"""Words that are told."""


@dataclass(frozen=True, slots=True)
class Found:
    """One item of another kind."""

    picked: Picked
    """What shared listeners say; a score of 0 where they say nothing."""
    score: float
    """Of both voices, from 0 to 1."""
    by_listeners: float
    """The share of the score that is the shared listeners'; the rest is the words'."""
    words: tuple[str, ...]
    """Words that the item has in common with what is liked, the rarest first."""


class Texts:
    """The words of a shelf's items as vectors, made when they are first asked for."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @cached_property
    def corpus(self) -> Corpus:
        """One text for each column."""
        vocabulary = Vocabulary()
        return Corpus(vocabulary, [vocabulary.tokens(*self.text(name)) for name in self._shelf.items])

    def text(self, name: str) -> tuple[str, str]:
        """An item's title and the other words that are known of it."""
        told = self._shelf.attributes.get(name, {})
        title = " ".join(told.get("title", ()))
        return title, " ".join(value for facet in FACETS for value in told.get(facet, ()))


def across(
    shelf: Shelf,
    texts: Texts,
    liking: Liking,
    count: int,
    *,
    where: frozenset[tuple[str, str]],
    corrections: Corrections | None = None,
) -> list[Found]:
    """The `count` items with the values `where` that fit best to what is liked of any kind; known ones are left out.

    Nothing where nothing is liked: what everybody hears is no word about this listener.
    """
    told = corrections or Corrections()
    mine = liked(liking, told, shelf)
    allowed = shelf.where(where)
    open_ = np.ones(len(shelf.items), dtype=bool) if allowed is None else allowed.copy()
    open_[hidden_by(liking, told, shelf)] = False
    open_[[shelf.columns[each] for each in mine.weights if each in shelf.columns]] = False
    if not mine.weights or not open_.any():
        return []
    picked = {
        each.item: each
        for each in recommended(shelf, liking, int(open_.sum()), corrections=told, where=where)
        if each.because
    }
    near = np.where(open_, _nearness(texts, shelf, mine.weights), 0.0)
    shared = np.zeros(len(shelf.items))
    for item, each in picked.items():
        shared[item] = max(each.score, 0.0)
    heard = shelf.popularity.astype(np.float64)
    voices = heard / (heard + SURE)
    by_listeners, by_words = voices * _scaled(shared), (1 - voices) * _scaled(near)
    scores = np.where(open_, by_listeners + by_words, 0.0)
    order = [int(at) for at in np.argsort(-scores, kind="stable")[:count] if scores[at] > 0]
    words = _words(texts, shelf, mine.weights)
    return [
        Found(
            picked.get(at, Picked(at, 0.0, (), 0.0, known=False)),
            float(scores[at]),
            float(by_listeners[at] / scores[at]),
            _common(texts, shelf, at, words) if by_words[at] > 0 else (),
        )
        for at in order
    ]


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    most = float(values.max(initial=0.0))
    return values / most if most > 0 else values


def _first(shelf: Shelf, weights: Mapping[str, float]) -> list[str]:
    known = [each for each in weights if each in shelf.columns]
    return sorted(known, key=lambda each: (-weights[each], each))[:MOST_TEXTS]


def _nearness(texts: Texts, shelf: Shelf, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """How near the words of each item are to those of what is liked most, from 0 to 1."""
    pairs = [texts.text(each) for each in _first(shelf, weights)]
    title, body = (" ".join(part) for part in zip(*pairs, strict=True)) if pairs else ("", "")
    return texts.corpus.cosines(title, body).astype(np.float64)


def _words(texts: Texts, shelf: Shelf, weights: Mapping[str, float]) -> frozenset[str]:
    return frozenset(
        term for each in _first(shelf, weights) for part in texts.text(each) for term in terms_of(part)
    )


def _common(texts: Texts, shelf: Shelf, column: int, words: frozenset[str]) -> tuple[str, ...]:
    """The words that an item has in common with what is liked."""
    mine = {term for part in texts.text(shelf.items[column]) for term in terms_of(part)} & words
    return tuple(sorted(mine, key=lambda term: (-texts.corpus.rarity(term), term))[:SHARED])
