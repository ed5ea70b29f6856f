"""What several people's answers say together, without telling what any one of them said. Pure.

Whoever took part knows their own answer and how many there were, so of what is shown they can take their own away.
Nothing may be shown from which they could tell another's: neither the answers, where those of the others are all the
same, nor a mean so near to 0 or 1 that all must lie there. What is held back must not tell by being held back either:
below five people single answers are never shown, and from five on the mean goes with them.
"""

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from counterpoint.bets.judgement.estimates import Range
from counterpoint.said import Said

__all__ = ["SHOWN_FROM", "SINGLES_FROM", "Pooled", "Spread", "pool", "spread"]

SHOWN_FROM = 3
"""People from which a combined answer is shown: of two, each knows the other's."""
SINGLES_FROM = 5
"""People from which single chances are shown, without names."""
ROOM = 0.2
"""How far apart the ends between which a mean leaves another's chance must lie at least."""
FEW = f"Shown from {SHOWN_FROM} people on; of fewer, each would know the others'."
ALIKE = "The answers are too alike to be shown: they would tell what each one said."


class Spread(msgspec.Struct, frozen=True, rename="camel"):
    """The chances that were predicted, once revealed: without names, and in the order of the values."""

    n: int
    mean: float | None
    """The combined prediction; none where it would tell somebody's."""
    values: tuple[float, ...]
    """The single ones; none below `SINGLES_FROM` people, and where they would tell whose they are."""
    note: Said = ""


class Pooled(msgspec.Struct, frozen=True, rename="camel"):
    """The ranges that were predicted, once revealed, as one; single ones are shown to nobody."""

    n: int
    range: Range | None
    note: Said = ""


def spread(chances: Sequence[float]) -> Spread:
    """The chances that people gave, as far as they tell nobody's.

    >>> spread([0.9, 0.5, 0.7])
    Spread(n=3, mean=0.7, values=(), note='Single answers are shown from 5 people on.')
    >>> spread([0.9, 0.5, 0.7, 0.8, 0.6]).values
    (0.5, 0.6, 0.7, 0.8, 0.9)
    """
    n = len(chances)
    if n < SHOWN_FROM:
        return Spread(n, None, (), FEW)
    if _corners(chances) or (n >= SINGLES_FROM and _alike(chances)):
        return Spread(n, None, (), ALIKE)
    mean = round(math.fsum(chances) / n, 4)
    if n < SINGLES_FROM:
        return Spread(n, mean, (), f"Single answers are shown from {SINGLES_FROM} people on.")
    return Spread(n, mean, tuple(sorted(chances)))


def pool(ranges: Sequence[Range]) -> Pooled:
    """One range of several: the mean of their low ends, of their middles and of their high ends.

    Means of quantiles stay as sharp as those who gave them, where a mixture of the distributions would be wider than
    everybody's.

    References:
        Lichtendahl, Grushka-Cockayne, Winkler (2013), Is it better to average probabilities or quantiles?
        Management Science 59, 1594-1611.

    >>> pool([Range(1, 2, 4), Range(2, 3, 5), Range(3, 7, 9)]).range
    Range(p10=2.0, p50=4.0, p90=6.0)
    """
    n = len(ranges)
    if n < SHOWN_FROM:
        return Pooled(n, None, FEW)
    points = [[each.p10 for each in ranges], [each.p50 for each in ranges], [each.p90 for each in ranges]]
    # What cannot be below 0 and is 0 for all others together is 0 for each of them.
    if any(min(point) >= 0 and math.fsum(point) == max(point) for point in points):
        return Pooled(n, None, ALIKE)
    low, middle, high = (math.fsum(point) / n for point in points)
    return Pooled(n, Range(low, middle, high), "The mean of all low ends, middles and high ends.")


def _corners(chances: Sequence[float]) -> bool:
    """Whether somebody who takes their own chance away from the sum is left with others' that must lie at an end."""
    total, others = math.fsum(chances), len(chances) - 1
    rest = [total - own for own in chances]
    return any(min(1.0, each) - max(0.0, each - (others - 1)) < ROOM for each in rest)


def _alike(chances: Sequence[float]) -> bool:
    """Whether all are the same but one at most: that one would know the others'."""
    return max(Counter(chances).values()) >= len(chances) - 1
