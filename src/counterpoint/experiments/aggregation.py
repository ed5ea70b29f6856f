"""One Ibis expression that turns exposures and events into the sufficient statistics of an experiment.

Every user is counted once, by the first exposure. Squares are summed around the pooled mean (the two-pass
algorithm), so that large values with a small spread keep their digits on every engine.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any, cast

import ibis
from ibis.expr.types import BooleanValue, NumericColumn, Table
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.model import PLAIN_FIELD, PLAIN_WORDS, Experiment, Metric
from counterpoint.experiments.totals import ADDED, totals_of

__all__ = [
    "EARLY_DAYS",
    "exposures_of",
    "item_in",
    "literal_of",
    "number_in",
    "reach_days",
    "shown_expression",
    "summary_expression",
    "sums_expression",
    "totals_expression",
    "totals_of",
    "unite",
    "users_expression",
    "users_of",
]

COUNTED = ("outside", "early", "late")
"""What is counted of every user beside the metrics: exposures and events that do not count."""

EARLY_DAYS = 14
"""Days before a user's first exposure in which events are counted as early; what is older says nothing about exposures."""


def unite(plan: Experiment, tables: Mapping[str, Table]) -> tuple[Experiment, Table]:
    """Make one table of events of one table per metric; in the plan returned, a metric's events are of its name.

    Raises:
        InputError: a metric has no table, or a table lacks a column.
    """
    if missing := [metric.name for metric in plan.metrics if metric.name not in tables]:
        raise InputError(
            f"There is no table of events for {', '.join(missing)}; the tables given are {', '.join(sorted(tables)) or 'none'}."
        )
    for metric in plan.metrics:
        _require(tables[metric.name], ("subject", "time"), f"The table of events for {metric.name}")
    shared = [
        "subject",
        "time",
        *(
            name
            for name in ("value", "data")
            if all(name in tables[metric.name].columns for metric in plan.metrics)
        ),
    ]
    parts = [tables[metric.name].select(*shared, type=ibis.literal(metric.name)) for metric in plan.metrics]

    def named(metric: Metric) -> Metric:
        return replace(metric, event=metric.name)

    success = tuple(named(metric) for metric in plan.success)
    guardrails = tuple(replace(guardrail, metric=named(guardrail.metric)) for guardrail in plan.guardrails)
    return replace(plan, success=success, guardrails=guardrails), ibis.union(*parts) if len(
        parts
    ) > 1 else parts[0]


def totals_expression(plan: Experiment, exposures: Table, events: Table) -> Table:
    """The expression whose few rows are the experiment's totals, one per variant and for mixed users.

    Args:
        plan: The arms, metrics and dates.
        exposures: Columns subject, variant and time; one row per time that a user was shown a variant.
        events: Columns type, subject and time, with value (number) or data (JSON text) as metrics need.

    Raises:
        InputError: a table lacks a column.
    """
    users = users_expression(plan, exposures)
    return summary_expression(plan, users, sums_expression(plan, users, events))


def summary_expression(plan: Experiment, users: Table, sums: Table) -> Table:
    """The totals of users and of their sums: what leaves the engine.

    The columns are those of `users_expression` and `sums_expression`, which share `subject`.
    """
    filled = _filled(plan, users, sums)
    measured = _measured(plan)
    centres = filled.aggregate(**{f"c_{name}": filled[name].mean() for name in measured}).alias("centres")
    around = filled.cross_join(centres)
    distance = {name: cast("NumericColumn", around[name] - around[f"c_{name}"]) for name in measured}
    moments: dict[str, Any] = {}
    for name, away in distance.items():
        moments |= {
            f"centre_{name}": around[f"c_{name}"].max(),
            f"sum_{name}": away.sum(),
            f"square_{name}": (away * away).sum(),
        }
    for i, metric in enumerate(plan.metrics):
        moments[f"events{i}"] = around[f"events{i}"].sum()
        if metric.aggregation in ADDED:
            moments[f"known{i}"] = around[f"known{i}"].sum()
        if metric.covariate_days:
            moments[f"cross{i}"] = (distance[f"m{i}"] * distance[f"x{i}"]).sum()
    # Users whose exposures all lie outside the dates have no first one; they make rows of their own.
    return around.group_by("variant", "mixed", seen=around["first"].notnull()).aggregate(
        users=around.count(),
        first=around["first"].min(),
        last=around["last"].max(),
        **{name: around[name].sum() for name in COUNTED},
        **moments,
    )


def _measured(plan: Experiment) -> list[str]:
    """The columns of numbers per user: each metric's value, and its covariate where it has one."""
    columns: list[str] = []
    for i, metric in enumerate(plan.metrics):
        columns += [f"m{i}", f"x{i}"] if metric.covariate_days else [f"m{i}"]
    return columns


