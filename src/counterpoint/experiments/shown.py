"""What the pages of experiments show, as rows and charts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from markupsafe import Markup

from counterpoint.experiments import wording
from counterpoint.experiments.measures import in_words
from counterpoint.experiments.model import Experiment, Metric
from counterpoint.experiments.result import Arm, Figures, MetricResult, Range, Result
from counterpoint.graph.entity import Activity
from counterpoint.said import Said
from counterpoint.web.charts import Interval, interval_plot
from counterpoint.web.urls import with_query
from counterpoint.web.words import tone_of

__all__ = [
    "EXAMPLE",
    "PLOT_TITLE",
    "ArmRow",
    "Definition",
    "KeptFigure",
    "KeptReading",
    "MetricRow",
    "arm_rows",
    "definitions",
    "kept_readings",
    "metric_rows",
    "plot_of",
]

EXPOSURE = "feature_flag.evaluation"
TONES = frozenset({"good", "bad", "warn"})
INFINITE = float("inf")
PLOT_TITLE = "Change of each metric relative to the control"

EXAMPLE = """\
apiVersion: counterpoint.dev/v1
kind: Metric
metadata: {name: orders}
spec:
  owner: checkout
  event: order.placed          # type of the events it is computed from
  aggregation: any             # mean, sum, count or any, for each user
  direction: increase
---
apiVersion: counterpoint.dev/v1
kind: Experiment
metadata: {name: new-checkout}
spec:
  owner: checkout
  bet: faster-checkout
  flag: new-checkout
  control: old
  treatments: [new]
  success: [{metric: orders}]
  guardrails: [{metric: refunds, margin: 0.02}]
  unitsPerArm: 5000  # when it is read, which is said beforehand
