"""The pages of people: a unit, a person, the map of the organisation, and the forms that change them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import CounterpointError, NotAllowedError, NotFoundError, PreconditionError
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision, may
from counterpoint.graph.reader import Reader
from counterpoint.people import charter, store, vocabulary_pages
from counterpoint.people.changes import add_member, end_membership, name_manager
from counterpoint.people.dates import when_of
from counterpoint.people.organisation import Place, draw
from counterpoint.people.ownership import owned
from counterpoint.people.retirement import plan, retire
from counterpoint.people.structures import structure_of
from counterpoint.people.unit_types import role_labels
from counterpoint.web import PageContext, render
from counterpoint.web.activity import grouped, named_in, practised
from counterpoint.web.urls import catalog_url, entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

CHANGES = 8
"""Entries of the activity on a unit's page."""
THINGS = 100
"""Things of one kind that a unit's page lists; the catalog has the rest."""
OPEN = frozenset({"", "active", "paused"})
"""States of bets that are not over."""
HTML: dict[str, Any] = {
    "media_type": MediaType.HTML,
    "include_in_schema": False,
    "sync_to_thread": True,
}
Page = Response[str] | Redirect
Posted = URLEncodedBody[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Form:
    """What was typed and what is wrong with it."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class _Node:
    """A unit of the tree with its parts."""

    place: Place
    parts: list["_Node"] = field(default_factory=list)


@get("/organisation", **HTML)
def show_organisation(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    at: FromQuery[str] = "",
    depth: FromQuery[int | None] = None,
) -> str:
    """The map of the organisation, now or at a date; a large one to a depth that can be read, or to the one asked for."""
    when = when_of(at or None)
    with ws.graph.read() as reader:
        found = draw(structure_of(ws, reader, when))
    deepest = found.depth if depth is None else depth
    places = [place for place in found.places if place.depth <= deepest]
    return render(
        page,
        "people/organisation.html",
        map=found,
        places=places,
        tree=_tree(places),
        whole=len(places) == len(found.places),
        at=at or None,
    )


def _tree(places: Iterable[Place]) -> list[_Node]:
    roots: list[_Node] = []
    path: list[_Node] = []
    for place in places:
        node = _Node(place)
        del path[place.depth :]
        (path[-1].parts if path else roots).append(node)
        path.append(node)
    return roots


@get("/units/{namespace:str}/{name:str}", **HTML)
def show_unit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str] = "",
) -> str:
    """One unit: charter, people, parts, what it owns, how to ask it."""
    return _unit(ws, actor, page, f"group:{namespace}/{name}", at)


def _unit(
    ws: Workspace, actor: Actor, page: PageContext, ref: str, at: str = "", form: _Form | None = None
) -> str:
    form, when = form or _Form(), when_of(at or None)
    with ws.graph.read() as reader:
        unit = store.read_unit(reader, ref, when, structure_of(ws, reader, when))
        page = page.about(unit.ref)
        bets = _open_bets(reader, [each.ref for each in unit.things if each.kind == "Bet"], when.at)
        flags_in = [] if page.hides("FlagSet") else _flags_in(reader, unit.ref, when.at)
        entries = practised(reader.activity(subject=unit.ref, limit=CHANGES * 3), page.hides)
        groups = grouped(entries, limit=CHANGES)
        permission = _permission(reader, actor, unit.ref)
        editable = permission.allow and not at
        return render(
            page,
            "people/unit.html",
            unit=unit,
            things=[each for each in unit.things if not page.hides(each.kind)],
            most=THINGS,
            bets=bets,
            flags_in=flags_in,
            groups=groups,
            titles=reader.titles(named_in(entries)),
            permission=permission,
            at=at or None,
            url=entity_url(unit.ref),
            catalog_url=catalog_url(unit.ref),
            crumbs=[(each.title, with_query(entity_url(each.ref), at=at)) for each in reversed(unit.above)],
            ending=[each for each in unit.members if each.id] if editable else [],
            people=store.names(reader, "User") if editable else [],
            roles=sorted(role_labels(reader, when)),
            values=form.values,
            errors=form.errors,
        )


def _open_bets(reader: Reader, refs: Iterable[str], at: Any) -> list[Entity]:
    found = reader.get_many(refs, at=at).values()
    return [each for each in found if str(each.spec.get("state") or "") in OPEN]


def _flags_in(reader: Reader, ref: str, at: Any) -> tuple[Entity, ...]:
    """Flag sets of others in which flags name the unit as their owner."""
    found = reader.find(kind="FlagSet", related=("hasFlagsOf", ref), at=at, limit=THINGS).items
    return tuple(each for each in found if each.owner != ref)


@post("/units/{namespace:str}/{name:str}/members", **HTML)
def add_to_unit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Record a membership, or show the form again with what is wrong."""
    ref, values = f"group:{namespace}/{name}", _texts(data)
    try:
        add_member(ws.graph, actor, ref, values)
    except CounterpointError as error:
        form = _failed(error, values)
        return _again(_unit(ws, actor, page, ref, form=form), form)
    return Redirect(with_query(entity_url(ref), told="member-added"), status_code=303)


@post("/units/{namespace:str}/{name:str}/members/{number:str}/end", **HTML)
def end_in_unit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    number: FromPath[str],
) -> Redirect:
    """End a membership now."""
    end_membership(ws.graph, actor, number)
    return Redirect(with_query(entity_url(f"group:{namespace}/{name}"), told="member-ended"), status_code=303)


