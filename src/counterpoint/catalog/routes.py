"""The API of entities: lists, descriptors in and out, history."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.catalog.api.operations import OPERATIONS
from counterpoint.catalog.api.refusals import BASE, refusal
from counterpoint.catalog.api.router import CatalogApi, openapi_of
from counterpoint.catalog.history.routes import related
from counterpoint.catalog.history.routes import routes as history_routes
from counterpoint.catalog.indexing import indexing
from counterpoint.catalog.problem_routes import routes as problem_routes
from counterpoint.catalog.scorecards.recording import recording
from counterpoint.catalog.scorecards.routes import routes as scorecard_routes
from counterpoint.catalog.shown import moment_of
from counterpoint.catalog.watching import Watch
from counterpoint.errors import InputError, NotFoundError, Problem
from counterpoint.graph import Actor, Ref, Writer
from counterpoint.graph.circles import circles_through, round_text
from counterpoint.graph.descriptor import ref_of, validate
from counterpoint.graph.entity import Entity, Page, Revision
from counterpoint.graph.past import life_of
from counterpoint.graph.similar.things import KINDS as COMPARED
from counterpoint.noticing import notices_of
from counterpoint.paging import check_limit, cursor_of, read_cursor
from counterpoint.web.etags import IfMatch, etag_header, read_etags
from counterpoint.web.similar import SimilarThing, like_new
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "error_shapes", "lifespans", "openapi_paths", "routes"]

MOST = 500
"""Entities on one page."""

OfType = Annotated[list[str] | None, QueryParameter(name="type")]


class Revisions(msgspec.Struct, frozen=True, rename="camel"):
    """The versions of an entity, newest first."""

    items: tuple[Revision, ...]
    next_cursor: str | None = None


class Remark(msgspec.Struct, frozen=True):
    """What is worth mending in a descriptor that was stored."""

    pointer: str
    message: str


class Stored(Entity, frozen=True, rename="camel"):
    """An entity as it was stored, with what is worth mending in it."""

    warnings: tuple[Remark, ...] = ()
    similar: tuple[SimilarThing, ...] = ()
    """Of something new: what another owner has already that is very near."""


@get("/api/v1/entities", tags=["entities"], sync_to_thread=True)
def list_entities(
    ws: NamedDependency[Workspace],
    kind: FromQuery[list[str] | None] = None,
    owner: FromQuery[list[str] | None] = None,
    type_: OfType = None,
    lifecycle: FromQuery[list[str] | None] = None,
    tag: FromQuery[list[str] | None] = None,
    text: FromQuery[str | None] = None,
    relation: FromQuery[str | None] = None,
    target: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
    order: FromQuery[str] = "name",
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> Page:
    """Entities that all filters let through; several values of one filter mean any of them.

    `owner` is a reference of a unit, `text` words or their beginnings, `relation` with `target` what has
    this relation to that entity, `at` a date or a moment.
    """
    check_limit(limit, MOST)
    filters = {"kind": kind, "owner": owner, "type": type_, "lifecycle": lifecycle, "tag": tag, "text": text}
    given: dict[str, Any] = {name: value for name, value in filters.items() if value}
    given |= {"related": related(relation, target)} if relation or target else {}
    with ws.graph.read() as reader:
        return reader.find(order=order, limit=limit, cursor=cursor, at=_moment(at), **given)


@get("/api/v1/entities/{kind:str}/{namespace:str}/{name:str}", tags=["entities"], sync_to_thread=True)
def read_entity(
    ws: NamedDependency[Workspace],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str | None] = None,
) -> Response[Entity]:
    """One entity with its document and relations, as it is or as it was at a date or moment."""
    ref, moment = Ref(kind, namespace, name), _moment(at)
    with ws.graph.read() as reader:
        entity = reader.get(ref, at=moment)
    if entity is None:
        raise NotFoundError(
            f"There is no {ref}." if moment is None else f"There was no {ref} at {moment.isoformat()}."
        )
    return _answer(entity)


@put("/api/v1/entities/{kind:str}/{namespace:str}/{name:str}", tags=["entities"], sync_to_thread=True)
def write_entity(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[dict[str, Any]],
    if_match: IfMatch = None,
) -> Response[Stored]:
    """Create an entity, or store a new version of it, from its descriptor.

    With `If-Match` only if it still has that version (`*`: only if it exists). An owner that does not
    exist is kept, as in Backstage, with a warning. `similar` tells of something new what another owner has
    already that is very near to it.
    """
    ref = Ref(kind, namespace, name)
    problems = validate(data, unknown_kinds=ws.graph.unknown_kinds) or _mismatch(ref, data)
    if problems:
        raise InputError(f"The descriptor of {ref} is not valid.", problems)
    with ws.graph.write(actor) as writer:
        done = writer.put(data, if_match=read_etags(if_match))
        entity = done.entity
        warnings = tuple(_remarks(writer, entity))
    new = done.outcome == "created"
    similar = like_new(ws, entity) if new and entity.kind in COMPARED else ()
    stored = Stored(**msgspec.structs.asdict(entity), warnings=warnings, similar=similar)
    return Response(stored, status_code=201 if new else 200, headers=etag_header(entity.etag))


@delete("/api/v1/entities/{kind:str}/{namespace:str}/{name:str}", tags=["entities"], sync_to_thread=True)
def delete_entity(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
) -> None:
    """Delete an entity; its history stays. One that a file still declares comes back with the next import."""
    with ws.graph.write(actor) as writer:
        writer.delete(Ref(kind, namespace, name))


@get("/api/v1/entities/{kind:str}/{namespace:str}/{name:str}/history", tags=["entities"], sync_to_thread=True)
def list_revisions(
    ws: NamedDependency[Workspace],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> Revisions:
    """Every version of an entity, newest first, deletions included; a page of large ones holds fewer than `limit`."""
    check_limit(limit, MOST)
    ref = Ref(kind, namespace, name)
    before = None if cursor is None else read_cursor(cursor, tuple[int])[0]
    with ws.graph.read() as reader:
        life = life_of(reader, ref)
        found = reader.history(ref, before=before, limit=limit) if life else []
    if life is None:
        raise NotFoundError(f"There never was a {ref}.")
    more = bool(found) and found[0].version > life.first.version
    return Revisions(tuple(reversed(found)), cursor_of(found[0].version) if more else None)


def _moment(at: str | None) -> datetime | None:
    return moment_of(at) if at else None


def _mismatch(ref: Ref, document: dict[str, Any]) -> list[Problem]:
    """Where a descriptor names another entity than the address does."""
    named = ref_of(document)
    pairs = (
        ("/kind", named.kind, ref.kind),
        ("/metadata/namespace", named.namespace, ref.namespace),
        ("/metadata/name", named.name, ref.name),
    )
    return [
        Problem(f"is {inside}, but the address says {outside}", pointer)
        for pointer, inside, outside in pairs
        if inside != outside
    ]


def _remarks(writer: Writer, entity: Entity) -> Iterator[Remark]:
    owner = entity.owner
    if owner is not None and not writer.exists(owner):
        yield Remark("/spec/owner", f"the owner {owner} does not exist; create it, or name one that does")
    for notice in notices_of(writer, [entity.ref]):
        yield Remark(notice.pointer, notice.message)
    for circle in circles_through(writer, [entity.ref]) if entity.kind == "Group" else ():
        message = f"the parents go round in a circle: {round_text(circle)}; give one of these units another parent, or none"
        yield Remark("/spec/parent", message)


def _answer(entity: Entity) -> Response[Entity]:
    return Response(entity, headers=etag_header(entity.etag))


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Follow the files that were imported while the server runs, unless `[catalog] watch` is false."""
    settings = workspace.settings.catalog
    if not settings.watch:
        yield
        return
    watch = Watch(workspace.graph, settings.read_hosts)
    thread = threading.Thread(target=watch.run, name="catalog-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        watch.stop()
        await asyncio.to_thread(thread.join)


def asgi_apps(workspace: Workspace) -> dict[str, Any]:
    """The Backstage API, beside the framework: its paths, checks and errors follow a standard of their own."""
    return {BASE: CatalogApi(workspace, OPERATIONS)}


error_shapes: dict[str, Any] = {BASE: refusal}
openapi_paths: dict[str, Any] = openapi_of(OPERATIONS)
routes: list[Any] = [list_entities, read_entity, write_entity, delete_entity, list_revisions]
routes += [*problem_routes, *history_routes, *scorecard_routes]
lifespans: list[Any] = [recording, indexing]
"""What runs beside the server's requests, each as the room's `lifespan`."""
