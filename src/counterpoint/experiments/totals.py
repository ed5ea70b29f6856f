"""What an engine is asked for: per arm, users and the moments of every metric. Nothing user-level leaves it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from counterpoint.errors import InputError
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.stats import Moments

__all__ = ["ADDED", "ArmTotals", "CovariateTotals", "MetricTotals", "Totals", "totals_of"]

ADDED = ("mean", "sum")
"""Aggregations that need a number of every event."""


class CovariateTotals(msgspec.Struct, frozen=True):
    """A metric's value before each user's first exposure, over the users of one group (CUPED)."""

    moments: Moments
    comoment: float
    """Sum over users of the value's distance from its mean times the covariate's from its own."""

    @property
    def covariance(self) -> float | None:
        """Sample covariance with n − 1; none below two units, where it is not defined."""
        return self.comoment / (self.moments.n - 1) if self.moments.n > 1 else None


class MetricTotals(msgspec.Struct, frozen=True):
    """One metric over the users of one group."""

    moments: Moments
    events: int = 0
    """Events that count: at or after the user's first exposure and within the plan's dates."""
    blank: int = 0
    """Those of them that have no number where a mean or a sum needs one; they add nothing."""
    covariate: CovariateTotals | None = None
    """Of the metric's `covariate_days`; none where it has none."""


class ArmTotals(msgspec.Struct, frozen=True):
    """The users who saw one variant only, or (`mixed`) those who saw several."""

    variant: str | None
    mixed: bool
    users: int
    metrics: dict[str, MetricTotals]
    """By the metric's name."""
    early: int = 0
    """Events of the metrics before the user's first exposure; they do not count."""
    late: int = 0
    """Events of the metrics after the plan's end; they do not count."""


class Totals(msgspec.Struct, frozen=True):
    """The sufficient statistics of an experiment."""

    groups: tuple[ArmTotals, ...] = ()
    first_exposure: datetime | None = None
    last_exposure: datetime | None = None
    outside: int = 0
    """Exposures outside the plan's dates; they do not count."""

    def arm(self, variant: str) -> ArmTotals | None:
        """The users who saw this variant and no other."""
        return next((group for group in self.groups if group.variant == variant and not group.mixed), None)

    @property
    def mixed(self) -> int:
        """Users who saw several variants."""
        return sum(group.users for group in self.groups if group.mixed)


def totals_of(plan: Experiment, rows: Sequence[Mapping[str, Any]]) -> Totals:
    """Read the rows of `totals_expression` as totals.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    groups = [_group(plan, row) for row in rows if row["first"] is not None]
    firsts = [_utc(row["first"]) for row in rows if row["first"] is not None]
    lasts = [_utc(row["last"]) for row in rows if row["last"] is not None]
    return Totals(
        groups=tuple(sorted(groups, key=lambda group: (group.mixed, group.variant or ""))),
        first_exposure=min(firsts, default=None),
        last_exposure=max(lasts, default=None),
        outside=sum(row["outside"] for row in rows),
    )


def _group(plan: Experiment, row: Mapping[str, Any]) -> ArmTotals:
    metrics = {
        metric.name: MetricTotals(
            _moments(metric, row, f"m{i}"),
            events=row[f"events{i}"],
            blank=row[f"events{i}"] - row[f"known{i}"] if metric.aggregation in ADDED else 0,
            covariate=_covariate(metric, row, i) if metric.covariate_days else None,
        )
        for i, metric in enumerate(plan.metrics)
    }
    return ArmTotals(
        row["variant"], row["mixed"], row["users"], metrics, early=row["early"], late=row["late"]
    )


def _covariate(metric: Metric, row: Mapping[str, Any], i: int) -> CovariateTotals:
    away = row[f"sum_x{i}"] / row["users"]
    return CovariateTotals(_moments(metric, row, f"x{i}"), row[f"cross{i}"] - row[f"sum_m{i}"] * away)


def _moments(metric: Metric, row: Mapping[str, Any], name: str) -> Moments:
    n, centre, total = row["users"], row[f"centre_{name}"], row[f"sum_{name}"]
    mean = total / n
    # Around the pooled mean the correction is tiny, so nothing is lost; rounding may still pass below 0.
    m2 = max(row[f"square_{name}"] - total * mean, 0.0)
    if not abs(m2) < float("inf") or not abs(centre) < float("inf"):
        raise InputError(
            f"The values of the metric {metric.name} are not all finite numbers; correct the events of type {metric.event}."
        )
    return Moments(n, centre + mean, m2)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
