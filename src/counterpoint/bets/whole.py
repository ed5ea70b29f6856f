"""Bets with everything that is known of them: their line, decisions, evidence and stances."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from counterpoint.bets.advice import Load
from counterpoint.bets.decision_log import decisions_by_bet
from counterpoint.bets.evidence import Evidence
from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.line import Line, read_lines
from counterpoint.bets.model import Decision, read_bet
from counterpoint.bets.staleness import Staleness, staleness
from counterpoint.bets.stances import newest_of_each, stances_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader

__all__ = ["read_whole", "stage_since", "staleness_of"]


def read_whole(
    reader: Reader,
    bets: Sequence[Entity],
    *,
    load: Load | None = None,
    evidence: Mapping[str, tuple[Evidence, ...]] | None = None,
    today: date | None = None,
    sent: Collection[str] | None = None,
) -> tuple[Line, ...]:
    """The lines of Bet entities, in the same order, with decisions, risks and stances.

    `evidence` is what `evidence_of` has read already, where somebody has; `sent` are the types of events that the
    journal has seen, where somebody has looked.
    """
    refs = [bet.ref for bet in bets]
    decisions = decisions_by_bet(reader, refs)
    answers = stances_of(reader, refs)
    stances = {
        bet.ref: newest_of_each(
            answers.get(bet.ref, ()), read_bet(bet).stage, stage_since(decisions.get(bet.ref, ()))
        )
        for bet in bets
    }
    known = evidence_of(reader, bets) if evidence is None else evidence
    return read_lines(reader, bets, decisions, load, evidence=known, stances=stances, today=today, sent=sent)


def stage_since(decisions: Sequence[Decision]) -> datetime | None:
    """When the bet came into its stage; none where it always stood there."""
    return next((each.at for each in decisions if each.stage_after is not each.stage_before), None)


def staleness_of(line: Line, evidence: Iterable[Evidence], now: datetime) -> Staleness | None:
    """How long a bet has been quiet, by its decisions, stances and evidence; none of one that is not active."""
    news = [*(each.at for each in line.decisions), *(each.at for each in line.stances)]
    return staleness(line.bet, [*news, *(row.at for row in evidence)], now)
