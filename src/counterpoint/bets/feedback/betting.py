"""A bet that begins with what somebody outside said: the form that it fills, and the evidence that it becomes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from counterpoint.bets.feedback.kept import speaks_for
from counterpoint.bets.feedback.model import Feedback, FeedbackState
from counterpoint.bets.feedback.store import held, read_feedback, settle_in
from counterpoint.bets.form import BetForm
from counterpoint.bets.line import Line
from counterpoint.bets.store import write_in
from counterpoint.errors import ConflictError
from counterpoint.graph.actor import Actor
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["form_from", "place", "renewed", "would_join"]

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
        feedback_version=said.version,
    )


def would_join(graph: Graph, number: str, actor: Actor) -> bool:
    """Whether what was said becomes evidence for a bet that is made of it now."""
    if not number:
        return False
    with graph.read() as reader:
        said = held(reader, number)
        return said is not None and _joins(reader, said, actor)


def renewed(graph: Graph, form: BetForm) -> BetForm:
    """The form with the feedback that it began with as that is now, or without it where it was erased."""
    with graph.read() as reader:
        said = held(reader, form.feedback)
    number, version = (said.id, said.version) if said else ("", "")
    return msgspec.structs.replace(form, feedback=number, feedback_version=version)


def _joins(reader: Reader, said: Feedback, actor: Actor) -> bool:
    """Where it is the actor's to say what becomes of it; what is evidence for another bet stays so."""
    return said.state is not FeedbackState.EVIDENCE and speaks_for(reader, actor, said.unit)


def place(
    graph: Graph, document: Mapping[str, Any], number: str, *, actor: Actor, version: str = ""
) -> tuple[Line, bool]:
    """Store a new bet with what was said as its first evidence, both or neither; and whether it is.

    `version` is that of the feedback which the actor saw; empty takes it as it is.

    Raises:
        ConflictError: somebody has settled or erased the feedback since the actor looked.
        InputError, NotAllowedError: as `store.write`.
    """
    with graph.write(actor) as writer:
        said = held(writer, number)
        if said is None:
            raise ConflictError(
                "What was said has been erased since you looked, and its words may stand in this form. Place the bet again if it stands without them."
            )
        if version and version != said.version:
            raise ConflictError(
                f"Somebody has settled what was said since you looked: it is {said.state.value} now. Look again, and place the bet again if you still want to."
            )
        line = write_in(graph, writer, document, new=True)
        joined = _joins(writer, said, actor)
        if joined:
            settle_in(writer, said, FeedbackState.EVIDENCE, bet=line.bet.ref, reply=said.reply)
        return line, joined
