"""What the page of a bet shows of its judgement; the template is `bets/judgement/panel.html`."""

from dataclasses import dataclass

from counterpoint.bets.judgement.estimating import Judged, judged_of
from counterpoint.bets.judgement.predicting import Question, questions_of
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader

__all__ = ["Judgement", "judgement_of"]

MOST = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """The next test, and the newest questions as the reader may see them."""

    judged: Judged
    questions: tuple[Question, ...]


def judgement_of(reader: Reader, bet: str, actor: Actor) -> Judgement:
    """The panel of a bet that exists, by its canonical reference."""
    return Judgement(judged_of(reader, bet), questions_of(reader, actor, bet=bet, limit=MOST))
