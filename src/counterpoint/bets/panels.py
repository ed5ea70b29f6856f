"""Panels that others put into the page of a bet: each has a name, which is a place in the page.

The places are `judgement` (below the evidence), `dependencies` and `feedback` (below what the bet says),
`deciding` (above the decisions), `concerns` and `aside` (beside them). A panel is a function that takes the
workspace, the line and the reader, and returns what `bets/places/<name>.html` shows as `panels.<name>`;
None leaves the place empty.
"""

from collections.abc import Callable, Mapping
from typing import Any

from counterpoint.bets.line import Line
from counterpoint.graph.actor import Actor
from counterpoint.workspace import Workspace

__all__ = ["PANELS", "Panel", "panels_of"]

Panel = Callable[[Workspace, Line, Actor], Any]
PANELS: Mapping[str, Panel] = {}
"""The panels by the name of their place."""


def panels_of(workspace: Workspace, line: Line, actor: Actor) -> dict[str, Any]:
    """What each panel that has something to say shows on the page of one bet."""
    made = {name: panel(workspace, line, actor) for name, panel in PANELS.items()}
    return {name: value for name, value in made.items() if value is not None}
