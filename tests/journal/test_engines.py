"""The same questions on DuckDB, Spark and ClickHouse, over journals that are made up: the same answers."""

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ibis
import pyarrow.parquet as pq
import pytest

from counterpoint import Workspace
from counterpoint.engine import EngineAddress, read_engine
from counterpoint.errors import InputError, WorkspaceError
from counterpoint.experiments import Experiment, Metric
from counterpoint.experiments.aggregation import totals_expression, totals_of
from counterpoint.experiments.totals import Totals
from counterpoint.flags.care import recent_contexts, shown_in
from counterpoint.flags.exposure_counts import counts_of_flag
from counterpoint.journal import EXPOSURE, Journal, Snapshot
from counterpoint.journal.attributes import Attribute
from counterpoint.settings import JournalSettings

from .clickhouse_server import PASSWORD, USER, clickhouse_server
from .conftest import event, exposure
from .engines import (
    CLICKHOUSE,
    DAY,
    FIELDS,
    OTHERS,
    SPARK,
    address_of,
    collect_sockets,
    differences,
    made_up,
    made_up_plan,
    sizes,
)

SEEDS = int(os.environ.get("COUNTERPOINT_SEEDS", "0"))
"""Journals that are made up for each engine; a few where nothing is said."""
CASES = [
    pytest.param((engine, seed), marks=param.marks, id=f"{param.id}-{seed}")
    for param, few in ((CLICKHOUSE, 3), (SPARK, 1))
    for engine in param.values
    for seed in range(SEEDS or few)
]
# py4j and PySpark leave their sockets to Python's collector; Spark starts slowly beside other work.
pytestmark = [pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"), pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    collect_sockets()


@pytest.fixture(params=OTHERS)
def engine(request: pytest.FixtureRequest) -> EngineAddress:
    """Each engine that is compared with DuckDB."""
    return address_of(request.param)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in a folder whose name engines could take for a pattern."""
    with Journal(tmp_path / "it's [a] {b,c} *?" / "journal", JournalSettings()) as made:
        yield made


def filled(journal: Journal, seed: int) -> tuple[list[dict[str, Any]], Experiment]:
    """Put made-up events into files of several compactions and into the intake; with a plan that reads them."""
    rng = random.Random(seed)  # noqa: S311 - made up, and the same each time
    events = made_up(rng, rng.choice([60, 400, 800]))
    for part in range(4):
        assert not journal.append(events[part::4]).rejected
        if part < 3:
            journal.compact()
    return events, made_up_plan(rng)


def totals(snapshot: Snapshot, plan: Any) -> Totals:
    shown = snapshot.events(EXPOSURE)
    shown = shown.filter(shown.flag == plan.flag)
    happened = snapshot.events(*sorted({metric.event for metric in plan.metrics}))
    return totals_of(plan, totals_expression(plan, shown, happened).to_pyarrow().to_pylist())


@pytest.mark.parametrize("case", CASES)
def test_engines_agree_on_made_up_journals(journal: Journal, case: tuple[str, int]) -> None:
    engine = address_of(case[0])
    agree(journal, engine, *filled(journal, case[1]))


def agree(journal: Journal, engine: EngineAddress, events: list[dict[str, Any]], plan: Experiment) -> None:
    with journal.snapshot() as ours, journal.snapshot(engine) as theirs:
        assert list(differences(plan, totals(ours, plan), totals(theirs, plan), sizes(plan, events))) == []
        for name, ask in QUESTIONS.items():
            assert answer(theirs, ask) == answer(ours, ask), name


def test_engines_agree_on_nothing(journal: Journal, engine: EngineAddress) -> None:
    agree(journal, engine, [], made_up_plan(random.Random(0)))  # noqa: S311 - as above


def test_values_whose_sum_is_beyond_all_numbers_are_refused_on_each_engine(
    journal: Journal, engine: EngineAddress
) -> None:
    journal.append([exposure(n, variant) for n, variant in enumerate(("on", "off"))])
    journal.append([event(n, type="huge", subject="user-1", data={"value": 1.7e308}) for n in (1, 2, 3)])
    journal.compact()
    metrics = tuple(Metric(name=kind, event="huge", aggregation=kind) for kind in ("sum", "mean"))
    plan = Experiment(name="e", flag="checkout", control="on", treatments=("off",), success=metrics)
    for address in (None, engine):
        with journal.snapshot(address) as snapshot, pytest.raises(InputError, match="not all finite numbers"):
            totals(snapshot, plan)


def test_a_file_of_an_older_layout_has_nulls_on_each_engine(journal: Journal, engine: EngineAddress) -> None:
    journal.append([event(1), exposure(2)])
    journal.compact()
    for file in (journal.folder / "segments").glob("*/*/*.parquet"):
        pq.write_table(pq.read_table(file).drop_columns(["flag_set", "attributes"]), file)
    journal.append([event(3)])
    journal.compact()
    with journal.snapshot() as ours, journal.snapshot(engine) as theirs:
        assert answer(theirs, _everything) == answer(ours, _everything)


def test_distinct_subjects_are_counted_exactly_and_spread_is_stable_on_each_engine(
    journal: Journal, engine: EngineAddress
) -> None:
    numbers = ibis.range(0, 100_000).unnest().name("n").as_table()
    spread = numbers.aggregate(
        distinct=numbers.n.nunique(),
        fifth=numbers.n.cast("float64").quantile(0.2),
        deviation=(numbers.n.cast("float64") % 2 + 1e9).std(how="pop"),
    )
    with journal.snapshot(engine) as snapshot:
        (row,) = snapshot.connection.to_pyarrow(spread).to_pylist()
    assert (row["distinct"], row["fifth"]) == (100_000, pytest.approx(19_999.8))
    assert row["deviation"] == pytest.approx(0.5)


def test_flag_pages_read_the_same_on_each_engine(tmp_path: Path, engine: EngineAddress) -> None:
    now = DAY + timedelta(days=4)
    with Workspace.create(tmp_path / "w") as workspace:
        filled(workspace.journal, 1)
        ours = _of_flags(workspace, now)
        workspace.journal.engine = engine
    with Workspace.open(tmp_path / "w") as workspace:
        workspace.journal.engine = engine
        assert _of_flags(workspace, now) == ours


def _of_flags(workspace: Workspace, now: datetime) -> list[Any]:
    return [
        counts_of_flag(workspace, "default", "checkout", now=now),
        shown_in(workspace),
        recent_contexts(workspace, "default", limit=20),
    ]


def test_a_clickhouse_server_gets_the_tail_with_each_query(journal: Journal) -> None:
    address_of("clickhouse://local")
    events, plan = filled(journal, 1)
    (journal.folder.parent.parent / "plain").symlink_to(journal.folder)
    shared = str(journal.folder.parent.parent / "plain")
    journal.settings = JournalSettings(shared=shared)
    with clickhouse_server(Path(shared)) as port:
        agree(journal, server_at(port), events, plan)


def test_clickhouse_reads_any_number_of_files(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = address_of("clickhouse://local")
    monkeypatch.setattr("counterpoint.journal.engines.clickhouse.LONGEST", 100)
    agree(journal, engine, *filled(journal, 1))
    assert list((journal.folder / "spill").glob("clickhouse-*")) == []


def server_at(port: int, password: str = PASSWORD) -> EngineAddress:
    return read_engine(f"clickhouse://{USER}:{quote(password, safe='')}@127.0.0.1:{port}")


def test_a_clickhouse_server_that_does_not_see_all_files_is_told_apart(
    journal: Journal, tmp_path: Path
) -> None:
    address_of("clickhouse://local")
    filled(journal, 1)
    copy = tmp_path / "copy"
    shutil.copytree(journal.folder, copy)
    next((copy / "segments").glob("*/*/*.parquet")).unlink()
    with clickhouse_server(copy) as port:
        for shared, said in (
            (str(copy), r"finds \d+ of the \d+ events"),
            (str(tmp_path / "else"), "not inside"),
        ):
            journal.settings = JournalSettings(shared=shared)
            with (
                journal.snapshot(server_at(port)) as snapshot,
                pytest.raises(WorkspaceError, match=rf"{said}.*\[journal\] shared"),
            ):
                snapshot.events()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("clickhouse://ana:wrong@127.0.0.1:{port}", "ana:.*Authentication failed"),
        ("clickhouse://127.0.0.1:1", "does not answer at clickhouse://127.0.0.1:1 .*mend the setting"),
        ("spark://127.0.0.1:1", "does not answer at spark://127.0.0.1:1 .*mend the setting"),
    ],
)
def test_an_engine_that_does_not_answer_is_told_with_the_remedy(
    journal: Journal, tmp_path: Path, address: str, said: str
) -> None:
    kind = address.partition(":")[0]
    address_of({"spark": "spark://local[2]", "clickhouse": "clickhouse://local"}[kind])
    with (
        clickhouse_server(tmp_path) if "{port}" in address else nullcontext(0) as port,
        journal.snapshot(read_engine(address.format(port=port))) as snapshot,
        pytest.raises(WorkspaceError, match=said) as refused,
    ):
        snapshot.events()
    assert "wrong" not in str(refused.value)


@pytest.mark.xdist_group("spark")
def test_spark_without_java_says_what_to_install(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    address = address_of("spark://local[2]")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("counterpoint.journal.engines.spark._running", None)
    with (
        journal.snapshot(address) as snapshot,
        pytest.raises(WorkspaceError, match="apt-get install openjdk"),
    ):
        snapshot.events()


@pytest.mark.xdist_group("spark")
def test_spark_that_does_not_find_the_files_says_what_to_set(journal: Journal, tmp_path: Path) -> None:
    address = address_of("spark://local[2]")
    filled(journal, 0)
    journal.settings = JournalSettings(shared=str(tmp_path / "else"))
    with (
        journal.snapshot(address) as snapshot,
        pytest.raises(WorkspaceError, match=r"Share.*\[journal\] shared"),
    ):
        snapshot.events()


def answer(snapshot: Snapshot, ask: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(snapshot).to_pyarrow().to_pylist()
    return rows


def _everything(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events()
    return table.order_by(["source", "id"])


def _fields(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events("order")
    columns = {}
    for i, field in enumerate(FIELDS):
        item = table.data.cast("json")
        for part in field.split("."):
            item = item[part]
        columns |= {f"n{i}": item.float, f"b{i}": item.bool, f"s{i}": item.str}
    return table.select("source", "id", **columns).order_by(["source", "id"])


def _groups(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events(EXPOSURE)
    grouped = table.group_by("flag_set", "flag", "variant").aggregate(
        n=table.count(),
        first=table.time.min(),
        last=table.time.max(),
        low=table.subject.min(),
        high=table.subject.max(),
    )
    return grouped.order_by([grouped[name].asc(nulls_first=True) for name in ("flag_set", "flag", "variant")])


def _nothing(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events("none such")
    return table.aggregate(
        n=table.count(), total=table.value.sum(), mean=table.value.mean(), first=table.time.min(), name=table.subject.max(),
        some=(table.value > 0).any(),
    )  # fmt: skip


def _minutes(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events(EXPOSURE)
    table = table.filter(table.time >= ibis.literal(DAY, "timestamp('UTC')"))
    counted = table.group_by(minute=table.time.truncate("m")).aggregate(
        n=table.count(), users=table.subject.nunique()
    )
    return counted.order_by("minute")


def _chosen(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events()
    return (
        table.filter(table.subject.isin(["u1", "ü", "'", "a\\b", '"']))
        .order_by(["source", "id"])
        .select("id")
    )


def _order(snapshot: Snapshot) -> ibis.Table:
    table = snapshot.events()
    last = table.filter(table.subject.notnull()).group_by("subject").aggregate(last=table.time.max())
    return last.order_by([last.last.desc(), last.subject]).limit(20)


def _attributes(snapshot: Snapshot) -> ibis.Table:
    asked = {
        f"{kind}_{i}": Attribute(name, kind)
        for i, name in enumerate(("amount", "null", "größe", "none such"))
        for kind in ("string", "int64", "float64", "boolean")
    }
    table = snapshot.events("order", "huge", attributes=asked, data=False)
    return table.select("source", "id", *asked).order_by(["source", "id"])


def _rough(snapshot: Snapshot) -> ibis.Table:
    """What ClickHouse would answer roughly."""
    table = snapshot.events("order", "huge")
    rounded = table.mutate(value=(table.value * 8).floor())
    return rounded.group_by("type").aggregate(
        subjects=rounded.subject.nunique(), some=rounded.subject.nunique(where=rounded.value > 80),
        middle=rounded.value.quantile(0.5),
    ).order_by("type")  # fmt: skip


QUESTIONS = {
    "every row": _everything, "fields of JSON": _fields, "attributes": _attributes, "rough": _rough, "groups": _groups, "of nothing": _nothing, "minutes": _minutes,
    "chosen subjects": _chosen, "order and limit": _order,
}  # fmt: skip
