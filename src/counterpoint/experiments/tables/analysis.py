"""An experiment read from a table: one query, then the same pure functions as for the journal."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments.analysis import result_of
from counterpoint.experiments.metrics.reading import LEAST
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.result import Result, Taken
from counterpoint.experiments.tables.asking import NOBODY
from counterpoint.experiments.tables.source import Source
from counterpoint.experiments.tables.totals import TableTotals, listed_variants, table_totals, with_days
from counterpoint.experiments.totals import Totals

if TYPE_CHECKING:
    from ibis import Table

__all__ = ["TableReading", "analyze_table", "concluded", "read_table"]

DIRECT = ("sqlite", "postgres")
"""Engines whose rows are taken from their own cursor."""


@dataclass(frozen=True, slots=True)
class TableReading:
    """What a query on a table gave, before it is compared with a plan."""

    found: TableTotals
    sql: str
    engine: str


def analyze_table(
    experiment: Experiment,
    source: Source,
    table: "Table",
    *,
    as_of: datetime | None = None,
    looks: Sequence[Taken] = (),
    acknowledged: bool = False,
    explore: bool = False,
) -> Result:
    """Read an experiment from one Ibis table with rows of users.

    A user of several variants is left out and counted; rows of one user are put together by each metric's
    aggregation; a row without a number adds nothing. One query runs, and no row about a user leaves the engine.

    Args:
        experiment: The plan.
        source: What the table's columns mean.
        table: Of any engine of Ibis.
        as_of: The moment of reading; now by default.
        looks: The looks that were taken before, of a sequential plan.
        acknowledged: Show the figures of an invalid experiment, which are no evidence.
        explore: Look at a plan that does not say when it is read.

    Raises:
        InputError: the table lacks columns or rows, holds texts for numbers, or none of the plan's variants.
    """
    reading = read_table(
        experiment.metrics,
        source,
        table,
        start=experiment.start,
        end=experiment.end,
        segments=experiment.segments,
    )
    return concluded(
        experiment,
        source,
        reading,
        as_of=as_of or datetime.now(UTC),
        looks=looks,
        acknowledged=acknowledged,
        explore=explore,
    )


def read_table(
    metrics: Sequence[Metric],
    source: Source,
    table: "Table",
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    segments: Sequence[str] = (),
) -> TableReading:
    """Run the one query; `segments` are columns whose values part the users.

    Raises:
        InputError: as `analyze_table`.
    """
    import ibis

    from counterpoint.experiments.tables.opening import told_errors
    from counterpoint.experiments.tables.summing import days_expression, require_columns, table_expression

    require_columns(source, metrics, table, segments=segments)
    expression = table_expression(metrics, source, table, start=start, end=end, segments=segments)
    with told_errors(source):
        rows = _rows(expression)
    found, queries = table_totals(metrics, source, rows, segments), [expression]
    if source.time:  # a query of its own: beside the sums, each day would cost all of them again
        queries.append(days_expression(source, table, start=start, end=end))
        with told_errors(source):
            found = with_days(found, _rows(queries[1]))
    sql = ";\n\n".join(str(ibis.to_sql(query)) for query in queries)
    return TableReading(found, sql, table.get_backend().name)


def _rows(expression: "Table") -> list[dict[str, Any]]:
    """The rows of the answer; Ibis needs pandas for those of SQLite and PostgreSQL, which we do not."""
    import ibis

    backend: Any = expression.get_backend()
    if backend.name not in DIRECT:
        return list(expression.to_pyarrow().to_pylist())
    with closing(backend.raw_sql(str(ibis.to_sql(expression)))) as cursor:
        return [dict(zip(expression.columns, row, strict=True)) for row in cursor.fetchall()]


def _pooled(plan: Experiment, totals: Totals) -> Totals:
    """The totals with the variants that the plan does not name and hardly anybody has as one: they may name people."""
    small = [
        each
        for each in totals.groups
        if not each.mixed and each.variant not in plan.arms and each.users < LEAST
    ]
    if not small:
        return totals
    kept = tuple(each for each in totals.groups if each not in small)
    one = replace(small[0], variant=f"fewer than {LEAST} users each", users=sum(each.users for each in small))
    return replace(totals, groups=(*kept, one))


def concluded(
    plan: Experiment,
    source: Source,
    reading: TableReading,
    *,
    as_of: datetime,
    looks: Sequence[Taken] = (),
    acknowledged: bool = False,
    explore: bool = False,
) -> Result:
    """What a reading says by a plan.

    Raises:
        InputError: the table holds none of the plan's variants.
    """
    found = reading.found
    if not any(arm in found.variants for arm in plan.arms):
        raise InputError(
            f"No row of {source.shown} is of {' or '.join(arm for arm in plan.arms if arm != NOBODY)}; the column {source.variant!r} holds"
            f" {listed_variants(found.variants)}. Name control and treatment as the column has them."
        )
    result = result_of(
        plan,
        _pooled(plan, found.totals),
        as_of=as_of,
        engine=reading.engine,
        looks=looks,
        acknowledged=acknowledged,
        explore=explore,
    )
    quality = replace(result.quality, warnings=(*result.quality.warnings, *found.warnings))
    return replace(result, quality=quality, sql=reading.sql, source=source.shown)
