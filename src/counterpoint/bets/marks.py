"""What other parts say of bets on a board: the probability of success, and open concerns.

Nothing says either yet. Whoever does answers these two functions for many bets at once, and the board,
which asks once for each page, shows it.
"""

from collections.abc import Collection, Mapping

import msgspec

from counterpoint.graph.reader import Reader
from counterpoint.said import Said

__all__ = ["ConcernMark", "ProbabilityMark", "concerns_of", "probabilities_of"]


class ProbabilityMark(msgspec.Struct, frozen=True):
    """How likely success is held to be: a range and its middle, each 0 to 1, with what it rests on."""

    low: float
    middle: float
    high: float
    note: Said = ""


class ConcernMark(msgspec.Struct, frozen=True):
    """That somebody is concerned, as far as the reader may know."""

    open: int
    note: Said = ""


def probabilities_of(reader: Reader, bets: Collection[str]) -> Mapping[str, ProbabilityMark]:
    """The probability of each bet that has one, by reference."""
    del reader, bets
    return {}


def concerns_of(reader: Reader, bets: Collection[str], *, viewer: str) -> Mapping[str, ConcernMark]:
    """The open concerns of each bet that has any which `viewer` may know of, by reference."""
    del reader, bets, viewer
    return {}
