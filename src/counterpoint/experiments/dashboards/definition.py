"""What a Dashboard entity says: its unit, and its panels in their order. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from counterpoint.graph.entity import Entity
from counterpoint.graph.ref import parse_ref

__all__ = ["CHARTS", "Dashboard", "PanelPlan", "dashboard_of"]

Chart = Literal["line", "columns", "figure"]
CHARTS: Mapping[str, str] = {
    "": "What suits it",
    "line": "Line",
    "columns": "Columns",
    "figure": "Figure alone",
}
"""Kinds of charts that a panel may have, with what people call them."""


class PanelPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on a dashboard, and how it is shown."""

    metric: str
    """Its reference."""
    title: str = ""
    chart: Chart | None = None
    """What suits the metric's aggregation where there is none."""
    days: int | None = None
    split: str | None = None
    series: int = 4
    target: float | None = None
    goal: str | None = None
    """Reference of a goal whose target is shown."""


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard as its descriptor defines it."""

    ref: str
    namespace: str
    name: str
    title: str
    owner: str | None
    description: str = ""
    days: int | None = None
    """Days of every panel that names none."""
    panels: tuple[PanelPlan, ...] = ()
    etag: str = ""


def dashboard_of(entity: Entity) -> Dashboard:
    """The dashboard of an entity whose fields the graph has checked."""
    spec = entity.spec
    return Dashboard(
        ref=entity.ref,
        namespace=entity.namespace,
        name=entity.name,
        title=entity.title,
        owner=entity.owner,
        description=entity.description,
        days=_whole(spec.get("days")),
        panels=tuple(_panel(item, entity.namespace) for item in spec.get("panels") or ()),
        etag=entity.etag,
    )


def _panel(item: Mapping[str, Any], namespace: str) -> PanelPlan:
    def ref(name: str) -> str | None:
        text = item.get(name)
        return str(parse_ref(text, default_kind=name, default_namespace=namespace)) if text else None

    return PanelPlan(
        metric=ref("metric") or "",
        title=item.get("title") or "",
        chart=item.get("chart"),
        days=_whole(item.get("days")),
        split=item.get("split"),
        series=_whole(item.get("series")) or 4,
        target=item.get("target"),
        goal=ref("goal"),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