def exposures_of(plan: Experiment, exposures: Table) -> Table:
    """Those of the journal's exposures that are of the plan's flag; one that names no set may be of any."""
    exposures = exposures.filter(exposures.flag == plan.flag)
    if plan.flag_set:
        exposures = exposures.filter((exposures.flag_set == plan.flag_set) | exposures.flag_set.isnull())
    return exposures


def users_expression(plan: Experiment, exposures: Table) -> Table:
    """One row per user: the variant, whether there were several, and the first exposure in the dates.

    Raises:
        InputError: the table lacks a column.
    """
    return users_of(shown_expression(plan, exposures, by=("subject",)))


def shown_expression(plan: Experiment, exposures: Table, *, by: Sequence[str]) -> Table:
    """What is known of exposures by the columns `by`: of two disjoint sets of them it adds up by least, greatest and sum.

    Raises:
        InputError: the table lacks a column.
    """
    _require(exposures, ("subject", "variant", "time"), "The table of exposures")
    exposures = exposures.filter(exposures.subject.notnull())
    exposures = exposures.select(*by, "variant", "time", **_inside(plan, exposures)).alias("shown")
    inside = exposures.inside if "inside" in exposures.columns else None
    variant, time = exposures.variant, exposures.time
    return exposures.group_by(*by).aggregate(
        low=variant.min(where=inside),
        high=variant.max(where=inside),
        first=time.min(where=inside),
        last=time.max(where=inside),
        outside=ibis.literal(0) if inside is None else time.count(where=~inside),
    )


def users_of(shown: Table) -> Table:
    """Users out of what is known of their exposures, one row for each."""
    mixed = (shown.low != shown.high).fill_null(False)  # noqa: FBT003 - Ibis' argument
    return shown.select("subject", "first", "last", "outside", variant=shown.low, mixed=mixed).alias("users")


def _inside(plan: Experiment, table: Table) -> dict[str, BooleanValue]:
    """Whether a row lies within the plan's dates; nothing where it has none."""
    conditions: list[Any] = []
    if plan.start:
        conditions.append(table.time >= literal_of(plan.start, table))
    if plan.end:
        conditions.append(table.time <= literal_of(plan.end, table))
    return {"inside": reduce(and_, conditions)} if conditions else {}


def literal_of(value: datetime, table: Table) -> Any:
    """A literal that compares with the table's times, which have a zone or are plain UTC."""
    if table.time.type().timezone is None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return ibis.literal(value, type=table.time.type())


def sums_expression(
    plan: Experiment, users: Table, events: Table, *, by: Sequence[str] = ("subject",)
) -> Table:
    """One row per exposed user who has events: the sums that the metrics' values are made of, which add up.

    What is computed of two disjoint sets of events for the same users adds up to what is computed of both
    together: `any…` by the maximum, all else by addition. `by` names columns of the users or of the events
    to group by instead of the subject.

    Raises:
        InputError: the table lacks a column.
    """
    _require(events, ("type", "subject", "time"), "The table of events")
    wanted = events.filter(events.type.isin(_events(plan)))
    joined = wanted.join(_since(plan, users, [name for name in by if name in users.columns]), "subject")
    near = joined.filter(joined.time >= joined[f"since{reach_days(plan)}"])
    kept = dict.fromkeys(("subject", *by))
    placed = near.select(*kept, *_fields(plan, near), **_places(plan, near)).alias("placed")
    columns: dict[str, Any] = {
        "early": placed.subject.count(where=placed.early),
        "late": placed.subject.count(where=placed.late) if plan.end else ibis.literal(0),
    }
    for i, metric in enumerate(plan.metrics):
        which = _events(plan).index(metric.event)
        columns |= _sums(plan, metric, placed, placed[f"counts{which}"], str(i))
        if days := metric.covariate_days:
            columns |= _sums(plan, metric, placed, placed[f"before{which}_{days}"], f"_before{i}")
    return placed.group_by(*by).aggregate(**columns).alias("user_sums")


def _since(plan: Experiment, users: Table, further: Sequence[str]) -> Table:
    """Exposed users with the moments that events are compared with: once per user is cheaper than once per event."""
    first = users["first"]
    # Hours, since the days of a calendar are not equally long in every time zone that an engine may run in.
    since = {f"since{days}": first - ibis.interval(hours=24 * days) for days in _windows(plan)}
    return users.select(*dict.fromkeys(("subject", "first", *further)), **since).filter(first.notnull())


def _windows(plan: Experiment) -> list[int]:
    return sorted({EARLY_DAYS, *(metric.covariate_days for metric in plan.metrics)} - {0})


def reach_days(plan: Experiment) -> int:
    """How many days before a user's first exposure an event can matter."""
    return _windows(plan)[-1]


def _events(plan: Experiment) -> list[str]:
    return sorted({metric.event for metric in plan.metrics})


