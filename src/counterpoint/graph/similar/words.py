"""The words of a text that tell what it is about, and the phrases that two texts share. Pure."""

import re
from collections.abc import Callable
from itertools import pairwise

from counterpoint.graph.search import words_of

__all__ = ["PHRASES", "phrases", "terms_of"]

PHRASES = 5
"""Phrases that are told of one match."""
LONGEST = 4
"""Words of one phrase."""
WORDS = 400
"""Words that are read of one text; a description of megabytes says what it is about in the first ones."""
STOP = frozenset(
    """
    a about after all also an and any are as at be been before but by can do does for from had has have
    how if in into is it its just like may more most no not of on one only or other our out over so some
    such than that the their them then there these they this those to too under up us use used uses
    using was we were what when where which while who will with within without you your every each
    """.split()  # noqa: SIM905 - a list of one word a line would fill two screens
)
"""Words of English that say nothing of a subject; in other languages the weights alone tell them apart."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def terms_of(text: str) -> list[str]:
    """The terms of a text, in order and as often as they occur; `playlistMaker` is two words.

    >>> terms_of("Makes the playlists of each listener")
    ['make', 'playlist', 'listener']
    """
    return [_stem(word) for word in _split(text) if word not in STOP and len(word) > 1]


def phrases(
    first: str, second: str, weight: Callable[[str], float], *, most: int = PHRASES
) -> tuple[str, ...]:
    """The phrases that two texts share, the weightiest first, as the second text writes them.

    A phrase is a run of up to four words, and no word is told twice. `weight` is what a term adds to the match.

    >>> phrases("a playlist every Monday", "Playlists every Monday, for you", lambda term: 1.0)
    ('playlists every monday',)
    """
    here, there = _split(first), _split(second)
    runs = _runs([_stem(word) for word in here])
    stems = [_stem(word) for word in there]
    found: list[tuple[float, int, int]] = []
    for size in range(LONGEST, 0, -1):
        for start in range(len(stems) - size + 1):
            run = tuple(stems[start : start + size])
            if run in runs and not _loose(there[start], there[start + size - 1]):
                worth = sum(
                    weight(stem)
                    for word, stem in zip(there[start:], run, strict=False)
                    if word not in STOP and len(word) > 1
                )
                found.append((worth, start, size))
    told: list[str] = []
    covered: set[str] = set()
    for worth, start, size in sorted(found, key=lambda each: (-each[0], each[1])):
        run_stems = {stem for stem in stems[start : start + size] if stem not in STOP}
        if worth > 0 and not run_stems & covered:
            told.append(" ".join(there[start : start + size]))
            covered |= run_stems
        if len(told) == most:
            break
    return tuple(told)


def _loose(first: str, last: str) -> bool:
    """Whether a run begins or ends with a word that says nothing."""
    return any(word in STOP or len(word) < 2 for word in (first, last))


def _runs(stems: list[str]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = {(stem,) for stem in stems}
    found |= set(pairwise(stems))
    for size in range(3, LONGEST + 1):
        found |= {tuple(stems[at : at + size]) for at in range(len(stems) - size + 1)}
    return found


def _split(text: str) -> list[str]:
    return words_of(_HUMP.sub(" ", text[: WORDS * 40]))[:WORDS]


def _stem(word: str) -> str:
    """The word without the ending of a plural (Harman's weak stemmer); all else stays, and so stays explainable."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 3 and word.endswith("s") and word[-2] not in "sui":
        return word[:-1]
    return word
