"""What the page of a bet shows of concerns about it; the template is `bets/places/concerns.html`."""

from counterpoint.bets.concerns.store import Seen, concerns_page
from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["concerns_panel"]

MOST = 3


def concerns_panel(graph: Graph, line: Line, actor: Actor) -> tuple[Seen, ...]:
    """The newest open concerns about the bet that the reader may see; of others not even that there are any."""
    return concerns_page(graph, actor=actor, bet=line.bet.ref, only_open=True, limit=MOST).items
