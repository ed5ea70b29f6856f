"""The pages of saved views: saving the list that one sees, and putting views in order."""

from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.catalog.views import store
from counterpoint.catalog.views.model import query_of
from counterpoint.errors import InputError
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]


@get("/catalog/views", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_views(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    of: FromQuery[str] = "",
) -> str:
    """All views that one sees; with `of`, a list's query, a form to keep it."""
    return _page(ws, actor, page, {"query": of})


@post("/catalog/views", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def save(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Keep a list by a name, or show the form again with what is wrong."""
    given = {name: str(data.get(name) or "").strip() for name in ("name", "query", "unit")}
    try:
        made = store.save(ws.graph, given["name"], given["query"], actor=actor, unit=given["unit"])
    except InputError as error:
        return again(_page(ws, actor, page, given, _errors(error)))
    return Redirect(with_query(made.url, told="view-saved"), status_code=303)


@post("/catalog/views/{view:str}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def change(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    view: FromPath[str],
    data: Posted,
) -> Page:
    """Rename a view, or forget it."""
    if data.get("remove"):
        store.remove(ws.graph, view, actor=actor)
        return Redirect(with_query("/catalog/views", told="view-removed"), status_code=303)
    before = store.read(ws.graph, view, actor)
    try:
        store.change(ws.graph, view, str(data.get("name") or ""), before.query, actor=actor)
    except InputError as error:
        return again(_page(ws, actor, page, {}, {view: _errors(error).get("name", error.message)}))
    return Redirect(with_query("/catalog/views", told="view-changed"), status_code=303)


def _errors(error: InputError) -> dict[str, str]:
    return {problem.pointer.strip("/"): problem.message for problem in error.problems} or {"": error.message}


def _page(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    given: dict[str, str],
    errors: dict[str, str] | None = None,
) -> str:
    views = store.views_for(ws.graph, actor, everybody=True)
    with ws.graph.read() as reader:
        titles = reader.titles({view.owner for view in views})
    return render(
        page,
        "catalog/views.html",
        views=views,
        titles=titles,
        changeable=store.may_change(ws.graph, views, actor),
        units=store.units_to_share_with(ws.graph, actor),
        given={"name": "", "unit": ""} | given | {"query": query_of(given.get("query", ""))},
        asking="query" in given and bool(given["query"] or errors),
        errors=errors or {},
    )


pages: list[Any] = [show_views, save, change]
