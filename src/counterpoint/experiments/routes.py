"""The API of experiments: the list, results, and readings that are recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.experiments import listing, store
from counterpoint.experiments.lessons import Lessons, lessons_of
from counterpoint.experiments.over_time import OverTime
from counterpoint.experiments.over_time_store import over_time_of, over_times_of
from counterpoint.experiments.recording import record_for
from counterpoint.experiments.result import Result
from counterpoint.experiments.sizing import Sizing
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]

MOST = 200
"""Experiments on one page."""


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Keep results ready while the server runs: the first analysis loads the engine, which takes seconds."""
    standing, courses = store.standing_of(workspace), over_times_of(workspace)
    standing.start()
    courses.start()
    await sync_to_thread(store.prepare, workspace)
    try:
        yield
    finally:
        await sync_to_thread(courses.stop)
        await sync_to_thread(standing.stop)


class Reading(msgspec.Struct, frozen=True, rename="camel"):
    """A result that was read and recorded."""

    activity: int
    """Number of the entry in the activity log."""
    result: Result


@get("/api/v1/experiments", tags=["experiments"], sync_to_thread=True)
def list_experiments(
    ws: NamedDependency[Workspace], limit: FromQuery[int] = 50, cursor: FromQuery[str | None] = None
) -> listing.ExperimentPage:
    """Experiments in the order of their names, each with its newest recorded reading."""
    check_limit(limit, MOST)
    return listing.list_experiments(ws, limit=limit, cursor=cursor)


@get("/api/v1/experiments/learning", tags=["experiments"], sync_to_thread=True)
def read_learning(ws: NamedDependency[Workspace], owner: FromQuery[str]) -> Lessons:
    """What the experiments of one unit taught that have ended: wins, regressions, neutral with power, or why nothing."""
    return lessons_of(ws, owner)


@get("/api/v1/experiments/{namespace:str}/{name:str}/result", tags=["experiments"], sync_to_thread=True)
def read_result(ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]) -> Result:
    """The result as of now: arms, quality, every test of every metric, the verdict and the query. Not recorded."""
    return store.result_of(ws, store.load(ws, f"experiment:{namespace}/{name}"))


@get("/api/v1/experiments/{namespace:str}/{name:str}/over-time", tags=["experiments"], sync_to_thread=True)
def read_over_time(ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]) -> OverTime:
    """The effects at the end of each day, with their intervals; those that the plan does not let be read yet are withheld."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    return over_time_of(ws, loaded, store.result_of(ws, loaded))


@get(
    "/api/v1/experiments/{namespace:str}/{name:str}/record.md",
    tags=["experiments"],
    media_type="text/markdown",
    sync_to_thread=True,
)
def read_record(ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]) -> str:
    """The decision record as Markdown: what was asked, the plan, verdict, figures, quality, and what was decided by whom."""
    return record_for(ws, store.load(ws, f"experiment:{namespace}/{name}"))


@post("/api/v1/experiments/{namespace:str}/{name:str}/readings", tags=["experiments"], sync_to_thread=True)
def record_reading(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
) -> Reading:
    """Read the result now and record it in the activity log, where the bet's page shows it."""
    result, recorded = store.read_now(ws, store.load(ws, f"experiment:{namespace}/{name}"), actor)
    return Reading(recorded.seq, result)


@get("/api/v1/experiments/{namespace:str}/{name:str}/sizing", tags=["experiments"], sync_to_thread=True)
def read_sizing(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    per_day: Annotated[float | None, QueryParameter(name="usersPerDay", gt=0)] = None,
    users: Annotated[int | None, QueryParameter(gt=1)] = None,
) -> Sizing:
    """How many users and days the plan needs, what they would show, and users by the change to be shown."""
    return store.sizing_of(ws, store.load(ws, f"experiment:{namespace}/{name}"), per_day=per_day, users=users)


class Acknowledgement(msgspec.Struct, frozen=True, rename="camel"):
    """Why the figures of an invalid experiment are to be seen."""

    reason: str | None = None


class Acknowledged(msgspec.Struct, frozen=True, rename="camel"):
    """That an experiment is invalid, as it was acknowledged."""

    activity: int
    """Number of the entry in the activity log."""


@post(
    "/api/v1/experiments/{namespace:str}/{name:str}/acknowledgement",
    tags=["experiments"],
    sync_to_thread=True,
)
def acknowledge(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[Acknowledgement],
) -> Acknowledged:
    """Acknowledge that an experiment is invalid; from then on its figures are shown, though no evidence."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    return Acknowledged(store.acknowledge(ws, loaded, actor, data.reason).seq)


class Exploration(msgspec.Struct, frozen=True, rename="camel"):
    """What a look without a stopping plan is for."""

    reason: str | None = None


@post(
    "/api/v1/experiments/{namespace:str}/{name:str}/explorations",
    tags=["experiments"],
    sync_to_thread=True,
)
def explore(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[Exploration],
) -> Reading:
    """Look at a plan that does not say when it is read. The look is recorded, is no evidence, and ships nothing."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    result, recorded = store.explore(ws, loaded, actor, reason=data.reason)
    return Reading(recorded.seq, result)


routes: list[Any] = [
    list_experiments,
    read_learning,
    read_record,
    read_result,
    read_over_time,
    read_sizing,
    record_reading,
    acknowledge,
    explore,
]
