"""What the page of a bet shows of what people outside said; the template is `bets/places/feedback.html`."""

from counterpoint.bets.feedback.store import FeedbackSeen, list_feedback
from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["feedback_panel"]

MOST = 4


def feedback_panel(graph: Graph, line: Line, actor: Actor) -> tuple[FeedbackSeen, ...]:
    """The newest feedback that came about the bet or became evidence for it."""
    return list_feedback(graph, actor=actor, bet=line.bet.ref, limit=MOST)
