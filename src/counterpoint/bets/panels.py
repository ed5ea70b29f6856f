"""Panels of the page of a bet: what each part of the room says about one bet, by the name of its place.

A panel is a function that takes the graph, the line and the reader, and returns what `bets/places/<name>.html` shows
as `panels.<name>`; `bet.html` says where each place is. Another panel is one function here and one template there.
"""

from collections.abc import Callable, Mapping
from typing import Any

from counterpoint.bets.concerns.panel import concerns_panel
from counterpoint.bets.deciding.panel import records_panel
from counterpoint.bets.dependencies.panel import dependencies_panel
from counterpoint.bets.feedback.panel import feedback_panel
from counterpoint.bets.judgement.panel import judgement_panel
from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.graph.store import Graph

__all__ = ["PANELS", "Panel", "panels_of"]

Panel = Callable[[Graph, Line, Actor], Any]
PANELS: Mapping[str, Panel] = {
    "judgement": judgement_panel,
    "dependencies": dependencies_panel,
    "feedback": feedback_panel,
    "deciding": records_panel,
    "concerns": concerns_panel,
}
"""The panels by the name of their place."""


def panels_of(graph: Graph, line: Line, actor: Actor) -> dict[str, Any]:
    """What each panel shows on the page of one bet."""
    return {name: panel(graph, line, actor) for name, panel in PANELS.items()}
