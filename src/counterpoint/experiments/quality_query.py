"""What is counted of an experiment to judge its data, over its exposures: a part of the one query of a reading."""

from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.aggregation import identified, segment_expression
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import hits_expression, inside_dates, require, users_expression

__all__ = ["quality_expression", "whole"]

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
        *_counts(plan, known, happened, users),
        _sizes(users.filter(counting).select("variant", "mixed", part=days.cast("string")), "day"),
    ]
    for name in plan.segments:
        parts = segment_expression(plan, known, name)
        joined = users.filter(counting).left_join(parts, "subject")
        rows.append(_sizes(joined.select("variant", "mixed", part=parts.part), f"segment {name}"))
    return ibis.union(*rows)


def _sizes(users: Table, what: str) -> Table:
    grouped = users.group_by("part", "variant", "mixed").aggregate(users=users.count())
    return grouped.select(
        "part",
        "variant",
        users=whole(grouped.users),
        what=ibis.literal(what),
        mixed_group=grouped.mixed,
        **{name: ibis.literal(0, "int64") for name in COUNTS},
    ).select(*_columns())


def _counts(plan: Experiment, known: Table, happened: Table, users: Table) -> list[Table]:
    """Users by arm before a trigger, with how many exposures they have and who crossed over; and what is repeated."""
    shown = users["first" if plan.trigger is None else "assigned"].notnull()
    each = users.filter(shown)
    linked: Any = each.linked if "linked" in each.columns else ibis.literal(0, "int64")
    strays: Any = ibis.literal(0, "int64")
    if plan.trigger is not None and "variant" in happened.columns:
        base = users.select("subject", "variant", first="assigned")
        hits = hits_expression(plan, plan.trigger, base, happened)
        astray = hits.filter(hits.said.notnull() & (hits.said != hits.variant)).select("subject").distinct()
        astray = astray.mutate(astray=ibis.literal(1, "int64"))
        joined = each.mutate(linked=linked).left_join(astray, "subject")
        each = joined.select(
            "subject", "variant", "mixed", "exposures", "linked", astray=astray.astray.fill_null(0)
        )
        linked, strays = each.linked, each.astray.sum()
    else:
        each = each.mutate(linked=linked)
        linked = each.linked
    grouped = each.group_by("variant", mixed_group=each.mixed).aggregate(
        users=each.count(),
        exposures=each.exposures.sum(),
        mixed=each.mixed.cast("int64").sum(),
        linked=linked.sum(),
        crossed=linked.sum(where=each.mixed),
        strays=strays,
    )
    return [_row(grouped, "variant", "mixed_group"), _row(_repeated(plan, known, users))]


def _repeated(plan: Experiment, known: Table, users: Table) -> Table:
    """How many exposures are there twice: only those of users who have several are looked through."""
    several = users.filter(users.exposures > 1).select("subject")
    rows = known.select("subject", "variant", "time", **inside_dates(plan, known))
    rows = rows.filter(rows.inside) if "inside" in rows.columns else rows
    rows = rows.semi_join(several, "subject")
    same = rows.group_by("subject", "variant", "time").aggregate(n=rows.count())
    return same.aggregate(repeated=(same.n - 1).sum())


def _row(counted: Table, *by: str) -> Table:
    """The counts in the columns of every row, 0 where something was not counted."""
    nothing = {"variant": ibis.null("string"), "mixed_group": ibis.literal(False)}  # noqa: FBT003 - Ibis' argument
    counts = {
        name: whole(counted[name].fill_null(0)) if name in counted.columns else ibis.literal(0, "int64")
        for name in ("users", *COUNTS)
    }
    return counted.select(
        *by,
        what=ibis.literal("users"),
        part=ibis.null("string"),
        **{name: value for name, value in nothing.items() if name not in by},
        **counts,
    ).select(*_columns())


def whole(column: Any) -> Any:
    """The column with whole numbers of one kind: engines count in others, which do not go into one column together."""
    kind = column.type()
    return column.cast("float64").cast("int64") if kind.is_integer() else column


def _columns() -> tuple[str, ...]:
    return ("what", "part", "variant", "mixed_group", "users", *COUNTS)
