"""The definition of a metric as values: what its descriptor says, with every default filled in. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from counterpoint.graph.ref import parse_ref
from counterpoint.said import Said

__all__ = [
    "ADDED",
    "PER_USER",
    "ROLES",
    "Calendar",
    "Definition",
    "Served",
    "definition_from",
    "in_words",
    "served_refs",
]

Direction = Literal["increase", "decrease", "none"]
Aggregation = Literal[
    "mean", "sum", "count", "any", "users", "ratio", "quantile", "retention", "funnel", "time to event"
]
Calendar = Literal["day", "week", "month"]
Role = Literal["northStar", "guardrail", "ordinary"]

ROLES: Mapping[str, Said] = {"northStar": "north star", "guardrail": "guardrail", "ordinary": "ordinary"}
"""What people call the roles."""
PER_USER = frozenset({"retention", "funnel", "time to event"})
"""Aggregations that say something of a user after an exposure, so that only experiments have figures of them."""
NUMBERED = frozenset({"mean", "sum", "quantile"})
"""Aggregations that need a number of every event."""
ADDED = frozenset({"sum", "count", "users"})
"""Aggregations that are amounts from 0, and 0 where nothing happened."""


class Served(msgspec.Struct, frozen=True, rename={"for_": "for"}):
    """A decision that the metric serves, with the entities that it is about."""

    decision: str
    for_: tuple[str, ...] = ()


class Definition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a metric means and how it is computed."""

    ref: str
    name: str
    """As people write it: with its namespace where that is not the default one."""
    title: str
    owner: str | None = None
    meaning: str = ""
    unit: str | None = None
    """What it is measured in."""
    direction: Direction = "none"
    aggregation: Aggregation
    event: str = ""
    """Type of the events; empty for a ratio."""
    field: str = "value"
    quantile: float | None = None
    numerator: str | None = None
    denominator: str | None = None
    per: Literal["user", "all"] = "all"
    """Whether a sum or a count is told of each user on average, or of all together."""
    calendar: Calendar = "day"
    """The span that one point of its chart stands for."""
    days: int | None = None
    """Days after a user's first exposure in which events belong to an experiment."""
    cap: float | None = None
    """What the number of one event counts at most."""
    role: Role = "ordinary"
    decisions: tuple[Served, ...] = ()

    @property
    def numbered(self) -> bool:
        """Whether every event must have a number."""
        return self.aggregation in NUMBERED

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics that a ratio is of."""
        return tuple(ref for ref in (self.numerator, self.denominator) if ref)

    @property
    def share(self) -> bool:
        """Whether it is a part of one, which people read as a percentage."""
        return self.aggregation == "any"


def definition_from(document: Mapping[str, Any]) -> Definition:
    """The metric that a checked Metric descriptor defines."""
    metadata, spec = document["metadata"], document["spec"]
    namespace = str(metadata.get("namespace") or "default")
    name = str(metadata["name"])
    window = spec.get("window") or {}

    def ref(field: str, kind: str) -> str | None:
        text = spec.get(field)
        return str(parse_ref(text, default_kind=kind, default_namespace=namespace)) if text else None

    return Definition(
        ref=str(parse_ref(f"metric:{namespace}/{name}")),
        name=name if namespace == "default" else f"{namespace}/{name}",
        title=str(metadata.get("title") or name),
        owner=ref("owner", "group"),
        meaning=str(metadata.get("description") or "").strip(),
        unit=spec.get("unit"),
        direction=spec["direction"],
        aggregation=spec["aggregation"],
        event=spec.get("event") or next(iter(spec.get("steps") or ()), ""),
        field=spec.get("field") or "value",
        quantile=spec.get("quantile"),
        numerator=ref("numerator", "metric"),
        denominator=ref("denominator", "metric"),
        per=spec.get("per") or "all",
        calendar=window.get("calendar") or "day",
        days=int(window["days"]) if window.get("days") else None,
        cap=spec.get("cap"),
        role=spec.get("role") or "ordinary",
        decisions=tuple(
            Served(
                str(item["decision"]),
                tuple(str(parse_ref(text, default_namespace=namespace)) for text in item.get("for") or ()),
            )
            for item in spec.get("decisions") or ()
        ),
    )


def served_refs(definition: Definition) -> tuple[str, ...]:
    """What the decisions of a metric are about, each once."""
    return tuple(dict.fromkeys(ref for item in definition.decisions for ref in item.for_))


def in_words(definition: Definition, titles: Mapping[str, str] = {}) -> str:
    """How one figure is computed, as a sentence: the same on its page, its panels and in the terminal."""
    field, event, span = definition.field, definition.event, definition.calendar
    whom = "for each user on average" if definition.per == "user" else "of all users together"

    def named(ref: str | None) -> str:
        return titles.get(ref or "") or (parse_ref(ref).short if ref else "nothing")

    match definition.aggregation:
        case "mean":
            what = f"The mean of `{field}` over each user's events of type `{event}`, averaged over the users"
        case "sum":
            what = f"The sum of `{field}` over the events of type `{event}`, {whom}"
        case "count":
            what = f"The number of events of type `{event}`, {whom}"
        case "any":
            what = f"The share of users whose events of type `{event}` have `{field}`, of those who have such events"
        case "users":
            what = f"The number of different users who have events of type `{event}`"
        case "retention":
            return f"1 for a user with an event of type `{event}` in the days of the window after the first exposure, else 0."
        case "funnel":
            return "1 for a user who did all steps in their order after the first exposure, else 0."
        case "time to event":
            return f"Days from a user's first exposure to the first event of type `{event}`; the whole window without one."
        case "quantile":
            what = f"What {(definition.quantile or 0) * 100:g} % of the events of type `{event}` have in `{field}` at most"
        case "ratio":
            return f"“{named(definition.numerator)}” divided by “{named(definition.denominator)}”, {span} by {span}."
    cap = (
        f"; a number above {definition.cap:,g} counts as {definition.cap:,g}"
        if definition.cap is not None
        else ""
    )
    return f"{what}, {span} by {span}{cap}."
