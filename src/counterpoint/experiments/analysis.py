"""An experiment read from tables: one query, then pure functions of its few rows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from counterpoint.experiments.by_level import segments_of
from counterpoint.experiments.fixed_power import needed_per_arm
from counterpoint.experiments.going import going, stops_of
from counterpoint.experiments.hypotheses import arms_of, compare, quality_of, withhold
from counterpoint.experiments.learning import classify, shrink
from counterpoint.experiments.looks import Reading, reading_of
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.quality_totals import quality_totals_of
from counterpoint.experiments.recommendation import branch
from counterpoint.experiments.result import Comparison, Result, Taken, Verdict
from counterpoint.experiments.stopped import with_stopped
from counterpoint.experiments.taking import taken_now
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.experiments.treatments import verdicts_of
from counterpoint.experiments.verdict import decide, decided

if TYPE_CHECKING:
    from ibis import Table

__all__ = ["analyze", "result_of"]

HIDDEN = "The experiment is invalid, so its figures are withheld until somebody acknowledges that."
EXPLORED = (
    "This is an exploratory look at a plan that does not say when it is read: it is no evidence, and can ship nothing."
    " Its intervals hold at all looks together, and are wider for it."
)


def analyze(
    experiment: Experiment,
    exposures: "Table",
    events: "Table | Mapping[str, Table]",
    *,
    as_of: datetime | None = None,
    engine: str = "",
    totals: Totals | None = None,
    last_data: bool = False,
    links: "Table | None" = None,
    looks: Sequence[Taken] = (),
    acknowledged: bool = False,
    explore: bool = False,
) -> Result:
    """Read an experiment from Ibis tables of any engine.

    A user counts once, from the first exposure; users who saw several variants are left out and counted;
    a user without an event has the value 0. Two queries run, one
    of all and a second of exposures to judge the data, and no row about a user leaves the engine.

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
        links: Columns subject (an id), known (its user) and time, where ids are linked by a table and not by events.
        looks: The looks that were taken before, of a sequential plan; their boundaries stay as they were.
        acknowledged: Show the figures of an invalid experiment, which are no evidence.
        explore: Look at a plan that does not say when it is read, whose success figures are withheld otherwise. Such
            a look can ship nothing.

    Raises:
        InputError: a table lacks a column, or values are no finite numbers.
    """
    import ibis

    from counterpoint.experiments.aggregation import totals_expression, unite
    from counterpoint.experiments.quality_query import quality_expression

    asked, table = unite(experiment, events) if isinstance(events, Mapping) else (experiment, events)
    expression = totals_expression(
        asked, exposures, table, as_of=as_of, last_data=last_data, segments=asked.segments, links=links
    )
    if totals is None:
        totals = totals_of(experiment, expression.to_pyarrow().to_pylist())
    counted = quality_expression(asked, exposures, table, links=links)
    totals = replace(totals, quality=quality_totals_of(counted.to_pyarrow().to_pylist()))
    result = result_of(
        experiment,
        totals,
        as_of=as_of or datetime.now(UTC),
        engine=engine,
        looks=looks,
        acknowledged=acknowledged,
        explore=explore,
    )
    return replace(result, sql=f"{ibis.to_sql(expression)};\n\n{ibis.to_sql(counted)}")


def result_of(
    experiment: Experiment,
    totals: Totals,
    *,
    as_of: datetime,
    engine: str = "",
    looks: Sequence[Taken] = (),
    acknowledged: bool = False,
    explore: bool = False,
) -> Result:
    """Draw all conclusions from sufficient statistics: a pure function."""
    left = going(experiment, looks)
    reading = reading_of(
        experiment,
        totals,
        as_of,
        taken=looks,
        needed=needed_per_arm(experiment, totals, left.arms),
        explore=explore,
    )
    arms = arms_of(experiment, totals, stops_of(looks).keys())
    quality = quality_of(experiment, totals, left)
    comparisons = tuple(
        compare(experiment, totals, treatment, reading) for treatment in experiment.treatments
    )
    verdict = decide(experiment, arms=arms, quality=quality, comparisons=comparisons, reading=reading)
    comparisons = tuple(_judged(experiment, comparisons, reading, verdict))
    if verdict.state == "invalid" and not acknowledged:
        comparisons = tuple(map(_hidden, comparisons))
    elif reading.progress.exploratory and any(arm.users for arm in arms):
        quality = replace(quality, warnings=(*quality.warnings, EXPLORED))
    if verdict.state != "invalid":
        comparisons = tuple(with_stopped(each, reading) for each in comparisons)
    if verdict.state == "ship":
        comparisons = tuple(map(_shrunk, comparisons))
    result = Result(
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
        progress=reading.progress,
        looks=(*looks, *taken_now(reading, totals, verdict, comparisons, as_of)),
        acknowledged=acknowledged,
        segments=segments_of(experiment, totals, reading, comparisons),
    )
    return replace(result, learning=classify(experiment, result))


def _judged(
    plan: Experiment, comparisons: Sequence[Comparison], reading: Reading, verdict: Verdict
) -> Iterator[Comparison]:
    """The comparisons with the tree of the decision, and with their own verdicts where these were asked for."""
    own: Sequence[Verdict | None] = [None] * len(comparisons)
    if verdict.state != "invalid" and reading.progress.users and not decided(reading):
        own = verdicts_of(plan, comparisons, reading)
    for comparison, each in zip(comparisons, own, strict=True):
        yield replace(comparison, decision=branch(plan, comparison, reading), verdict=each)


def _shrunk(comparison: Comparison) -> Comparison:
    """The comparison with what its wins are likely to be worth."""
    return replace(
        comparison, metrics=tuple(replace(metric, shrunk=shrink(metric)) for metric in comparison.metrics)
    )


def _hidden(comparison: Comparison) -> Comparison:
    """The comparison of an invalid experiment: its figures would be taken for evidence."""
    return replace(comparison, metrics=tuple(withhold(metric, HIDDEN) for metric in comparison.metrics))
