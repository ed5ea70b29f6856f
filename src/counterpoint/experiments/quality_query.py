"""The second query of an experiment, over its exposures only: what is counted to judge the data."""

from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.aggregation import identified, segment_expression
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import hits_expression, inside_dates, require, users_expression

__all__ = ["quality_expression"]

COUNTS = ("exposures", "repeated", "mixed", "linked", "crossed", "strays")
DAY_SECONDS = 86_400


def quality_expression(
    plan: Experiment, exposures: Table, events: Table, *, links: Table | None = None
) -> Table:
    """The rows that `quality_totals_of` reads: users by arm and day, by arm and value of each segment, and counts.

    The arguments are those of `totals_expression`. Of the events, only triggers and links are read.

    Raises:
        InputError: a table lacks a column, or exposures an attribute that is a segment.
    """
    require(exposures, ("subject", "variant", "time"), "The table of exposures")
    known, happened = identified(plan, exposures, events, links)
    users = users_expression(plan, known, happened).alias("quality_users")
    days = (users["first"].epoch_seconds().cast("float64") / DAY_SECONDS).floor().cast("int64")
    counting = users["first"].notnull()
    rows = [
        _counts(plan, known, happened, users),
        _sizes(users.filter(counting).select("variant", "mixed", part=days.cast("string")), "day"),
    ]
    for name in plan.segments:
        parts = segment_expression(plan, known, name)
        joined = users.filter(counting).left_join(parts, "subject")
        rows.append(_sizes(joined.select("variant", "mixed", part=parts.part), f"segment {name}"))
    return ibis.union(*rows)


def _sizes(users: Table, what: str) -> Table:
    grouped = users.group_by("part", "variant", "mixed").aggregate(users=users.count().cast("int64"))
    return grouped.select(
        "part",
        "variant",
        "users",
        what=ibis.literal(what),
        mixed_group=grouped.mixed,
        **{name: ibis.literal(0, "int64") for name in COUNTS},
    ).select(*_columns())


def _counts(plan: Experiment, known: Table, happened: Table, users: Table) -> Table:
    """Users by arm before a trigger, with how often their exposures are repeated and who crossed over."""
    rows = known.filter(known.subject.notnull())
    link = {"linked": rows.linked} if "linked" in rows.columns else {"linked": ibis.literal(False)}  # noqa: FBT003 - Ibis' argument
    rows = rows.select("subject", "variant", "time", **link, **inside_dates(plan, rows))
    rows = rows.filter(rows.inside) if "inside" in rows.columns else rows
    same = rows.group_by("subject", "variant", "time").aggregate(
        n=rows.count(), linked=rows.linked.cast("int64").max()
    )
    each = same.group_by("subject").aggregate(
        exposures=same.n.sum(),
        repeated=(same.n - 1).sum(),
        linked=same.linked.max(),
        low=same.variant.min(),
        high=same.variant.max(),
    )
    each = each.mutate(mixed=(each.low != each.high).fill_null(False))  # noqa: FBT003 - Ibis' argument
    strays: Any = ibis.literal(0, "int64")
    if plan.trigger is not None and "variant" in happened.columns:
        base = users.select("subject", "variant", first="assigned")
        hits = hits_expression(plan, plan.trigger, base, happened)
        astray = hits.filter(hits.said.notnull() & (hits.said != hits.variant)).select("subject").distinct()
        astray = astray.mutate(astray=ibis.literal(1, "int64"))
        joined = each.left_join(astray, "subject")
        each = joined.select(*(each[name] for name in each.columns), astray=astray.astray.fill_null(0))
        strays = each.astray.sum()
    grouped = each.group_by(variant=each.low, mixed_group=each.mixed).aggregate(
        users=each.count().cast("int64"),
        exposures=each.exposures.sum().cast("int64"),
        repeated=each.repeated.sum().cast("int64"),
        mixed=each.mixed.cast("int64").sum(),
        linked=each.linked.sum(),
        crossed=each.linked.sum(where=each.mixed),
        strays=strays,
    )
    filled = {name: grouped[name].fill_null(0).cast("int64") for name in COUNTS}
    return grouped.select(
        "variant", "users", "mixed_group", what=ibis.literal("users"), part=ibis.null("string"), **filled
    ).select(*_columns())


def _columns() -> tuple[str, ...]:
    return ("what", "part", "variant", "mixed_group", "users", *COUNTS)
