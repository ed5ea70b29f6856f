"""How the effects of an experiment stood at the end of each day: pure functions of what changed on each day.

A day's interval is the one that a reading on that day would have had by the plan: of a confidence sequence with the
users of then; of a group sequential plan at the boundary of the last look that had come; for harm at the level of the
daily watch. So that an interval that clears zero on some day is not a chance that the plan did not give.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from counterpoint.experiments.going import going, share_going
from counterpoint.experiments.hypotheses import compare
from counterpoint.experiments.looks import (
    Reading,
    always_level,
    harm_level_on,
    key_of_level,
    nominal_level,
)
from counterpoint.experiments.measures import Metric, followed, slots_of
from counterpoint.experiments.model import Aggregation, Direction, Experiment, Scale
from counterpoint.experiments.result import BETWEEN, MetricResult, Result, Role
from counterpoint.experiments.segment import Range
from counterpoint.experiments.totals import ArmTotals, MetricTotals, Totals, totals_of
from counterpoint.said import Said
from counterpoint.stats import Moments

__all__ = ["Day", "Line", "OverTime", "centres_of", "days_of", "over_time", "part_of"]

EPOCH = date(1970, 1, 1)
NEVER, NOBODY = datetime(1970, 1, 1, tzinfo=UTC), Totals()
MOST_DAYS = 90
"""Days that are told at most; of a longer run every second one, or third, and always the last."""


class Day(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An effect at the end of one day (UTC), by all users and events up to then."""

    day: date
    users: int
    """Whose values counted, of the control and the treatment together."""
    difference: float
    interval: Range | None
    relative: float | None
    relative_interval: Range | None


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The effect of one treatment on one metric over time."""

    name: str
    label: str
    role: Role
    treatment: str
    direction: Direction
    aggregation: Aggregation
    unit: str | None
    margin: float | None
    margin_scale: Scale
    days: tuple[Day, ...]
    """In order; days on which an arm had nothing to compare are not there."""

    @property
    def relative(self) -> bool:
        """Whether it can be drawn as a change relative to the control."""
        return bool(self.days) and self.days[-1].relative is not None


class OverTime(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The effects of an experiment day by day."""

    as_of: datetime
    lines: tuple[Line, ...] = ()
    withheld: tuple[str, ...] = ()
    """Labels of metrics whose effect the plan does not let be read yet."""
    left_out: tuple[str, ...] = ()
    """Labels of metrics that sums of days do not give: quantiles, and funnels."""
    why: Said = ""
    """Why something is withheld."""
    sql: str = ""


def part_of(plan: Experiment) -> Experiment | None:
    """The plan with the metrics that can be followed only, for the engine; none where there are none."""
    metrics = followed(plan.metrics)
    if not metrics:
        return None
    return Experiment(
        name=plan.name,
        flag=plan.flag,
        flag_set=plan.flag_set,
        control=plan.control,
        treatments=plan.treatments,
        success=metrics,
        start=plan.start,
        end=plan.end,
        trigger=plan.trigger,
        links=plan.links,
    )


def centres_of(plan: Experiment, result: Result) -> dict[str, float]:
    """Numbers near to the means of the columns of `part_of(plan)`, out of a result, so that squares keep their digits.

    Of a ratio's parts, those that are no metric of their own have such that their quotient is the ratio: its linear form is
    taken around that.
    """
    slots = slots_of(plan.metrics)
    means = {metric.name: metric.control_mean for metric in result.metrics}
    found: dict[str, float] = {}
    for name, numbers in slots.numbers.items():
        if len(numbers) == 1 and math.isfinite(means.get(name, math.nan)):
            found |= {f"{column}{numbers[0]}": means[name] for column in "mrx"}
    for name in slots.ratios:
        one, other = (f"m{slot}" for slot in slots.numbers[name])
        ratio = means.get(name, math.nan)
        if math.isfinite(ratio) and ratio:
            below = found.setdefault(other, found[one] / ratio if found.get(one) else 1.0)
            found.setdefault(one, ratio * below)
    return found


def days_of(
    plan: Experiment, rows: Sequence[Mapping[str, Any]], centres: Mapping[str, float]
) -> list[tuple[date, Totals]]:
    """The totals at the end of each day, from the first to the last on which something changed.

    Args:
        plan: That of the query (`part_of`).
        rows: What `course_expression` gives.
        centres: Those of the query.

    Raises:
        InputError: a metric's values are not all finite numbers.
    """
    slots = slots_of(plan.metrics)
    by_day: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        if not _changes(row):
            continue  # a window that will be over on a day to come, say
        by_day.setdefault(int(row["day"]), []).append(row)
    sums: dict[str, dict[str, float]] = {}
    found = []
    for number in range(min(by_day, default=0), max(by_day, default=-1) + 1):
        for row in by_day.get(number, ()):
            arm = sums.setdefault(row["variant"], {})
            for name, value in row.items():
                if name not in {"variant", "day"}:
                    arm[name] = arm.get(name, 0) + (round(value or 0) if _counted(name) else value or 0.0)
        at = datetime.combine(EPOCH + timedelta(days=number), time.max, UTC)
        arms = [
            {
                **arm,
                **{f"centre_{name}": centres.get(name, 0.0) for name in slots.columns()},
                **{
                    f"known{i}": arm.get(f"events{slots.first_of_span(i)}", 0)
                    for i in range(len(slots.parts))
                },
                "variant": variant,
                "mixed": False,
                "first": at,
                "last": at,
                **dict.fromkeys(("outside", "early", "late", "assigned"), 0),
            }
            for variant, arm in sums.items()
            if arm["users"]
        ]
        if arms:
            found.append((at.date(), totals_of(plan, arms)))
    return found


