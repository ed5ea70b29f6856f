"""The API of people: people, units, memberships, line managers, ownership, the map; and SCIM."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import MediaType, Response, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.named import require_known
from counterpoint.paging import check_limit, cursor_of, read_cursor
from counterpoint.people import store, vocabulary_routes
from counterpoint.people.dates import plain_edge, read_edge, when_of
from counterpoint.people.exporting import MEDIA, export
from counterpoint.people.managers import lines, set_manager
from counterpoint.people.memberships import change, effective, join, moment_of_writing, recorded
from counterpoint.people.model import ManagerLine, Membership
from counterpoint.people.organisation import Organisation, draw
from counterpoint.people.ownership import Orphan, Owned, Tenure, hand_over, orphans, owned, tenures
from counterpoint.people.retirement import Plan, plan, retire
from counterpoint.people.roles import role_key
from counterpoint.people.scim.routes import BASE as SCIM
from counterpoint.people.scim.routes import refusal
from counterpoint.people.scim.routes import routes as scim_routes
from counterpoint.people.settling import settling
from counterpoint.people.structures import structure_of
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]

MOST = 1_000
"""Entries on one page."""
NOW = "now"
"""What a date may say instead of the present moment."""
Item = TypeVar("Item")
FormatOf = Annotated[str, QueryParameter(name="format")]

lifespan = settling


class PeoplePage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list of people."""

    items: tuple[store.PersonSummary, ...]
    total: int
    next_cursor: str | None = None


class UnitList(msgspec.Struct, frozen=True):
    """Units in the order of the tree, each followed by its parts."""

    items: tuple[store.UnitSummary, ...]


class MembershipPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a list of memberships."""

    items: tuple[Membership, ...]
    total: int
    next_cursor: str | None = None


class ManagerList(msgspec.Struct, frozen=True):
    """The line managers of a person over time, the latest first."""

    items: tuple[ManagerLine, ...]


class OwnedPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a list of things with their owners."""

    items: tuple[Owned, ...]
    total: int
    next_cursor: str | None = None


class OrphanList(msgspec.Struct, frozen=True):
    """What is owned by nobody who exists."""

    items: tuple[Orphan, ...]


class TenureList(msgspec.Struct, frozen=True):
    """The owners of a thing, the first one first."""

    items: tuple[Tenure, ...]


class MembershipInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A membership to record; `from` and `to` are days, moments, or `now`."""

    person: str
    unit: str
    role: str = "member"
    start: str | None = msgspec.field(default=None, name="from")
    end: str | None = msgspec.field(default=None, name="to")
    share: float | None = None
    reason: str | None = None


class MembershipChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be corrected; what is left out stays, null opens an end."""

    role: str | msgspec.UnsetType = msgspec.UNSET
    start: str | msgspec.UnsetType | None = msgspec.field(default=msgspec.UNSET, name="from")
    end: str | msgspec.UnsetType | None = msgspec.field(default=msgspec.UNSET, name="to")
    share: float | msgspec.UnsetType | None = msgspec.UNSET
    reason: str | None = None


class ManagerInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is the line manager, and from when; without `from` from now on."""

    manager: str
    start: str | None = msgspec.field(default=NOW, name="from")
    end: str | None = msgspec.field(default=None, name="to")
    reason: str | None = None


class Handover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Things and their new owner."""

    things: tuple[str, ...]
    owner: str
    reason: str | None = None


class HandedOver(msgspec.Struct, frozen=True):
    """What had another owner before."""

    changed: tuple[str, ...]


class Retirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New homes for what a unit owns, by reference, and one for everything else."""

    homes: dict[str, str] = {}
    default: str | None = None
    reason: str | None = None


@get("/api/v1/people", tags=["people"], sync_to_thread=True)
def list_people(
    ws: NamedDependency[Workspace],
    unit: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
    known: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> PeoplePage:
    """People by name with their units and line managers; `unit` narrows to a unit and all its parts."""
    when = when_of(at, known)
    with ws.graph.read() as reader:
        found = store.list_people(reader, when, unit=unit, structure=structure_of(ws, reader, when))
    return PeoplePage(*_page(found, limit, cursor))


@get("/api/v1/people/export", tags=["people"], media_type=MediaType.TEXT, sync_to_thread=True)
def export_people(
    ws: NamedDependency[Workspace], format_: FormatOf = "yaml", at: FromQuery[str | None] = None
) -> Response[str]:
    """All people and units: `yaml` as Backstage's documents, `csv` with memberships and line managers."""
    with ws.graph.read() as reader:
        text = export(reader, format_, when_of(at))
    headers = {"Content-Disposition": f'attachment; filename="people.{format_}"'}
    return Response(text, media_type=f"{MEDIA[format_]}; charset=utf-8", headers=headers)


