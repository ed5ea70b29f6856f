"""From exposures to one row per user: the variant, whether there were several, and the first exposure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import and_
from typing import Any

import ibis
from ibis.expr.types import BooleanValue, Table

from counterpoint.errors import InputError
from counterpoint.experiments.model import Experiment

__all__ = ["exposures_of", "literal_of", "require", "shown_expression", "users_expression", "users_of"]


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
    require(exposures, ("subject", "variant", "time"), "The table of exposures")
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


def require(table: Table, columns: Sequence[str], what: str) -> None:
    """Check that a table has columns.

    Raises:
        InputError: one is missing; the message says which the table has.
    """
    if missing := [column for column in columns if column not in table.columns]:
        raise InputError(
            f"{what} has no column {' and no column '.join(missing)}; its columns are {', '.join(table.columns)}."
        )
