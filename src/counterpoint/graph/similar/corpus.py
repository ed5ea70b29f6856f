"""Texts as vectors: TF-IDF on words, sublinear, the title counted twice; cosines between them.

This plain method found the other half of a known pair of duplicates as well as anything else that is cheap
(design notes, "Duplicated work between squads"), and it can say which words made a match.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.graph.similar.words import terms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Corpus", "Tokens", "Vocabulary"]

TITLE = 2
"""How often the title counts."""
OTHERS = 100
"""Texts without any of the words that are thought beside those that are there. Of two texts that are alike every
shared word would otherwise count as common, and a catalog of five things would have no twins."""
ROWS = 64
"""Texts that are compared with all others at a time: some milliseconds, in which no other thread runs."""
COMMON = 0.2
"""A word of more than this share of many texts parts none of them; pairs are not looked for by it."""
FREQUENT = 500
"""Texts with a word beyond which it is common in any case, so that the work grows with the texts and not their square."""
MANY = 1_000
"""From how many texts on that is so; in a small catalog every word counts."""
SOUGHT = 0.7
"""Which share of the nearness that is asked for the less common words must bring."""


class Vocabulary:
    """The number of each term, given when it is first met. It only grows, so that old counts stay right."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, term: str) -> int | None:
        """The number of a term that some text has; none for another."""
        return self._numbers.get(term)

    def tokens(self, title: str, body: str) -> "Tokens":
        """The terms of a text with how often each counts."""
        counts = Counter(terms_of(title) * TITLE + terms_of(body))
        numbers = [self._numbers.setdefault(term, len(self._numbers)) for term in counts]
        return Tokens(np.array(numbers, dtype=np.int32), np.array(list(counts.values()), dtype=np.float32))


class Tokens:
    """One text: the numbers of its terms and how often each counts, two arrays of one length."""

    __slots__ = ("counts", "numbers")

    def __init__(self, numbers: "NDArray[np.int32]", counts: "NDArray[np.float32]") -> None:
        self.numbers = numbers
        self.counts = counts


class Corpus:
    """Many texts, each a vector of length one; built whole in milliseconds from tokens that are kept."""

    def __init__(self, vocabulary: Vocabulary, texts: Sequence[Tokens]) -> None:
        from scipy.sparse import csr_matrix

        self._vocabulary = vocabulary
        self.size = len(texts)
        width = len(vocabulary)
        lengths = np.array([len(text.numbers) for text in texts], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        numbers = _joined([text.numbers for text in texts], np.int32)
        counts = _joined([text.counts for text in texts], np.float32)
        self._documents = np.bincount(numbers, minlength=width) if width else np.zeros(0, dtype=np.int64)
        self._rarity = (np.log((OTHERS + self.size) / (1 + self._documents)) + 1).astype(np.float32)
        weights = (1 + np.log(counts)) * self._rarity[numbers]
        rows = np.repeat(np.arange(self.size), lengths)
        squares = np.bincount(rows, weights=weights**2, minlength=self.size)
        norms = np.sqrt(squares, where=squares > 0, out=np.ones(self.size))
        values = (weights / norms[rows]).astype(np.float32)
        self._matrix: Any = csr_matrix((values, numbers, starts), shape=(self.size, max(width, 1)))

    def cosines(self, title: str, body: str) -> "NDArray[np.float32]":
        """How near each text of the corpus is to this one, from 0 to 1, in the corpus's order."""
        vector = np.zeros(self._matrix.shape[1], dtype=np.float32)
        squares = 0.0
        for term, weight in self._weights(title, body).items():
            squares += weight**2
            number = self._vocabulary.number(term)
            if number is not None and number < len(vector):
                vector[number] = weight
        if not squares:
            return np.zeros(self.size, dtype=np.float32)
        found: NDArray[np.float32] = self._matrix @ (vector / np.float32(np.sqrt(squares)))
        return found

    def rarity(self, term: str) -> float:
        """What a term weighs: 1 where every text has it, more the fewer have it."""
        number = self._vocabulary.number(term)
        if number is None or number >= len(self._rarity):
            return float(np.log(OTHERS + self.size) + 1)
        return float(self._rarity[number])

    def pairs(
        self,
        rows: "NDArray[np.int64]",
        groups: "NDArray[np.int64]",
        *,
        least: float,
        each: int,
        step: Callable[[], object] = lambda: None,
    ) -> Iterator[tuple[int, int, float]]:
        """Every two of some texts, of different groups, that are at least so near: their numbers and the cosine.

        `groups` has one number for each of `rows`. Of one text at most `each` pairs with later ones are given,
        the nearest first. In a large corpus pairs that only have words in common which very many texts have
        are not looked for. `step` is called every few milliseconds; what it raises ends the search.
        """
        part = self._matrix[rows]
        seeking = self._without_common(part)
        columns = seeking.T.tocsr()
        for start in range(0, len(rows), ROWS):
            step()
            found = (seeking[start : start + ROWS] @ columns).tocoo()
            left, right = found.row.astype(np.int64) + start, found.col.astype(np.int64)
            near = (right > left) & (found.data >= least * SOUGHT) & (groups[left] != groups[right])
            left, right, cosines = left[near], right[near], found.data[near]
            order = np.lexsort((right, -cosines, left))
            left, right = left[order], right[order]
            # The place of each pair among those of its row: rows are sorted, so it counts from where the row starts.
            place = np.arange(len(left)) - np.searchsorted(left, left)
            left, right = left[place < each], right[place < each]
            if not len(left):
                continue
            exact = np.asarray(part[left].multiply(part[right]).sum(axis=1)).ravel()
            for one, other, cosine in zip(left, right, exact, strict=True):
                if cosine >= least:
                    yield int(rows[one]), int(rows[other]), float(cosine)

    def _without_common(self, part: Any) -> Any:
        if part.shape[0] < MANY:
            return part
        from scipy.sparse import diags

        held = np.bincount(part.indices, minlength=part.shape[1]) <= min(COMMON * part.shape[0], FREQUENT)
        seeking = (part @ diags(held.astype(np.float32))).tocsr()
        seeking.eliminate_zeros()
        return seeking

    def _weights(self, title: str, body: str) -> dict[str, float]:
        counts = Counter(terms_of(title) * TITLE + terms_of(body))
        return {term: (1 + float(np.log(count))) * self.rarity(term) for term, count in counts.items()}


def _joined(arrays: Sequence[Any], kind: Any) -> Any:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=kind)
