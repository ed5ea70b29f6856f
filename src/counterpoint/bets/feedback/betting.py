"""A bet that begins with what somebody outside said: the form that it fills, and the evidence that it becomes."""

from counterpoint.bets.feedback.model import Feedback, FeedbackState
from counterpoint.bets.feedback.store import read_feedback, settle
from counterpoint.bets.form import BetForm
from counterpoint.errors import ConflictError, NotAllowedError, NotFoundError
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["form_from", "link"]

LONGEST_TITLE = 80
LONGEST_HYPOTHESIS = 1_000
"""Characters of what was said that the form takes over; all of it stays where it is."""


def form_from(graph: Graph, number: str, *, actor: Actor) -> BetForm:
    """The form of a new bet, filled with what was said; whoever said it is not in it.

    Raises:
        NotFoundError: there is no such feedback.
    """
    return _filled(read_feedback(graph, number, actor=actor).feedback)


def _filled(said: Feedback) -> BetForm:
    text = " ".join(said.text.split())
    first = text.split(". ")[0].rstrip(".")
    title = first if len(first) <= LONGEST_TITLE else f"{first[: LONGEST_TITLE - 1].rsplit(' ', 1)[0]}…"
    return BetForm(
        title=title,
        owner=said.unit,
        hypothesis=text[:LONGEST_HYPOTHESIS],
        horizon="later",
        feedback=said.id,
    )


def link(graph: Graph, number: str, bet: str, *, actor: Actor) -> bool:
    """Let the feedback be evidence for the bet that was made of it, where that is the actor's to say and still open.

    Returns whether it is. What is evidence for another bet already stays so.
    """
    try:
        held = read_feedback(graph, number, actor=actor).feedback
        if held.state is FeedbackState.EVIDENCE:
            return held.became == bet
        settle(
            graph,
            number,
            FeedbackState.EVIDENCE,
            actor=actor,
            bet=bet,
            reply=held.reply,
            version=held.version,
        )
    except (ConflictError, NotAllowedError, NotFoundError):
        return False
    return True