def _changes(row: Mapping[str, Any]) -> bool:
    return any(value for name, value in row.items() if name not in {"variant", "day"})


def _counted(name: str) -> bool:
    """Whether a column counts users or events."""
    return name == "users" or name.removeprefix("events").removeprefix("n").isdigit()


@dataclass(frozen=True, kw_only=True)
class _DayReading(Reading):
    """A reading as it would have been on one day; what is open is as it is now."""

    left: Experiment
    """The plan of the arms that went on then."""
    at: datetime = NEVER
    totals: Totals = NOBODY

    def level(self, alpha: float) -> float:
        """Level on that day of a one-sided test of a role."""
        method, users = self.stopping.method, round(sum(self.sizes.values()) / self.share)
        if method == "confidence-sequence":
            return always_level(self.stopping, users, alpha)
        if method != "group-sequential" or not self.taken:
            return alpha
        share = users / (self.stopping.maximum or users)
        before = [look for look in self.taken if look.information <= share]
        known = (before[-1] if before else self.taken[0]).spent.get(key_of_level(alpha))
        return nominal_level(math.inf if known is None or known[1] is None else known[1])

    def harm_level(self, alpha: float) -> float:
        """Level of the daily watch over harm on that day."""
        return harm_level_on(self.left, self.totals, self.at, alpha, share=self.share)


def over_time(plan: Experiment, result: Result, days: Sequence[tuple[date, Totals]]) -> OverTime:
    """The effects at the end of each day.

    Args:
        plan: The whole plan.
        result: Of now: it says what may be seen.
        days: From `days_of`.
    """
    left_out = tuple(metric.label for metric in plan.metrics if metric not in followed(plan.metrics))
    if not days or result.progress is None or (result.verdict.state == "invalid" and not result.acknowledged):
        return OverTime(as_of=result.as_of, left_out=left_out)
    hidden = {(each.name, each.treatment): each.label for each in result.metrics if each.withheld}
    found: dict[tuple[str, str, str], list[tuple[date, MetricResult]]] = {}
    for at, totals in _fewer(days):
        for each in _read(plan, result, at, _whole(plan, totals)):
            if (each.name, each.treatment) not in hidden:
                found.setdefault((each.role, each.name, each.treatment), []).append((at, each))
    names = {metric.name for metric in followed(plan.metrics)}
    lines = [
        _line(results) for (_, name, _), results in found.items() if name in names and _comparable(results)
    ]
    return OverTime(
        as_of=result.as_of,
        lines=tuple(lines),
        withheld=tuple(dict.fromkeys(hidden.values())),
        left_out=left_out,
        why=result.progress.why if hidden else "",
    )


def _fewer(days: Sequence[tuple[date, Totals]]) -> Iterator[tuple[date, Totals]]:
    step = -(-len(days) // MOST_DAYS)
    for number, each in enumerate(days):
        if (len(days) - 1 - number) % step == 0:
            yield each


def _whole(plan: Experiment, totals: Totals) -> Totals:
    """The totals with nothing for metrics that are not followed."""
    nothing = MetricTotals(Moments(0, 0.0, 0.0))
    named: dict[str, Metric] = {metric.name: metric for metric in plan.metrics}

    def whole(arm: ArmTotals) -> ArmTotals:
        return msgspec.structs.replace(arm, metrics=dict.fromkeys(named, nothing) | arm.metrics)

    return msgspec.structs.replace(totals, groups=tuple(map(whole, totals.groups)))


def _read(plan: Experiment, result: Result, at: date, totals: Totals) -> Iterator[MetricResult]:
    totals = msgspec.structs.replace(totals, first_exposure=result.first_exposure)
    moment = min(datetime.combine(at, time.max, UTC), result.as_of)
    if result.progress is None:
        return
    looks = tuple(look for look in result.looks if look.index != BETWEEN)
    stops = [look for look in result.looks if look.as_of <= moment]
    left = going(plan, stops)
    reading = _DayReading(
        plan,
        result.progress,
        looks,
        sizes={variant: (arm.users if (arm := totals.arm(variant)) else 0) for variant in left.arms},
        share=share_going(plan, stops),
        left=left,
        at=moment,
        totals=totals,
    )
    for treatment in plan.treatments:
        yield from compare(plan, totals, treatment, reading).metrics


def _comparable(results: Sequence[tuple[date, MetricResult]]) -> bool:
    return any(each.difference is not None and each.interval is not None for _, each in results)


def _line(results: Sequence[tuple[date, MetricResult]]) -> Line:
    last = results[-1][1]
    return Line(
        name=last.name,
        label=last.label,
        role=last.role,
        treatment=last.treatment,
        direction=last.direction,
        aggregation=last.aggregation,
        unit=last.unit,
        margin=last.margin,
        margin_scale=last.margin_scale,
        days=tuple(
            Day(
                day=at,
                users=each.control_users + each.treatment_users,
                difference=each.difference,
                interval=each.interval,
                relative=each.relative,
                relative_interval=each.relative_interval,
            )
            for at, each in results
            if each.difference is not None and each.interval is not None
        ),
    )
