"""The pages from data to bets: both spaces side by side, and one node with its versions."""

from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.bets.store import names_of
from counterpoint.bets.why import KINDS, NodePage, read_map, read_node, write_node
from counterpoint.bets.why_form import (
    HORIZONS,
    Beneficiary,
    WhyForm,
    read_why_form,
    why_descriptor,
    why_errors,
    why_form_of,
)
from counterpoint.errors import InputError, NotFoundError, PreconditionError
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again
from counterpoint.web.urls import ref_parts, with_query
from counterpoint.workspace import Workspace

__all__ = ["why_pages"]

Posted = URLEncodedBody[dict[str, Any]]
Page = Response[str] | Redirect
BY_LOWER = {kind.lower(): kind for kind in KINDS}
ASKS = {
    "Datum": "What was seen, as somebody else could see it too?",
    "Insight": "What do the data mean for the people whom we serve?",
    "Belief": "What do we hold to be true because of it?",
    "Purpose": "What are we there for?",
}
NODE = "/bets/why/{kind:str}/{namespace:str}/{name:str}"


@get("/bets/why", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_map(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    unit: FromQuery[str] = "",
    bet: FromQuery[str] = "",
) -> str:
    """The problem space and the solution space, of everybody, of a unit, or behind one bet."""
    found = read_map(ws.graph, unit=unit, bet=bet)
    return render(page, "bets/why.html", map=found, unit=unit, bet=bet, units=names_of(ws.graph, "Group"))


@get("/bets/why/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_new_node(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    kind: FromQuery[str] = "datum",
    owner: FromQuery[str] = "",
    rests_on: FromQuery[str] = "",
) -> str:
    """The empty form of a datum, an insight, a belief or a purpose."""
    wanted = _kind(kind)
    form = WhyForm(kind=wanted, owner=owner, rests_on=tuple(filter(None, rests_on.split(","))))
    return _form(ws, page, form, {})


@post("/bets/why/new", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def create_node(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    data: Posted,
    kind: FromQuery[str] = "datum",
) -> Page:
    """Store a new node, or show the form again with what is wrong."""
    form = read_why_form(_kind(kind), data)
    document, errors = why_descriptor(form)
    if not errors:
        try:
            return _to(write_node(ws.graph, document, actor=actor, new=True))
        except InputError as error:
            errors = why_errors(error.problems) or {"": error.message}
    return again(_form(ws, page, form, errors))


@get(NODE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_node(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """One node: its form, its versions, and the bets that a change of it hits."""
    found = read_node(ws.graph, _kind(kind), namespace, name, actor=actor)
    return _form(ws, page, why_form_of(found.node.kind, found.document, found.etag), {}, found)


@post(NODE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def edit_node(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Store the changed node, or show the form again with what is wrong."""
    found = read_node(ws.graph, _kind(kind), namespace, name, actor=actor)
    form = read_why_form(found.node.kind, data)
    document, errors = why_descriptor(form, found.document)
    if not errors:
        try:
            return _to(write_node(ws.graph, document, actor=actor, new=False, etag=form.etag))
        except InputError as error:
            errors = why_errors(error.problems) or {"": error.message}
        except PreconditionError:
            message = "Somebody has changed it since you opened the form. Open it again in another tab, compare, and repeat your change there."
            return again(_form(ws, page, form, {"": message}, found), status=412)
    return again(_form(ws, page, form, errors, found))


def _form(
    ws: Workspace,
    page: PageContext,
    form: WhyForm,
    errors: dict[str, str],
    found: NodePage | None = None,
) -> str:
    page = page.about(found.node.owner.ref if found and found.node.owner else None)
    with ws.graph.read() as reader:
        people = reader.titles({each.actor for each in found.versions} if found else ())
    below = {"Insight": "Datum", "Belief": "Insight"}.get(form.kind)
    return render(
        page,
        "bets/why_node.html",
        form=form,
        errors=errors,
        found=found,
        ask=page.tell(ASKS[form.kind]),
        units=names_of(ws.graph, "Group"),
        metrics=names_of(ws.graph, "Metric"),
        purposes=names_of(ws.graph, "Purpose"),
        below=below,
        choices=names_of(ws.graph, below) if below else (),
        horizons=HORIZONS,
        beneficiaries=[*form.beneficiaries, Beneficiary()],
        people=people,
    )


def _kind(kind: str) -> str:
    found = BY_LOWER.get(kind.lower())
    if found is None:
        raise NotFoundError(f"There is no page for {kind!r}; there is one for {', '.join(BY_LOWER)}.")
    return found


def _to(ref: str) -> Redirect:
    kind, namespace, name = ref_parts(ref)
    return Redirect(with_query(f"/bets/why/{kind}/{namespace}/{name}", told="node-saved"), status_code=303)


why_pages: list[Any] = [show_map, show_new_node, create_node, show_node, edit_node]
