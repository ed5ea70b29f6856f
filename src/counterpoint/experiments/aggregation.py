"""One Ibis expression that turns exposures and events into the sufficient statistics of an experiment.

Every user is counted once, by the first exposure. Squares are summed around the pooled mean (the two-pass
algorithm), so that large values with a small spread keep their digits on every engine.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any, cast

import ibis
from ibis.expr.types import BooleanValue, NumericColumn, Table
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals
from counterpoint.stats import Moments

__all__ = ["totals_expression", "totals_of", "unite"]

COUNTED = ("outside", "early", "late")
"""What is counted of every user beside the metrics: exposures and events that do not count."""

ADDED = ("mean", "sum")
"""Aggregations that need a number of every event."""

PLAIN = re.compile(r"\w[\w @#~/-]*(\.\w[\w @#~/-]*)*")
"""Names of fields that every engine's JSON paths take as they are."""


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
    _require(exposures, ("subject", "variant", "time"), "The table of exposures")
    _require(events, ("type", "subject", "time"), "The table of events")
    users = _users(plan, exposures)
    filled = _filled(plan, users, _values(plan, users, events))
    columns = range(len(plan.metrics))
    centres = filled.aggregate(**{f"c{i}": filled[f"m{i}"].mean() for i in columns}).alias("centres")
    around = filled.cross_join(centres)
    sums: dict[str, Any] = {}
    for i in columns:
        distance = cast("NumericColumn", around[f"m{i}"] - around[f"c{i}"])
        sums |= {
            f"centre{i}": around[f"c{i}"].max(),
            f"sum{i}": distance.sum(),
            f"square{i}": (distance * distance).sum(),
            f"events{i}": around[f"events{i}"].sum(),
            f"blank{i}": around[f"blank{i}"].sum(),
        }
    # Users whose exposures all lie outside the dates have no first one; they make rows of their own.
    return around.group_by("variant", "mixed", seen=around["first"].notnull()).aggregate(
        users=around.count(),
        first=around["first"].min(),
        last=around["last"].max(),
        **{name: around[name].sum() for name in COUNTED},
        **sums,
    )


def _users(plan: Experiment, exposures: Table) -> Table:
    """One row per user: the variant, whether there were several, and the first exposure in the dates."""
    exposures = exposures.filter(exposures.subject.notnull())
    exposures = exposures.select("subject", "variant", "time", **_inside(plan, exposures)).alias("shown")
    inside = exposures.inside if "inside" in exposures.columns else None
    variant, time = exposures.variant, exposures.time
    return (
        exposures.group_by("subject")
        .aggregate(
            variant=variant.min(where=inside),
            mixed=(variant.min(where=inside) != variant.max(where=inside)).fill_null(False),  # noqa: FBT003 - Ibis' argument
            first=time.min(where=inside),
            last=time.max(where=inside),
            outside=ibis.literal(0) if inside is None else time.count(where=~inside),
        )
        .alias("users")
    )


def _inside(plan: Experiment, table: Table) -> dict[str, BooleanValue]:
    """Whether a row lies within the plan's dates; nothing where it has none."""
    conditions: list[Any] = []
    if plan.start:
        conditions.append(table.time >= _moment(plan.start, table))
    if plan.end:
        conditions.append(table.time <= _moment(plan.end, table))
    return {"inside": reduce(and_, conditions)} if conditions else {}


def _moment(value: datetime, table: Table) -> Any:
    """A literal that compares with the table's times, which have a zone or are plain UTC."""
    if table.time.type().timezone is None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return ibis.literal(value, type=table.time.type())


def _values(plan: Experiment, users: Table, events: Table) -> Table:
    """One row per exposed user who has events: each metric's value, and how many events it was made of."""
    wanted = events.filter(events.type.isin(sorted({metric.event for metric in plan.metrics})))
    first = users.select("subject", "first").filter(users["first"].notnull())
    joined = wanted.join(first, "subject")
    early = joined.time < joined["first"]
    late = {"late": (joined.time > _moment(plan.end, joined)) & ~early} if plan.end else {}
    fields = {
        f"f{i}": _field(metric, joined)
        for i, metric in enumerate(plan.metrics)
        if metric.aggregation != "count"
    }
    placed = joined.select("subject", "type", early=early, **late, **fields).alias("placed")
    counts = ~placed.early & ~placed.late if plan.end else ~placed.early
    columns: dict[str, Any] = {"early": placed.subject.count(where=placed.early)}
    columns["late"] = placed.subject.count(where=placed.late) if plan.end else ibis.literal(0)
    for i, metric in enumerate(plan.metrics):
        ours = (placed.type == metric.event) & counts
        columns[f"events{i}"] = placed.subject.count(where=ours)
        if metric.aggregation != "count":
            columns[f"m{i}"] = _value(metric.aggregation, cast("NumericColumn", placed[f"f{i}"]), ours)
        if metric.aggregation in ADDED:
            columns[f"blank{i}"] = placed.subject.count(where=ours & placed[f"f{i}"].isnull())
    return placed.group_by("subject").aggregate(**columns).alias("user_values")


