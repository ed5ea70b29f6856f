"""Dashboards in the graph, and the readings of their panels."""

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from counterpoint.errors import InputError, NotFoundError
from counterpoint.experiments.dashboards.definition import Dashboard, PanelPlan, dashboard_of
from counterpoint.experiments.metrics import readings
from counterpoint.experiments.metrics.reading import Reading
from counterpoint.experiments.metrics.store import Loaded, loaded_of, may_own, put_owned
from counterpoint.graph.actor import Actor
from counterpoint.graph.entity import Entity
from counterpoint.graph.permissions import Decision
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.spelling import near
from counterpoint.workspace import Workspace

__all__ = [
    "Opened",
    "ReadPanel",
    "all_dashboards",
    "delete",
    "may_write",
    "open_dashboard",
    "prepare",
    "read_panels",
    "units_for",
    "write",
]

MOST = 1_000
PREPARED = 20
"""Dashboards whose figures a server computes when it starts, the newest first."""


class Opened(msgspec.Struct, frozen=True):
    """A dashboard with what its panels name."""

    dashboard: Dashboard
    entity: Entity
    metrics: dict[str, Loaded]
    goals: dict[str, Entity]
    titles: dict[str, str]


class ReadPanel(msgspec.Struct, frozen=True):
    """A panel with its figures, or with why there are none."""

    plan: PanelPlan
    loaded: Loaded | None = None
    reading: Reading | None = None
    holds: bool = True
    problem: str = ""
    targets: tuple[tuple[float, str], ...] = ()
    """Values that are aimed at, with what they are called."""


def all_dashboards(workspace: Workspace, *, owner: str | None = None) -> list[Dashboard]:
    """The dashboards in the order of their names, of one unit or of all."""
    with workspace.graph.read() as reader:
        return [dashboard_of(each) for each in reader.find(kind="Dashboard", owner=owner, limit=MOST).items]


def open_dashboard(workspace: Workspace, name: str) -> Opened:
    """A dashboard by its name or reference.

    Raises:
        NotFoundError: there is none of that name; the message tells near ones.
        InputError: the name is a reference to something else.
    """
    ref = parse_ref(name, default_kind="dashboard")
    if ref.kind != "dashboard":
        raise InputError(f"{ref} is no dashboard; write its name, or dashboard:{ref.namespace}/{ref.name}.")
    with workspace.graph.read() as reader:
        entity = reader.get(ref)
        if entity is None:
            names = [parse_ref(each.ref).short for each in reader.find(kind="Dashboard", limit=MOST).items]
            raise NotFoundError(
                f"There is no dashboard {ref.short}{near(ref.short, names, cutoff=0.5) or '.'}"
            )
        return _opened(reader, entity)


def _opened(reader: Reader, entity: Entity) -> Opened:
    dashboard = dashboard_of(entity)
    refs = {panel.metric for panel in dashboard.panels} | {
        panel.goal for panel in dashboard.panels if panel.goal
    }
    found = reader.get_many(refs)
    metrics = loaded_of(reader, [each for each in found.values() if each.kind == "Metric"])
    goals = {each.ref: each for each in found.values() if each.kind == "Goal"}
    parts = {part for each in metrics for part in each.definition.parts}
    owners = {each.definition.owner for each in metrics if each.definition.owner}
    titles = reader.titles({*parts, *owners, *([dashboard.owner] if dashboard.owner else [])})
    return Opened(dashboard, entity, {each.definition.ref: each for each in metrics}, goals, titles)


