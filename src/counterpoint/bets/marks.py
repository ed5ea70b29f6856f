"""How likely a bet is held to succeed, for a board that shows many.

What the owner has estimated of the four risks comes first, with what the evidence log has said since. A bet of which
no risk was estimated shows the combined prediction of its newest revealed question instead; a prediction that is
locked is nobody's to see and is not in it.
"""

from collections.abc import Collection, Mapping

import msgspec

from counterpoint.bets.evidence import Evidence
from counterpoint.bets.judgement.burning import ANYTHING
from counterpoint.bets.judgement.estimates import RISKS, Quantity, Range, fit
from counterpoint.bets.judgement.estimating import estimates_of, informed_by
from counterpoint.bets.judgement.looking_back import combined_of
from counterpoint.graph.reader import Reader
from counterpoint.said import Said

__all__ = ["ProbabilityMark", "chance_of_all", "probabilities_of"]

DRAWS = 1000


class ProbabilityMark(msgspec.Struct, frozen=True):
    """How likely success is held to be: a range and its middle, each 0 to 1, with what it rests on."""

    low: float | None
    """None where it rests on predictions: single ones are shown to nobody."""
    middle: float
    high: float | None
    note: Said = ""


def probabilities_of(
    reader: Reader, bets: Collection[str], evidence: Mapping[str, tuple[Evidence, ...]]
) -> Mapping[str, ProbabilityMark]:
    """The probability of each bet that has one, by reference; `evidence` is all that the log says of each."""
    found: dict[str, ProbabilityMark] = {}
    for bet, estimates in estimates_of(reader, bets).items():
        if any(quantity.is_risk for quantity in estimates):
            found[bet] = chance_of_all(informed_by(estimates, evidence.get(bet, ())))
    for bet, question in combined_of(reader, [bet for bet in bets if bet not in found]).items():
        spread = question.spread
        if spread is not None and spread.mean is not None:
            note = f"What {spread.n} people predicted together: {question.question}"
            found[bet] = ProbabilityMark(None, spread.mean, None, note)
    return found


def chance_of_all(ranges: Mapping[Quantity, Range]) -> ProbabilityMark:
    """The chance that all four risks hold, taken to be independent: 10, 50 and 90 % points of a thousand draws."""
    import numpy as np

    generator = np.random.default_rng(4)
    product = np.ones(DRAWS)
    for quantity in RISKS:
        product = product * fit(quantity, ranges.get(quantity, ANYTHING)).draws(DRAWS, generator)
    low, middle, high = (float(point) for point in np.quantile(product, (0.1, 0.5, 0.9)))
    unknown = ", ".join(quantity.value.removeprefix("risk-") for quantity in RISKS if quantity not in ranges)
    note = "The chance that all four risks hold, by the owner's estimates and the evidence since."
    return ProbabilityMark(low, middle, high, f"{note} Unknown: {unknown}." if unknown else note)
