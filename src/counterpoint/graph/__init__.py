"""The graph: what exists, its history, and what changed.

The map: `ref` and `formats` (addresses and text rules), `kinds` over `fields` (the table of kinds),
`descriptor` (checks and relations of a document), `entity` (values that are returned), `actor` and
`permissions` (who may do what), `store` (transactions) with `reader`, `query`, `search` and
`writer`, `tables`, `engine` and `schema` (the database).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__all__ = ["SYSTEM", "Actor", "Entity", "Graph", "Reader", "Ref", "Writer", "local_actor", "parse_ref"]

if TYPE_CHECKING:
    from counterpoint.graph.actor import SYSTEM, Actor, local_actor
    from counterpoint.graph.entity import Entity
    from counterpoint.graph.reader import Reader
    from counterpoint.graph.ref import Ref, parse_ref
    from counterpoint.graph.store import Graph
    from counterpoint.graph.writer import Writer

_HOMES = {
    "SYSTEM": "actor",
    "Actor": "actor",
    "local_actor": "actor",
    "Entity": "entity",
    "Reader": "reader",
    "Ref": "ref",
    "parse_ref": "ref",
    "Graph": "store",
    "Writer": "writer",
}


def __getattr__(name: str) -> Any:
    """Load a name on first use: who needs references only does not pay for the database."""
    if name in _HOMES:
        return getattr(import_module(f"counterpoint.graph.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'counterpoint.graph' has no attribute {name!r}")
