"""What people say about likely twins, and how often the list was right. Pure."""

from collections.abc import Iterable
from datetime import datetime
from math import sqrt
from typing import Literal

import msgspec

from counterpoint.graph.similar.likeness import Likeness

__all__ = ["ENOUGH", "VERDICTS", "Judgement", "Precision", "Twin", "Twins", "precision_of"]

Verdict = Literal["confirmed", "dismissed"]
VERDICTS: tuple[Verdict, ...] = ("confirmed", "dismissed")
ENOUGH = 10
"""Judgements before which nothing is said about how often the list is right."""
Z95 = 1.959963984540054
"""Quantile of the normal distribution that a two-sided 95 % interval needs."""


class Judgement(msgspec.Struct, frozen=True, rename="camel"):
    """What somebody said about a pair."""

    id: str
    first: str
    second: str
    verdict: Verdict
    """`confirmed`: they are the same, and the units talk; `dismissed`: they are not."""
    reason: str
    actor: str
    at: datetime
    score: float | None = None
    """The likeness when it was judged."""
    undone_by: str | None = None
    undone_at: datetime | None = None


class Twin(msgspec.Struct, frozen=True, rename="camel"):
    """Two things of different owners that may be the same."""

    first: str
    second: str
    """References of both; of documentation that of its entity, followed by `/docs`."""
    titles: tuple[str, str]
    owners: tuple[str, str]
    owner_titles: tuple[str, str]
    kind: str
    likeness: Likeness
    phrases: tuple[str, ...]
    judgement: Judgement | None = None


class Precision(msgspec.Struct, frozen=True):
    """Of the pairs that people judged, how many were twins; with a 95 % interval (Wilson)."""

    judged: int
    confirmed: int
    share: float | None = None
    """None while there are too few judgements to say."""
    low: float | None = None
    high: float | None = None


class Twins(msgspec.Struct, frozen=True, rename="camel"):
    """The standing list, the most alike first, with how far it can be trusted."""

    items: tuple[Twin, ...]
    total: int
    precision: Precision
    holds: bool
    """Whether it was computed from the graph as it is now; if not, it is being renewed."""
    left_out: int = 0
    """The oldest things, which are not compared, since there are too many."""


def precision_of(verdicts: Iterable[Verdict]) -> Precision:
    """How often the list was right, as far as it was judged.

    References:
        Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.

    >>> precision_of(["confirmed"] * 3).share is None
    True
    """
    given = list(verdicts)
    judged, confirmed = len(given), given.count("confirmed")
    if judged < ENOUGH:
        return Precision(judged, confirmed)
    share, z = confirmed / judged, Z95
    middle = (share + z * z / (2 * judged)) / (1 + z * z / judged)
    half = z / (1 + z * z / judged) * sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    return Precision(judged, confirmed, share, max(middle - half, 0.0), min(middle + half, 1.0))
