"""HTTP of plans: reading and writing those of a set, and a ramp, a kill or a revival in one call."""

import time
from collections.abc import Iterable
from typing import Any, cast

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, RawBody

from counterpoint.flags.composing import Composed, compose, kill, ramp, read_plans, revive
from counterpoint.flags.composition import document_of, upcoming
from counterpoint.flags.composition.difference import Change
from counterpoint.flags.set_routes import DryRun
from counterpoint.graph.actor import Actor
from counterpoint.graph.flag_changes import SetChanges
from counterpoint.said import Said
from counterpoint.web.etags import IfMatch, IfNoneMatch, etag_header, read_etags
from counterpoint.workspace import Workspace

__all__ = ["routes"]

SET = "/api/v1/flags/sets/{name:str}"


class PlanWarning(msgspec.Struct, frozen=True):
    """A plan that was detached, or what the linter says of what was compiled."""

    pointer: str
    message: Said


class PlanChange(msgspec.Struct, frozen=True):
    """What happens to the users of one flag, in percent of those it is for; null where more than the ramp decides."""

    key: str
    sentences: list[Said]
    entering: float | None
    leaving: float | None
    moving: float | None


class WrittenPlans(msgspec.Struct, frozen=True, rename="camel"):
    """What a change of plans did, or (`outcome` is "checked") would do."""

    name: str
    outcome: str
    etag: str | None
    version: int | None
    composition: dict[str, Any]
    """The plans as they are now."""
    changes: list[PlanChange]
    compiled: SetChanges
    """What it changes in flagd's definition."""
    warnings: list[PlanWarning]


class ComingChange(msgspec.Struct, frozen=True):
    """A change that a schedule will make."""

    key: str
    at: int
    """Unix seconds."""
    before: float
    after: float
    sentence: Said


class ComingChanges(msgspec.Struct, frozen=True):
    """What schedules will change, the next first."""

    items: list[ComingChange]


class FlagInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The flag to kill or to revive; keys hold any character, so it is not in the address."""

    key: str
    reason: str | None = None


class RampInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The percentage of users to enrol, from 0 to 100 with at most three decimals."""

    key: str
    percent: float
    reason: str | None = None


@get(f"{SET}/composition", summary="The plans of a flag set", tags=["flags"], sync_to_thread=True)
def get_composition(
    ws: NamedDependency[Workspace], name: FromPath[str], if_none_match: IfNoneMatch = None
) -> Response[dict[str, Any]]:
    """Segments, layers, holdouts and the plan of each flag, as a PUT takes them, with the set's ETag."""
    with ws.graph.read() as reader:
        composition, entity = read_plans(reader, name)
    held = read_etags(if_none_match) or ()
    headers = etag_header(entity.etag)
    if entity.etag in held or "*" in held:
        return Response(cast("Any", b""), status_code=304, headers=headers)
    return Response(document_of(composition), headers=headers)


@put(f"{SET}/composition", summary="Write the plans of a flag set", tags=["flags"], sync_to_thread=True)
def put_composition(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    body: RawBody,
    reattach: FromQuery[list[str] | None] = None,
    reason: FromQuery[str | None] = None,
    if_match: IfMatch = None,
    *,
    dry_run: DryRun = False,
) -> Response[WrittenPlans]:
    """Put plans (JSON or YAML) into a set and compile them, all or nothing, in one version.

    A flag that was edited by hand keeps the edit unless `reattach` names it; a flag that loses its plan
    stays as it is. `dryRun=true` checks everything, tells who would be given what, and writes nothing.
    """
    done = compose(
        ws,
        actor,
        name,
        body,
        reattach=reattach or (),
        if_match=read_etags(if_match),
        dry_run=dry_run,
        reason=reason,
    )
    return _answer(name, done)


@get(f"{SET}/upcoming", summary="What schedules will change", tags=["flags"], sync_to_thread=True)
def list_upcoming(ws: NamedDependency[Workspace], name: FromPath[str]) -> ComingChanges:
    """The scheduled changes that are still to come, the next first."""
    with ws.graph.read() as reader:
        composition, _ = read_plans(reader, name)
    coming = upcoming(composition, time.time())
    return ComingChanges(
        [ComingChange(each.key, each.at, each.before, each.after, each.sentence) for each in coming]
    )


@post(f"{SET}/ramp", summary="Set a flag's ramp", tags=["flags"], status_code=200, sync_to_thread=True)
def ramp_flag(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    data: JSONBody[RampInput],
    if_match: IfMatch = None,
    *,
    dry_run: DryRun = False,
) -> Response[WrittenPlans]:
    """Enrol a percentage of users; nobody changes arm, and a smaller one takes away those who came last."""
    done = ramp(
        ws,
        actor,
        name,
        data.key,
        data.percent,
        if_match=read_etags(if_match),
        dry_run=dry_run,
        reason=data.reason,
    )
    return _answer(name, done)


@post(f"{SET}/kill", summary="Kill a flag", tags=["flags"], status_code=200, sync_to_thread=True)
def kill_flag(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    data: JSONBody[FlagInput],
    *,
    dry_run: DryRun = False,
) -> Response[WrittenPlans]:
    """Give everybody the default at once; the plan is kept. A flag without a plan is disabled."""
    return _answer(name, kill(ws, actor, name, data.key, dry_run=dry_run, reason=data.reason))


@post(f"{SET}/revive", summary="Revive a killed flag", tags=["flags"], status_code=200, sync_to_thread=True)
def revive_flag(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    name: FromPath[str],
    data: JSONBody[FlagInput],
    *,
    dry_run: DryRun = False,
) -> Response[WrittenPlans]:
    """Take a kill back: everybody gets exactly what they would have had."""
    return _answer(name, revive(ws, actor, name, data.key, dry_run=dry_run, reason=data.reason))


def _answer(name: str, done: Composed) -> Response[WrittenPlans]:
    stored = done.written.stored
    written = WrittenPlans(
        name,
        done.written.outcome,
        stored.etag if stored else None,
        stored.entity.version if stored else None,
        document_of(done.composition),
        _changes(done.changes),
        done.written.changes,
        [PlanWarning(warning.pointer, warning.message) for warning in done.written.warnings],
    )
    status = 201 if done.written.outcome == "created" else 200
    return Response(written, status_code=status, headers=etag_header(stored.etag) if stored else None)


def _changes(changes: Iterable[Change]) -> list[PlanChange]:
    return [
        PlanChange(each.key, list(each.sentences), each.entering, each.leaving, each.moving)
        for each in changes
    ]


routes: list[Any] = [get_composition, put_composition, list_upcoming, ramp_flag, kill_flag, revive_flag]
