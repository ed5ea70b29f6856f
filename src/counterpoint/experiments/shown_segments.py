"""What the page of an experiment shows of effects by segment: for each metric a plot of the values and a table."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.experiments import wording
from counterpoint.experiments.by_level import each_once, effects_of
from counterpoint.experiments.result import MetricResult, Result
from counterpoint.experiments.segment import Homogeneity, Level, LevelEffect, Segment
from counterpoint.web.charts import Interval, interval_plot

__all__ = ["EffectRow", "MetricBySegment", "SegmentShown", "name_of", "segments_shown"]

NONE = "(none)"
"""What users without a value are called."""
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One value in the table of one metric."""

    name: str
    users: int
    control: str
    treatment: str
    change: str
    interval: str
    p: str
    adjusted: str
    found: bool


@dataclass(frozen=True, slots=True)
class MetricBySegment:
    """One metric of one treatment over the values of a segment."""

    label: str
    treatment: str
    homogeneity: Homogeneity
    same: str
    """The corrected p that one effect fits all values."""
    chart: Markup
    rows: tuple[EffectRow, ...]


@dataclass(frozen=True, slots=True)
class SegmentShown:
    """One segment on the page."""

    segment: Segment
    metrics: tuple[MetricBySegment, ...]
    level: str
    """Coverage of the intervals."""


def segments_shown(result: Result, tell: Callable[[str], str]) -> list[SegmentShown]:
    """The segments of a result, each with its metrics in the order of the plan, each once."""
    return [
        SegmentShown(
            segment,
            tuple(
                _metric(metric, segment, tell) for metric in each_once(result) if effects_of(metric, segment)
            ),
            wording.percent(1 - segment.level, places=0 if segment.level > 0.005 else 2),
        )
        for segment in result.segments
        if segment.levels
    ]


def name_of(level: Level) -> str:
    """What a value is called."""
    return level.name or NONE


def _metric(metric: MetricResult, segment: Segment, tell: Callable[[str], str]) -> MetricBySegment:
    same = next(
        each for each in segment.homogeneity if (each.name, each.treatment) == (metric.name, metric.treatment)
    )
    found = effects_of(metric, segment)
    return MetricBySegment(
        metric.label,
        metric.treatment,
        same,
        "not tested" if same.p_adjusted is None else f"p {wording.p_value(same.p_adjusted)}",
        _plot(metric, segment, found, tell),
        tuple(_row(metric, level, effect) for level, effect in found),
    )


def _plot(
    metric: MetricResult,
    segment: Segment,
    found: list[tuple[Level, LevelEffect]],
    tell: Callable[[str], str],
) -> Markup:
    """The values on one scale, and that of all users above them; in shares, unless some value has none."""
    tested = [(level, effect) for level, effect in found if effect.interval is not None]
    shares = metric.relative is not None and all(effect.relative is not None for _, effect in tested)
    rows = []
    whole = metric.relative_interval if shares else metric.interval
    estimate = metric.relative if shares else metric.difference
    if whole is not None and estimate is not None:
        rows.append(
            Interval(
                "All users",
                estimate,
                -INFINITE if whole.low is None else whole.low,
                INFINITE if whole.high is None else whole.high,
                note=tell("as in the decision"),
            )
        )
    for level, effect in tested:
        ends = effect.relative_interval if shares else effect.interval
        amount = effect.relative if shares else effect.difference
        if ends is None or amount is None:
            continue
        rows.append(
            Interval(
                name_of(level),
                amount,
                -INFINITE if ends.low is None else ends.low,
                INFINITE if ends.high is None else ends.high,
                tone=_tone(metric, effect),
                note=f"{wording.count(sum(level.users.values()))} users",
            )
        )
    return interval_plot(
        rows,
        title=tell(f"{metric.label} by {segment.name}"),
        write=None if shares else lambda value: wording.value(metric, value, signed=True),
        lower="less",
        higher="more",
    )


def _tone(metric: MetricResult, effect: LevelEffect) -> str:
    if not effect.found or effect.difference is None:
        return "quiet"
    return "good" if (effect.difference > 0) == (metric.direction == "increase") else "bad"


def _row(metric: MetricResult, level: Level, effect: LevelEffect) -> EffectRow:
    change, interval = wording.written(metric, effect)
    return EffectRow(
        name_of(level),
        sum(level.users.values()),
        "–" if effect.control_mean is None else wording.value(metric, effect.control_mean, unit=False),
        "–" if effect.treatment_mean is None else wording.value(metric, effect.treatment_mean, unit=False),
        change,
        interval,
        "–" if effect.p is None else wording.p_value(effect.p),
        "–" if effect.p_adjusted is None else wording.p_value(effect.p_adjusted),
        effect.found,
    )
