"""Users of each value of a segment, in the one query: rows of the parts beside those of the whole."""

from typing import Any

import ibis
from ibis.expr.types import Table

from counterpoint.experiments.fields import text_in
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.users import inside_dates

__all__ = ["MOST_LEVELS", "by_level", "large_levels", "level_column", "level_columns", "segment_expression"]

MOST_LEVELS = 40
"""Values of a segment that an arm has rows for at most: the largest ones."""


def segment_expression(plan: Experiment, exposures: Table, name: str) -> Table:
    """One row per user with `part`: the attribute at the first exposure in the dates; of several the first in order.

    Raises:
        InputError: exposures have no such attribute.
    """
    rows = exposures.filter(exposures.subject.notnull())
    rows = rows.select(
        "subject", "time", part=text_in(rows, name, f"The segment {name}"), **inside_dates(plan, rows)
    )
    rows = rows.filter(rows.inside) if "inside" in rows.columns else rows
    first = rows.group_by("subject").aggregate(at=rows.time.min())
    both = rows.join(first, "subject")
    both = both.filter(both.time == both["at"])
    return both.group_by("subject").aggregate(part=both.part.min())


def level_column(number: int) -> str:
    """The column of users that holds their value of the segment of this number, from 1."""
    return f"level{number}"


def level_columns(table: Table) -> list[str]:
    """The columns of a table that hold values of segments, in order."""
    found: list[str] = []
    while level_column(len(found) + 1) in table.columns:
        found.append(level_column(len(found) + 1))
    return found


def by_level(table: Table) -> Table:
    """Every user once for the whole (`which` is 0) and once for each segment (its number), with its value as `part`.

    One pass over the users serves all segments, where a query for each would read the events again. Those who saw
    several variants, or whose exposures lie outside the dates, are in the whole only. Without segments the table is
    as it was.
    """
    names = level_columns(table)
    if not names:
        return table
    # A row from a literal for each number: engines share no other table without a source.
    numbers = ibis.union(*(
        ibis.literal(number, "int64").name("which").as_table() for number in range(len(names) + 1)
    )).alias("numbers_of_segments")  # fmt: skip
    spread = table.cross_join(numbers)
    parts = [(spread.which == number, spread[name]) for number, name in enumerate(names, 1)]
    part = ibis.cases(*parts, else_=ibis.null("string"))
    spread = spread.filter((spread.which == 0) | (~spread.mixed & spread["first"].notnull()))
    return spread.mutate(part=part).drop(*names).alias("users_by_level")


def large_levels(rows: Table, least: int) -> Table:
    """The rows, without those of parts that are of fewer users than `least`, or beyond the largest of an arm.

    A value that hardly anybody has may name a person; it does not leave the engine.
    """
    if "which" not in rows.columns:
        return rows
    rows = rows.filter((rows.which == 0) | (rows.users >= least))
    order: list[Any] = [rows.users.desc(), rows.part]
    ranked = rows.mutate(
        place=ibis.row_number().over(ibis.window(group_by=["which", "variant"], order_by=order))
    )
    return ranked.filter((ranked.which == 0) | (ranked.place < MOST_LEVELS)).drop("place")
