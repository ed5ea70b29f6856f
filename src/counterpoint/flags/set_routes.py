"""HTTP of flag sets: reading, writing and deleting whole ones, and the list of flags."""

from collections.abc import Iterable
from typing import Annotated, Any, cast

import msgspec
from litestar import MediaType, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody

from counterpoint.errors import Problem
from counterpoint.flags.listing import FlagPage, items_of, narrowed, page_of
from counterpoint.flags.store import Written, delete_set, find_set, flag_sets, read_sets, write_set
from counterpoint.graph.actor import Actor
from counterpoint.graph.flag_changes import SetChanges
from counterpoint.paging import check_limit
from counterpoint.said import Said
from counterpoint.web.etags import IfMatch, IfNoneMatch, etag_header, read_etags
from counterpoint.workspace import Workspace

__all__ = ["DryRun", "WrittenSet", "routes", "written_answer"]

MOST = 1000
"""Flags on one page."""

DryRun = Annotated[bool, QueryParameter(name="dryRun")]


class Warned(msgspec.Struct, frozen=True):
    """A place that flagd's schemas would refuse, a rule that cannot run, or a name of something that does not exist."""

    pointer: str
    message: Said


class SetItem(msgspec.Struct, frozen=True, rename="camel"):
    """One flag set in a list."""

    name: str
    title: str
    owner: str | None
    bucketing: str
    flags: int
    etag: str
    problems: list[Warned]
    """Why the set cannot be used; none where it can."""
    version: int
    environment: str | None
    """Where it is used; none for the last environment, and where the set says nothing."""


class SetList(msgspec.Struct, frozen=True, rename="camel"):
    """Every flag set."""

    items: list[SetItem]
    total: int


class WrittenSet(msgspec.Struct, frozen=True, rename="camel"):
    """What a write did, or (`outcome` is "checked") would do."""

    name: str
    outcome: str
    etag: str | None
    """None where nothing was written."""
    bucketing: str | None
    flags: int
    warnings: list[Warned]
    version: int | None
    changes: SetChanges
    """What differs from what the set was, flag by flag."""


class LinkedTo(msgspec.Struct, frozen=True):
    """Something that a deleted set was joined to."""

    relation: str
    ref: str


class DeletedSet(msgspec.Struct, frozen=True, rename="camel"):
    """A set that is gone; `POST /api/v1/flags/sets/{name}/restore` with its version brings it back."""

    name: str
    version: int
    flags: int
    links: list[LinkedTo]
    """Bets, components, experiments and other environments that it was joined to."""


@get("/api/flags/sets", summary="Every flag set", tags=["flags"], sync_to_thread=True)
def list_sets(ws: NamedDependency[Workspace]) -> SetList:
    """Every flag set with its owner, bucketing, environment and number of flags."""
    with ws.graph.read() as reader:
        sets = read_sets(reader, compiled=flag_sets(ws))
    items = [
        SetItem(
            s.name,
            s.entity.title,
            s.entity.owner,
            s.flags.bucketing,
            len(s.flags),
            s.etag,
            _warned(s.problems),
            s.entity.version,
            s.entity.spec.get("environment"),
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
        entity = find_set(reader, name)
    bucketing = entity.spec.get("bucketing") or "v2"
    headers = etag_header(entity.etag) | {"X-Flag-Bucketing": bucketing}
    held = read_etags(if_none_match) or ()
    if entity.etag in held or "*" in held:
        return Response(cast("Any", b""), status_code=304, headers=headers)
    return Response(entity.spec["definition"], headers=headers, media_type=MediaType.JSON)


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
    *,
    dry_run: DryRun = False,
) -> Response[WrittenSet]:
    """Put a flagd definition into a set, all or nothing. 412 when `If-Match` is not its ETag.

    `dryRun=true` checks everything, tells what would change flag by flag, and writes nothing.
    """
    written = write_set(
        ws,
        actor,
        name,
        body,
        bucketing=bucketing,
        strict=strict,
        if_match=read_etags(if_match),
        if_absent="*" in (read_etags(if_none_match) or ()),
        dry_run=dry_run,
        reason=reason,
    )
    return written_answer(name, written)


@delete(
    "/api/flags/sets/{name:str}",
    summary="Delete a flag set",
    tags=["flags"],
    status_code=200,
    sync_to_thread=True,
)
def remove_set(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    reason: FromQuery[str | None] = None,
    if_match: IfMatch = None,
    *,
    dry_run: DryRun = False,
) -> DeletedSet:
    """Delete a flag set; its versions stay. Tells what it was joined to; `dryRun=true` only tells."""
    gone = delete_set(ws, actor, name, if_match=read_etags(if_match), dry_run=dry_run, reason=reason)
    return DeletedSet(
        gone.name, gone.version, gone.flags, [LinkedTo(link.relation, link.ref) for link in gone.links]
    )


@get("/api/v1/flags", summary="All flags of all sets", tags=["flags"], sync_to_thread=True)
def list_flags(
    ws: NamedDependency[Workspace],
    set: FromQuery[str | None] = None,  # noqa: A002 - a query parameter
    in_state: Annotated[str | None, QueryParameter(name="state")] = None,
    q: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> FlagPage:
    """Flags with set, state, variants, bet, component and owner; narrowed by set, state and text."""
    check_limit(limit, MOST)
    with ws.graph.read() as reader:
        items = items_of(read_sets(reader, compiled=flag_sets(ws)))
    return page_of(narrowed(items, flag_set=set, state=in_state, text=q), limit=limit, cursor=cursor)


def written_answer(name: str, written: Written) -> Response[WrittenSet]:
    """The answer to a write: 201 where the set is new."""
    stored = written.stored
    result = WrittenSet(
        name,
        written.outcome,
        stored.etag if stored else None,
        stored.flags.bucketing if stored else None,
        written.flags,
        _warned(written.warnings),
        stored.entity.version if stored else None,
        written.changes,
    )
    status = 201 if written.outcome == "created" else 200
    return Response(result, status_code=status, headers=etag_header(stored.etag) if stored else None)


def _warned(problems: Iterable[Problem]) -> list[Warned]:
    return [Warned(problem.pointer, problem.message) for problem in problems]


routes: list[Any] = [list_sets, get_set, put_set, remove_set, list_flags]
