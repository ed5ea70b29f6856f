"""The page of likely twins: what two units may be building, why we think so, and what people said of it."""

from typing import Any

import msgspec
from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.catalog.reuse import store
from counterpoint.errors import InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.similar.likeness import entity_of
from counterpoint.graph.similar.things import MOST
from counterpoint.web import PageContext, render
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

PAIRS = 100
SAID = 50
Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]


@get("/catalog/twins", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_twins(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], owner: FromQuery[str] = ""
) -> str:
    """Pairs that may be the same; `owner` narrows them to one unit's."""
    return _page(ws, page, owner, {})


@post("/catalog/twins", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def judge(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
) -> Page:
    """Record what somebody says of a pair, or show the page again with what is wrong."""
    given = {
        name: str(data.get(name) or "").strip() for name in ("first", "second", "verdict", "reason", "owner")
    }
    try:
        store.judge(ws, given["first"], given["second"], given["verdict"], given["reason"], actor=actor)
    except InputError as error:
        message = " ".join(problem.message for problem in error.problems) or error.message
        errors = {f"{given['first']} {given['second']}": message}
        return Response(_page(ws, page, given["owner"], errors), status_code=400, media_type=MediaType.HTML)
    return _back(given["owner"], f"twins-{given['verdict']}")


@post("/catalog/twins/undo", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def undo(ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: Posted) -> Redirect:
    """Take a judgement back."""
    store.undo(ws, str(data.get("judgement") or ""), actor=actor)
    return _back(str(data.get("owner") or ""), "twins-reopened")


def _back(owner: str, told: str) -> Redirect:
    return Redirect(with_query("/catalog/twins", owner=owner, told=told), status_code=303)


def _page(ws: Workspace, page: PageContext, owner: str, errors: dict[str, str]) -> str:
    found = store.twins(ws, owner=owner, limit=PAIRS)
    said = store.judgements(ws, limit=SAID)
    with ws.graph.read() as reader:
        refs = {entity_of(ref) for each in said for ref in (each.first, each.second, each.actor)}
        refs |= {ref for twin in found.items for ref in (*twin.likeness.shared, *twin.likeness.metrics)}
        titles = reader.titles(refs | ({owner} if ":" in owner else set()))
    page = page.about(owner if ":" in owner else None)
    shown = tuple(twin for twin in found.items if not page.hides(twin.kind))
    hidden = len(found.items) - len(shown)
    return render(
        page,
        "catalog/twins.html",
        found=msgspec.structs.replace(found, items=shown, total=found.total - hidden),
        said=said,
        titles=titles,
        owner=owner,
        errors=errors,
        most=MOST,
        entity_of=entity_of,
    )


pages: list[Any] = [show_twins, judge, undo]
