"""The API of dependencies between units."""

from datetime import date
from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.bets.dependencies import store
from counterpoint.bets.dependencies.model import Dependency, Severity, Step
from counterpoint.bets.dependencies.store import DependencyPage, DependencySeen
from counterpoint.graph.actor import Actor
from counterpoint.paging import check_limit
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 500
"""Dependencies on one page."""


class DependencyInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """`fromUnit` waits for `toUnit`."""

    from_unit: str
    to_unit: str
    subject: str
    severity: Severity = Severity.SLOWING
    since: date | None = None
    words: str = ""
    bet: str | None = None


class StepInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a side does; `regrade` takes a `severity`, most others a `text`."""

    step: Step
    text: str = ""
    severity: Severity | None = None


class Overdue(msgspec.Struct, frozen=True):
    """What the next review talks about."""

    items: tuple[Dependency, ...]


@get("/api/v1/dependencies", tags=["dependencies"], sync_to_thread=True)
def list_between_units(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    *,
    unit: FromQuery[str | None] = None,
    gone: FromQuery[bool] = False,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> DependencyPage:
    """The dependencies, of a unit on either side or of all, the worst first; `gone` adds those that are over."""
    check_limit(limit, MOST)
    return store.dependencies_page(ws.graph, actor=actor, unit=unit, gone=gone, limit=limit, cursor=cursor)


@post("/api/v1/dependencies", tags=["dependencies"], sync_to_thread=True)
def report_a_dependency(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[DependencyInput]
) -> DependencySeen:
    """Report that one unit waits for another; people of either side may."""
    return store.report_dependency(
        ws.graph,
        data.from_unit,
        data.to_unit,
        data.subject,
        actor=actor,
        severity=data.severity,
        since=data.since,
        words=data.words,
        bet=data.bet,
    )


@get("/api/v1/dependencies/overdue", tags=["dependencies"], sync_to_thread=True)
def list_overdue(ws: NamedDependency[Workspace], unit: FromQuery[str | None] = None) -> Overdue:
    """Those that have stopped work for more than two weeks, the oldest first."""
    return Overdue(store.overdue_dependencies(ws.graph, unit=unit))


@get("/api/v1/dependencies/{dependency:str}", tags=["dependencies"], sync_to_thread=True)
def show_a_dependency(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], dependency: FromPath[str]
) -> DependencySeen:
    """One dependency in the words of both sides."""
    return store.read_dependency(ws.graph, dependency, actor=actor)


@post("/api/v1/dependencies/{dependency:str}/steps", tags=["dependencies"], sync_to_thread=True)
def step_a_dependency(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    dependency: FromPath[str],
    data: JSONBody[StepInput],
) -> DependencySeen:
    """Confirm, dispute, say, agree on a plan, grade anew or clear."""
    return store.take_step(ws.graph, dependency, data.step, data.text, actor=actor, severity=data.severity)


routes: list[Any] = [
    list_between_units,
    report_a_dependency,
    list_overdue,
    show_a_dependency,
    step_a_dependency,
]
