"""What the page of a bet shows of the decision log; the template is `bets/places/deciding.html`."""

from counterpoint.bets.deciding.model import DecisionRecord
from counterpoint.bets.deciding.placing import numbers_of
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["records_panel"]

MOST = 5


def records_panel(graph: Graph, line: Line, _actor: Actor) -> tuple[DecisionRecord, ...]:
    """The newest decision records about the bet."""
    with graph.read() as reader:
        return records_of(reader, numbers_of(reader, bets=[line.bet.ref], limit=MOST))
