"""The one query of a reading: the statistics of every arm, and what is counted to judge the data."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import ibis
from ibis.expr.types import Table
from msgspec.structs import replace

from counterpoint.experiments.aggregation import totals_expression
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.quality_query import quality_expression, whole
from counterpoint.experiments.quality_totals import quality_totals_of
from counterpoint.experiments.totals import Totals, totals_of

__all__ = ["read_rows", "reading_expression"]

QUALITY = "quality_"
"""Before the names of columns of rows that judge the data."""


def reading_expression(
    plan: Experiment,
    exposures: Table,
    events: Table,
    *,
    as_of: datetime | None = None,
    last_data: bool = False,
    links: Table | None = None,
    least: int = LEAST,
) -> Table:
    """The rows of `totals_expression` and those of `quality_expression` in one statement; arguments as of the former.

    Both are made of the same users, whom an engine that keeps what is named twice puts together once. A row is of one
    kind, and has nothing in the columns of the other.

    Raises:
        InputError: a table lacks a column.
    """
    totals = totals_expression(
        plan,
        exposures,
        events,
        as_of=as_of,
        last_data=last_data,
        segments=plan.segments,
        least=least,
        links=links,
    )
    counted = quality_expression(plan, exposures, events, links=links)
    both = {name: whole(totals[name]) for name in totals.columns}
    both |= {f"{QUALITY}{name}": _nothing(counted, name) for name in counted.columns}
    other: dict[str, Any] = {name: _nothing(totals, name) for name in totals.columns}
    other |= {f"{QUALITY}{name}": whole(counted[name]) for name in counted.columns}
    return ibis.union(totals.select(**both), counted.select(**other))


def _nothing(table: Table, name: str) -> Any:
    return ibis.null(table[name].type().copy(nullable=True))


def read_rows(plan: Experiment, rows: Sequence[Mapping[str, Any]]) -> Totals:
    """The totals, with what judges them, out of the rows of `reading_expression`.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    what = f"{QUALITY}what"
    counted = [
        {name.removeprefix(QUALITY): value for name, value in row.items() if name.startswith(QUALITY)}
        for row in rows
        if row[what] is not None
    ]
    totals = totals_of(plan, [row for row in rows if row[what] is None])
    return replace(totals, quality=quality_totals_of(counted))
