"""Every kind of metric against a plain computation user by user, on made-up tables and on two engines."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Metric, analyze
from counterpoint.experiments.aggregation import totals_expression
from counterpoint.experiments.estimates import estimates_of
from counterpoint.experiments.totals import MetricTotals, Totals, totals_of
from counterpoint.stats import Comoments, Contrast, Moments, difference

from .naive import groups_of, vector_of

T0 = datetime(2026, 1, 1, tzinfo=UTC)
CLICKS = Metric(name="clicks", event="p", aggregation="sum")
VIEWS = Metric(name="views", event="q", aggregation="count")
METRICS = (
    Metric(name="plain", event="p", aggregation="sum", covariate_days=1),
    Metric(name="ratio", aggregation="ratio", numerator=CLICKS, denominator=VIEWS, covariate_days=2),
    Metric(
        name="ratio in a window", aggregation="ratio", numerator=CLICKS, denominator=CLICKS, window_days=1
    ),
    Metric(name="week", event="p", aggregation="sum", window_days=2, covariate_days=1),
    Metric(name="later", event="q", aggregation="mean", window_days=1, offset_days=1),
    Metric(name="capped", event="p", aggregation="sum", cap=3, covariate_days=1),
    Metric(name="events capped", event="p", aggregation="mean", event_cap=1.5, cap=1),
    Metric(name="few", event="q", aggregation="count", cap=1, window_days=1),
    Metric(name="back", event="q", aggregation="retention", offset_days=1, window_days=2, covariate_days=2),
    Metric(name="path", aggregation="funnel", steps=("p", "q", "q"), window_days=2),
    Metric(name="open path", aggregation="funnel", steps=("p", "p")),
    Metric(name="soon", event="p", aggregation="time to event", window_days=2),
)
PLAN = Experiment(name="e", flag="f", control="x", treatments=("y",), success=METRICS)
QUANTILE = Metric(name="p80", event="q", aggregation="quantile", quantile=0.8, window_days=1)
ENDED = replace(PLAN, start=T0, end=T0 + timedelta(hours=50))

QUANTILES = replace(PLAN, success=(QUANTILE,))

hours = st.integers(-6, 80)
exposures = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["x", "x", "y", "y", "z", None]), hours), max_size=12
)
events = st.lists(
    st.tuples(
        st.sampled_from("pqr"),
        st.sampled_from("abcdef"),
        st.one_of(hours, st.integers(-50, 0)),
        st.one_of(st.none(), st.integers(-3, 9).map(float)),
    ),
    max_size=30,
)


def shown_table(rows: list[Any]) -> pa.Table:
    times = pa.array([T0 + timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "subject": pa.array([row[0] for row in rows], pa.string()),
            "variant": pa.array([row[1] for row in rows], pa.string()),
            "time": times,
        }
    )


def event_table(rows: list[Any]) -> pa.Table:
    times = pa.array(
        [T0 + timedelta(hours=row[2], seconds=row[2] % 7) for row in rows], pa.timestamp("us", "UTC")
    )
    return pa.table(
        {
            "type": pa.array([row[0] for row in rows], pa.string()),
            "subject": pa.array([row[1] for row in rows], pa.string()),
            "time": times,
            "value": pa.array([row[3] for row in rows], pa.float64()),
        }
    )


Query = Callable[..., Totals]


@pytest.fixture(scope="module")
def engine() -> ibis.BaseBackend:
    return ibis.duckdb.connect()


@pytest.fixture(scope="module")
def query(engine: ibis.BaseBackend) -> Query:
    """The totals of small tables; the expression is compiled once for each plan and moment."""
    compiled: dict[
        Any, tuple[Experiment, str]
    ] = {}  # the plan too: one that is gone would lend its id to another
    created = [
        engine.create_table(name, table)
        for name, table in (("shown", shown_table([])), ("happened", event_table([])))
    ]

    def run(plan: Experiment, shown: list[Any], happened: list[Any], as_of: datetime | None) -> Totals:
        key = (id(plan), as_of)
        if key not in compiled:
            compiled[key] = plan, str(ibis.to_sql(totals_expression(plan, *created, as_of=as_of)))
        for name, table in (("shown", shown_table(shown)), ("happened", event_table(happened))):
            engine.con.execute(f"DELETE FROM {name}")
            engine.con.from_arrow(table).insert_into(name)
        return totals_of(plan, engine.con.sql(compiled[key][1]).to_arrow_table().to_pylist())

    return run


def reach_of(plan: Experiment, shown: list[Any], happened: list[Any], as_of: datetime | None) -> datetime:
    moments = [row["time"] for row in (*shown_table(shown).to_pylist(), *event_table(happened).to_pylist())]
    reach = as_of or max(moments, default=T0)
    return min(reach, plan.end) if plan.end else reach


def alike(found: Comoments | None, rows: list[list[float]]) -> None:
    assert found is not None
    assert found.n == len(rows)
    if rows:
        expected = Comoments.of(rows)
        assert found.means == pytest.approx(expected.means, abs=1e-12)
        for ours, theirs in zip(found.cross, expected.cross, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("plan", [PLAN, ENDED], ids=["open", "with dates"])
@pytest.mark.parametrize("as_of", [None, T0 + timedelta(hours=60)], ids=["last data", "as of"])
@settings(max_examples=40)
@given(exposures, events)
def test_every_metric_agrees_with_a_plain_computation(
    query: Query, plan: Experiment, as_of: datetime | None, shown: list[Any], happened: list[Any]
) -> None:
    found = query(plan, shown, happened, as_of)
    reach = reach_of(plan, shown, happened, as_of)
    rows = event_table(happened).to_pylist()
    expected = {
        (group.variant, group.mixed): group for group in groups_of(plan, shown_table(shown).to_pylist())
    }
    assert {(group.variant, group.mixed): group.users for group in found.groups} == {
        key: len(group.users) for key, group in expected.items()
    }
    for group in found.groups:
        users = expected[(group.variant, group.mixed)].users
        for metric in plan.metrics:
            got = group.metrics[metric.name]
            vectors, plain = (
                [
                    vector
                    for subject, first in users.items()
                    if (vector := vector_of(plan, metric, rows, subject, first, reach=reach, limited=limited))
                    is not None
                ]
                for limited in (True, False)
            )
            alike(got.apart, vectors)
            assert got.incomplete == len(users) - len(vectors)
            if metric.capped:
                alike(got.plain_apart, plain)
            else:
                assert got.plain is None


@settings(max_examples=60)
@given(exposures, events, st.sampled_from([None, T0 + timedelta(hours=60)]))
def test_a_quantile_is_of_the_events_that_count_and_keeps_users_together(
    query: Query, shown: list[Any], happened: list[Any], as_of: datetime | None
) -> None:
    totals = query(QUANTILES, shown, happened, as_of)
    reach = reach_of(QUANTILES, shown, happened, as_of)
    rows = event_table(happened).to_pylist()
    expected = {
        (group.variant, group.mixed): group for group in groups_of(PLAN, shown_table(shown).to_pylist())
    }
    for group in totals.groups:
        if group.mixed or group.variant is None:
            continue
        got, each = group.metrics["p80"], []
        for subject, first in expected[(group.variant, False)].users.items():
            if first + timedelta(days=1) <= reach:
                inside = [
                    r
                    for r in rows
                    if r["subject"] == subject and first <= r["time"] < first + timedelta(days=1)
                ]
                each.append([r["value"] for r in inside if r["type"] == "q" and r["value"] is not None])
        numbers = [number for one in each for number in one]
        assert got.incomplete == len(expected[(group.variant, False)].users) - len(each)
        if not numbers:
            assert got.moments.n == 0
            continue
        assert got.quantile is not None
        assert got.quantile.values == pytest.approx(np.quantile(numbers, got.quantile.levels))
        assert got.moments.mean == got.quantile.values[0]
        alike(got.apart, [[sum(number <= got.moments.mean for number in one), len(one)] for one in each])


def test_the_error_of_a_quantile_is_that_of_users_and_not_of_events(query: Query) -> None:
    """Each user brings four events that are nearly the same: the error is that of the users' median."""
    rng, users = np.random.default_rng(3), 4000
    levels = rng.normal(size=users)
    shown = [(f"u{i}", "x", 0) for i in range(users)]
    happened = [
        ("q", f"u{i}", 1, float(levels[i] + rng.normal() * 0.01)) for i in range(users) for _ in range(4)
    ]
    median = replace(QUANTILE, name="median", quantile=0.5, window_days=None)
    found = moments_of(query(replace(PLAN, success=(median,)), shown, happened, None), "x", "median")
    error = (found.variance or 0) / found.n
    assert error == pytest.approx(np.pi / 2 / users, rel=0.15)
    assert found.mean == pytest.approx(np.median(levels), abs=0.01)


