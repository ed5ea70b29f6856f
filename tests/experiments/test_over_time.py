"""Effects at the end of each day: as an analysis of what was there on that day finds them."""

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from msgspec.structs import replace

from counterpoint.experiments import Experiment, Guardrail, Metric, analyze
from counterpoint.experiments.aggregation import totals_expression
from counterpoint.experiments.course_query import course_expression
from counterpoint.experiments.exposure import Trigger
from counterpoint.experiments.measures import followed
from counterpoint.experiments.over_time import OverTime, centres_of, days_of, over_time, part_of
from counterpoint.experiments.result import Result
from counterpoint.experiments.stopping import Stopping
from counterpoint.experiments.totals import Totals, totals_of

T0 = datetime(2026, 5, 1, 7, tzinfo=UTC)
DAYS = 9
SUM = Metric(name="sum", event="p", aggregation="sum", covariate_days=3)
COUNT = Metric(name="count", event="q", aggregation="count")
METRICS = (
    SUM,
    COUNT,
    Metric(name="mean", event="p", aggregation="mean"),
    Metric(name="any", event="q", aggregation="any"),
    Metric(name="capped", event="p", aggregation="sum", cap=6.0, event_cap=4.0),
    Metric(name="week", event="p", aggregation="sum", window_days=2, offset_days=1, covariate_days=2),
    Metric(name="back", event="q", aggregation="retention", window_days=3),
    Metric(name="wait", event="q", aggregation="time to event", window_days=4),
    Metric(name="ratio", aggregation="ratio", numerator=SUM, denominator=COUNT),
)
PLAN = Experiment(name="e", flag="f", control="a", treatments=("b",), success=METRICS, units_per_arm=1)


