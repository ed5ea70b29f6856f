"""What the page of a bet shows of its units' dependencies; the template is `bets/places/dependencies.html`."""

from counterpoint.bets.dependencies.store import DependencySeen, dependencies_beside
from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["dependencies_panel"]

MOST = 6


def dependencies_panel(graph: Graph, line: Line, actor: Actor) -> tuple[DependencySeen, ...]:
    """Those about the bet first, then those of the units that make it, the worst first."""
    units = {ref for ref in (line.bet.owner, *(node.ref for node in line.contributors)) if ref}
    return dependencies_beside(graph, line.bet.ref, units, actor=actor, limit=MOST)