def test_a_ratio_has_the_moments_of_the_delta_method(query: Query) -> None:
    """Deterministic data whose ratios and standard errors are known from the delta method and clustered regression."""
    number = np.arange(20_000)
    arm = number % 2
    below = 1 + (7919 * number) % 13
    above = below * (25 + (104_729 * number) % 31 + 2 * arm) // 100
    names = [f"u{i}" for i in number]
    shown = [(name, "y" if treated else "x", 0) for name, treated in zip(names, arm, strict=True)]
    happened = [
        (kind, name, 1, float(value))
        for kind, values in (("p", above), ("q", below))
        for name, value in zip(names, values, strict=True)
    ]
    metric = Metric(
        name="r", aggregation="ratio", numerator=CLICKS, denominator=replace(VIEWS, aggregation="sum")
    )
    totals = query(replace(PLAN, success=(metric,)), shown, happened, None)
    control, treated = (moments_of(totals, variant, "r") for variant in "xy")
    assert control.mean == pytest.approx(0.331085521616, abs=1e-12)
    assert treated.mean == pytest.approx(0.350171428571, abs=1e-12)
    assert difference(control, treated).se == pytest.approx(0.001639605870, rel=1e-8)


def test_a_ratio_by_nothing_is_not_tested(query: Query) -> None:
    totals = query(PLAN, [("a", "x", 0), ("b", "y", 0)], [("p", "a", 1, 2.0)], None)
    assert moments_of(totals, "x", "ratio") == Moments(0, 0.0, 0.0)
    assert of(totals, "x", "ratio").comoments.n == 1


