"""Every entity by its search keys, in memory: lists, counts, facets and text search without SQL.

    from counterpoint.graph.index import Equals, Order, Text, index_of

    now = index_of(workspace).snapshot()               # the graph as it is, whoever changed it last
    now.count(Equals("kind", ("component",)))
    now.page(Text(("metadata.name",), "play"), Order("metadata.name"), limit=20)   # rows: .entity, .content, .uid
    now.facets(["spec.type", "metadata.tags"], Equals("kind", ("component",)))     # {key: [(value, count)]}
    now.by_ref("component:default/web-player")         # one row, or None

Keys and values in filters are lower case; `rows` says which keys an entity has (they are Backstage's). A
snapshot never changes and may be asked from several threads; take a new one for each request. An order by a
key leaves out entities that lack it, and lists one once for each of its values.

filters       which entities are wanted: conditions and their combinations
snapshot      the questions: pages, counts, facets, single entities
segment       an immutable part of the index: numbers for entities, a column for each key
column        one key: its values in order, and who has which
strings       sorted texts in two buffers
rows          the search keys of an entity
stitched      one final entity, and how far the graph had come
stitching     final entities out of the graph's tables
merging       segments into one
whole         the index of a whole graph, read by several processes where it is large
file          a segment in a file, mapped by every process
follower      `Index`: in step with the graph, changes of other processes included
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from counterpoint.graph.index.filters import AllOf, AnyOf, Equals, Exists, Filter, Not, Prefix, Text
    from counterpoint.graph.index.follower import Index
    from counterpoint.graph.index.snapshot import Order, Row, Snapshot
    from counterpoint.graph.store import Graph

__all__ = [
    "AllOf",
    "AnyOf",
    "Equals",
    "Exists",
    "Filter",
    "Index",
    "Not",
    "Order",
    "Prefix",
    "Row",
    "Snapshot",
    "Text",
    "file_of",
    "index_of",
]

FOLDER = "index"
FILE = "entities.idx"
_HOMES = {
    **dict.fromkeys(("AllOf", "AnyOf", "Equals", "Exists", "Filter", "Not", "Prefix", "Text"), "filters"),
    **dict.fromkeys(("Order", "Row", "Snapshot"), "snapshot"),
    "Index": "follower",
}

T = TypeVar("T")


class _Workspace(Protocol):
    """What is needed of a workspace, which lives a floor above."""

    path: Path
    graph: "Graph"

    def keep(self, kind: type[T], make: "Callable[[Any], T]") -> T: ...


def index_of(workspace: _Workspace) -> "Index":
    """The index of a workspace, one for all who ask; its file is in the folder `index` of the workspace."""
    from counterpoint.graph.index.follower import Index

    return workspace.keep(Index, lambda kept: Index(kept.graph, file_of(kept)))


def file_of(workspace: _Workspace) -> Path:
    """The file that keeps the index of a workspace between starts."""
    return workspace.path / FOLDER / FILE


def __getattr__(name: str) -> Any:
    """Load a name on first use: who only builds a segment does without the database."""
    if name in _HOMES:
        return getattr(import_module(f"counterpoint.graph.index.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'counterpoint.graph.index' has no attribute {name!r}")