"""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm in the table of arms."""

    variant: str
    role: str
    users: int
    share: str
    planned: str
    href: str
    """The exposures that it was counted from."""
    stopped: bool


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of one treatment in the table of metrics."""

    metric: MetricResult
    href: str
    """The events that it was computed from."""
    condition: str
    """What its role asks of it."""
    control: str
    treatment: str
    difference: str
    change: str
    interval: str
    p: str
    alpha: str
    two_sided: str
    unadjusted: str
    """The change without the covariates, with its interval; empty where there are none."""
    reduction: str
    """Share of the variance that the covariates took away."""
    uncapped: str
    """The change without the caps; empty where there are none."""
    shrunk: str
    """The difference that is likelier than what was found, of what won; empty for the others."""
    stopped: str
    """The difference without the bias of stopping, with its bound and p over all looks; empty where no test stopped."""


@dataclass(frozen=True, slots=True)
class KeptFigure:
    """One metric of a recorded reading."""

    metric: MetricResult
    change: str
    interval: str


@dataclass(frozen=True, slots=True)
class KeptReading:
    """A reading as it was recorded, which later events do not change."""

    seq: int
    at: datetime
    actor: str
    verdict: str
    sentence: Said
    arms: tuple[tuple[str, int], ...]
    """Variant and users of each arm."""
    figures: tuple[KeptFigure, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """How a metric is computed, in words."""

    metric: Metric
    role: str
    words: str
    href: str
    events: int
    """Events that count."""


def arm_rows(result: Result) -> list[ArmRow]:
    """The arms, each with a link to its exposures."""
    return [
        ArmRow(
            arm.variant,
            arm.role,
            arm.users,
            "–" if arm.share is None else wording.percent(arm.share, places=2),
            wording.percent(arm.planned_share, places=2),
            with_query("/events", type=EXPOSURE, flag=result.flag, variant=arm.variant),
            arm.stopped,
        )
        for arm in result.arms
    ]


def metric_rows(result: Result) -> list[MetricRow]:
    """The metrics of all treatments."""
    return [
        MetricRow(
            metric,
            with_query("/events", type=metric.event),
            _condition(metric),
            *wording.means_apart(metric),
            wording.difference(metric, unit=False),
            wording.change(metric),
            wording.span(metric) or "–",
            wording.p_value(metric.p) if metric.p is not None else "–",
            f"{metric.alpha:.3g}",
            wording.p_value(metric.p_two_sided) if metric.p_two_sided is not None else "",
            _beside(metric, metric.unadjusted),
            "" if metric.variance_reduction is None else wording.percent(metric.variance_reduction, places=0),
            _beside(metric, metric.uncapped),
            "" if metric.shrunk is None else wording.value(metric, metric.shrunk, signed=True),
            wording.stopped(metric),
        )
        for metric in result.metrics
    ]


def _beside(metric: MetricResult, figures: Figures | None) -> str:
    """What another estimator says, as "+2.1 % (−0.3 % to unbounded)"."""
    if figures is None or metric.withheld:
        return ""
    shares = figures.relative is not None
    ends = figures.relative_interval if shares else figures.interval

    def write(amount: float | None) -> str:
        return wording.percent(amount, signed=True) if shares else wording.value(metric, amount, signed=True)

    size = write(figures.relative if shares else figures.difference)
    return f"{size} ({write(ends.low)} to {write(ends.high)})" if ends else size


def kept_readings(entries: Iterable[Activity]) -> list[KeptReading]:
    """Recorded readings in the order given; figures in a form that is not known any more are left out."""
    return [_kept(entry) for entry in entries]


def _kept(entry: Activity) -> KeptReading:
    after: Mapping[str, Any] = entry.after if isinstance(entry.after, Mapping) else {}
    try:
        metrics = msgspec.convert(after.get("metrics") or (), tuple[MetricResult, ...])
        arms = msgspec.convert(after.get("arms") or (), tuple[Arm, ...])
    except msgspec.ValidationError:
        metrics, arms = (), ()
    return KeptReading(
        entry.seq,
        entry.at,
        entry.actor,
        str(after.get("verdict") or "a reading"),
        str(after.get("sentence") or ""),
        tuple((arm.variant, arm.users) for arm in arms),
        tuple(KeptFigure(each, wording.change(each), wording.span(each)) for each in metrics),
    )


def plot_of(result: Result, title: str = PLOT_TITLE) -> Markup:
    """All relative changes on one scale; metrics without a relative change are in the table only."""
    many = len(result.comparisons) > 1
    rows: list[Interval] = []
    for metric in result.metrics:
        if metric.relative is None or metric.relative_interval is None:
            continue
        row = _interval(metric, metric.relative, metric.relative_interval, many=many)
        rows.append(row)
        raw = metric.unadjusted
        if raw is not None and raw.relative is not None and raw.relative_interval is not None:
            other = _interval(metric, raw.relative, raw.relative_interval, many=many)
            saved = f", variance {wording.percent(-(metric.variance_reduction or 0), signed=True, places=0)}"
            rows[-1] = replace(row, note=f"adjusted{saved}; {row.note}")
            rows.append(replace(other, tone="quiet", note="as measured, not adjusted", margin=None))
    return interval_plot(rows, title=title, lower="less", higher="more")


def _interval(metric: MetricResult, estimate: float, ends: Range, *, many: bool) -> Interval:
    tone = tone_of(metric.outcome)[0]
    gain = 1 if metric.direction == "increase" else -1
    return Interval(
        label=f"{metric.label}, {metric.treatment}" if many else metric.label,
        estimate=estimate,
        low=-INFINITE if ends.low is None else ends.low,
        high=INFINITE if ends.high is None else ends.high,
        tone=tone if tone in TONES else "quiet",
        margin=_margin_at(metric, gain),
        note=f"{metric.role}: {_condition(metric)}",
        href=f"#metric-{metric.name}",
    )


def _margin_at(metric: MetricResult, gain: int) -> float | None:
    """The margin on the relative scale of the plot."""
    if metric.margin is None:
        return None
    if metric.margin_scale == "relative":
        return -gain * metric.margin
    return -gain * metric.margin / abs(metric.control_mean) if metric.control_mean else None


def _condition(metric: MetricResult) -> str:
    direction = "up" if metric.direction == "increase" else "down"
    if metric.role == "success":
        return f"should go {direction}"
    if metric.margin is None:
        return "must not get worse"
    share = metric.margin_scale == "relative"
    size = wording.percent(metric.margin) if share else wording.value(metric, metric.margin)
    return f"may lose {size}" if direction == "up" else f"may rise {size}"


def definitions(plan: Experiment, result: Result) -> list[Definition]:
    """How each metric of the plan is computed, with how many events it was computed from."""
    successes = {metric.name for metric in plan.success}
    found = []
    for metric in plan.metrics:
        ours = [item for item in result.metrics if item.name == metric.name]
        found.append(
            Definition(
                metric,
                "success" if metric.name in successes else "guardrail",
                in_words(metric),
                with_query("/events", type=metric.types[0]),
                (ours[0].control_events if ours else 0)
                + sum(item.treatment_events for item in {item.treatment: item for item in ours}.values()),
            )
        )
    return found