def tables(seed: int = 3) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Exposures and events of sixty users over nine days, and some before."""
    rng = random.Random(seed)  # noqa: S311 - made up, and the same each time
    shown, happened = [], []
    for number in range(60):
        at = T0 + timedelta(seconds=rng.randrange(5 * 86_400))
        shown += [
            {"subject": f"u{number}", "variant": "ab"[number % 2], "time": at + timedelta(days=later)}
            for later in range(rng.randrange(1, 4))
        ]
        for _ in range(rng.randrange(14)):
            when = T0 + timedelta(seconds=rng.randrange(-3 * 86_400, DAYS * 86_400))
            kind, value = rng.choice("pqr"), rng.choice([0.0, 1.5, 7.0, None])
            happened.append({"type": kind, "subject": f"u{number}", "time": when, "value": value})
    return shown, happened


SCHEMAS = (
    pa.schema([("subject", pa.string()), ("variant", pa.string()), ("time", pa.timestamp("us", "UTC"))]),
    pa.schema(
        [
            ("type", pa.string()),
            ("subject", pa.string()),
            ("time", pa.timestamp("us", "UTC")),
            ("value", pa.float64()),
        ]
    ),
)


def opened(shown: list[dict[str, Any]], happened: list[dict[str, Any]]) -> list[Any]:
    engine = ibis.duckdb.connect()
    return [
        engine.create_table(name, pa.Table.from_pylist(rows, schema))
        for name, rows, schema in zip("xy", (shown, happened), SCHEMAS, strict=True)
    ]


def end_of(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC) + timedelta(days=1)


def course(
    plan: Experiment, data: Any, as_of: datetime, centres: dict[str, float]
) -> list[tuple[date, Totals]]:
    asked = part_of(plan)
    assert asked is not None
    rows = course_expression(asked, *opened(*data), centres=centres, as_of=as_of).to_pyarrow().to_pylist()
    return days_of(asked, rows, centres)


@pytest.mark.parametrize("trigger", [None, Trigger(event="r")], ids=["all", "trigger"])
def test_each_day_is_what_an_analysis_of_that_day_finds(trigger: Trigger | None) -> None:
    plan = replace(PLAN, trigger=trigger)
    shown, happened = tables()
    last = T0 + timedelta(days=DAYS)
    days = course(plan, (shown, happened), last, {"m0": 20.0})
    assert len(days) >= DAYS - 1
    for day, totals in days:
        before = min(end_of(day), last)
        now = [[row for row in rows if row["time"] < before] for rows in (shown, happened)]
        rows = totals_expression(plan, *opened(*now), as_of=before).to_pyarrow().to_pylist()
        expected = totals_of(plan, rows)
        for variant in plan.arms:
            ours, theirs = totals.arm(variant), expected.arm(variant)
            assert (ours.users if ours else 0) == (theirs.users if theirs else 0), (day, variant)
            if ours is None or theirs is None:
                continue
            for name, found in theirs.metrics.items():
                one, other = ours.metrics[name], found
                assert one.moments.n == other.moments.n, (day, variant, name)
                assert one.events == other.events
                for mine, plain in ((one.apart, other.apart), (one.plain_apart, other.plain_apart)):
                    if mine is None or plain is None:
                        assert mine is plain
                        continue
                    assert mine.means == pytest.approx(plain.means, rel=1e-9, abs=1e-9), (day, name)
                    for left, right in zip(mine.cross, plain.cross, strict=True):
                        assert left == pytest.approx(right, rel=1e-8, abs=1e-8), (day, name)


def effects(plan: Experiment, **more: Any) -> tuple[Result, OverTime]:
    data = tables()
    as_of = T0 + timedelta(days=DAYS)
    result = analyze(plan, *opened(*data), as_of=as_of, **more)
    asked = part_of(plan)
    assert asked is not None
    return result, over_time(plan, result, course(plan, data, as_of, centres_of(asked, result)))


def test_the_last_day_is_the_result() -> None:
    result, found = effects(PLAN)
    assert len(found.lines) == len(METRICS)
    for metric, line in zip(result.metrics, found.lines, strict=True):
        assert (metric.name, metric.label) == (line.name, line.label)
        assert line.days[-1].difference == pytest.approx(metric.difference, rel=1e-9)
        assert metric.interval is not None
        assert line.days[-1].interval is not None
        assert line.days[-1].interval.low == pytest.approx(metric.interval.low, rel=1e-7)


@pytest.mark.parametrize("ends", [True, False], ids=["at its end", "at the last event"])
def test_no_day_is_told_after_the_last_one_that_counts(*, ends: bool) -> None:
    """Users of the last days have windows that are over later, and events go on after the end."""
    shown, happened = tables()
    last = T0 + timedelta(days=4)
    plan = replace(PLAN, units_per_arm=None, end=last if ends else None)
    kept = [row for row in happened if ends or row["time"] <= last]
    shown = [row for row in shown if row["time"] <= last]
    days = course(plan, (shown, kept), T0 + timedelta(days=40) if ends else last, {})
    assert [day for day, _ in days] == [T0.date() + timedelta(days=number) for number in range(5)]
    result = analyze(plan, *opened(shown, kept), as_of=T0 + timedelta(days=40) if ends else last)
    arms = [arm for variant in plan.arms if (arm := days[-1][1].arm(variant))]
    for metric in result.metrics:
        assert [arm.metrics[metric.name].moments.n for arm in arms] == [
            metric.control_users,
            metric.treatment_users,
        ]


def test_success_is_withheld_before_the_end_of_a_plan_that_is_read_once_and_guardrails_are_not() -> None:
    plan = replace(PLAN, success=(SUM,), guardrails=(Guardrail(COUNT, 0.1),), end=T0 + timedelta(days=30))
    result, found = effects(plan)
    assert [line.name for line in found.lines] == ["count"]
    assert found.withheld == ("sum",)
    assert found.why == result.progress.why if result.progress else False


def test_intervals_of_a_plan_that_is_read_at_any_time_are_those_of_each_day() -> None:
    plan = replace(PLAN, success=(SUM,), stopping=Stopping(method="confidence-sequence", tuned_at=30))
    always, once = (effects(each)[1].lines[0].days for each in (plan, replace(plan, stopping=None)))
    # The first users of a slope may fit it exactly; the last bit of their sums then says whether that day is told.
    told = {day.day: day for day in once}
    pairs = [(day, told[day.day]) for day in always if day.day in told]
    assert len(pairs) >= DAYS - 1
    for one, other in pairs:
        assert one.difference == pytest.approx(
            other.difference, rel=1e-9, abs=1e-9
        )  # threads add up in any order
        assert one.interval is not None
        assert other.interval is not None
        assert one.interval.low is not None
        assert other.interval.low is not None
        assert one.interval.low < other.interval.low


def test_metrics_whose_days_do_not_add_up_are_named() -> None:
    slow = Metric(name="slow", event="p", aggregation="quantile", quantile=0.9, title="Slowest tenth")
    steps = Metric(name="steps", aggregation="funnel", steps=("p", "q"), window_days=2)
    plan = replace(PLAN, success=(SUM, slow, steps))
    _, found = effects(plan)
    assert found.left_out == ("Slowest tenth", "steps")
    assert [line.name for line in found.lines] == ["sum"]
    assert followed((slow, steps)) == ()
    assert part_of(replace(PLAN, success=(slow,))) is None
