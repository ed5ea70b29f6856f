"""The one expression against a plain computation, on small made-up data and at scale."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import ibis
import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Metric, analyze
from counterpoint.experiments.aggregation import EARLY_DAYS, totals_expression, totals_of
from counterpoint.experiments.totals import Totals
from counterpoint.stats import Moments, difference

T0 = datetime(2026, 1, 1, tzinfo=UTC)
AGGREGATIONS = ("mean", "sum", "count", "any")
PLAN = Experiment(
    name="e",
    flag="f",
    control="x",
    treatments=("y",),
    success=tuple(
        Metric(name=f"{kind}_{event}", event=event, aggregation=kind, covariate_days=days)
        for kind in AGGREGATIONS
        for event, days in (("p", 1), ("q", 0))
    ),
    start=T0,
    end=T0 + timedelta(hours=8),
)

hours = st.integers(-2, 10)
subjects = st.sampled_from("abcdef")
exposures = st.lists(st.tuples(subjects, st.sampled_from(["x", "y", "z", None]), hours), max_size=15)
events = st.lists(
    st.tuples(
        st.sampled_from("pqr"),
        subjects,
        st.one_of(hours, st.integers(-30, 0)),
        st.one_of(st.none(), st.integers(-3, 3).map(float)),
    ),
    max_size=25,
)


@pytest.fixture(scope="module")
def engine() -> ibis.BaseBackend:
    return ibis.duckdb.connect()


def exposure_table(rows: list) -> pa.Table:
    return pa.table(
        {
            "subject": pa.array([row[0] for row in rows], pa.string()),
            "variant": pa.array([row[1] for row in rows], pa.string()),
            "time": pa.array([T0 + timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC")),
        }
    )


def event_table(rows: list) -> pa.Table:
    return pa.table(
        {
            "type": pa.array([row[0] for row in rows], pa.string()),
            "subject": pa.array([row[1] for row in rows], pa.string()),
            "time": pa.array([T0 + timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC")),
            "value": pa.array([row[3] for row in rows], pa.float64()),
        }
    )


def read(engine: ibis.BaseBackend, plan: Experiment, shown: pa.Table, happened: pa.Table) -> Totals:
    expression = totals_expression(
        plan,
        engine.create_table("exposures", shown, overwrite=True),
        engine.create_table("events", happened, overwrite=True),
    )
    return totals_of(plan, expression.to_pyarrow().to_pylist())


def plainly(metric: Metric, values: list[float | None]) -> float:
    if metric.aggregation == "count":
        return len(values)
    if metric.aggregation == "any":
        return float(any(value is None or value != 0 for value in values))
    known = [value for value in values if value is not None]
    if not known:
        return 0.0
    return sum(known) / len(known) if metric.aggregation == "mean" else sum(known)


def alike(found: Moments, expected: Moments) -> None:
    assert found.n == expected.n
    assert found.mean == pytest.approx(expected.mean, abs=1e-12)
    assert found.m2 == pytest.approx(expected.m2, abs=1e-9)


@pytest.fixture(scope="module")
def query(engine: ibis.BaseBackend) -> Callable[[list, list], Totals]:
    """The expression for PLAN, compiled once: what differs from example to example is the data."""
    tables = {"shown": exposure_table([]), "happened": event_table([])}
    created = [engine.create_table(name, table) for name, table in tables.items()]
    sql = ibis.to_sql(totals_expression(PLAN, *created))

    def run(shown: list, happened: list) -> Totals:
        for name, table in (("shown", exposure_table(shown)), ("happened", event_table(happened))):
            engine.con.execute(f"DELETE FROM {name}")
            engine.con.from_arrow(table).insert_into(name)
        return totals_of(PLAN, engine.con.sql(sql).to_arrow_table().to_pylist())

    return run


@settings(max_examples=80)
@given(exposures, events)
def test_the_expression_agrees_with_a_plain_computation(
    query: Callable[[list, list], Totals], shown: list, happened: list
) -> None:
    found = query(shown, happened)
    seen: dict[str, list] = defaultdict(list)
    for subject, variant, hour in shown:
        if 0 <= hour <= 8:
            seen[subject].append((hour, variant))
    groups: dict[tuple, list[str]] = defaultdict(list)
    for subject, rows in seen.items():
        variants = {variant for _, variant in rows if variant}
        groups[(min(variants, default=None), len(variants) > 1)].append(subject)
    merged: dict[tuple, list[str]] = defaultdict(list)
    for (variant, mixed), members in groups.items():
        merged[(variant, mixed)] += members
    assert {(group.variant, group.mixed): group.users for group in found.groups} == {
        key: len(members) for key, members in merged.items()
    }
    assert found.outside == sum(not 0 <= hour <= 8 for _, _, hour in shown)
    for group in found.groups:
        for metric in PLAN.metrics:
            per_user, before = [], []
            for subject in merged[(group.variant, group.mixed)]:
                first = min(hour for hour, _ in seen[subject])
                ours = [row for row in happened if row[0] == metric.event and row[1] == subject]
                per_user.append(plainly(metric, [row[3] for row in ours if first <= row[2] <= 8]))
                before.append(plainly(metric, [row[3] for row in ours if first - 24 <= row[2] < first]))
            got = group.metrics[metric.name]
            alike(got.moments, Moments.of(per_user))
            if metric.covariate_days:
                assert got.covariate is not None
                alike(got.covariate.moments, Moments.of(before))
                away = np.subtract(per_user, np.mean(per_user)) @ np.subtract(before, np.mean(before))
                assert got.covariate.comoment == pytest.approx(away, abs=1e-9)
            else:
                assert got.covariate is None


def test_ninety_thousand_users_give_the_known_outcome(
    plan: Experiment, tables: tuple[pa.Table, pa.Table]
) -> None:
    shown, happened = (ibis.memtable(table) for table in tables)
    result = analyze(plan, shown, happened)
    assert [arm.users for arm in result.arms] == [45_000, 45_000]
    retained, rounds, crashes = result.metrics
    assert retained.control_mean == pytest.approx(0.18, abs=0.001)
    assert retained.treatment_mean == pytest.approx(0.192, abs=0.001)
    assert retained.outcome == "better"
    assert rounds.difference == pytest.approx(0, abs=1e-9)
    assert rounds.outcome == "within margin"
    assert crashes.control_mean == pytest.approx(0.02)
    assert crashes.outcome == "within margin"
    assert result.verdict.state == "ship"
    values = happened.filter(happened.type == "retained").to_pyarrow()
    kept = np.asarray(values["value"])
    expected = difference(Moments.of(kept[::2]), Moments.of(kept[1::2]))
    assert retained.p_two_sided == pytest.approx(expected.p, rel=1e-9)
    assert retained.se == pytest.approx(expected.se, rel=1e-12)


def test_large_offsets_leave_the_statistics_unchanged(
    engine: ibis.BaseBackend, plan: Experiment, tables: tuple[pa.Table, pa.Table]
) -> None:
    shown, happened = tables
    shown, happened = (
        shown.slice(0, 2000),
        happened.filter(pa.compute.equal(happened["type"], "rounds")).slice(0, 2000),
    )
    moved = happened.set_column(3, "value", pa.compute.add(happened["value"], 1e8))
    plain, offset = (read(engine, plan, shown, table) for table in (happened, moved))

    def t(found: Totals) -> float:
        arms = [found.arm(variant) for variant in plan.arms]
        return difference(*(arm.metrics["rounds"].moments for arm in arms if arm)).statistic or 0.0

    assert t(offset) == pytest.approx(t(plain), abs=1e-4)


def test_fields_other_than_value_are_read_from_the_data(engine: ibis.BaseBackend) -> None:
    happened = event_table([("p", "a", 1, None)] * 3).append_column(
        "data", pa.array(['{"ms": 120.5}', '{"ms": "x"}', '{"ms": true, "value": 9}'])
    )
    plan = msgspec.structs.replace(
        PLAN,
        success=tuple(
            Metric(name=kind, event="p", aggregation=kind, field="ms") for kind in ("sum", "any", "count")
        ),
    )
    found = read(engine, plan, exposure_table([("a", "x", 0), ("b", "y", 0)]), happened).arm("x")
    assert found is not None
    assert {name: metric.moments.mean for name, metric in found.metrics.items()} == {
        "sum": 121.5,
        "any": 1.0,
        "count": 3.0,
    }


@pytest.mark.parametrize("field", ["it's", 'say "ms"', "*", "$", "/ms", "a[0]", "a..b", "<script>", "ms\n"])
def test_a_field_that_no_path_can_name_is_refused(engine: ibis.BaseBackend, field: str) -> None:
    happened = event_table([("p", "a", 1, None)]).append_column("data", pa.array(["{}"]))
    plan = msgspec.structs.replace(PLAN, success=(Metric(name="ms", event="p", field=field),))
    with pytest.raises(InputError, match="The metric ms reads the field"):
        read(engine, plan, exposure_table([("a", "x", 0), ("b", "y", 0)]), happened)


def test_events_before_the_first_exposure_and_after_the_end_are_counted_apart(
    engine: ibis.BaseBackend,
) -> None:
    happened = event_table([("p", "a", 0, 5.0), ("p", "a", 2, 1.0), ("p", "a", 9, 7.0)])
    found = read(engine, PLAN, exposure_table([("a", "x", 1)]), happened).arm("x")
    assert found is not None
    metric = found.metrics["sum_p"]
    assert (metric.moments.mean, metric.events, found.early, found.late) == (1.0, 1, 1, 1)


@pytest.mark.parametrize("types", ["p", "pq"])
@pytest.mark.parametrize("days", [0, EARLY_DAYS - 1, EARLY_DAYS, EARLY_DAYS + 1])
def test_events_of_all_types_in_two_weeks_before_the_first_exposure_are_early_whatever_the_covariates_take(
    engine: ibis.BaseBackend, days: int, types: str
) -> None:
    hour = 24 * EARLY_DAYS
    happened = event_table(
        [("p", "a", 1 - hour, 5.0), ("p", "a", -hour, 1.0), ("q", "a", 0, 1.0), ("q", "a", -2 * hour, 1.0)]
    )
    counted = tuple(
        Metric(name=each, event=each, aggregation="count", covariate_days=days if each == "p" else 0)
        for each in types
    )
    plan = msgspec.structs.replace(PLAN, success=counted)
    found = read(engine, plan, exposure_table([("a", "x", 1)]), happened).arm("x")
    assert found is not None
    assert found.early == len(types)


def test_large_offsets_leave_the_covariance_unchanged(engine: ibis.BaseBackend) -> None:
    plan = msgspec.structs.replace(
        PLAN, success=(Metric(name="m", event="p", aggregation="sum", covariate_days=1),)
    )
    shown = exposure_table([(f"u{i}", "x", 1) for i in range(50)])

    def comoment(offset: float) -> float:
        rows = [("p", f"u{i}", hour, offset + i * 7919 % (31 + hour)) for i in range(50) for hour in (0, 2)]
        arm = read(engine, plan, shown, event_table(rows)).arm("x")
        assert arm is not None
        assert arm.metrics["m"].covariate is not None
        return arm.metrics["m"].covariate.comoment

    assert comoment(1e8) == pytest.approx(comoment(0.0), rel=1e-9)


def test_one_table_for_each_metric_gives_the_same_result(engine: ibis.BaseBackend) -> None:
    plan = msgspec.structs.replace(PLAN, success=PLAN.success[:4])
    shown = engine.create_table(
        "exposures", exposure_table([("a", "x", 0), ("b", "y", 0), ("c", "y", 0)]), overwrite=True
    )
    happened = engine.create_table(
        "events", event_table([("p", "a", 1, 2.0), ("q", "b", 2, 3.0), ("p", "c", 1, 1.0)]), overwrite=True
    )
    apart = {
        metric.name: happened.filter(happened.type == metric.event).select("subject", "time", "value")
        for metric in plan.metrics
    }
    found, expected = (analyze(plan, shown, given, as_of=T0).comparisons for given in (apart, happened))
    assert found == expected


def test_times_without_a_zone_are_taken_as_utc(engine: ibis.BaseBackend) -> None:
    shown = exposure_table([("a", "x", 0), ("b", "x", 9)])
    naive = shown.set_column(2, "time", shown["time"].cast(pa.timestamp("us")))
    happened = event_table([("p", "a", 1, 1.0)])
    assert read(
        engine, PLAN, naive, happened.set_column(2, "time", happened["time"].cast(pa.timestamp("us")))
    ) == read(engine, PLAN, shown, happened)


@pytest.mark.parametrize(
    ("shown", "happened", "words"),
    [
        (["subject", "time"], ["type", "subject", "time", "value"], "exposures has no column variant"),
        (
            ["subject", "variant", "time"],
            ["type", "value"],
            "events has no column subject and no column time",
        ),
        (["subject", "variant", "time"], ["type", "subject", "time"], "needs a column value"),
    ],
)
def test_a_missing_column_is_named(shown: list[str], happened: list[str], words: str) -> None:
    one, other = (
        ibis.memtable(exposure_table([])).select(shown),
        ibis.memtable(event_table([])).select(happened),
    )
    with pytest.raises(InputError, match=words):
        analyze(PLAN, one, other)


def test_a_metric_without_its_table_is_named() -> None:
    with pytest.raises(InputError, match="no table of events for mean_q"):
        analyze(
            msgspec.structs.replace(PLAN, success=PLAN.success[:2]),
            ibis.memtable(exposure_table([])),
            {"mean_p": ibis.memtable(event_table([]))},
        )


def test_a_value_that_is_no_number_is_refused_rather_than_spread(engine: ibis.BaseBackend) -> None:
    happened = event_table([("p", "a", 1, float("nan")), ("p", "b", 1, 1.0)])
    with pytest.raises(InputError, match=r"metric mean_p are not all finite.*type p"):
        read(engine, PLAN, exposure_table([("a", "x", 0), ("b", "y", 0)]), happened)


def test_no_rows_at_all_is_a_result_that_says_what_would_fill_it() -> None:
    result = analyze(PLAN, ibis.memtable(exposure_table([])), ibis.memtable(event_table([])))
    assert result.verdict.condition == "exposures"
    assert [arm.users for arm in result.arms] == [0, 0]


def test_a_result_keeps_the_query_that_ran_and_is_written_as_json(
    plan: Experiment, tables: tuple[pa.Table, pa.Table]
) -> None:
    result = analyze(plan, *(ibis.memtable(table.slice(0, 100)) for table in tables), engine="duckdb")
    assert '"per_user"' in result.sql
    written = msgspec.json.decode(msgspec.json.encode(result))
    assert written["verdict"]["wouldChange"]
    assert written["comparisons"][0]["metrics"][0]["relativeInterval"].keys() == {"low", "high"}


def test_events_without_the_number_that_a_sum_needs_are_counted_and_told(engine: ibis.BaseBackend) -> None:
    shown = engine.create_table("exposures", exposure_table([("a", "x", 0), ("b", "y", 0)]), overwrite=True)
    happened = engine.create_table(
        "events", event_table([("p", "a", 1, 2.0), ("p", "a", 2, None)]), overwrite=True
    )
    for aggregation, warnings in (("sum", 1), ("mean", 1), ("count", 0), ("any", 0)):
        metric = Metric(name="pages", event="p", aggregation=aggregation)
        plan = msgspec.structs.replace(PLAN, success=(metric,), guardrails=())
        found = analyze(plan, shown, happened, as_of=T0).quality.warnings
        assert len(found) == warnings
        assert all("1 of 2 events of p have no number in value" in words for words in found)
