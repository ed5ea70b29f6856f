"""How long decisions take, and where they wait: of units, never of a person. Pure."""

from collections.abc import Sequence
from datetime import datetime
from statistics import quantiles

import msgspec

from counterpoint.bets.deciding.model import AdviceKind, DecisionRecord, DecisionState
from counterpoint.said import Said

__all__ = ["LEAST", "Latency", "Waits", "latency_of", "waits_of"]

LEAST = 5
"""Decisions below which there is no figure."""
DAY = 86_400.0


class Waits(msgspec.Struct, frozen=True, rename="camel"):
    """Where one decision waited, or waits, in days."""

    before_asking: float
    """From the proposal until somebody was asked; all of it where nobody was."""
    for_advice: float
    """From the first question until the last answer."""
    for_decision: float
    """From the last answer until it was decided."""
    open: bool

    @property
    def total(self) -> float:
        """From the proposal to the decision, or to now."""
        return self.before_asking + self.for_advice + self.for_decision


class Latency(msgspec.Struct, frozen=True, rename="camel"):
    """The decisions of one unit, or of all."""

    decided: int
    open: int
    median: float | None = None
    """Days from proposed to accepted or rejected."""
    low: float | None = None
    high: float | None = None
    """Quartiles of the same."""
    before_asking: float | None = None
    for_advice: float | None = None
    for_decision: float | None = None
    """Mean days in each part; together the mean of the whole."""
    longest_open: float | None = None
    sentence: Said = ""


def waits_of(record: DecisionRecord, now: datetime) -> Waits:
    """Where a decision waited; advice that comes after the decision does not count."""
    start = record.proposed_at
    decided = record.decided
    end = decided.at if decided else max(now, start)
    rows = [each for each in record.advice if each.at <= end]
    asked = min((each.at for each in rows if each.kind is AdviceKind.ASKED), default=None)
    given = max(
        (each.at for each in rows if each.kind is AdviceKind.GIVEN and asked and each.at >= asked),
        default=None,
    )
    first = asked or end
    if asked is None:
        last = end
    elif given is None:  # still waiting, or decided without
        last = end if decided is None else asked
    else:
        last = end if decided is None and record.waiting else given
    return Waits(_days(start, first), _days(first, last), _days(last, end), decided is None)


def latency_of(records: Sequence[DecisionRecord], now: datetime) -> Latency:
    """How long the decisions took; no figures below `LEAST` decided ones, since those would be of single days."""
    decided = [waits_of(record, now) for record in records if record.decided]
    waiting = [waits_of(record, now) for record in records if record.state.open]
    longest = max((each.total for each in waiting), default=None)
    if len(decided) < LEAST:
        said = f"{len(decided)} decided: figures are shown from {LEAST} on."
        return Latency(len(decided), len(waiting), longest_open=longest, sentence=said)
    low, median, high = quantiles([each.total for each in decided], n=4, method="inclusive")
    parts = {
        "before anybody was asked": _mean([each.before_asking for each in decided]),
        "for advice": _mean([each.for_advice for each in decided]),
        "for whoever decides": _mean([each.for_decision for each in decided]),
    }
    before, advice, deciding = parts.values()
    where = max(parts, key=lambda part: parts[part])
    return Latency(
        len(decided),
        len(waiting),
        median=median,
        low=low,
        high=high,
        before_asking=before,
        for_advice=advice,
        for_decision=deciding,
        longest_open=longest,
        sentence=f"Half are decided within {median:.1f} days; they wait longest {where}.",
    )


def where_open(record: DecisionRecord) -> Said:
    """What an open decision waits for now."""
    if record.state is DecisionState.PROPOSED:
        return "for advice to be asked, or for a decision"
    return "for advice" if record.waiting else "for whoever decides"


def _days(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() / DAY)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
