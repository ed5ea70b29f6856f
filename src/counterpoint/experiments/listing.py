"""The list of experiments, each with what its newest reading says."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from counterpoint.experiments.result import Learning
from counterpoint.experiments.store import READ
from counterpoint.graph.entity import Activity, Entity
from counterpoint.said import Said
from counterpoint.workspace import Workspace

__all__ = ["ExperimentPage", "Listed", "list_experiments", "listed"]


class Listed(msgspec.Struct, frozen=True, rename="camel"):
    """An experiment in a list, with its newest reading."""

    ref: str
    namespace: str
    name: str
    title: str
    owner: str | None
    flag: str
    control: str
    treatments: tuple[str, ...]
    bet: str | None
    verdict: str | None
    sentence: Said | None
    read_at: datetime | None
    learning: Learning | None = None
    """What it taught, by its newest reading; none while it goes on."""


class ExperimentPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list of experiments."""

    items: tuple[Listed, ...]
    total: int
    next_cursor: str | None = None


def list_experiments(workspace: Workspace, *, limit: int = 100, cursor: str | None = None) -> ExperimentPage:
    """The experiments in the order of their names."""
    with workspace.graph.read() as reader:
        page = reader.find(kind="Experiment", limit=limit, cursor=cursor)
        newest = reader.newest_activity(READ, [entity.ref for entity in page.items])
        items = tuple(listed(entity, newest.get(entity.ref)) for entity in page.items)
    return ExperimentPage(items, page.total, page.next_cursor)


def listed(entity: Entity, newest: Activity | None) -> Listed:
    """An experiment as lists show it, with the newest entry of the log that has a verdict."""
    spec = entity.spec
    after: Mapping[str, Any] = newest.after if newest and isinstance(newest.after, Mapping) else {}
    return Listed(
        ref=entity.ref,
        namespace=entity.namespace,
        name=entity.name,
        title=entity.title,
        owner=entity.owner,
        flag=spec.get("flag") or "",
        control=spec["control"],
        treatments=tuple(spec["treatments"]),
        bet=next(iter(entity.targets("testsBet")), None),
        verdict=after.get("verdict"),
        sentence=after.get("sentence"),
        read_at=newest.at if newest else None,
        learning=_learning(after.get("learning")),
    )


def _learning(recorded: Any) -> Learning | None:
    try:
        return msgspec.convert(recorded, Learning | None)
    except msgspec.ValidationError:
        return None
