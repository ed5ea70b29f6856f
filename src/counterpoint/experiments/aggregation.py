"""One Ibis expression that turns exposures and events into the sufficient statistics of an experiment.

Every user is counted once, by the first exposure. Squares and products are summed around the pooled means (the
two-pass algorithm), so that large values with a small spread keep their digits on every engine. A user whose window
is not over has a null for the metric, so that sums, squares and counts leave the user out by themselves.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

import ibis
from ibis.expr.types import NumericColumn, Table
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.by_segment import (
    by_level,
    large_levels,
    level_column,
    level_columns,
    segment_expression,
)
from counterpoint.experiments.caps import capped_at_quantile
from counterpoint.experiments.fields import item_in, number_in
from counterpoint.experiments.measures import ADDED, Metric, Slots, limited, slots_of
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.quantiles import cell_of, grid_expression, values_expression
from counterpoint.experiments.steps import reached_expression
from counterpoint.experiments.totals import LARGEST_ORIGIN, cross_name, totals_of
from counterpoint.experiments.user_sums import EARLY_DAYS, reach_days, sums_expression, value_of
from counterpoint.experiments.users import (
    exposures_of,
    linked,
    links_of,
    literal_of,
    require,
    shown_expression,
    users_expression,
    users_of,
)

__all__ = [
    "EARLY_DAYS",
    "exposures_of",
    "identified",
    "item_in",
    "literal_of",
    "number_in",
    "origin_expression",
    "reach_days",
    "segment_expression",
    "shown_expression",
    "summary_expression",
    "sums_expression",
    "totals_expression",
    "totals_of",
    "unite",
    "users_expression",
    "users_of",
    "users_until",
]

COUNTED = ("outside", "early", "late")
"""What is counted of every user beside the metrics: exposures and events that do not count."""


def unite(plan: Experiment, tables: Mapping[str, Table]) -> tuple[Experiment, Table]:
    """Make one table of events of one table per metric; in the plan returned, a metric's events are of its name.

    A ratio needs a table for each of its two metrics, by their names.

    Raises:
        InputError: a metric has no table, or a table lacks a column.
    """
    parts = {part.name: part for metric in plan.metrics for part in metric.parts}
    if funnels := [part.name for part in parts.values() if part.steps]:
        raise InputError(
            f"{', '.join(funnels)} counts steps of several types; give one table of all events, with a column type."
        )
    if missing := [name for name in parts if name not in tables]:
        raise InputError(
            f"There is no table of events for {', '.join(missing)}; the tables given are {', '.join(sorted(tables)) or 'none'}."
        )
    for name in parts:
        require(tables[name], ("subject", "time"), f"The table of events for {name}")
    further = [name for name in ("value", "data") if all(name in tables[part].columns for part in parts)]
    rows = [tables[name].select("subject", "time", *further, type=ibis.literal(name)) for name in parts]
    success = tuple(_named(metric) for metric in plan.success)
    guardrails = tuple(replace(guardrail, metric=_named(guardrail.metric)) for guardrail in plan.guardrails)
    asked = replace(plan, success=success, guardrails=guardrails)
    return asked, ibis.union(*rows) if len(rows) > 1 else rows[0]


def _named(metric: Metric) -> Metric:
    """The metric of events that are of its name, or of its parts' names."""
    if metric.numerator and metric.denominator:
        return replace(metric, numerator=_named(metric.numerator), denominator=_named(metric.denominator))
    return replace(metric, event=metric.name)


