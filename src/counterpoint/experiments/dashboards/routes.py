"""The API of dashboards: the list, one with its figures, and writing one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response, delete, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.dashboards import store
from counterpoint.experiments.dashboards.definition import Dashboard, PanelPlan
from counterpoint.experiments.metrics.period import MOST_DAYS
from counterpoint.experiments.metrics.reading import Reading
from counterpoint.graph.actor import Actor
from counterpoint.said import Said
from counterpoint.web.etags import IfMatch, etag_header, read_etags
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Compute the figures of dashboards before somebody asks; the metrics' own lifespan starts and stops who does."""
    await sync_to_thread(store.prepare, workspace, datetime.now(UTC))
    yield


class DashboardList(msgspec.Struct, frozen=True):
    """Dashboards in the order of their names."""

    items: tuple[Dashboard, ...]


class PanelView(msgspec.Struct, frozen=True):
    """A panel with its figures, or with why there are none."""

    plan: PanelPlan
    reading: Reading | None
    problem: Said = ""


class DashboardView(msgspec.Struct, frozen=True):
    """A dashboard with its figures."""

    dashboard: Dashboard
    panels: tuple[PanelView, ...]


@get("/api/v1/dashboards", tags=["dashboards"], sync_to_thread=True)
def list_dashboards(ws: NamedDependency[Workspace], owner: FromQuery[str | None] = None) -> DashboardList:
    """Dashboards with their panels, of one unit where asked."""
    return DashboardList(tuple(store.all_dashboards(ws, owner=owner)))


@post("/api/v1/dashboards", tags=["dashboards"], sync_to_thread=True)
def create_dashboard(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[dict[str, Any]]
) -> Response[Dashboard]:
    """Make a dashboard by its descriptor, for a unit that the caller belongs to."""
    made = store.write(ws, data, actor=actor, new=True).dashboard
    headers = etag_header(made.etag)
    headers["Location"] = f"/api/v1/dashboards/{made.namespace}/{made.name}"
    return Response(made, status_code=201, headers=headers)


@get("/api/v1/dashboards/{namespace:str}/{name:str}", tags=["dashboards"], sync_to_thread=True)
def read_dashboard(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    days: FromQuery[int | None] = None,
) -> Response[DashboardView]:
    """A dashboard with the figures of every panel; `days` instead of what it says. Its version is in the header `ETag`."""
    if days is not None and not 1 <= days <= MOST_DAYS:
        message = f"days is {days}; it is from 1 to {MOST_DAYS}."
        raise InputError(message, [Problem(message, "/days")])
    opened = store.open_dashboard(ws, _ref(namespace, name))
    panels = store.read_panels(ws, opened, now=datetime.now(UTC), days=days)
    view = DashboardView(
        opened.dashboard, tuple(PanelView(each.plan, each.reading, each.problem) for each in panels)
    )
    return Response(view, headers=etag_header(opened.dashboard.etag))


@put("/api/v1/dashboards/{namespace:str}/{name:str}", tags=["dashboards"], sync_to_thread=True)
def write_dashboard(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[dict[str, Any]],
    if_match: IfMatch = None,
) -> Response[Dashboard]:
    """Write a dashboard's descriptor; with `If-Match` only over the version that was read."""
    written = store.write(
        ws, data, actor=actor, ref=_ref(namespace, name), if_match=read_etags(if_match)
    ).dashboard
    return Response(written, headers=etag_header(written.etag))


@delete("/api/v1/dashboards/{namespace:str}/{name:str}", tags=["dashboards"], sync_to_thread=True)
def delete_dashboard(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
) -> None:
    """Delete a dashboard; the activity log keeps what it was."""
    store.delete(ws, _ref(namespace, name), actor=actor)


def _ref(namespace: str, name: str) -> str:
    return f"dashboard:{namespace}/{name}"


routes: list[Any] = [list_dashboards, create_dashboard, read_dashboard, write_dashboard, delete_dashboard]
