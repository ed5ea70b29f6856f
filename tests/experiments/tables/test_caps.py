"""Caps that are a quantile of all users' values, declared before anything is read: from events and from tables."""

import math
from datetime import UTC, datetime, timedelta
from statistics import fmean

import ibis
import pyarrow as pa
import pytest
from msgspec.structs import replace

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import InputError
from counterpoint.experiments import Experiment, Metric, analyze, store
from counterpoint.graph.actor import local_actor
from counterpoint.graph.descriptor import validate
from tests.experiments.conftest import entity
from tests.experiments.tables.conftest import Write
from tests.experiments.tables.test_command import ENDED, read
from tests.experiments.tables.test_workspace import SOURCE, experiment, put

START = datetime(2026, 5, 1, tzinfo=UTC)
SPENT = Metric(name="spent", event="order", aggregation="sum", cap_quantile=0.9)
PLAN = Experiment(
    name="e", flag="f", control="a", treatments=("b",), success=(SPENT,), end=START + timedelta(days=9)
)
VALUES = [float((i * 37) % 23) for i in range(60)] + [1e6, 2e6]
"""Of 62 users in turn in a and b; the last two are whales."""


def cap(values: list[float], level: float) -> float:
    """The smallest value that at least this share has at most, by sorting."""
    return sorted(values)[math.ceil(len(values) * level) - 1]


def means(values: list[float], most: float = math.inf) -> tuple[float, float]:
    return tuple(fmean(min(value, most) for value in values[i::2]) for i in (0, 1))  # type: ignore[return-value]


def tables(values: list[float]) -> tuple[ibis.Table, ibis.Table]:
    users = [f"u{i}" for i in range(len(values))]
    times = pa.array([START] * len(values), pa.timestamp("us", "UTC"))
    exposures = pa.table(
        {"subject": users, "variant": ["ab"[i % 2] for i in range(len(users))], "time": times}
    )
    events = pa.table({"type": ["order"] * len(values), "subject": users, "time": times, "value": values})
    extra = pa.table(
        {
            "subject": ["mixed", "mixed", "else"],
            "variant": ["a", "b", "c"],
            "time": pa.array([START] * 3, times.type),
        }
    )
    whales = pa.table(
        {"type": ["order"] * 2, "subject": ["mixed", "else"], "time": pa.array([START] * 2, times.type), "value": [9e9, 9e9]}
    )  # fmt: skip
    return ibis.memtable(pa.concat_tables([exposures, extra])), ibis.memtable(
        pa.concat_tables([events, whales])
    )


def test_the_cap_is_of_the_users_of_all_arms_together_and_both_figures_are_told() -> None:
    (metric,) = analyze(PLAN, *tables(VALUES)).metrics
    assert (metric.control_mean, metric.treatment_mean) == pytest.approx(means(VALUES, cap(VALUES, 0.9)))
    assert metric.uncapped is not None
    assert (metric.uncapped.control_mean, metric.uncapped.treatment_mean) == pytest.approx(means(VALUES))


@pytest.mark.parametrize("level", [0.5, 0.98, 0.999])
def test_any_level_is_that_of_sorting(level: float) -> None:
    plan = replace(PLAN, success=(replace(SPENT, cap_quantile=level),))
    (metric,) = analyze(plan, *tables(VALUES)).metrics
    assert metric.control_mean == pytest.approx(means(VALUES, cap(VALUES, level))[0])


def test_a_part_of_a_ratio_may_have_such_a_cap_and_ties_stay() -> None:
    orders = Metric(name="orders", event="order", aggregation="count")
    ratio = Metric(name="per-order", aggregation="ratio", numerator=SPENT, denominator=orders)
    (metric,) = analyze(replace(PLAN, success=(ratio,)), *tables(VALUES)).metrics
    assert metric.control_mean == pytest.approx(means(VALUES, cap(VALUES, 0.9))[0])
    (same,) = analyze(PLAN, *tables([5.0] * 40)).metrics
    assert (same.control_mean, same.note[:9]) == (5.0, "All users")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cap_quantile": 1.0}, "below 1"),
        ({"cap_quantile": 0.2}, "from 0.5"),
        ({"cap_quantile": math.nan}, "below 1"),
        ({"cap": 3.0}, "two caps"),
        ({"aggregation": "any"}, "has no values to limit"),
    ],
)
def test_a_cap_that_is_none_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(PLAN, success=(replace(SPENT, **changes),))
    assert words in " ".join(map(str, caught.value.problems))


@pytest.mark.parametrize(
    "given", [-1, "99%", True, {"quantile": 1}, {"quantile": 0.4}, {"q": 0.9}, [], math.inf]
)
def test_a_descriptor_says_a_number_or_a_quantile(given: object) -> None:
    spec = {"event": "order", "aggregation": "sum", "direction": "increase"}
    assert [problem.pointer for problem in validate(entity("Metric", "m", {**spec, "userCap": given}))] == [
        "/spec/userCap"
    ]
    for good in (0, 2.5, {"quantile": 0.99}):
        assert not list(validate(entity("Metric", "m", {**spec, "userCap": good})))


def test_a_table_has_such_a_cap_and_tells_both_figures_in_the_workspace_as_well(
    workspace: Workspace,
    write: Write,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [f"u{i},{'ab'[i % 2]},{value}" for i, value in enumerate(VALUES)]
    write("t.csv", "user,arm,spent\n" + "\n".join([*lines, "m,a,9e9", "m,b,9e9"]) + "\n")
    asked = (
        "--subject",
        "user",
        "--variant",
        "arm",
        "--control",
        "a",
        "--metric",
        "money=spent:cap90%",
        *ENDED,
    )
    found = read(capsys, "p", "--table", "t.csv", *asked, "--owner", "games", "--write", "e.yaml")
    (metric,) = found["comparisons"][0]["metrics"]
    limited = means(VALUES, cap(VALUES, 0.9))
    assert (metric["controlMean"], metric["treatmentMean"]) == pytest.approx(limited)
    assert metric["uncapped"]["controlMean"] == pytest.approx(means(VALUES)[0])
    put(workspace)
    assert run(["-w", str(workspace.path), "import", "catalog", "e.yaml"]) == 0
    (metric,) = store.result_of(workspace, store.load(workspace, "p")).metrics
    assert (metric.control_mean, metric.treatment_mean) == pytest.approx(limited)


def test_a_cap_in_numbers_tells_both_figures_of_a_table_too(
    workspace: Workspace,
    write: Write,
) -> None:
    (workspace.path / "t.csv").write_text("user,arm,revenue\nu1,a,1\nu2,a,50\nu3,b,2\nu4,b,4\n")
    put(workspace, experiment(SOURCE))
    spec = {"event": "order", "aggregation": "sum", "direction": "increase", "userCap": 10}
    with workspace.graph.write(local_actor()) as writer:
        writer.put(entity("Metric", "spent", spec))
    (metric,) = store.result_of(workspace, store.load(workspace, "pricing")).metrics
    assert (metric.control_mean, metric.uncapped.control_mean) == (5.5, 25.5)