def totals_expression(
    plan: Experiment,
    exposures: Table,
    events: Table,
    *,
    as_of: datetime | None = None,
    last_data: bool = False,
    segments: Sequence[str] = (),
    least: int = LEAST,
    links: Table | None = None,
) -> Table:
    """The expression whose few rows are the experiment's totals, one per variant and for mixed users.

    Args:
        plan: The arms, metrics and dates.
        exposures: Columns subject, variant and time; one row per time that a user was shown a variant.
        events: Columns type, subject and time, with value (number) or data (JSON text) as metrics need.
        as_of: Up to when the events are complete, which windows are compared with. Where none is given, that is the
            last moment of the two tables. What comes after the plan's end never counts.
        last_data: Whether the last moment of the tables bounds `as_of`, since more may be missing.
        segments: Attributes of exposures. There are further rows then, of each arm for each value that an attribute
            had at the users' first exposure: the column part is the value, and which the number of the attribute from
            1, or 0 in the rows of all users. No row tells quantiles of a part.
        least: Users that such a row is of at least; fewer do not leave the engine.
        links: Columns subject (an id), known (its user) and time, instead of the events that the plan names as links.

    Raises:
        InputError: a table lacks a column.
    """
    exposures, events = identified(plan, exposures, events, links)
    users = users_expression(plan, exposures, events)
    for number, name in enumerate(segments, 1):
        part = segment_expression(plan, exposures, name).rename(**{level_column(number): "part"})
        users = users.left_join(part, "subject").drop("subject_right").alias(f"users_by_{number}")
    users = users_until(plan, users, (exposures, events), as_of=as_of, last_data=last_data)
    reached = {
        i: reached_expression(plan, part, users, events)
        for i, part in enumerate(slots_of(plan.metrics).parts)
        if part.steps
    }
    grids, counted = {}, {}
    for i, part in enumerate(slots_of(plan.metrics).parts):
        if part.aggregation == "quantile":
            grids[i], counted[i] = grid_expression(part, values_expression(plan, part, users, events), i)
    sums = sums_expression(plan, users, events)
    return summary_expression(plan, users, sums, reached | counted, grids, least=least)


def identified(
    plan: Experiment, exposures: Table, events: Table, links: Table | None = None
) -> tuple[Table, Table]:
    """Exposures and events by the users behind their ids; as they are where nothing links ids."""
    links = links_of(plan, events) if links is None else links
    if links is None:
        return exposures, events
    return linked(links, exposures)[0], linked(links, events)[0]


def users_until(
    plan: Experiment,
    users: Table,
    tables: tuple[Table, Table],
    *,
    as_of: datetime | None,
    last_data: bool,
) -> Table:
    """Users with `reach`, the moment up to which their events are known, where a metric has a window; else as they are."""
    if all(metric.days is None for metric in plan.metrics):
        return users
    exposures, events = tables
    require(events, ("type", "subject", "time"), "The table of events")
    bounds = [moment for moment in (as_of, plan.end) if moment is not None]
    known = [exposures, events] if last_data or as_of is None else []
    return _with_reach(users, known, None if not bounds else literal_of(min(bounds), exposures))


def _with_reach(users: Table, tables: Sequence[Table], bound: Any) -> Table:
    """Users with `reach`: the moment up to which their events are known; the last of the tables, or the bound before it."""
    if not tables:
        return users.mutate(reach=bound).alias("users_until")
    kind = users["first"].type()
    lasts = [table.aggregate(last=table.time.max().cast(kind)) for table in tables]
    last = ibis.union(*lasts)
    moment = last.aggregate(reach=last["last"].max())
    if bound is not None:
        moment = moment.select(reach=ibis.ifelse(moment.reach > bound, bound, moment.reach))
    return users.cross_join(moment.alias("last_moment")).alias("users_until")