def read_panels(
    workspace: Workspace, opened: Opened, *, now: datetime, days: int | None = None
) -> list[ReadPanel]:
    """Every panel with its figures; all periods end on the same day, so that what lies side by side can be compared.

    Args:
        workspace: where the events are.
        opened: the dashboard.
        now: the moment of reading.
        days: days of every panel, instead of what the dashboard says.
    """
    types = readings.seen(workspace)
    events = [event for each in opened.metrics.values() for event in each.events]
    last = readings.last_day(types, events, now)
    found = []
    for plan in opened.dashboard.panels:
        loaded = opened.metrics.get(plan.metric)
        targets = _targets(plan, opened.goals, loaded)
        if loaded is None:
            problem = f"{plan.metric} is not in the graph; import it, or take the panel away."
            found.append(ReadPanel(plan, problem=problem))
            continue
        if loaded.problem:
            found.append(ReadPanel(plan, loaded, problem=loaded.problem))
            continue
        wanted = days or plan.days or opened.dashboard.days
        asked = readings.asked_for(loaded, last, now=now, days=wanted, split=plan.split, series=plan.series)
        try:
            reading, holds = readings.reading_at_hand(workspace, loaded, asked)
        except InputError as error:
            found.append(ReadPanel(plan, loaded, problem=error.message))
        else:
            found.append(ReadPanel(plan, loaded, reading, holds, targets=targets))
    return found


def _targets(
    plan: PanelPlan, goals: Mapping[str, Entity], loaded: Loaded | None
) -> tuple[tuple[float, str], ...]:
    found = [] if plan.target is None else [(float(plan.target), "target")]
    goal = goals.get(plan.goal or "")
    if goal is not None and loaded is not None:
        due = f" by {goal.spec['due']}" if goal.spec.get("due") else ""
        found.append((float(goal.spec["target"]), f"{goal.title}{due}"))
    return tuple(found)


def prepare(workspace: Workspace, now: datetime) -> None:
    """Let the figures of the newest dashboards be computed, where somebody renews them."""
    with workspace.graph.read() as reader:
        entities = reader.find(kind="Dashboard", order="-updated", limit=PREPARED).items
        opened = [_opened(reader, each) for each in entities]
    for each in opened:
        readings.readings_of(workspace).renew(
            each.dashboard.ref, partial(read_panels, workspace, each, now=now)
        )


def units_for(workspace: Workspace, actor: Actor) -> tuple[str, ...]:
    """Units that the actor can make a dashboard for, as a form names them; every unit for whoever may do everything."""
    with workspace.graph.read() as reader:
        if actor.kind == "person" and not actor.admin:
            refs = sorted(reader.units_of(actor.ref) | actor.units)
        else:
            refs = [each.ref for each in reader.find(kind="Group", limit=MOST).items]
    parsed = [parse_ref(ref) for ref in refs if ref.startswith("group:")]
    return tuple(
        each.name if each.namespace == "default" else f"{each.namespace}/{each.name}" for each in parsed
    )


def may_write(workspace: Workspace, owner: str | None, actor: Actor) -> Decision:
    """Whether the actor may make and change dashboards of a unit, with the reason in words."""
    with workspace.graph.read() as reader:
        return may_own(reader, owner, actor)


def write(
    workspace: Workspace,
    document: Mapping[str, Any],
    *,
    actor: Actor,
    ref: str | None = None,
    new: bool = False,
    if_match: Collection[str] | None = None,
) -> Opened:
    """Store a Dashboard descriptor: only for a unit that the actor belongs to.

    Raises:
        InputError: the descriptor is not valid, or names another dashboard.
        PreconditionError: the dashboard has a version that `if_match` does not name.
        NotAllowedError: the actor belongs to another unit.
    """
    with workspace.graph.write(actor) as writer:
        entity = put_owned(writer, document, "Dashboard", actor=actor, ref=ref, new=new, if_match=if_match)
        return _opened(writer, entity)


def delete(workspace: Workspace, ref: str, *, actor: Actor) -> None:
    """Delete a dashboard; its history stays.

    Raises:
        NotFoundError: there is none.
        NotAllowedError: it belongs to another unit.
    """
    with workspace.graph.write(actor) as writer:
        writer.delete(parse_ref(ref, default_kind="dashboard"))
