"""What several people's answers say together, without telling what any one of them said. Pure.

Whoever took part knows their own answer and how many there were, and can take their own away from what is shown. So
what is shown must fit, for each of the others, answers that lie far apart. Holding back what would tell too much is
no way out: that it was held back tells the same. Therefore nothing depends on how the answers lie:

- Of chances the mean is told, always, and each counts as `LEAST` at least and as `MOST` at most. Where the others must
  all lie at an end, each of them still lies anywhere below `LEAST`, or above `MOST`.
- Of ranges the means of the three points are told. What cannot be below 0 might be 0 for everybody; its low end is
  told as 0 as soon as anybody's is, and nothing is told where anybody's middle is, so that either says only that
  there is somebody.

Single answers are shown to nobody.
"""

import math
from collections.abc import Sequence

import msgspec

from counterpoint.bets.judgement.estimates import Quantity, Range
from counterpoint.said import Said

__all__ = ["LEAST", "MOST", "SHOWN_FROM", "Pooled", "Spread", "pool", "spread"]

SHOWN_FROM = 3
"""People from which a combined answer is shown: of two, each knows the other's."""
LEAST, MOST = 0.2, 0.8
"""What a chance counts as at least and at most."""
NEVER_BELOW_0 = frozenset({Quantity.COST, Quantity.COST_OF_DELAY})
FEW = f"Shown from {SHOWN_FROM} people on; of fewer, each would know the others'."
COUNTED = "Each chance counts as 20 % at least and as 80 % at most, so that the mean tells nobody's."
NOTHING = (
    "At least one person's middle is 0, so that a mean would tell too much. Ask again, in a smaller unit."
)
MEANS = "The mean of all low ends, middles and high ends."


class Spread(msgspec.Struct, frozen=True, rename="camel"):
    """The chances that were predicted, once revealed, as one; single ones are shown to nobody."""

    n: int
    mean: float | None
    """The combined prediction, from `LEAST` to `MOST`; none below `SHOWN_FROM` people."""
    note: Said = ""


class Pooled(msgspec.Struct, frozen=True, rename="camel"):
    """The ranges that were predicted, once revealed, as one; single ones are shown to nobody."""

    n: int
    range: Range | None
    note: Said = ""


def spread(chances: Sequence[float]) -> Spread:
    """The mean of the chances that people gave.

    >>> spread([0.9, 0.5, 0.7]).mean
    0.6667
    >>> spread([0.01, 0.02, 0.05]).mean
    0.2
    >>> spread([0.9, 0.5]).mean is None
    True
    """
    n = len(chances)
    if n < SHOWN_FROM:
        return Spread(n, None, FEW)
    counted = (min(max(chance, LEAST), MOST) for chance in chances)
    return Spread(n, round(math.fsum(counted) / n, 4), COUNTED)


def pool(quantity: Quantity, ranges: Sequence[Range]) -> Pooled:
    """One range of several: the mean of their low ends, of their middles and of their high ends.

    Means of quantiles stay as sharp as those who gave them, where a mixture of the distributions would be wider than
    everybody's.

    References:
        Lichtendahl, Grushka-Cockayne, Winkler (2013), Is it better to average probabilities or quantiles?
        Management Science 59, 1594-1611.

    >>> pool(Quantity.DURATION, [Range(1, 2, 4), Range(2, 3, 5), Range(3, 7, 9)]).range
    Range(p10=2.0, p50=4.0, p90=6.0)
    >>> pool(Quantity.COST, [Range(0, 2, 4), Range(2, 3, 5), Range(3, 7, 9)]).range
    Range(p10=0.0, p50=4.0, p90=6.0)
    """
    n = len(ranges)
    if n < SHOWN_FROM:
        return Pooled(n, None, FEW)
    low, middle, high = (
        math.fsum(points) / n for points in zip(*map(msgspec.structs.astuple, ranges), strict=True)
    )
    if quantity not in NEVER_BELOW_0:
        return Pooled(n, Range(low, middle, high), MEANS)
    if any(each.p50 == 0 for each in ranges):
        return Pooled(n, None, NOTHING)
    if any(each.p10 == 0 for each in ranges):
        return Pooled(n, Range(0.0, middle, high), f"{MEANS} The low end is 0 as soon as anybody's is.")
    return Pooled(n, Range(low, middle, high), MEANS)
