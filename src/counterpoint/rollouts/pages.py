"""The pages of rollouts: the list, and one with its steps, guardrails, log and what people may do."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import ConflictError, CounterpointError, InputError
from counterpoint.flags.composing import kill
from counterpoint.flags.control_page import control_url
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.rollouts import controller, store
from counterpoint.rollouts.acting import read_command
from counterpoint.rollouts.happened import (
    BEFORE,
    Deployment,
    charts_of,
    checks_of,
    component_of,
    deployments_of,
    log_of,
    timeline_of,
)
from counterpoint.rollouts.model import Event
from counterpoint.rollouts.notes import notes_of
from counterpoint.rollouts.shown import (
    EXAMPLE,
    commands_of,
    guardrail_rows,
    icon_of,
    left_of,
    plot_of,
    step_rows,
)
from counterpoint.rollouts.simulation_pages import simulation_pages
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, count_of, one_of
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Posted = URLEncodedBody[dict[str, Any]]
SHOWN = 50
"""Events of the log that the page shows."""


@get("/rollouts", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_list(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], cursor: FromQuery[str | None] = None
) -> str:
    """The rollouts with where each stands."""
    found = store.list_rollouts(ws, cursor=cursor)
    with ws.graph.read() as reader:
        titles = reader.titles({ref for each in found.items for ref in (each.owner, each.bet) if ref})
    return render(
        page,
        "rollouts/list.html",
        found=found,
        titles=titles,
        next_url=with_query("/rollouts", cursor=found.next_cursor) if found.next_cursor else None,
        first_url="/rollouts" if cursor else None,
        example=EXAMPLE,
    )


@get(
    "/rollouts/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """One rollout."""
    return _rollout(ws, actor, page, f"rollout:{namespace}/{name}")


@get(
    "/rollouts/-/live/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_live(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    seen: FromQuery[int] = 0,
) -> str:
    """The part of a rollout's page that follows what happens; `seen` is the newest event of the page around it."""
    found = store.status_of(ws, f"rollout:{namespace}/{name}")
    return render(page.about(found.owner), "rollouts/live.html", **_shown(ws, page, found), seen=seen)


@get("/rollouts/{namespace:str}/{name:str}/notes.md", include_in_schema=False, sync_to_thread=True)
def show_notes(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    step: FromQuery[int | None] = None,
) -> Response[str]:
    """Release notes of a step as Markdown."""
    found = notes_of(ws, f"rollout:{namespace}/{name}", step)
    return Response(found.markdown, media_type="text/markdown; charset=utf-8")


@post(
    "/rollouts/{namespace:str}/{name:str}/kill",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def kill_flag(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> Response[str] | Redirect:
    """Give everybody the default of the rollout's flag at once; the rollout pauses and asks."""
    ref = f"rollout:{namespace}/{name}"
    plan = store.load(ws, ref).plan
    try:
        kill(ws, actor, plan.flag_set, plan.flag, reason=f"Kill switch of the rollout {plan.name}.")
    except InputError as error:
        return again(_rollout(ws, actor, page, ref, errors={"": error.message}))
    with suppress(CounterpointError):  # that it pauses now and not at the next check is a convenience
        controller.step(ws, ref)
    return Redirect(with_query(entity_url(ref), told="rollout-killed"), status_code=303)


@post(
    "/rollouts/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def act(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Response[str] | Redirect:
    """Do what a person wants, or show what that would do; the page again with what is missing."""
    ref, values = (
        f"rollout:{namespace}/{name}",
        {key: one_of(data, key) for key in ("command", "reason", "sequence", "dry")},
    )
    try:
        sequence = _sequence(values["sequence"])
        event = store.command(
            ws,
            actor,
            ref,
            read_command(values["command"]),
            reason=values["reason"],
            sequence=sequence,
            dry_run=bool(values["dry"]),
        )
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems} or {
            "": error.message
        }
        return again(_rollout(ws, actor, page, ref, values, errors, said=error.message))
    except ConflictError as error:
        return again(_rollout(ws, actor, page, ref, values, {"": error.message}), status=409)
    if values["dry"]:
        return again(_rollout(ws, actor, page, ref, values, would=event), status=200)
    return Redirect(with_query(entity_url(ref), told="rollout-moved"), status_code=303)


def _sequence(text: str) -> int | None:
    """The newest event that the form was made from; none where it does not say."""
    found = count_of(text)
    if text and found is None:
        raise InputError(
            "Nothing was changed. The form names no event that it was made from; load the page again."
        )
    return found


def _rollout(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    ref: str,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    *,
    said: str = "",
    would: Event | None = None,
) -> str:
    found = store.status_of(ws, ref)
    with ws.graph.read() as reader:
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
        exists = found.owner is not None and reader.exists(found.owner)
    return render(
        page.about(found.owner),
        "rollouts/rollout.html",
        **_shown(ws, page, found),
        seen=found.events[0].sequence if found.events else 0,
        commands=commands_of(found),
        notes=_notes(ws, ref),
        permission=may(actor, "write", found.owner, owner_exists=exists, units=units),
        values=values or {},
        errors=errors or {},
        said=said,
        would=would,
    )


def _shown(ws: Workspace, page: PageContext, found: store.Status) -> Mapping[str, Any]:
    """What both the page and its live part show."""
    now = datetime.now(UTC)
    with ws.graph.read() as reader:
        component = component_of(reader, found.plan)
        flag = controller.facts_of(reader, found.plan).state
        actors = {event.actor for event in found.events}
        about = {each for each in (found.owner, found.bet, component) if each}
        titles = reader.titles(actors | about)
    deployments = _deployments(ws, component, found)
    return {
        "found": found,
        "url": entity_url(found.ref),
        "titles": titles,
        "component": component,
        "flag_state": flag,
        "control_url": control_url(found.flag_set, found.flag),
        "deployments": deployments,
        "timeline": timeline_of(
            found.events[::-1],
            deployments,
            now=now,
            title=page.tell("Share of users over time, with deployments"),
        ),
        "steps": step_rows(found),
        "guardrails": guardrail_rows(found),
        "plot": plot_of(found, page.tell),
        "charts": list(charts_of(found)),
        "checks": checks_of(found),
        "log": log_of(found.events, deployments, most=SHOWN),
        "icon_of": icon_of,
        "left": left_of(found.until, now),
    }


def _deployments(ws: Workspace, component: str | None, found: store.Status) -> list[Deployment]:
    """Deployments since shortly before the first move; none before it, when nothing is to be compared with them."""
    if component is None or not found.events:
        return []
    return deployments_of(ws, component, found.events[-1].at - BEFORE)


def _notes(ws: Workspace, ref: str) -> str:
    return notes_of(ws, ref).markdown


pages: list[Any] = [show_list, show_live, show_notes, show, kill_flag, act, *simulation_pages]
