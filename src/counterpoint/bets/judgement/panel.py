"""What the page of a bet shows of its judgement; the template is `bets/places/judgement.html`."""

from dataclasses import dataclass

from counterpoint.bets.judgement.estimating import Judged, judged_of
from counterpoint.bets.judgement.predicting import Question, questions_of
from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["Judgement", "judgement_panel"]

MOST = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """The next test, and the newest questions as the reader may see them."""

    judged: Judged
    questions: tuple[Question, ...]


def judgement_panel(graph: Graph, line: Line, actor: Actor) -> Judgement:
    """The next test of a bet, and its newest questions."""
    with graph.read() as reader:
        bet = line.bet.ref
        return Judgement(judged_of(reader, bet), questions_of(reader, actor, bet=bet, limit=MOST))