@get("/units/{namespace:str}/{name:str}/edit", **HTML)
def show_charter(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """The form of a unit's charter."""
    return _charter(ws, page, f"group:{namespace}/{name}")


def _charter(ws: Workspace, page: PageContext, ref: str, form: _Form | None = None) -> str:
    with ws.graph.read() as reader:
        entity = reader.require(ref)
    values = form.values if form else charter.form_of(entity)
    return render(
        page,
        "people/edit.html",
        unit=entity,
        form=dict.fromkeys((*charter.CHARTER, "etag"), "") | dict(values),
        errors=form.errors if form else {},
        url=entity_url(ref),
        declared=(entity.location or "").removeprefix("file:") or None,
    )


@post("/units/{namespace:str}/{name:str}/edit", **HTML)
def save_charter(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Store the charter, or show the form again with what is wrong."""
    ref, values = f"group:{namespace}/{name}", _texts(data)
    try:
        with ws.graph.write(actor) as writer:
            document = charter.changed(writer.require(ref), values)
            writer.put(document, if_match=[values["etag"]] if values.get("etag") else None)
    except PreconditionError:
        message = "Somebody has changed this unit since you opened the form. Open it again in another tab, compare, and repeat your change there."
        form = _Form(values, {"": message}, 412)
        return _again(_charter(ws, page, ref, form), form)
    except CounterpointError as error:
        form = _failed(error, values)
        return _again(_charter(ws, page, ref, form), form)
    return Redirect(with_query(entity_url(ref), told="charter-saved"), status_code=303)


@get("/units/{namespace:str}/{name:str}/retire", **HTML)
def show_retirement(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """What retiring a unit means, with a field for each new home."""
    return _retirement(ws, page, f"group:{namespace}/{name}", _Form())


def _retirement(ws: Workspace, page: PageContext, ref: str, form: _Form) -> str:
    with ws.graph.read() as reader:
        decided, entity = plan(reader, ref), reader.require(ref)
        units = [name for name in store.names(reader, "Group") if name != entity.name]
    return render(
        page,
        "people/retire.html",
        plan=decided,
        unit=entity,
        units=units,
        values=form.values,
        errors=form.errors,
        url=entity_url(entity.ref),
    )


@post("/units/{namespace:str}/{name:str}/retire", **HTML)
def carry_out_retirement(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Retire the unit, or show the form again with what is missing."""
    ref, values = f"group:{namespace}/{name}", _texts(data)
    homes = {
        key.removeprefix("home:"): text for key, text in values.items() if key.startswith("home:") and text
    }
    try:
        retire(
            ws.graph,
            ref,
            actor=actor,
            homes=homes,
            default=values.get("to") or None,
            reason=values.get("reason") or None,
        )
    except CounterpointError as error:
        form = _failed(error, values, summary=True)
        return _again(_retirement(ws, page, ref, form), form)
    return Redirect(with_query(entity_url(ref), told="unit-retired"), status_code=303)


@get("/people/{namespace:str}/{name:str}", **HTML)
def show_person(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str] = "",
) -> str:
    """One person: units over time, line managers."""
    return _person(ws, actor, page, f"user:{namespace}/{name}", at)


def _person(
    ws: Workspace, actor: Actor, page: PageContext, ref: str, at: str = "", form: _Form | None = None
) -> str:
    form, when = form or _Form(), when_of(at or None)
    with ws.graph.read() as reader:
        person = store.read_person(reader, ref, when)
        permission = _manages(reader, actor, person)
        return render(
            page,
            "people/person.html",
            person=person,
            owns=owned(reader, when, person.ref),
            permission=permission,
            at=at or None,
            url=entity_url(person.ref),
            catalog_url=catalog_url(person.ref),
            people=store.names(reader, "User") if permission.allow and not at else [],
            values=form.values,
            errors=form.errors,
        )


@post("/people/{namespace:str}/{name:str}/manager", **HTML)
def save_manager(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Page:
    """Record the line manager, or show the form again with what is wrong."""
    ref, values = f"user:{namespace}/{name}", _texts(data)
    try:
        name_manager(ws.graph, actor, ref, values)
    except CounterpointError as error:
        form = _failed(error, values)
        return _again(_person(ws, actor, page, ref, form=form), form)
    return Redirect(with_query(entity_url(ref), told="manager-saved"), status_code=303)


def _permission(reader: Reader, actor: Actor, unit: str) -> Decision:
    units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
    return may(actor, "write", unit, owner_exists=reader.exists(unit), units=units)


def _manages(reader: Reader, actor: Actor, person: store.PersonView) -> Decision:
    if person.manager is not None and person.manager.manager == actor.ref:
        return Decision(allow=True, reason=f"{person.title} reports to {actor.name}.")
    return may(actor, "write", person.ref, owner_exists=reader.exists(person.ref))


def _texts(data: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value or "").strip() for key, value in data.items() if not key.startswith("_")}


def _failed(error: CounterpointError, values: Mapping[str, str], *, summary: bool = False) -> _Form:
    """What is wrong, by field; errors that no form can mend go on."""
    if isinstance(error, NotAllowedError):
        raise error
    if isinstance(error, NotFoundError) and not error.problems:
        raise error
    if summary or not error.problems:
        found = {
            problem.pointer or str(number): problem.message for number, problem in enumerate(error.problems)
        }
        message = " ".join([error.message, *found.values()])
        return _Form(values, {"": message}, error.status)
    found = {problem.pointer.strip("/"): problem.message for problem in error.problems}
    return _Form(values, found, error.status)


def _again(html: str, form: _Form) -> Response[str]:
    return Response(html, status_code=form.status, media_type=MediaType.HTML)


pages: list[Any] = [
    show_organisation,
    show_unit,
    add_to_unit,
    end_in_unit,
    show_charter,
    save_charter,
    show_retirement,
    carry_out_retirement,
    show_person,
    save_manager,
    *vocabulary_pages.pages,
]
