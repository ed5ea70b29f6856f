"""Who counts, and what is counted to judge the data, against a plain computation user by user."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Metric, analyze
from counterpoint.experiments.exposure import Links, Trigger
from counterpoint.experiments.plan import part_refs, plan_of
from counterpoint.experiments.quality_totals import QualityTotals
from counterpoint.experiments.reading_query import read_rows, reading_expression
from counterpoint.experiments.totals import ArmTotals, Totals
from counterpoint.graph.descriptor import validate
from counterpoint.graph.entity import Entity
from counterpoint.stats import Moments

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SUM = Metric(name="sum", event="p", aggregation="sum")
PLAN = Experiment(
    name="e",
    flag="f",
    control="x",
    treatments=("y",),
    success=(SUM,),
    start=T0,
    end=T0 + timedelta(hours=60),
    trigger=Trigger(event="t", field="page", equals="cart"),
    links=Links(event="login"),
    segments=("country",),
)
OPEN = replace(PLAN, start=None, end=None, trigger=None)

hours = st.integers(-6, 70)
people = st.sampled_from("abcdef")
exposures = st.lists(
    st.tuples(
        people, st.sampled_from(["x", "x", "y", "y", "z", None]), hours, st.sampled_from(["se", "no", None])
    ),
    max_size=14,
)
events = st.lists(
    st.one_of(
        st.tuples(st.just("p"), people, hours, st.integers(0, 9).map(float), st.none(), st.none(), st.none()),
        st.tuples(
            st.just("t"), people, hours, st.none(), st.none(), st.sampled_from(["cart", "cart", "home", None]),
            st.sampled_from(["x", "y", None]),
        ),
        st.tuples(st.just("login"), people, hours, st.none(), st.sampled_from(["a", "K", "L", None]), st.none(), st.none()),
    ),
    max_size=24,
)  # fmt: skip


def shown_table(rows: list[Any]) -> pa.Table:
    return pa.table(
        {
            "subject": pa.array([row[0] for row in rows], pa.string()),
            "variant": pa.array([row[1] for row in rows], pa.string()),
            "time": pa.array([T0 + timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC")),
            "country": pa.array([row[3] for row in rows], pa.string()),
        }
    )


def event_table(rows: list[Any]) -> pa.Table:
    return pa.table(
        {
            "type": pa.array([row[0] for row in rows], pa.string()),
            "subject": pa.array([row[1] for row in rows], pa.string()),
            "time": pa.array([T0 + timedelta(hours=row[2]) for row in rows], pa.timestamp("us", "UTC")),
            "value": pa.array([row[3] for row in rows], pa.float64()),
            "user": pa.array([row[4] for row in rows], pa.string()),
            "page": pa.array([row[5] for row in rows], pa.string()),
            "variant": pa.array([row[6] for row in rows], pa.string()),
        }
    )


Query = Callable[..., tuple[Totals, QualityTotals]]


@pytest.fixture(scope="module")
def query() -> Query:
    """All that is read of small tables; the expressions are compiled once for each plan."""
    engine = ibis.duckdb.connect()
    compiled: dict[int, tuple[Experiment, str]] = {}  # the plan too, so that no other gets its id
    created = [
        engine.create_table(name, table)
        for name, table in (("shown", shown_table([])), ("happened", event_table([])))
    ]

    def run(plan: Experiment, shown: list[Any], happened: list[Any]) -> tuple[Totals, QualityTotals]:
        if id(plan) not in compiled:
            compiled[id(plan)] = plan, str(ibis.to_sql(reading_expression(plan, *created, least=1)))
        for name, table in (("shown", shown_table(shown)), ("happened", event_table(happened))):
            engine.con.execute(f"DELETE FROM {name}")
            engine.con.from_arrow(table).insert_into(name)
        totals = read_rows(plan, engine.con.sql(compiled[id(plan)][1]).to_arrow_table().to_pylist())
        assert totals.quality is not None
        return totals, totals.quality

    return run


def plainly(plan: Experiment, shown: list[Any], happened: list[Any]) -> dict[str, dict[str, Any]]:
    """Each user with variants, moments, segment and value, in plain Python."""
    rows, later = shown_table(shown).to_pylist(), event_table(happened).to_pylist()
    known: dict[str, tuple[datetime, str]] = {}
    for row in later:
        if row["type"] == "login" and row["user"] is not None:
            found = (row["time"], row["user"])
            known[row["subject"]] = min(known.get(row["subject"], found), found)
    users: dict[str, dict[str, Any]] = defaultdict(lambda: {"rows": [], "linked": False, "strays": False})
    for row in rows:
        if plan.start and not plan.start <= row["time"] <= plan.end:
            continue
        subject = known[row["subject"]][1] if row["subject"] in known else row["subject"]
        users[subject]["rows"].append(row)
        users[subject]["linked"] |= row["subject"] in known
    for row in later:
        row["subject"] = known[row["subject"]][1] if row["subject"] in known else row["subject"]
    for subject, user in users.items():
        variants = {row["variant"] for row in user["rows"] if row["variant"] is not None}
        user["variant"], user["mixed"] = min(variants, default=None), len(variants) > 1
        user["assigned"] = user["first"] = min(row["time"] for row in user["rows"])
        countries = [
            row["country"] for row in user["rows"] if row["time"] == user["assigned"] and row["country"]
        ]
        user["country"] = min(countries, default="")
        ours = [
            row for row in later if row["subject"] == subject and not (plan.end and row["time"] > plan.end)
        ]
        if plan.trigger:
            hits = [
                row
                for row in ours
                if row["type"] == "t" and row["page"] == "cart" and row["time"] >= user["first"]
            ]
            user["first"] = min((row["time"] for row in hits), default=None)
            user["strays"] = any(
                row["variant"] and user["variant"] and row["variant"] != user["variant"] for row in hits
            )
        user["value"] = sum(
            row["value"]
            for row in ours
            if row["type"] == "p" and user["first"] and row["time"] >= user["first"]
        )
    return dict(users)


def sizes(users: list[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, dict[str, int]]:
    found: dict[Any, Counter[str]] = defaultdict(Counter)
    for user in users:
        if user["variant"] is not None and not user["mixed"]:
            found[key(user)][user["variant"]] += 1
    return {name: dict(each) for name, each in found.items()}


@pytest.mark.parametrize("plan", [PLAN, OPEN], ids=["trigger, links and dates", "links"])
@settings(max_examples=60)
@given(exposures, events)
def test_who_counts_agrees_with_a_plain_computation(
    query: Query, plan: Experiment, shown: list[Any], happened: list[Any]
) -> None:
    totals, quality = query(plan, shown, happened)
    users = plainly(plan, shown, happened)
    counting = [user for user in users.values() if user["first"] is not None]
    keys = {(user["variant"], user["mixed"]) for user in counting}
    assert {(group.variant, group.mixed) for group in totals.groups} == keys
    whole = [user for user in counting if not user["mixed"]]
    parts: dict[str, tuple[ArmTotals, ...]] = totals.segments.get("country", {})
    assert set(parts) == {user["country"] for user in whole}
    for name, groups, chosen in (
        ("", totals.groups, counting),
        *(
            (part, groups, [user for user in whole if user["country"] == part])
            for part, groups in parts.items()
        ),
    ):
        assert sum(group.users for group in groups) == len(chosen)
        for group in groups:
            ours = [
                user for user in chosen if (user["variant"], user["mixed"]) == (group.variant, group.mixed)
            ]
            assert group.users == len(ours), name
            expected = Moments.of([user["value"] for user in ours])
            moments = group.metrics["sum"].moments
            assert (moments.n, moments.mean, moments.m2) == (
                expected.n, pytest.approx(expected.mean), pytest.approx(expected.m2, abs=1e-9),
            )  # fmt: skip
            assert group.first == min(user["first"] for user in ours)
    assert {day.name: day.users for day in quality.days} == sizes(
        counting, lambda user: user["first"].date().isoformat()
    )
    assert {each.name: each.users for each in quality.segments.get("country", ())} == sizes(
        counting, lambda user: user["country"]
    )
    everybody = list(users.values())
    assert quality.assigned == sizes(everybody, lambda _: 0).get(0, {})
    rows = [(name, row["variant"], row["time"]) for name, user in users.items() for row in user["rows"]]
    assert (quality.exposures, quality.repeated) == (len(rows), len(rows) - len(set(rows)))
    assert quality.mixed == sum(user["mixed"] for user in everybody)
    assert quality.linked == sum(user["linked"] for user in everybody)
    assert quality.crossed == sum(user["linked"] and user["mixed"] for user in everybody)
    assert quality.strays == sum(user["strays"] for user in everybody)
    if plan.trigger:
        for group in totals.groups:
            if group.variant is not None and not group.mixed:
                assert group.assigned == quality.assigned[group.variant]


def test_users_count_from_the_first_trigger_after_they_were_assigned(query: Query) -> None:
    shown = [("a", "x", 5, None), ("b", "x", 5, None), ("c", "y", 5, None)]
    cart = (None, None, "cart", None)
    happened = [
        ("t", "a", 2, *cart),  # before it was assigned
        ("t", "a", 9, *cart),
        ("t", "b", 9, None, None, "home", None),
        ("t", "c", 5, *cart),
        *(("p", name, hour, 1.0, None, None, None) for name in "abc" for hour in (6, 9, 12)),
    ]
    totals, quality = query(PLAN, shown, happened)
    x, y = totals.arm("x"), totals.arm("y")
    assert x is not None
    assert y is not None
    assert (x.users, x.assigned, x.metrics["sum"].moments.mean) == (1, 2, 2.0)
    assert (y.users, y.assigned, y.metrics["sum"].moments.mean) == (1, 1, 3.0)
    assert quality.assigned == {"x": 2, "y": 1}


def test_the_first_link_of_an_id_holds_and_users_in_several_arms_are_told(query: Query) -> None:
    shown = [("a", "x", 1, None), ("b", "y", 1, None), ("c", "x", 1, None), ("d", "y", 1, None)]
    login = [
        ("login", "a", 3, "ann"),
        ("login", "b", 2, "ann"),
        ("login", "c", 2, "cy"),
        ("login", "c", 4, "ann"),
    ]
    happened: list[Any] = [(kind, name, hour, None, user, None, None) for kind, name, hour, user in login]
    happened += [("p", "cy", 5, 7.0, None, None, None)]
    totals, quality = query(OPEN, shown, happened)
    x = totals.arm("x")
    assert x is not None
    assert (x.users, x.metrics["sum"].moments.mean) == (1, 7.0)
    assert totals.mixed == 1
    assert (quality.linked, quality.crossed, quality.crossover) == (2, 1, 0.5)


def test_a_table_of_links_says_the_same_as_events() -> None:
    plan = replace(OPEN, segments=())
    shown = ibis.memtable(shown_table([("a", "x", 1, None), ("b", "y", 1, None), ("c", "y", 1, None)]))
    happened = [("login", "a", 3, None, "ann", None, None), ("p", "ann", 5, 7.0, None, None, None)]
    events_of = ibis.memtable(event_table(happened))
    apart = ibis.memtable(
        pa.table({"subject": ["a"], "known": ["ann"], "time": pa.array([T0], pa.timestamp("us", "UTC"))})
    )
    expected = analyze(plan, shown, events_of, as_of=T0)
    found = analyze(replace(plan, links=None), shown, events_of, as_of=T0, links=apart)
    assert found.arms == expected.arms
    assert [metric.control_mean for metric in found.metrics] == [7.0]
    assert found.metrics == expected.metrics


def test_a_segment_that_exposures_do_not_have_is_named() -> None:
    shown = ibis.memtable(shown_table([("a", "x", 1, None), ("b", "y", 1, None)]))
    with pytest.raises(InputError, match="The segment city needs a column city"):
        analyze(
            replace(OPEN, links=None, segments=("city",)), shown, ibis.memtable(event_table([])), as_of=T0
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trigger": Trigger(event="t", field="page")}, "needs both"),
        ({"trigger": Trigger(event="t", field="a[0]", equals="x")}, "trigger reads the field"),
        ({"links": Links(event="login", field="a..b")}, "links reads the field"),
    ],
)
def test_what_cannot_say_who_counts_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        replace(PLAN, **changes)
    assert any(words in problem.message for problem in refused.value.problems)


def descriptor(kind: str, name: str, spec: dict[str, Any]) -> Entity:
    document = {"apiVersion": "counterpoint.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    assert list(validate(document)) == []
    return Entity(
        ref=f"{kind.lower()}:default/{name}", uid="", etag="", kind=kind, namespace="default", name=name, title=name,
        owner="group:default/games", document=document, relations=(), updated_at=T0,
    )  # fmt: skip


def test_descriptors_say_who_counts_and_what_is_measured() -> None:
    part = {"owner": "games", "direction": "none", "aggregation": "sum", "event": "p"}
    metrics = {
        "metric:default/clicks": part | {"userCap": 9, "cap": 4},
        "metric:default/views": part | {"aggregation": "count"},
        "metric:default/rate": {
            "owner": "games", "direction": "increase", "aggregation": "ratio", "numerator": "clicks",
            "denominator": "views", "covariateDays": 7, "window": {"days": 7, "offset": 1},
        },
        "metric:default/path": {
            "owner": "games", "direction": "increase", "aggregation": "funnel", "steps": ["p", "q"], "window": {"days": 2},
        },
    }  # fmt: skip
    found = {ref: descriptor("Metric", ref.rpartition("/")[2], spec) for ref, spec in metrics.items()}
    experiment = descriptor(
        "Experiment",
        "e",
        {
            "owner": "games", "flag": "f", "control": "x", "treatments": ["y"],
            "success": [{"metric": "rate"}, {"metric": "path"}], "segments": ["country"],
            "trigger": {"event": "t", "field": "page", "equals": "cart"}, "links": {"event": "login"},
        },
    )  # fmt: skip
    plan = plan_of(experiment, found)
    rate, path = plan.success
    clicks, views = rate.parts
    assert (clicks.cap, clicks.event_cap, clicks.window_days, clicks.offset_days, clicks.covariate_days) == (
        9,
        4,
        7,
        1,
        7,
    )
    assert (views.aggregation, views.days) == ("count", 8)
    assert (path.steps, path.days) == (("p", "q"), 2)
    assert (plan.trigger, plan.links, plan.segments) == (PLAN.trigger, PLAN.links, ("country",))
    assert plan.types == ("login", "p", "q", "t")
    assert part_refs(found.values()) == ["metric:default/clicks", "metric:default/views"]
    with pytest.raises(InputError) as refused:
        plan_of(experiment, {ref: each for ref, each in found.items() if not ref.endswith("views")})
    assert "denominator, metric:default/views, does not exist" in refused.value.problems[0].message
