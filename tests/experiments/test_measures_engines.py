"""Every kind of metric on DuckDB, ClickHouse and Spark: the same totals of one journal."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from counterpoint.experiments import Experiment
from counterpoint.experiments.aggregation import exposures_of, totals_expression
from counterpoint.experiments.course_query import course_expression
from counterpoint.experiments.exposure import Links, Trigger
from counterpoint.experiments.measures import followed
from counterpoint.experiments.over_time import days_of
from counterpoint.experiments.quality_totals import QualityTotals
from counterpoint.experiments.reading_query import read_rows, reading_expression
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.journal import EXPOSURE, Journal, Snapshot
from counterpoint.settings import JournalSettings
from tests.journal.engines import OTHERS, address_of, collect_sockets

from .test_measures import METRICS, QUANTILE

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PLAN = Experiment(name="e", flag="f", control="x", treatments=("y",), success=(*METRICS, QUANTILE))
ENDED = replace(PLAN, start=T0, end=T0 + timedelta(hours=70))
# py4j and PySpark leave their sockets to Python's collector; Spark starts slowly beside other work.
pytestmark = [pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"), pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def _sockets() -> Iterator[None]:
    yield
    collect_sockets()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal", JournalSettings()) as made:
        made.append(list(happenings()))
        made.compact()
        yield made


def happenings() -> Iterator[dict[str, Any]]:
    rng = random.Random(7)  # noqa: S311 - made up, and the same each time
    for number in range(900):
        exposed = number % 6 == 0
        at = T0 + timedelta(
            seconds=rng.randrange(-2 * 86_400, 4 * 86_400), microseconds=rng.choice([0, 1, 999_999])
        )
        data: dict[str, Any] = {"value": rng.choice([rng.randrange(-3, 9), rng.random() * 7])}
        if exposed:
            data = {"feature_flag.key": "f", "feature_flag.result.variant": rng.choice("xxxyyyz")}
            data |= rng.choice([{"country": "se"}, {"country": "no"}, {}])
        else:
            data |= rng.choice([{"page": "cart", "user": f"u{rng.randrange(60)}"}, {"page": 7}, {}])
        yield {
            "specversion": "1.0", "id": str(number), "source": "test", "subject": f"u{rng.randrange(60)}",
            "type": EXPOSURE if exposed else rng.choice("pqr"), "time": at.isoformat(), "data": data,
        }  # fmt: skip


def totals(snapshot: Snapshot, plan: Experiment, as_of: datetime | None) -> Totals:
    shown = exposures_of(plan, snapshot.events(EXPOSURE))
    types = sorted({event for metric in plan.metrics for event in metric.types})
    expression = totals_expression(plan, shown, snapshot.events(*types), as_of=as_of)
    return totals_of(plan, expression.to_pyarrow().to_pylist())


def whole(found: Totals, about: Any = lambda number: number) -> list[Any]:
    """All of it, one after the other; `about` says how numbers are compared."""
    rows: list[Any] = [found.first_exposure, found.last_exposure, found.outside]
    for group in found.groups:
        rows.append((group.variant, group.mixed, group.users, group.early, group.late))
        for name, metric in group.metrics.items():
            rows.append((name, metric.events, metric.blank, metric.incomplete))
            rows += [about(value) for value in (metric.quantile.values if metric.quantile else ())]
            for each in (metric.comoments, metric.plain):
                rows.append(each and each.n)
                rows += [
                    about(number) for row in ((each.means, *each.cross) if each else ()) for number in row
                ]
    return rows


def near(number: float) -> Any:
    return pytest.approx(number, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("engine", OTHERS)
def test_engines_agree_on_every_kind_of_metric(journal: Journal, engine: str) -> None:
    address, late = address_of(engine), T0 + timedelta(hours=60)
    cases = [(PLAN, None), (ENDED, late)]
    if address.kind != "spark":  # which takes eight seconds for each
        cases += [(PLAN, late), (ENDED, None)]
    with journal.snapshot() as ours, journal.snapshot(address) as theirs:
        for plan, as_of in cases:
            found = totals(ours, plan, as_of)
            assert any(metric.incomplete for group in found.groups for metric in group.metrics.values())
            assert whole(totals(theirs, plan, as_of)) == whole(found, near)


COUNTED = replace(
    ENDED,
    success=METRICS[:1],
    trigger=Trigger(event="q", field="page", equals="cart"),
    links=Links(event="r"),
    segments=("country",),
)


@pytest.mark.parametrize("engine", OTHERS)
def test_engines_agree_on_who_counts_and_on_the_data(journal: Journal, engine: str) -> None:
    address = address_of(engine)
    with journal.snapshot() as ours, journal.snapshot(address) as theirs:
        found, other = (counted(snapshot) for snapshot in (ours, theirs))
    assert (found[1].linked, found[1].repeated, len(found[1].days)) > (0, 0, 1)
    assert other[1] == found[1]
    assert whole(other[0]) == whole(found[0], near)
    assert [group.assigned for group in other[0].groups] == [group.assigned for group in found[0].groups]
    levels = found[0].segments["country"]
    assert levels.keys() == other[0].segments["country"].keys() == {"no", "se"}
    for level, groups in levels.items():
        theirs = other[0].segments["country"][level]
        assert whole(replace(other[0], groups=theirs)) == whole(replace(found[0], groups=groups), near)


FOLLOWED = replace(ENDED, success=followed(PLAN.metrics))


@pytest.mark.parametrize("engine", OTHERS)
def test_engines_agree_on_how_the_statistics_grew_day_by_day(journal: Journal, engine: str) -> None:
    with journal.snapshot() as ours, journal.snapshot(address_of(engine)) as theirs:
        found, other = (growing(snapshot) for snapshot in (ours, theirs))
    assert len(found) == 3  # until the moment up to which events are known
    for (day, one), (same, another) in zip(found, other, strict=True):
        assert day == same
        assert whole(another) == whole(one, near)


def growing(snapshot: Snapshot) -> list[tuple[date, Totals]]:
    shown = exposures_of(FOLLOWED, snapshot.events(EXPOSURE))
    happened = snapshot.events(*FOLLOWED.types)
    rows = course_expression(FOLLOWED, shown, happened, centres={}, as_of=T0 + timedelta(hours=60))
    return days_of(FOLLOWED, rows.to_pyarrow().to_pylist(), {})


def counted(snapshot: Snapshot) -> tuple[Totals, QualityTotals]:
    shown = exposures_of(COUNTED, snapshot.events(EXPOSURE, attributes={"country": "string"}))
    happened = snapshot.events(*COUNTED.types)
    rows = reading_expression(COUNTED, shown, happened, least=2).to_pyarrow().to_pylist()
    totals = read_rows(COUNTED, rows)
    assert totals.quality is not None
    return replace(totals, quality=None), totals.quality
