"""The same questions on DuckDB, Spark and ClickHouse, over journals that are made up: the same answers."""

import gc
import os
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import pytest

from counterpoint.engine import EngineAddress
from counterpoint.experiments import Experiment
from counterpoint.experiments.aggregation import totals_expression, totals_of
from counterpoint.experiments.totals import Totals
from counterpoint.journal import EXPOSURE, Journal, Snapshot
from counterpoint.settings import JournalSettings

from .engines import DAY, FIELDS, OTHERS, address_of, differences, made_up, made_up_plan, sizes

Seeded = tuple[Journal, list[dict[str, Any]], Experiment]
SEEDS = range(int(os.environ.get("COUNTERPOINT_SEEDS", "2")))


# py4j and PySpark leave their sockets to Python's collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(params=OTHERS)
def engine(request: pytest.FixtureRequest) -> Iterator[EngineAddress]:
    """Each engine that is compared with DuckDB."""
    yield address_of(request.param)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(params=SEEDS)
def seeded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Seeded]:
    """A journal of made-up events, in files of several compactions and in the intake."""
    rng = random.Random(request.param)  # noqa: S311
    with Journal(tmp_path / "it's [a] {b,c} *?" / "journal", JournalSettings()) as journal:
        events = made_up(rng, rng.choice([60, 400, 800]))
        for part in range(4):
            receipt = journal.append(events[part::4])
            assert not receipt.rejected
            if part < 3:
                journal.compact()
        yield journal, events, made_up_plan(rng)


def totals(snapshot: Snapshot, plan: Any) -> Totals:
    shown = snapshot.events(EXPOSURE)
    shown = shown.filter(shown.flag == plan.flag)
    happened = snapshot.events(*sorted({metric.event for metric in plan.metrics}))
    return totals_of(plan, totals_expression(plan, shown, happened).to_pyarrow().to_pylist())


@pytest.mark.timeout(400)  # Spark starts slowly beside other work
def test_engines_agree_on_made_up_journals(seeded: Seeded, engine: EngineAddress) -> None:
    journal, events, plan = seeded
    with journal.snapshot() as ours, journal.snapshot(engine) as theirs:
        assert list(differences(plan, totals(ours, plan), totals(theirs, plan), sizes(plan, events))) == []
        for name, ask in QUESTIONS.items():
            assert answer(theirs, ask) == answer(ours, ask), name


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


QUESTIONS = {
    "every row": _everything, "fields of JSON": _fields, "groups": _groups, "of nothing": _nothing, "minutes": _minutes,
    "chosen subjects": _chosen, "order and limit": _order,
}  # fmt: skip
