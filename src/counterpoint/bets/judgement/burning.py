"""How the evidence log moves the chance that each risk holds, and which risk has most left to burn. Pure.

The convention, ours: an estimate of a risk is what its owner held when it was written, and evidence that was
recorded later moves it by Bayes' rule as a test of the same strength would (`STRENGTHS`). Pieces of evidence about
one risk are seldom independent, so only the strongest for the bet and the strongest against it count. A risk that
nobody has estimated starts from "it may be anything", and all evidence about it counts.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from counterpoint.bets.evidence import Direction, Evidence, standing
from counterpoint.bets.judgement.estimates import RISKS, Quantity, Range
from counterpoint.bets.judgement.next_test import STRENGTHS
from counterpoint.bets.model import Risk, Stage
from counterpoint.bets.risks import BURNS, RiskView

__all__ = ["ANYTHING", "informed", "most_to_burn", "shift_of"]

ANYTHING = Range(0.1, 0.5, 0.9)
"""The 10, 50 and 90 % points of a chance that may be anything between 0 and 1."""


def informed(
    estimates: Mapping[Quantity, Range],
    evidence: Iterable[Evidence],
    since: Mapping[Quantity, datetime] | None = None,
) -> dict[Quantity, Range]:
    """The ranges with what the log has said of each risk since it was estimated; risks without either are left out."""
    rows = standing(evidence)
    found = dict(estimates)
    for quantity in RISKS:
        start = (since or {}).get(quantity)
        told = [
            row
            for row in rows
            if _quantity(row.risk) is quantity
            and not (quantity in estimates and start is not None and row.at <= start)
        ]
        if told:
            found[quantity] = _shifted(estimates.get(quantity, ANYTHING), shift_of(told))
    return found


def shift_of(rows: Iterable[Evidence]) -> float:
    """By how much evidence about one risk moves the log odds that it holds.

    The log of the likelihood ratio of the strongest piece for the bet, less that of the strongest against it.
    """
    best = {Direction.FOR: 0.0, Direction.AGAINST: 0.0}
    for row in rows:
        if row.direction in best:
            best[row.direction] = max(best[row.direction], _logit(STRENGTHS[row.rung.strength]))
    return best[Direction.FOR] - best[Direction.AGAINST]


def most_to_burn(views: Sequence[RiskView], stage: Stage) -> RiskView | None:
    """The risk of which most is left to burn: those of the stage come first, then the least supported."""
    burns = BURNS[stage]
    return min(views, key=lambda view: (view.risk not in burns, view.supporting), default=None)


def _quantity(risk: Risk) -> Quantity:
    return Quantity(f"risk-{risk.value}")


def _shifted(given: Range, by: float) -> Range:
    low, mid, high = (1 / (1 + math.exp(-_logit(point) - by)) for point in (given.p10, given.p50, given.p90))
    return Range(low, mid, high)


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))
