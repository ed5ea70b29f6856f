"""The API of saved views."""

from typing import Any

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from counterpoint.catalog.views import store
from counterpoint.catalog.views.model import View
from counterpoint.graph.actor import Actor
from counterpoint.workspace import Workspace

__all__ = ["routes"]


class ViewInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A view to keep; with `unit` it is shared by that unit, without it is one's own."""

    name: str
    query: str
    unit: str = ""


class Views(msgspec.Struct, frozen=True):
    """Views, one's own first."""

    items: tuple[View, ...]


@get("/api/v1/views", tags=["views"], sync_to_thread=True)
def list_views(ws: NamedDependency[Workspace], actor: NamedDependency[Actor]) -> Views:
    """What one has saved oneself, and what units share."""
    return Views(tuple(store.views_for(ws.graph, actor, everybody=True)))


@post("/api/v1/views", tags=["views"], sync_to_thread=True)
def save_view(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[ViewInput]
) -> View:
    """Keep a list of the catalog by a name."""
    return store.save(ws.graph, data.name, data.query, actor=actor, unit=data.unit)


@get("/api/v1/views/{view:str}", tags=["views"], sync_to_thread=True)
def read_view(ws: NamedDependency[Workspace], actor: NamedDependency[Actor], view: FromPath[str]) -> View:
    """One view."""
    return store.read(ws.graph, view, actor)


@put("/api/v1/views/{view:str}", tags=["views"], sync_to_thread=True)
def change_view(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    view: FromPath[str],
    data: JSONBody[ViewInput],
) -> View:
    """Give a view another name, question or unit. A unit's can be changed by its members only."""
    return store.change(ws.graph, view, data.name, data.query, actor=actor, unit=data.unit)


@delete("/api/v1/views/{view:str}", tags=["views"], sync_to_thread=True)
def remove_view(ws: NamedDependency[Workspace], actor: NamedDependency[Actor], view: FromPath[str]) -> None:
    """Forget a view."""
    store.remove(ws.graph, view, actor=actor)


routes: list[Any] = [list_views, save_view, read_view, change_view, remove_view]
