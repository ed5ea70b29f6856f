"""What several people predicted together, kept as the estimate of their bet: the owner's to do, once it is revealed."""

from counterpoint.bets.judgement.estimating import Estimate, estimate
from counterpoint.bets.judgement.predicting import question
from counterpoint.errors import ConflictError
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["adopt_pooled"]


def adopt_pooled(graph: Graph, number: str, *, actor: Actor) -> Estimate:
    """Record the pooled range of a revealed question as the newest estimate of what it asked for.

    Raises:
        NotFoundError: there is no such question.
        NotAllowedError: its bet belongs to somebody else.
        ConflictError: it has no pooled range (yet).
    """
    found = question(graph, number, actor=actor)
    if found.quantity is None or found.pooled is None or found.pooled.range is None:
        raise ConflictError("There is no range that people predicted together: ask for one, and reveal it.")
    note = f"Predicted by {found.pooled.n} people, each without seeing the others: {found.question}"
    return estimate(
        graph,
        found.bet,
        found.quantity,
        found.pooled.range,
        actor=actor,
        unit=found.unit,
        note=note,
    )
