"""How predictions came: the record of the organisation, of a person for that person alone, and what a board shows."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Select, select

from counterpoint.bets.judgement.calibration import Calibration, Resolved, calibrate
from counterpoint.bets.judgement.predicting import Question, batches, shown_to
from counterpoint.bets.judgement.prediction import QuestionState, Step
from counterpoint.bets.judgement.tables import PREDICTIONS, QUESTIONS, STEPS
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["Own", "calibration", "combined_of", "own_record"]


class Own(msgspec.Struct, frozen=True, rename="camel"):
    """A person's own predictions that were resolved, for that person alone."""

    calibration: Calibration
    items: tuple[Question, ...]
    """The questions that they predicted, newest first."""


def combined_of(reader: Reader, bets: Collection[str]) -> dict[str, Question]:
    """The newest revealed question of each bet whose combined prediction may be shown, read as nobody in particular."""
    found: dict[str, Question] = {}
    for batch in batches(bets):
        query = select(QUESTIONS).where(QUESTIONS.c.bet.in_(batch)).order_by(QUESTIONS.c.seq.desc())
        for each in shown_to(reader, reader.connection.execute(query).all(), None):
            told = each.spread is not None and each.spread.mean is not None
            if told and each.state is QuestionState.REVEALED:
                found.setdefault(each.bet, each)
    return found


def calibration(graph: Graph) -> Calibration:
    """How well the organisation predicts: the combined predictions of resolved questions, never a person's.

    Questions that fewer people answered than a combined prediction is shown of are left out.
    """
    with graph.read() as reader:
        query = select(QUESTIONS).where(QUESTIONS.c.id.in_(_resolved())).order_by(QUESTIONS.c.seq)
        found = shown_to(reader, reader.connection.execute(query).all(), None)
    return calibrate(
        [
            Resolved(each.spread.mean, each.outcome)
            for each in found
            if each.spread and each.spread.mean is not None and each.outcome is not None
        ]
    )


def own_record(graph: Graph, actor: Actor) -> Own:
    """What the actor predicted and how it came, for the actor's own eyes."""
    with graph.read() as reader:
        mine = select(PREDICTIONS.c.question).where(PREDICTIONS.c.person == actor.ref)
        query = select(QUESTIONS).where(QUESTIONS.c.id.in_(mine)).order_by(QUESTIONS.c.seq.desc())
        found = shown_to(reader, reader.connection.execute(query).all(), actor)
    resolved = [
        Resolved(each.mine, each.outcome)
        for each in found
        if each.mine is not None and each.outcome is not None
    ]
    return Own(calibrate(resolved), found)


def _resolved() -> Select[tuple[str]]:
    return select(STEPS.c.question).where(STEPS.c.step == Step.RESOLVE.value)