def summary_expression(
    plan: Experiment,
    users: Table,
    sums: Table,
    further: Mapping[int, Table] = MappingProxyType({}),
    grids: Mapping[int, Table] = MappingProxyType({}),
    *,
    least: int = LEAST,
) -> Table:
    """The totals of users and of their sums: what leaves the engine.

    The columns are those of `users_expression` and `sums_expression`, which share `subject`; `further` are by slot
    who went through a funnel, or users' events at or below a quantile, and `grids` the quantiles by arm. `least` is of
    rows about parts (see `totals_expression`).
    """
    slots = slots_of(plan.metrics)
    filled = _filled(slots, users, sums, further)
    for i, part in enumerate(slots.parts):
        if part.cap_quantile is not None:
            one_arm = ~filled.mixed & filled.variant.isin(plan.arms) & filled["first"].notnull()
            filled = capped_at_quantile(filled, f"m{i}", part.cap_quantile, one_arm)
    base, measured = slots.base(), slots.columns()
    # Of users who count: the others, who have nothing at all, may be so many that the centre would be far off.
    counts = None if plan.trigger is None else filled["first"].notnull()
    centres = filled.aggregate(**{f"c_{name}": filled[name].mean(where=counts) for name in base})
    origins = {
        form: origin_expression(*(centres[f"c_{name}"] for name in slots.origin_of(form)))
        for form in slots.forms
    }
    centres = centres.mutate(**{f"c_{form}": origin for form, origin in origins.items()})
    centres = centres.alias("centres")
    around = by_level(filled.cross_join(centres))
    distance = {name: cast("NumericColumn", around[name] - around[f"c_{name}"]) for name in base}
    for form, (
        one,
        other,
    ) in slots.forms.items():  # of a form the centre is its origin, as its mean over all is 0
        distance[form] = cast("NumericColumn", around[one] - around[f"c_{form}"] * around[other])
    moments: dict[str, Any] = {}
    for name, away in distance.items():
        moments |= {
            f"sum_{name}": away.sum(),
            f"square_{name}": (away * away).sum(),
        }
    for i, part in enumerate(slots.parts):
        if slots.first_of_span(i) == i:
            moments[f"events{i}"] = around[f"events{i}"].sum()
        if part.aggregation in ADDED:
            moments[f"known{i}"] = around[f"known{i}"].sum()
        if part.days is not None:
            moments[f"n{i}"] = around[f"m{i}"].count()
    for one, other in slots.pairs(plan.metrics):
        moments[cross_name(one, other)] = (distance[one] * distance[other]).sum()
    # Users whose exposures all lie outside the dates have no first one; they make rows of their own.
    by = ["variant", "mixed", *(name for name in ("which", "part") if name in around.columns)]
    if plan.trigger is not None:
        moments["assigned"] = around["assigned"].count()
    rows = around.group_by(*by, seen=around["first"].notnull()).aggregate(
        users=around.count(),
        first=around["first"].min(),
        last=around["last"].max(),
        **{name: around[name].sum() for name in COUNTED},
        **moments,
    )
    rows = large_levels(rows, least)
    found = rows.cross_join(centres)
    if grids:
        found = found.mutate(cell=cell_of(found))
        if "which" in found.columns:
            found = found.mutate(cell=ibis.ifelse(found.which == 0, found.cell, ibis.null("string")))
        for grid in grids.values():
            found = found.left_join(grid, "cell").drop("cell_right")
        rows = found.drop("cell", *(f"c_{name}" for name in measured))
    return found.select(
        *(found[name] for name in rows.columns),
        **{f"centre_{name}": found[f"c_{name}"] for name in base},
    )


def origin_expression(numerator: Any, denominator: Any) -> Any:
    """What `totals.origin_of` says of two pooled means."""
    found = numerator / denominator.nullif(0)
    # SQLite knows no infinity; what is no number is greater than all or compares with nothing.
    return ibis.ifelse(found.abs() < LARGEST_ORIGIN, found, 0.0)


def _filled(slots: Slots, users: Table, sums: Table, further: Mapping[int, Table]) -> Table:
    """One row per user with every metric; a user without an event has 0, and null where the window is not over."""
    joined = users.left_join(sums, "subject")
    for through in further.values():
        joined = joined.left_join(through, users.subject == through.subject)

    def known(part: Metric, value: Any) -> Any:
        if part.days is None:
            return value
        over = users["first"] + ibis.interval(hours=24 * part.days) <= users["reach"]
        return ibis.ifelse(over, value, ibis.null("float64"))

    columns: dict[str, Any] = {}
    for i, part in enumerate(slots.parts):
        if part.steps:
            columns[f"m{i}"] = known(part, further[i]["reached"].notnull().cast("float64"))
        elif part.aggregation == "quantile":
            columns[f"m{i}"] = known(part, further[i].below.fill_null(0).cast("float64"))
            columns[f"d{i}"] = known(part, further[i]["of"].fill_null(0).cast("float64"))
        else:
            columns[f"m{i}"] = known(part, value_of(slots, i, sums))
        if limited(part):
            columns[f"r{i}"] = known(part, value_of(slots, i, sums, limited=False))
        if slots.first_of_span(i) == i:
            columns[f"events{i}"] = sums[f"events{i}"].fill_null(0)
        if part.aggregation in ADDED:
            columns[f"known{i}"] = sums[f"known{i}"].fill_null(0)
        if part.covariate_days:
            columns[f"x{i}"] = known(part, value_of(slots, i, sums, before=True))
    placed = {name: sums[name].fill_null(0) for name in ("early", "late")}
    kept = [
        name
        for name in ("variant", "mixed", "first", "last", "outside", "assigned", *level_columns(users))
        if name in users.columns
    ]
    return joined.select(*(users[name] for name in kept), **placed, **columns).alias("per_user")
