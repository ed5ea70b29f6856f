"""What the words of a title say: a playlist called "rainy sunday" has rain in it before it has a song. Pure."""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import scipy.sparse as sp

from counterpoint.discover.interactions import Matrix

__all__ = ["Words", "words_of"]

PIECES = re.compile(r"[^\W_]+|[^\w\s]", re.UNICODE)
ALONE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
"""Scripts that write without spaces: their words are pairs of characters."""
LONGEST = 500
"""Characters of a title that are read; the rest says nothing more."""


def words_of(title: str) -> list[str]:
    """The words of a title, each once: lower case, without accents; symbols and emoji are words too.

    Also pairs of neighbouring words and the whole title, since "road trip" is more than both.

    >>> words_of("Road-Trip 90s!")
    ['road', 'trip', '90s', 'road trip', 'trip 90s', '=road trip 90s']
    """
    plain = unicodedata.normalize("NFKD", title[:LONGEST]).casefold()
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    pieces: list[str] = []
    for piece in PIECES.findall(plain):
        if ALONE.search(piece) and len(piece) > 2:
            pieces.extend(piece[at : at + 2] for at in range(len(piece) - 1))
        elif len(piece) > 1 or not piece.isascii() or piece.isalnum():
            pieces.append(piece)
    together = [f"{one} {other}" for one, other in itertools.pairwise(pieces)]
    whole = [f"={' '.join(pieces)}"] if len(pieces) > 1 else []
    return list(dict.fromkeys([*pieces, *together, *whole]))


class Words:
    """The words that titles of playlists have, each with a column."""

    def __init__(self, titles: Iterable[str], *, least: int = 2) -> None:
        """Words of fewer than `least` titles are left out: nothing can be learnt from them."""
        found: Counter[str] = Counter()
        for title in titles:
            found.update(words_of(title))
        kept = sorted(word for word, count in found.items() if count >= least)
        self.columns = {word: at for at, word in enumerate(kept)}
        self.places = len(kept)
        """Columns, also where only some of the words are known."""

    def __len__(self) -> int:
        return max(self.places, len(self.columns))

    def of(self, title: str, allowed: Callable[[int], bool]) -> "Words":
        """The words of a title alone whose columns are allowed, in the columns that they have here."""
        found = Words(())
        found.places = len(self)
        found.columns = {
            word: self.columns[word]
            for word in words_of(title)
            if word in self.columns and allowed(self.columns[word])
        }
        return found

    def matrix(self, titles: Sequence[str]) -> Matrix:
        """Titles by words: 1 where a title has a word."""
        rows, columns = [], []
        for row, title in enumerate(titles):
            for word in words_of(title):
                if word in self.columns:
                    rows.append(row)
                    columns.append(self.columns[word])
        values = np.ones(len(rows), dtype=np.float32)
        return sp.csr_matrix((values, (rows, columns)), shape=(len(titles), len(self)))
