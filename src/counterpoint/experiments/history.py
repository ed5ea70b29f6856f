"""What the journal knows of an experiment's metrics before it starts: means, spread, covariates, traffic."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from counterpoint.experiments.model import Experiment
from counterpoint.experiments.sizing import Baseline
from counterpoint.experiments.totals import MetricTotals, Totals, totals_of
from counterpoint.stats import Moments, ratio_variance

if TYPE_CHECKING:
    from ibis import Table

__all__ = ["DAYS", "History", "baseline_of", "history_of"]

DAYS = 14
"""Days that traffic is counted over, and that a metric without a window of its own is measured over."""
LEAST = 100
"""Users below which a standard deviation is no guide."""
PAST = "history"


class History(msgspec.Struct, frozen=True, rename="camel"):
    """Baselines by metric, and the users a day that would come."""

    baselines: dict[str, Baseline]
    per_day: float | None = None
    traffic: str = ""


def history_of(plan: Experiment, exposures: "Table", events: "Table", *, now: datetime) -> History:
    """Read baselines and traffic from exposures of the plan's flag and the events of its metrics.

    Where the experiment already runs, its control arm is the baseline; the treatments are not looked at. Else
    everyone seen in the last weeks counts as exposed at one moment before them, so that windows and covariates are
    those of the plan.
    """
    last = _last(exposures, events)
    if last is None:
        return History({})
    per_day, traffic = _traffic(exposures, events, last)
    control = _totals(plan, exposures, events, now).arm(plan.control)
    source, arm = f"control arm of {plan.name}", control
    if control is None or control.users < LEAST:
        arm = _totals(*_as_if(plan, exposures, events, last), now).arm(PAST)
        source = "the last weeks"
    found = {}
    for metric in plan.metrics:
        totals = arm.metrics.get(metric.name) if arm else None
        baseline = baseline_of(totals, source) if totals else None
        if baseline is not None:
            found[metric.name] = baseline
    return History(found, per_day, traffic)


def baseline_of(totals: MetricTotals, source: str) -> Baseline | None:
    """Mean, standard deviation and correlation with the covariates, per user; none where there is no spread."""
    moments = totals.moments
    if moments.n < LEAST or not moments.variance:
        return None
    sd = moments.variance**0.5
    if totals.ratio and totals.comoments is not None:
        sd = ratio_variance(totals.comoments.select([0, 1])) ** 0.5
    return Baseline(
        mean=moments.mean, sd=sd, correlation=_correlation(totals, moments), users=moments.n, source=source
    )


def _correlation(totals: MetricTotals, moments: Moments) -> float:
    """The root of the share of the variance that the covariates explain."""
    from counterpoint.stats import CovariatePair, RatioPair

    found = totals.comoments
    outcomes = 2 if totals.ratio else 1
    if found is None or totals.quantile is not None or found.columns <= outcomes:
        return 0.0
    # Two arms of the same users: what adjustment keeps of their variance is what covariates leave.
    pair: Any = RatioPair(found, found, "pooled") if totals.ratio else CovariatePair(found, found, "pooled")
    kept = pair.variance_kept if pair.state == "tested" else None
    return 0.0 if kept is None else max(1 - kept, 0.0) ** 0.5


def _last(exposures: "Table", events: "Table") -> datetime | None:
    import ibis

    both = ibis.union(exposures.select("time"), events.select("time"))
    found = both.aggregate(last=both.time.max()).to_pyarrow().to_pylist()[0]["last"]
    if found is None:
        return None
    moment: datetime = found
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _traffic(exposures: "Table", events: "Table", last: datetime) -> tuple[float | None, str]:
    """Users a day over the last days: who asks for the flag, or, where nobody does yet, who has such events."""
    for table, source in ((exposures, "users of the flag"), (events, "users with events of these metrics")):
        recent = table.filter(table.time > _literal(last - timedelta(days=DAYS), table))
        users = recent.aggregate(users=recent.subject.nunique()).to_pyarrow().to_pylist()[0]["users"]
        if users:
            return users / DAYS, f"{source} in the last {DAYS} days"
    return None, ""


def _as_if(
    plan: Experiment, exposures: "Table", events: "Table", last: datetime
) -> tuple[Experiment, "Table", "Table"]:
    """The plan with one arm of the past: everyone seen lately, exposed at one moment."""
    import ibis

    days = max((metric.days or DAYS for metric in plan.metrics), default=DAYS)
    begun = last - timedelta(days=days)
    seen = [
        table.filter(table.time > _literal(begun - timedelta(days=days), table)).select("subject")
        for table in (exposures, events)
    ]
    users = ibis.union(*seen).distinct().filter(lambda table: table.subject.notnull())
    shown = users.mutate(variant=ibis.literal(PAST), time=_literal(begun, exposures))
    past = replace(
        plan,
        control=PAST,
        treatments=("none",),
        shares={},
        start=None,
        end=None,
    )
    return past, shown, events


def _literal(moment: datetime, table: "Table") -> Any:
    from counterpoint.experiments.users import literal_of

    return literal_of(moment, table)


def _totals(plan: Experiment, exposures: "Table", events: "Table", now: datetime) -> Totals:
    from counterpoint.experiments.aggregation import totals_expression

    expression = totals_expression(plan, exposures, events, as_of=now, last_data=True)
    return totals_of(plan, expression.to_pyarrow().to_pylist())