@get("/api/v1/people/{namespace:str}/{name:str}", tags=["people"], sync_to_thread=True)
def read_person(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str | None] = None,
    known: FromQuery[str | None] = None,
) -> store.PersonView:
    """One person: memberships over time, line managers, who reports to them."""
    with ws.graph.read() as reader:
        return store.read_person(reader, f"user:{namespace}/{name}", when_of(at, known))


@get("/api/v1/people/{namespace:str}/{name:str}/managers", tags=["people"], sync_to_thread=True)
def list_managers(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    known: FromQuery[str | None] = None,
) -> ManagerList:
    """The line managers of a person over all time; `known` asks as what was known at that date."""
    when = when_of(None, known)
    with ws.graph.read() as reader:
        person = reader.require(f"user:{namespace}/{name}").ref
        return ManagerList(tuple(lines(reader, person=person, when=when)))


@put("/api/v1/people/{namespace:str}/{name:str}/manager", tags=["people"], sync_to_thread=True)
def write_manager(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[ManagerInput],
) -> ManagerLine:
    """Record who is the line manager: one at a time, and no circle at any date. An open line that began earlier ends."""
    with ws.graph.write(actor) as writer:
        here = moment_of_writing(writer)
        start, end = _edge(data.start, "/from", here), _edge(data.end, "/to", here)
        new = ManagerLine(person=f"user:{namespace}/{name}", manager=data.manager, start=start, end=end)
        return set_manager(writer, new, reason=data.reason)[0]


@get("/api/v1/units", tags=["people"], sync_to_thread=True)
def list_units(ws: NamedDependency[Workspace], at: FromQuery[str | None] = None) -> UnitList:
    """Units with people and things owned, summed over all their parts; a person counts once in each sum."""
    when = when_of(at)
    with ws.graph.read() as reader:
        return UnitList(tuple(store.list_units(reader, when, structure_of(ws, reader, when))))


@get("/api/v1/units/{namespace:str}/{name:str}", tags=["people"], sync_to_thread=True)
def read_unit(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str | None] = None,
    known: FromQuery[str | None] = None,
) -> store.UnitView:
    """One unit: charter, people with their roles, parts, what it owns."""
    when = when_of(at, known)
    with ws.graph.read() as reader:
        return store.read_unit(reader, f"group:{namespace}/{name}", when, structure_of(ws, reader, when))


@post(
    "/api/v1/units/{namespace:str}/{name:str}/retire", tags=["people"], status_code=200, sync_to_thread=True
)
def retire_unit(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[Retirement],
    *,
    dry_run: Annotated[bool, QueryParameter(name="dryRun")] = False,
) -> Plan:
    """Retire a unit with a new home for each thing it owns, all or nothing; `dryRun=true` only shows what would happen."""
    unit = f"group:{namespace}/{name}"
    if dry_run:
        with ws.graph.read() as reader:
            return plan(reader, unit, data.homes, data.default)
    return retire(ws.graph, unit, actor=actor, homes=data.homes, default=data.default, reason=data.reason)


