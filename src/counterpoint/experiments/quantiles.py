"""Quantiles of single events per arm, with what their errors need: each user's events, and those at or below it."""

from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.fields import field_of
from counterpoint.experiments.measures import Metric, quantile_levels
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import literal_of

__all__ = ["cell_of", "grid_expression", "values_expression"]


def cell_of(users: Table) -> Any:
    """What tells apart the users whose quantile is one: the arm, and the part where there are any."""
    arm = users.variant.fill_null("")
    return arm + "\x1f" + users.part.fill_null("") if "part" in users.columns else arm


def values_expression(plan: Experiment, part: Metric, users: Table, events: Table) -> Table:
    """The numbers of the events that count, with subject and cell; of users of one arm whose window is over."""
    counting = users.filter(users["first"].notnull() & ~users.mixed)
    if part.days is not None:
        counting = counting.filter(counting["first"] + ibis.interval(hours=24 * part.days) <= counting.reach)
    counting = counting.select("subject", "first", cell=cell_of(counting))
    rows = events.filter(events.type == part.event)
    rows = rows.select("subject", "time", number=field_of(part, rows)).filter(
        lambda table: table.number.notnull()
    )
    joined = rows.join(counting, "subject")
    begin = (
        joined["first"] + ibis.interval(hours=24 * part.offset_days) if part.offset_days else joined["first"]
    )
    inside = joined.time >= begin
    if part.days is not None:
        inside = inside & (joined.time < joined["first"] + ibis.interval(hours=24 * part.days))
    if plan.end:
        inside = inside & (joined.time <= literal_of(plan.end, joined))
    return joined.filter(inside).select("subject", "cell", "number")


def grid_expression(part: Metric, values: Table, slot: int) -> tuple[Table, Table]:
    """By cell the quantile and those around it; and by user how many events there are, and how many at or below it."""
    levels = quantile_levels(part.quantile or 0.5)
    grid = values.group_by("cell").aggregate(
        **{f"q{slot}_{number}": values.number.quantile(level) for number, level in enumerate(levels)}
    )
    grid = grid.alias(f"quantiles{slot}")
    joined = values.join(grid, "cell")
    below = (joined.number <= joined[f"q{slot}_0"]).cast("int64")
    users = joined.group_by("subject").aggregate(below=below.sum(), of=joined.count())
    return grid, users