def test_only_users_whose_window_is_over_count_and_the_others_are_told(query: Query) -> None:
    shown = [("a", "x", 0), ("b", "x", 2), ("c", "x", 30), ("d", "y", 0)]
    happened = [("p", name, hour, 5.0) for name in "abc" for hour in (31, 49)]
    week = of(query(PLAN, shown, happened, T0 + timedelta(hours=48)), "x", "week")
    assert (week.moments.n, week.incomplete) == (1, 2)
    assert week.moments.mean == 5.0  # what comes after the window does not count
    assert week.events == 5
    later = of(query(PLAN, shown, happened, T0 + timedelta(hours=50)), "x", "week")
    assert (later.moments.n, later.incomplete) == (2, 1)


def test_a_cap_gives_the_figures_both_ways(query: Query) -> None:
    shown = [("a", "x", 0), ("b", "x", 0)]
    capped = of(query(PLAN, shown, [("p", "a", 1, 100.0), ("p", "b", 1, 2.0)], None), "x", "capped")
    assert capped.moments == Moments.of([3.0, 2.0])
    assert capped.plain_moments == Moments.of([100.0, 2.0])


def test_large_offsets_leave_every_statistic_unchanged(query: Query) -> None:
    parts = [Metric(name=name, event=event, aggregation="sum") for name, event in (("n", "p"), ("d", "q"))]
    metrics = (
        Metric(name="m", event="p", aggregation="sum", covariate_days=1, window_days=1),
        Metric(name="r", aggregation="ratio", numerator=parts[0], denominator=parts[1], covariate_days=1),
    )
    plan = replace(PLAN, success=metrics)

    def cross(offset: float) -> dict[str, tuple[tuple[float, ...], ...]]:
        shown = [(f"u{i}", "xy"[i % 2], 0) for i in range(60)]
        happened = [
            (kind, f"u{i}", hour, offset + i * (7919 if kind == "p" else 104_729) % (31 + abs(hour)))
            for i in range(60)
            for hour in (-1, 2)
            for kind in "pq"
        ]
        happened.append(("r", "u0", 90, 0.0))
        totals = query(plan, shown, happened, T0 + timedelta(hours=99))
        return {name: of(totals, "y", name).apart.cross for name in ("m", "r")}

    plain, moved = cross(0.0), cross(1e8)
    for name, rows in plain.items():
        for ours, theirs in zip(moved[name], rows, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-6)


