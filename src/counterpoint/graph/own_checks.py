"""What the fields of our own kinds must be beyond their types: checks of one spec, each with its place."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from counterpoint.errors import Problem, escape
from counterpoint.graph.table_source import check_source

__all__ = ["check_dashboard", "check_experiment", "check_metric", "check_size", "check_whole"]


def _check_plan(spec: Mapping[str, Any]) -> Iterator[Problem]:
    control, seen = spec["control"], set()
    for index, arm in enumerate(spec["treatments"]):
        place = f"/spec/treatments/{index}"
        if arm == control:
            yield Problem(f"{arm} is the control; a treatment is another variant.", place)
        elif arm in seen:
            yield Problem(f"{arm} is named twice.", place)
        seen.add(arm)
    for arm in spec.get("shares") or {}:
        if arm != control and arm not in seen:
            yield Problem(f"{arm} is neither the control nor a treatment.", f"/spec/shares/{escape(arm)}")
    yield from check_whole(spec, "unitsPerArm", "/spec")
    for name in ("looks", "maximum", "tunedAt"):
        yield from check_whole(spec.get("stopping") or {}, name, "/spec/stopping")
    yield from _check_spending(spec.get("stopping") or {})
    decision = spec.get("decision", "rule-2")
    if not isinstance(decision, Mapping) and decision not in ("rule-1", "rule-2"):
        yield Problem(
            "decision must be rule-1, rule-2, or a tree of all, any, better, within and notWorse.",
            "/spec/decision",
        )


def _check_spending(stopping: Mapping[str, Any]) -> Iterator[Problem]:
    """A parameter that the family would not read changes nothing, though its author meant something by it."""
    family = stopping.get("spending", "power")
    if "parameter" in stopping and family in ("obrien-fleming", "pocock"):
        yield Problem(
            f"{family} takes no parameter; leave it out, or write spending: power or hwang-shih-decani.",
            "/spec/stopping/parameter",
        )


def check_whole(holder: Mapping[str, Any], name: str, place: str) -> Iterator[Problem]:
    """What is wrong with a number that must be whole, where it is given."""
    if not float(holder.get(name, 1)).is_integer():
        yield Problem(f"{name} is {holder[name]:g}; it must be a whole number.", f"{place}/{name}")


def check_experiment(spec: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _check_plan(spec)
    source = spec.get("source")
    if source is None:
        if "flag" not in spec:
            yield Problem(
                "flag is required; give the key of the flag whose exposures count, or name a table in `source`.",
                "/spec/flag",
            )
        return
    yield from check_source(source, spec)


def check_size(spec: Mapping[str, Any]) -> Iterator[Problem]:
    size = spec.get("size") or {}
    if "min" in size and "max" in size and size["min"] > size["max"]:
        yield Problem(
            f"min is {size['min']:g} and max {size['max']:g}; min is the smaller.", "/spec/size/min"
        )


def check_metric(spec: Mapping[str, Any]) -> Iterator[Problem]:
    aggregation, of_metrics = spec["aggregation"], ("numerator", "denominator")
    if aggregation == "ratio":
        for name in of_metrics:
            if name not in spec:
                yield Problem(f"A ratio is of two metrics; name its {name}.", f"/spec/{name}")
        for name in ("event", "field"):
            if name in spec:
                yield Problem(
                    f"A ratio has no {name} of its own; its metrics have theirs. Leave it out.",
                    f"/spec/{name}",
                )
    elif aggregation != "funnel" and "event" not in spec:
        yield Problem(
            "event is required; give the type of the events that it is computed from.", "/spec/event"
        )
    for name in of_metrics:
        if aggregation != "ratio" and name in spec:
            yield Problem(
                f"Only a ratio has a {name}; write `aggregation: ratio`, or leave it out.", f"/spec/{name}"
            )
    if aggregation == "quantile" and not 0 < spec.get("quantile", 0) < 1:
        yield Problem(
            "A quantile needs `quantile`, above 0 and below 1: 0.5 is the median, 0.95 what one in twenty exceeds.",
            "/spec/quantile",
        )
    elif aggregation != "quantile" and "quantile" in spec:
        yield Problem("Only `aggregation: quantile` has a quantile; leave it out.", "/spec/quantile")
    if "cap" in spec and aggregation not in {"mean", "sum"}:
        yield Problem(
            f"A cap limits the number of one event, and {aggregation} adds no such numbers; leave it out.",
            "/spec/cap",
        )
    window = spec.get("window") or {}
    for name in ("days", "offset"):
        if not float(window.get(name, 1)).is_integer():
            yield Problem(f"{name} is {window[name]:g}; a window has whole days.", f"/spec/window/{name}")
    if "days" not in window and ("offset" in window or aggregation in {"retention", "time to event"}):
        yield Problem("Say how many days the window has: `window: {days: 7}`.", "/spec/window/days")
    yield from _check_per_user(spec)
    if not float(spec.get("covariateDays", 0)).is_integer():
        yield Problem("covariateDays is no whole number of days.", "/spec/covariateDays")


def _is_cap(given: Any) -> bool:
    """Whether it limits the value of a user: a number, or a quantile of all of them."""
    least, most = 0.0, math.inf
    if isinstance(given, Mapping):
        if set(given) != {"quantile"}:
            return False
        given, least, most = given["quantile"], 0.5, 1.0
    return isinstance(given, int | float) and not isinstance(given, bool) and least <= given < most


def _check_per_user(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What only experiments compute: one number for each user."""
    aggregation = spec["aggregation"]
    if aggregation == "funnel" and len(spec.get("steps") or ()) < 2:
        yield Problem(
            "A funnel needs two steps or more; name the types of their events in order.", "/spec/steps"
        )
    elif aggregation != "funnel" and "steps" in spec:
        yield Problem("Only `aggregation: funnel` has steps; leave them out.", "/spec/steps")
    if "userCap" in spec and aggregation not in {"mean", "sum", "count"}:
        yield Problem(
            f"userCap limits the value of one user, and {aggregation} has no such values; leave it out.",
            "/spec/userCap",
        )
    if "userCap" in spec and not _is_cap(spec["userCap"]):
        yield Problem(
            "userCap is a number from 0 on, or {quantile: 0.99} for that of all users of all arms together, from 0.5 and"
            " below 1.",
            "/spec/userCap",
        )
    if aggregation in {"funnel", "time to event"} and spec.get("covariateDays"):
        yield Problem(
            f"A {aggregation} has no meaning before the first exposure; leave covariateDays out.",
            "/spec/covariateDays",
        )


def check_dashboard(spec: Mapping[str, Any]) -> Iterator[Problem]:
    for index, panel in enumerate(spec.get("panels") or ()):
        place = f"/spec/panels/{index}"
        for name in ("days", "series"):
            if not float(panel.get(name, 1)).is_integer():
                yield Problem(f"{name} is {panel[name]:g}; it must be a whole number.", f"{place}/{name}")
        if panel.get("split") in {"subject", "id", "time", "received"}:
            yield Problem(
                f"A figure is not split by {panel['split']}: its parts would be single people or events.",
                f"{place}/split",
            )
    if not float(spec.get("days", 1)).is_integer():
        yield Problem(f"days is {spec['days']:g}; it must be a whole number.", "/spec/days")
