"""Bets with everything that is known of them: their line, decisions, evidence and stances."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from counterpoint.bets.advice import Load
from counterpoint.bets.decision_log import decisions_by_bet
from counterpoint.bets.evidence import Evidence
from counterpoint.bets.evidence_log import evidence_of
from counterpoint.bets.line import Line, read_lines
from counterpoint.bets.model import Decision, read_bet
from counterpoint.bets.stances import newest_of_each, stances_of
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader

__all__ = ["read_whole", "stage_since"]


def read_whole(
    reader: Reader,
    bets: Sequence[Entity],
    *,
    load: Load | None = None,
    evidence: Mapping[str, tuple[Evidence, ...]] | None = None,
    today: date | None = None,
) -> tuple[Line, ...]:
    """The lines of Bet entities, in the same order, with decisions, risks and stances.

    `evidence` is what `evidence_of` has read already, where somebody has.
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
    return read_lines(reader, bets, decisions, load, evidence=known, stances=stances, today=today)


def stage_since(decisions: Sequence[Decision]) -> datetime | None:
    """When the bet came into its stage; none where it always stood there."""
    return next((each.at for each in decisions if each.stage_after is not each.stage_before), None)
