"""An experiment read from tables: one query, then pure functions of its few rows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from counterpoint.experiments.hypotheses import arms_of, compare, quality_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.result import Result
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.experiments.verdict import decide

if TYPE_CHECKING:
    from ibis import Table

__all__ = ["analyze", "result_of"]


def analyze(
    experiment: Experiment,
    exposures: "Table",
    events: "Table | Mapping[str, Table]",
    *,
    as_of: datetime | None = None,
    engine: str = "",
    totals: Totals | None = None,
    last_data: bool = False,
) -> Result:
    """Read an experiment from Ibis tables of any engine.

    A user counts once, from the first exposure; users who saw several variants are left out and counted;
    a user without an event has the value 0. One query runs, and no row about a user leaves the engine.

    Args:
        experiment: The plan.
        exposures: Columns subject, variant and time; one row per time that a user was shown a variant.
        events: One table with the columns type, subject, time and value (or data, as JSON text, for
            fields of another name); or a table of subject, time and value for each metric's name.
        as_of: The moment of reading, which a planned end is compared with; now by default. Windows of metrics are
            compared with it where it is given, and with the last moment of the tables where it is not.
        engine: What to call the engine in the result.
        totals: What the query would give, where that is known; it does not run then.
        last_data: Whether windows are compared with the last moment of the tables although `as_of` is given.

    Raises:
        InputError: a table lacks a column, or values are no finite numbers.
    """
    import ibis

    from counterpoint.experiments.aggregation import totals_expression, unite

    asked, table = unite(experiment, events) if isinstance(events, Mapping) else (experiment, events)
    expression = totals_expression(asked, exposures, table, as_of=as_of, last_data=last_data)
    if totals is None:
        totals = totals_of(experiment, expression.to_pyarrow().to_pylist())
    result = result_of(experiment, totals, as_of=as_of or datetime.now(UTC), engine=engine)
    return replace(result, sql=str(ibis.to_sql(expression)))


def result_of(experiment: Experiment, totals: Totals, *, as_of: datetime, engine: str = "") -> Result:
    """Draw all conclusions from sufficient statistics: a pure function."""
    arms, quality = arms_of(experiment, totals), quality_of(experiment, totals)
    comparisons = tuple(compare(experiment, totals, treatment) for treatment in experiment.treatments)
    verdict = decide(
        experiment,
        arms=arms,
        quality=quality,
        comparisons=comparisons,
        last_exposure=totals.last_exposure,
        as_of=as_of,
    )
    return Result(
        experiment=experiment.name,
        ref=experiment.ref,
        title=experiment.title,
        flag=experiment.flag,
        as_of=as_of,
        verdict=verdict,
        arms=arms,
        quality=quality,
        levels=experiment.levels,
        comparisons=comparisons,
        first_exposure=totals.first_exposure,
        last_exposure=totals.last_exposure,
        start=experiment.start,
        end=experiment.end,
        engine=engine,
    )
