"""The pages of rollouts: the list, and one with its steps, guardrails, log and what people may do."""

from datetime import UTC, datetime
from typing import Any

from litestar import MediaType, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.errors import ConflictError, InputError
from counterpoint.graph.actor import Actor
from counterpoint.graph.permissions import may
from counterpoint.rollouts import store
from counterpoint.rollouts.acting import read_command
from counterpoint.rollouts.shown import (
    EXAMPLE,
    commands_of,
    guardrail_rows,
    icon_of,
    left_of,
    plot_of,
    step_rows,
)
from counterpoint.web import PageContext, render
from counterpoint.web.forms import again, one_of
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
    """Do what a person wants, or show the page again with what is missing."""
    ref, values = (
        f"rollout:{namespace}/{name}",
        {key: one_of(data, key) for key in ("command", "reason", "sequence")},
    )
    try:
        sequence = int(values["sequence"]) if values["sequence"].isdigit() else None
        store.command(
            ws, actor, ref, read_command(values["command"]), reason=values["reason"], sequence=sequence
        )
    except InputError as error:
        errors = {problem.pointer.strip("/"): problem.message for problem in error.problems} or {
            "": error.message
        }
        return again(_rollout(ws, actor, page, ref, values, errors, said=error.message))
    except ConflictError as error:
        return again(_rollout(ws, actor, page, ref, values, {"": error.message}), status=409)
    return Redirect(with_query(entity_url(ref), told="rollout-moved"), status_code=303)


def _rollout(
    ws: Workspace,
    actor: Actor,
    page: PageContext,
    ref: str,
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    *,
    said: str = "",
) -> str:
    found, now = store.status_of(ws, ref), datetime.now(UTC)
    with ws.graph.read() as reader:
        units = reader.units_of(actor.ref) if actor.kind == "person" else frozenset()
        exists = found.owner is not None and reader.exists(found.owner)
        actors = {event.actor for event in found.events}
        about = {each for each in (found.owner, found.bet, found.component) if each}
        titles = reader.titles(actors | about)
    return render(
        page.about(found.owner),
        "rollouts/rollout.html",
        found=found,
        url=entity_url(ref),
        titles=titles,
        steps=step_rows(found),
        guardrails=guardrail_rows(found),
        plot=plot_of(found, page.tell),
        commands=commands_of(found),
        events=found.events[:SHOWN],
        icon_of=icon_of,
        left=left_of(found.until, now),
        permission=may(actor, "write", found.owner, owner_exists=exists, units=units),
        values=values or {},
        errors=errors or {},
        said=said,
    )


pages: list[Any] = [show_list, show, act]