@get("/api/v1/memberships", tags=["people"], sync_to_thread=True)
def list_memberships(
    ws: NamedDependency[Workspace],
    person: FromQuery[str | None] = None,
    unit: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
    known: FromQuery[str | None] = None,
    *,
    all_: Annotated[bool, QueryParameter(name="all")] = False,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> MembershipPage:
    """Who is in which unit at a date, from documents and dated records alike; `all=true` lists dated ones of all time."""
    when = when_of(at, known)
    with ws.graph.read() as reader:
        who = require_known(reader, person, "/person", default_kind="User") if person else None
        where = require_known(reader, unit, "/unit") if unit else None
        if all_:
            found = recorded(reader, person=who, unit=where, when=when)
        else:
            found = effective(reader, when, person=who, units=None if where is None else [where])
    return MembershipPage(*_page(found, limit, cursor))


@post("/api/v1/memberships", tags=["people"], sync_to_thread=True)
def add_membership(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[MembershipInput]
) -> Membership:
    """Record a membership; the same once more changes nothing. Members of the unit may."""
    with ws.graph.write(actor) as writer:
        here = moment_of_writing(writer)
        new = Membership(
            person=data.person,
            unit=data.unit,
            role=role_key(data.role),
            start=_edge(data.start, "/from", here),
            end=_edge(data.end, "/to", here),
            share=data.share,
        )
        return join(writer, new, reason=data.reason)[0]


@patch("/api/v1/memberships/{number:str}", tags=["people"], sync_to_thread=True)
def change_membership(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    number: FromPath[str],
    data: JSONBody[MembershipChange],
) -> Membership:
    """Correct or end a membership (`to`: a day, a moment, or `now`); what was known before stays known."""
    with ws.graph.write(actor) as writer:
        here = moment_of_writing(writer)
        changes: dict[str, Any] = {}
        if data.role is not msgspec.UNSET:
            changes["role"] = role_key(data.role)
        if data.share is not msgspec.UNSET:
            changes["share"] = data.share
        if data.start is not msgspec.UNSET:
            changes["start"] = _edge(data.start, "/from", here)
        if data.end is not msgspec.UNSET:
            changes["end"] = _edge(data.end, "/to", here)
        return change(writer, number, reason=data.reason, **changes)


@get("/api/v1/ownership", tags=["people"], sync_to_thread=True)
def list_owned(
    ws: NamedDependency[Workspace],
    unit: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
    *,
    nested: FromQuery[bool] = False,
    limit: FromQuery[int] = 500,
    cursor: FromQuery[str | None] = None,
) -> OwnedPage:
    """Who owned what at a date; `unit` narrows to one owner, `nested=true` adds the parts of that unit."""
    with ws.graph.read() as reader:
        owner = require_known(reader, unit, "/unit") if unit else None
        found = owned(reader, when_of(at), owner, nested=nested)
    return OwnedPage(*_page(found, limit, cursor))


@get("/api/v1/ownership/orphans", tags=["people"], sync_to_thread=True)
def list_orphans(ws: NamedDependency[Workspace], at: FromQuery[str | None] = None) -> OrphanList:
    """What was owned by somebody who did not exist, or by a unit that was retired."""
    with ws.graph.read() as reader:
        return OrphanList(tuple(orphans(reader, when_of(at))))


@get("/api/v1/ownership/{kind:str}/{namespace:str}/{name:str}", tags=["people"], sync_to_thread=True)
def list_tenures(
    ws: NamedDependency[Workspace], kind: FromPath[str], namespace: FromPath[str], name: FromPath[str]
) -> TenureList:
    """Everybody who has owned a thing, one after the other."""
    with ws.graph.read() as reader:
        return TenureList(tuple(tenures(reader, f"{kind}:{namespace}/{name}")))


@post("/api/v1/ownership/handover", tags=["people"], status_code=200, sync_to_thread=True)
def hand_things_over(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[Handover]
) -> HandedOver:
    """Give things a new owner, all or none; what a file declares stays so until the file says otherwise."""
    with ws.graph.write(actor) as writer:
        return HandedOver(tuple(hand_over(writer, data.things, data.owner, reason=data.reason)))


@get("/api/v1/organisation", tags=["people"], sync_to_thread=True)
def read_organisation(ws: NamedDependency[Workspace], at: FromQuery[str | None] = None) -> Organisation:
    """The organisation at a date: the tree of delivery, and how many people of each competence are where."""
    with ws.graph.read() as reader:
        return draw(structure_of(ws, reader, when_of(at)))


def _edge(text: str | None, pointer: str, here: date) -> date | None:
    if text is None or not text.strip():
        return None
    return plain_edge(here) if text == NOW else read_edge(text, pointer)


def _page(found: Sequence[Item], limit: int, cursor: str | None) -> tuple[tuple[Item, ...], int, str | None]:
    """The part of a list after a cursor, how many there are in all, and the next cursor."""
    check_limit(limit, MOST)
    start = 0 if cursor is None else read_cursor(cursor, tuple[int])[0]
    if start < 0:
        raise InputError("The cursor is not valid.", [Problem("start again without a cursor")])
    end = start + limit
    return tuple(found[start:end]), len(found), cursor_of(end) if end < len(found) else None


error_shapes: dict[str, Any] = {SCIM: refusal}
routes: list[Any] = [
    list_people,
    export_people,
    read_person,
    list_managers,
    write_manager,
    list_units,
    read_unit,
    retire_unit,
    list_memberships,
    add_membership,
    change_membership,
    list_owned,
    list_orphans,
    list_tenures,
    hand_things_over,
    read_organisation,
    *scim_routes,
    *vocabulary_routes.routes,
]