def _places(plan: Experiment, joined: Table) -> dict[str, Any]:
    """Where an event lies, for each type: where it counts, or within the days of a covariate; or too early, or late."""
    before = joined.time < joined["first"]
    counts = ~before
    places: dict[str, Any] = {"early": before & (joined.time >= joined[f"since{EARLY_DAYS}"])}
    if plan.end:
        after = joined.time > literal_of(plan.end, joined)
        places["late"] = after & counts
        counts = counts & ~after
    for which, event in enumerate(_events(plan)):
        ours = joined.type == event
        places[f"counts{which}"] = ours & counts
        for days in {metric.covariate_days for metric in plan.metrics if metric.event == event} - {0}:
            places[f"before{which}_{days}"] = ours & before & (joined.time >= joined[f"since{days}"])
    return places


def _fields(plan: Experiment, joined: Table) -> list[Any]:
    """The numbers that metrics are made of, each once."""
    fields = _numbered(plan)
    return [
        _field(next(metric for metric in plan.metrics if _key(metric) == key), joined).name(f"field{number}")
        for key, number in fields.items()
    ]


def _numbered(plan: Experiment) -> dict[tuple[str, bool], int]:
    keys = (_key(metric) for metric in plan.metrics if metric.aggregation != "count")
    return {key: number for number, key in enumerate(dict.fromkeys(keys))}


def _key(metric: Metric) -> tuple[str, bool]:
    return metric.field, metric.aggregation == "any"


def _sums(plan: Experiment, metric: Metric, placed: Table, where: Any, slot: str) -> dict[str, Any]:
    """What is summed over the events of one place; the number of events too where it is shown or is the value."""
    sums: dict[str, Any] = {}
    if not slot.startswith("_") or metric.aggregation == "count":
        sums[f"events{slot}"] = placed.subject.count(where=where)
    if metric.aggregation == "count":
        return sums
    field = cast("NumericColumn", placed[f"field{_numbered(plan)[_key(metric)]}"])
    if metric.aggregation == "any":
        return sums | {f"any{slot}": (field.isnull() | (field != 0)).cast("float64").max(where=where)}
    return sums | {f"sum{slot}": field.sum(where=where), f"known{slot}": field.count(where=where)}


def _filled(plan: Experiment, users: Table, sums: Table) -> Table:
    """One row per user with every metric; a user without an event has 0."""
    columns: dict[str, Any] = {}
    for i, metric in enumerate(plan.metrics):
        columns[f"m{i}"] = _value(metric, sums, str(i))
        columns[f"events{i}"] = sums[f"events{i}"].fill_null(0)
        if metric.aggregation in ADDED:
            columns[f"known{i}"] = sums[f"known{i}"].fill_null(0)
        if metric.covariate_days:
            columns[f"x{i}"] = _value(metric, sums, f"_before{i}")
    placed = {name: sums[name].fill_null(0) for name in ("early", "late")}
    joined = users.left_join(sums, "subject")
    return joined.select("variant", "mixed", "first", "last", "outside", **placed, **columns).alias(
        "per_user"
    )


def _value(metric: Metric, sums: Table, slot: str) -> Any:
    """A user's value out of the sums."""
    if metric.aggregation == "count":
        value: Any = sums[f"events{slot}"]
    elif metric.aggregation == "any":
        value = sums[f"any{slot}"]
    elif metric.aggregation == "sum":
        value = sums[f"sum{slot}"]
    else:
        value = sums[f"sum{slot}"] / sums[f"known{slot}"].nullif(0)
    return value.cast("float64").fill_null(0)


def _field(metric: Metric, events: Table) -> Any:
    """The metric's field as a number; true and false are 1 and 0, anything else is missing."""
    if metric.field == "value" and "value" in events.columns:
        return events.value.cast("float64")
    if "data" in events.columns:
        return number_in(events, metric.field, f"The metric {metric.name}")
    if metric.field in events.columns:
        return events[metric.field].cast("float64")
    if metric.aggregation == "any":
        return ibis.null("float64")
    raise InputError(
        f"The metric {metric.name} needs a column {metric.field} of numbers; the table of events has {', '.join(events.columns)}."
    )


def number_in(events: Table, field: str, who: str) -> Any:
    """A field of the events' data as a number; true and false are 1 and 0, anything else is missing.

    Raises:
        InputError: `who` reads a field whose name no path can have.
    """
    item = item_in(events, field, who)
    return ibis.coalesce(item.float, item.bool.cast("float64"))


def item_in(events: Table, field: str, who: str) -> Any:
    """A field of the events' data as JSON; a dot stands before what is inside of another field.

    Raises:
        InputError: `who` reads a field whose name no path can have.
    """
    if not PLAIN_FIELD.fullmatch(field):
        raise InputError(f"{who} reads the field {field!r}, which no path can name; {PLAIN_WORDS}")
    item = events.data.cast("json")
    for part in field.split("."):  # engines differ in what a path with dots means
        item = item[part]
    return item


def _require(table: Table, columns: Sequence[str], what: str) -> None:
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(
            f"{what} has no column {' and no column '.join(missing)}; its columns are {', '.join(table.columns)}."
        )
