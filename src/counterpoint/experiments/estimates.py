"""Which estimator compares two arms on a metric: means or ratios, with covariates where the plan uses them. Pure."""

from typing import NamedTuple

from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.totals import MetricTotals
from counterpoint.stats import Comoments, CovariatePair, MeanPair, Pair, RatioPair

__all__ = ["Estimates", "estimates_of"]

DROPPED = {
    "no variance": "has the same value for all users",
    "explained by those before it": "says nothing that another covariate does not",
    "too few units": "has too few users to go by",
}


class Estimates(NamedTuple):
    """The pair that decides, and what it is shown beside."""

    pair: Pair
    unadjusted: Pair | None
    """The same without covariates; none where none were used."""
    uncapped: Pair | None
    """The same without the metric's declared caps; none where it declares none."""
    note: str
    """Why covariates were not used, if any were not."""


def estimates_of(plan: Experiment, metric: Metric, control: MetricTotals, treated: MetricTotals) -> Estimates:
    """The estimators of one metric over two arms.

    Means of users by Welch, ratios by the delta method over users; where the totals hold covariates and the plan
    uses them, both are adjusted (CUPED), with slopes for each arm or common ones.
    """
    if (
        metric.aggregation == "quantile"
    ):  # its moments have the error of the quantile; what it came of has not
        return Estimates(MeanPair(control.moments, treated.moments), None, None, "")
    raw = _pair(control, treated, control.comoments, treated.comoments)
    plain = control.plain is not None and treated.plain is not None
    adjusted = _adjusted(plan, control, treated, control.comoments, treated.comoments)
    uncapped = None
    if plain:
        uncapped = _adjusted(plan, control, treated, control.plain, treated.plain) or _pair(
            control, treated, control.plain, treated.plain
        )
    if adjusted is None:
        return Estimates(raw, None, uncapped, "")
    note = "; ".join(f"a covariate {DROPPED[each.reason]} and is not used" for each in adjusted.dropped)
    told = f"{note[0].upper()}{note[1:]}." if note else ""
    if not adjusted.adjustment.used or adjusted.state != "tested":
        return Estimates(raw, None, uncapped, told)
    return Estimates(adjusted, raw, uncapped, told)


def _pair(
    control: MetricTotals, treated: MetricTotals, before: Comoments | None, after: Comoments | None
) -> Pair:
    """The pair without covariates."""
    if before is None or after is None:
        return MeanPair(control.moments, treated.moments)
    if control.ratio:
        return RatioPair(before.select([0, 1]), after.select([0, 1]), origin=control.origin)
    return MeanPair(before.moments(0), after.moments(0))


def _adjusted(
    plan: Experiment,
    control: MetricTotals,
    treated: MetricTotals,
    before: Comoments | None,
    after: Comoments | None,
) -> CovariatePair | RatioPair | None:
    """The pair with covariates, where there are some and the plan uses them."""
    outcomes = 2 if control.ratio else 1
    if before is None or after is None or not plan.covariates or before.columns <= outcomes:
        return None
    if before.columns != after.columns:
        return None
    if control.ratio:
        return RatioPair(before, after, plan.slopes, control.origin)
    return CovariatePair(before, after, plan.slopes)