def _value(aggregation: str, field: NumericColumn, counts: Any) -> Any:
    if aggregation == "any":
        return (field.isnull() | (field != 0)).cast("float64").max(where=counts)
    return field.mean(where=counts) if aggregation == "mean" else field.sum(where=counts)


def _filled(plan: Experiment, users: Table, values: Table) -> Table:
    """One row per user with every metric; a user without an event has 0."""
    columns: dict[str, Any] = {}
    for i, metric in enumerate(plan.metrics):
        source = f"events{i}" if metric.aggregation == "count" else f"m{i}"
        columns[f"m{i}"] = values[source].fill_null(0).cast("float64")
        columns[f"events{i}"] = values[f"events{i}"].fill_null(0)
        added = metric.aggregation in ADDED
        columns[f"blank{i}"] = values[f"blank{i}"].fill_null(0) if added else ibis.literal(0)
    placed = {name: values[name].fill_null(0) for name in ("early", "late")}
    joined = users.left_join(values, "subject")
    return joined.select("variant", "mixed", "first", "last", "outside", **placed, **columns).alias(
        "per_user"
    )


def _field(metric: Metric, events: Table) -> Any:
    """The metric's field as a number; true and false are 1 and 0, anything else is missing."""
    if metric.field == "value" and "value" in events.columns:
        return events.value.cast("float64")
    if "data" in events.columns:
        if not PLAIN.fullmatch(metric.field):
            raise InputError(
                f"The metric {metric.name} reads the field {metric.field!r}, which no path can name; "
                "use letters, digits, _ and -, with a dot before what is inside of another field."
            )
        item = events.data.cast("json")
        for part in metric.field.split("."):  # engines differ in what a path with dots means
            item = item[part]
        return ibis.coalesce(item.float, item.bool.cast("float64"))
    if metric.field in events.columns:
        return events[metric.field].cast("float64")
    if metric.aggregation == "any":
        return ibis.null("float64")
    raise InputError(
        f"The metric {metric.name} needs a column {metric.field} of numbers; the table of events has {', '.join(events.columns)}."
    )


def totals_of(plan: Experiment, rows: Sequence[Mapping[str, Any]]) -> Totals:
    """Read the rows of `totals_expression` as totals.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    groups = [_group(plan, row) for row in rows if row["first"] is not None]
    firsts = [_utc(row["first"]) for row in rows if row["first"] is not None]
    lasts = [_utc(row["last"]) for row in rows if row["last"] is not None]
    return Totals(
        groups=tuple(sorted(groups, key=lambda group: (group.mixed, group.variant or ""))),
        first_exposure=min(firsts, default=None),
        last_exposure=max(lasts, default=None),
        outside=sum(row["outside"] for row in rows),
    )


def _group(plan: Experiment, row: Mapping[str, Any]) -> ArmTotals:
    metrics = {
        metric.name: MetricTotals(
            _moments(metric, row["users"], row[f"centre{i}"], row[f"sum{i}"], row[f"square{i}"]),
            events=row[f"events{i}"],
            blank=row[f"blank{i}"],
        )
        for i, metric in enumerate(plan.metrics)
    }
    return ArmTotals(
        row["variant"], row["mixed"], row["users"], metrics, early=row["early"], late=row["late"]
    )


def _moments(metric: Metric, n: int, centre: float, total: float, squares: float) -> Moments:
    mean = total / n
    # Around the pooled mean the correction is tiny, so nothing is lost; rounding may still pass below 0.
    m2 = max(squares - total * mean, 0.0)
    if not abs(m2) < float("inf") or not abs(centre) < float("inf"):
        raise InputError(
            f"The values of the metric {metric.name} are not all finite numbers; correct the events of type {metric.event}."
        )
    return Moments(n, centre + mean, m2)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _require(table: Table, columns: Sequence[str], what: str) -> None:
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(
            f"{what} has no column {' and no column '.join(missing)}; its columns are {', '.join(table.columns)}."
        )