def test_a_ratio_of_values_that_lie_far_from_0_by_their_number_keeps_its_digits(query: Query) -> None:
    """With 100,000,000 on each value numerators are all but multiples of denominators: only the form tells them apart."""
    counted = Metric(name="d", event="p", aggregation="count")
    added = Metric(name="n", event="p", aggregation="sum")
    per = Metric(name="per", aggregation="ratio", numerator=added, denominator=counted, covariate_days=1)
    capped = replace(per, name="capped", numerator=replace(added, cap=1e12))
    plan = replace(PLAN, success=(per, capped), segments=())

    def contrasts(offset: float) -> list[Contrast]:
        rng = random.Random(3)  # noqa: S311 - made up, and the same each time
        shown = [(f"u{i}", "xy"[i % 2], 0) for i in range(400)]
        happened = [
            ("p", f"u{i}", hour, offset + rng.gauss(10 + i % 7 + (i % 2), 3))
            for i in range(400)
            for hour in (-2, 3)
            for _ in range(rng.randrange(1, 5))
        ]
        totals = query(plan, shown, happened, T0 + timedelta(hours=99))
        found = []
        for metric in plan.success:
            pairs = estimates_of(plan, metric, of(totals, "x", metric.name), of(totals, "y", metric.name))
            for pair in (pairs.pair, pairs.unadjusted, pairs.uncapped):
                if pair is not None:
                    contrast = pair.contrast()
                    assert contrast is not None, (offset, metric.name, pair.state)
                    found.append(contrast)
        return found

    plain, moved = contrasts(0.0), contrasts(1e8)
    assert len(plain) == len(moved) == 5, "adjusted and not, and without the cap"
    for ours, theirs in zip(moved, plain, strict=True):
        assert ours.estimate == pytest.approx(theirs.estimate, rel=1e-6)
        assert ours.se == pytest.approx(theirs.se, rel=1e-6)


def test_a_ratio_reads_one_table_for_each_of_its_metrics(engine: ibis.BaseBackend) -> None:
    plan = replace(PLAN, success=(METRICS[1],), units_per_arm=1)
    shown = engine.create_table(
        "e1", shown_table([("a", "x", 0), ("b", "y", 0), ("c", "y", 0)]), overwrite=True
    )
    rows = [
        ("p", "a", 1, 2.0),
        ("q", "a", 2, None),
        ("p", "b", 2, 3.0),
        ("q", "b", 3, 1.0),
        ("q", "c", 1, 1.0),
    ]
    happened = engine.create_table("h1", event_table(rows), overwrite=True)
    apart = {
        part.name: happened.filter(happened.type == part.event).select("subject", "time", "value")
        for part in METRICS[1].parts
    }
    found, expected = (analyze(plan, shown, given, as_of=T0).metrics[0] for given in (apart, happened))
    assert (found.control_mean, found.treatment_mean) == (expected.control_mean, expected.treatment_mean)
    assert (found.control_mean, found.treatment_mean) == (2.0, 1.5)
    with pytest.raises(InputError, match="no table of events for views"):
        analyze(plan, shown, {"clicks": apart["clicks"]})


def of(totals: Totals, variant: str, name: str) -> MetricTotals:
    arm = totals.arm(variant)
    assert arm is not None
    return arm.metrics[name]


def moments_of(totals: Totals, variant: str, name: str) -> Moments:
    return of(totals, variant, name).moments


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Metric(name="m", aggregation="ratio"), "name its numerator and its denominator"),
        (
            Metric(name="m", aggregation="ratio", numerator=METRICS[1], denominator=VIEWS),
            "is a ratio of a ratio",
        ),
        (
            Metric(name="m", aggregation="ratio", numerator=METRICS[3], denominator=VIEWS),
            "have different windows",
        ),
        (Metric(name="m", event="p", numerator=VIEWS), "is no ratio"),
        (Metric(name="m", aggregation="sum"), "names no type of events"),
        (Metric(name="m", event="p", offset_days=2), "give its window days"),
        (Metric(name="m", event="p", window_days=0), "it must be from 1 to 366 days"),
        (Metric(name="m", event="p", aggregation="any", cap=2), "no values to limit"),
        (Metric(name="m", event="p", aggregation="count", event_cap=2), "adds no such numbers"),
        (Metric(name="m", event="p", aggregation="retention"), "give its window days"),
        (Metric(name="m", event="p", aggregation="time to event"), "give its window days"),
        (
            Metric(name="m", event="p", aggregation="time to event", window_days=2, covariate_days=1),
            "no meaning for a time to event",
        ),
        (Metric(name="m", event="p", aggregation="quantile"), "give its level"),
        (Metric(name="m", aggregation="funnel", steps=("p",)), "name two steps or more"),
    ],
)
def test_a_metric_that_contradicts_itself_is_refused(metric: Metric, words: str) -> None:
    with pytest.raises(InputError) as refused:
        replace(PLAN, success=(metric,))
    assert any(words in problem.message for problem in refused.value.problems)
