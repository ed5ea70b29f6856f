"""The API of rollouts: the list, where one stands, what happened, and what people do with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.flags.set_routes import DryRun
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.rollouts import controller, store
from counterpoint.rollouts.acting import Command
from counterpoint.rollouts.model import Event
from counterpoint.rollouts.notes import Notes, notes_of
from counterpoint.rollouts.simulated import Simulation, begin, simulation_of, simulator_of
from counterpoint.rollouts.watching import Watch
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]

MOST = 200
"""Rollouts on one page."""


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Watch the rollouts while the server runs."""
    watch = Watch(workspace, workspace.settings.rollouts.every_seconds)
    watch.start()
    simulator = simulator_of(workspace)
    simulator.start()
    try:
        yield
    finally:
        await sync_to_thread(watch.stop)
        await sync_to_thread(simulator.stop)


class CommandInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What to do with a rollout."""

    command: Command
    reason: str = ""
    """Why; needed where it goes past the guardrails, or begins again."""
    sequence: int | None = None
    """The newest event that was seen; if something has happened since, nothing is done (409)."""


class Happened(msgspec.Struct, frozen=True):
    """What a check did."""

    events: list[Event]


@get("/api/v1/rollouts", tags=["rollouts"], sync_to_thread=True)
def list_rollouts(
    ws: NamedDependency[Workspace], limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None
) -> store.RolloutPage:
    """Rollouts in the order of their names, each with where it stands."""
    check_limit(limit, MOST)
    return store.list_rollouts(ws, limit=limit, cursor=cursor)


@get("/api/v1/rollouts/{namespace:str}/{name:str}", tags=["rollouts"], sync_to_thread=True)
def read_rollout(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> store.Status:
    """Where a rollout stands: plan, figures of now, what the controller would do, and everything that happened."""
    return store.status_of(ws, _ref(namespace, name))


@post(
    "/api/v1/rollouts/{namespace:str}/{name:str}/commands",
    tags=["rollouts"],
    status_code=200,
    sync_to_thread=True,
)
def command(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[CommandInput],
    *,
    dry_run: DryRun = False,
) -> Event:
    """Start, approve, pause, resume, proceed, complete or roll back. What goes past a guardrail, or begins again, asks for a reason."""
    return store.command(
        ws,
        actor,
        _ref(namespace, name),
        data.command,
        reason=data.reason,
        sequence=data.sequence,
        dry_run=dry_run,
    )


@post(
    "/api/v1/rollouts/{namespace:str}/{name:str}/step",
    tags=["rollouts"],
    status_code=200,
    sync_to_thread=True,
)
def step(ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]) -> Happened:
    """Check one rollout now, as the server does by itself; what happened, which may be nothing."""
    return Happened(controller.step(ws, store.load(ws, _ref(namespace, name)).ref))


@get("/api/v1/rollouts/{namespace:str}/{name:str}/notes", tags=["rollouts"], sync_to_thread=True)
def read_notes(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    step: FromQuery[int | None] = None,
) -> Notes:
    """Release notes of a step, counted from 1, as Markdown; of the present step, where none is asked for."""
    return notes_of(ws, _ref(namespace, name), step)


@get("/api/v1/rollouts/{namespace:str}/{name:str}/simulation", tags=["rollouts"], sync_to_thread=True)
def read_simulation(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> Simulation:
    """What its plan does to good and to bad changes, by simulation, beside fixed thresholds; or how far that is."""
    return simulation_of(ws, _ref(namespace, name))


@post(
    "/api/v1/rollouts/{namespace:str}/{name:str}/simulation",
    tags=["rollouts"],
    status_code=202,
    sync_to_thread=True,
)
def simulate(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
) -> Simulation:
    """Begin to simulate its plan; the figures are there a little later."""
    return begin(ws, actor, _ref(namespace, name))


def _ref(namespace: str, name: str) -> str:
    return f"rollout:{namespace}/{name}"


routes: list[Any] = [list_rollouts, read_rollout, read_notes, command, step, read_simulation, simulate]
