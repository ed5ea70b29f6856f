"""HTTP of the flags room: remote evaluation, whole flag sets, the list of flags."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Response, get, put
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody

from counterpoint.flags.care_routes import routes as care_routes
from counterpoint.flags.exposure import Exposures
from counterpoint.flags.listing import FlagPage, items_of, narrowed, page_of
from counterpoint.flags.ofrep import PATH, Ofrep
from counterpoint.flags.store import flag_sets, read_set, read_sets, write_set
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.said import Said
from counterpoint.web.etags import IfMatch, IfNoneMatch, etag_header, read_etags
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "exposures_of", "lifespan", "openapi_paths", "routes"]

MOST = 1000
"""Flags on one page."""


def exposures_of(workspace: Workspace) -> Exposures:
    """The exposures of a workspace that this process has seen."""
    return workspace.keep(Exposures, lambda kept: Exposures(lambda: kept.journal))


def asgi_apps(workspace: Workspace) -> dict[str, Any]:
    """Remote evaluation, beside the framework, since services ask at every request of their own."""
    return {PATH: Ofrep(flag_sets(workspace), exposures_of(workspace))}


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Write exposures while the server runs, and the last of them when it stops."""
    exposures = exposures_of(workspace)
    exposures.start()
    try:
        yield
    finally:
        await sync_to_thread(exposures.stop)


class SetItem(msgspec.Struct, frozen=True, rename="camel"):
    """One flag set in a list."""

    name: str
    title: str
    owner: str | None
    bucketing: str
    flags: int
    etag: str
    problems: list["Warned"]
    """Why the set cannot be used; none where it can."""


class SetList(msgspec.Struct, frozen=True, rename="camel"):
    """Every flag set."""

    items: list[SetItem]
    total: int


class Warned(msgspec.Struct, frozen=True):
    """A place that flagd's schemas would refuse, or a rule that cannot run."""

    pointer: str
    message: Said


class WrittenSet(msgspec.Struct, frozen=True, rename="camel"):
    """What a PUT did."""

    name: str
    outcome: str
    etag: str
    bucketing: str
    flags: int
    warnings: list[Warned]


@get("/api/flags/sets", summary="Every flag set", tags=["flags"], sync_to_thread=True)
def list_sets(ws: NamedDependency[Workspace]) -> SetList:
    """Every flag set with its owner, bucketing and number of flags."""
    with ws.graph.read() as reader:
        sets = read_sets(reader)
    items = [
        SetItem(
            s.name,
            s.entity.title,
            s.entity.owner,
            s.flags.bucketing,
            len(s.flags),
            s.etag,
            [Warned(problem.pointer, problem.message) for problem in s.problems],
        )
        for s in sets
    ]
    return SetList(items, len(items))


@get("/api/flags/sets/{name:str}", summary="A flag set as flagd JSON", tags=["flags"], sync_to_thread=True)
def get_set(
    ws: NamedDependency[Workspace],
    name: FromPath[str],
    if_none_match: IfNoneMatch = None,
) -> Response[dict[str, Any]]:
    """The definition as it was written, with its ETag; 304 when `If-None-Match` names it."""
    with ws.graph.read() as reader:
        stored = read_set(reader, name, broken=True)
    headers = etag_header(stored.etag) | {"X-Flag-Bucketing": stored.flags.bucketing}
    if stored.etag in (read_etags(if_none_match) or ()):
        return Response(cast("Any", b""), status_code=304, headers=headers)
    return Response(stored.entity.spec["definition"], headers=headers, media_type=MediaType.JSON)


@put("/api/flags/sets/{name:str}", summary="Write a whole flag set", tags=["flags"], sync_to_thread=True)
def put_set(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    body: RawBody,
    bucketing: FromQuery[str | None] = None,
    strict: FromQuery[bool] = False,  # noqa: FBT002 - a query parameter
    reason: FromQuery[str | None] = None,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response[WrittenSet]:
    """Put a flagd definition into a set, all or nothing. 412 when `If-Match` is not its ETag."""
    written = write_set(
        ws,
        actor,
        name,
        body,
        bucketing=bucketing,
        strict=strict,
        if_match=read_etags(if_match),
        if_absent="*" in (read_etags(if_none_match) or ()),
        reason=reason,
    )
    assert written.stored  # noqa: S101 - it was no dry run
    stored, warnings = (
        written.stored,
        [Warned(warning.pointer, warning.message) for warning in written.warnings],
    )
    result = WrittenSet(name, written.outcome, stored.etag, stored.flags.bucketing, written.flags, warnings)
    status = 201 if written.outcome == "created" else 200
    return Response(result, status_code=status, headers=etag_header(stored.etag))


@get("/api/v1/flags", summary="All flags of all sets", tags=["flags"], sync_to_thread=True)
def list_flags(
    ws: NamedDependency[Workspace],
    set: FromQuery[str | None] = None,  # noqa: A002 - a query parameter
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    q: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> FlagPage:
    """Flags with set, state, variants, bet and owner; narrowed by set, state and text."""
    check_limit(limit, MOST)
    with ws.graph.read() as reader:
        items = items_of(read_sets(reader))
    return page_of(narrowed(items, flag_set=set, state=in_state, text=q), limit=limit, cursor=cursor)


routes: list[Any] = [list_sets, get_set, put_set, list_flags, *care_routes]

_ERROR = {
    "description": "An error in OFREP's shape",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "key": {"type": "string"},
                    "errorCode": {"type": "string"},
                    "errorDetails": {"type": "string"},
                },
            }
        }
    },
}
_CONTEXT = {
    "content": {
        "application/json": {"schema": {"type": "object", "properties": {"context": {"type": "object"}}}}
    }
}
_SUCCESS = {"content": {"application/json": {"schema": {"type": "object"}}}}

openapi_paths: dict[str, Any] = {
    PATH: {
        "post": {
            "summary": "Evaluate all flags (OFREP 0.3)",
            "tags": ["flags"],
            "requestBody": _CONTEXT,
            "responses": {
                "200": {"description": "Every flag's answer, with an ETag of the answers", **_SUCCESS},
                "304": {"description": "The answers are those of `If-None-Match`"},
                "400": _ERROR,
                "413": _ERROR,
                "429": _ERROR,
            },
        }
    },
    PATH + "/{key}": {
        "post": {
            "summary": "Evaluate one flag (OFREP 0.3)",
            "tags": ["flags"],
            "parameters": [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": _CONTEXT,
            "responses": {
                "200": {"description": "The flag's answer", **_SUCCESS},
                "400": _ERROR,
                "404": _ERROR,
                "413": _ERROR,
                "429": _ERROR,
            },
        }
    },
}
"""What the bare ASGI callable says of itself in the OpenAPI document."""
