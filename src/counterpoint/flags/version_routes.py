"""HTTP of the versions and environments of a flag set: history, differences, restoring, promotion."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.flags.promotion import Environments, environments_of, promote_set, way_of
from counterpoint.flags.set_routes import WrittenSet, written_answer
from counterpoint.flags.versions import (
    SetDifference,
    SetVersion,
    VersionPage,
    difference_of,
    read_version,
    restore_set,
    versions_of_set,
)
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.web.etags import IfMatch, etag_header, read_etags
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 100
"""Versions on one page."""
FromVersion = Annotated[int | None, QueryParameter(name="from")]
ToVersion = Annotated[int | None, QueryParameter(name="to")]


class Restoring(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Which version a set is to be again."""

    version: int
    reason: str | None = None
    dry_run: bool = False
    """Only tell what would change."""


class Promoting(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is to be promoted, and to where."""

    from_: str | None = msgspec.field(default=None, name="from")
    """The environment to promote from; none: that of the set in the address."""
    to: str | None = None
    """The environment to promote to; none: the next."""
    flags: list[str] | None = None
    """Keys of the flags; none: the whole set."""
    with_state: bool = True
    """Copy whether flags are on, and ramp, schedule and kill of planned ones; otherwise flags that are there keep theirs."""
    reason: str | None = None
    dry_run: bool = False
    """Only tell what would change."""


@get("/api/v1/flags/sets/{name:str}/versions", tags=["flags"], sync_to_thread=True)
def list_versions(
    ws: NamedDependency[Workspace],
    name: FromPath[str],
    limit: FromQuery[int] = 20,
    cursor: FromQuery[str | None] = None,
) -> VersionPage:
    """Every version of a flag set, newest first: who wrote it, when, why, and what it changed flag by flag."""
    check_limit(limit, MOST)
    with ws.graph.read() as reader:
        return versions_of_set(reader, name, limit=limit, cursor=cursor)


@get("/api/v1/flags/sets/{name:str}/versions/{number:int}", tags=["flags"], sync_to_thread=True)
def get_version(
    ws: NamedDependency[Workspace], name: FromPath[str], number: FromPath[int]
) -> Response[SetVersion]:
    """A flag set as it was in one version, with its whole definition."""
    with ws.graph.read() as reader:
        found = read_version(reader, name, number)
    return Response(found, headers=etag_header(found.etag))


@get("/api/v1/flags/sets/{name:str}/diff", tags=["flags"], sync_to_thread=True)
def compare_versions(
    ws: NamedDependency[Workspace],
    name: FromPath[str],
    old: FromVersion = None,
    new: ToVersion = None,
) -> SetDifference:
    """What differs between the versions `from` and `to`, flag by flag; by default what the newest changed."""
    with ws.graph.read() as reader:
        return difference_of(reader, name, old=old, new=new)


@post("/api/v1/flags/sets/{name:str}/restore", tags=["flags"], status_code=200, sync_to_thread=True)
def restore(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    data: JSONBody[Restoring],
    if_match: IfMatch = None,
) -> Response[WrittenSet]:
    """Let a set be again what it was in a version, as a new version; a deleted set comes back. 412 when `If-Match` is not its ETag."""
    written = restore_set(
        ws,
        actor,
        name,
        data.version,
        if_match=read_etags(if_match),
        dry_run=data.dry_run,
        reason=data.reason,
    )
    return written_answer(name, written)


@get("/api/v1/flags/sets/{name:str}/environments", tags=["flags"], sync_to_thread=True)
def list_environments(ws: NamedDependency[Workspace], name: FromPath[str]) -> Environments:
    """A set in every environment, with what a promotion to the next would change there."""
    with ws.graph.read() as reader:
        return environments_of(ws, reader, name)


@post("/api/v1/flags/sets/{name:str}/promotion", tags=["flags"], status_code=200, sync_to_thread=True)
def promote(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    data: JSONBody[Promoting],
    if_match: IfMatch = None,
) -> Response[WrittenSet]:
    """Copy a set, or some of its flags, to another environment. `If-Match` is the ETag of the set there."""
    way = way_of(name, ws.settings.flags.environments, origin=data.from_, target=data.to)
    written = promote_set(
        ws,
        actor,
        way,
        flags=data.flags,
        with_state=data.with_state,
        if_match=read_etags(if_match),
        dry_run=data.dry_run,
        reason=data.reason,
    )
    return written_answer(way.to_set, written)


routes: list[Any] = [
    list_versions,
    get_version,
    compare_versions,
    restore,
    list_environments,
    promote,
]
