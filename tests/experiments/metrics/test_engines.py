"""The figures of metrics on Spark and ClickHouse beside DuckDB, over a made-up journal: the same figures."""

import math
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from counterpoint.engine import EngineAddress
from counterpoint.experiments.metrics.computing import compute, distribution
from counterpoint.experiments.metrics.definition import Aggregation, Calendar, Definition
from counterpoint.experiments.metrics.period import Period
from counterpoint.experiments.metrics.reading import Figure, Reading
from counterpoint.experiments.metrics.readings import Asked
from counterpoint.experiments.metrics.store import Loaded
from counterpoint.journal import Journal
from tests.journal.engines import OTHERS, address_of, collect_sockets, made_up

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

MADE = tuple(name for name in get_args(Aggregation) if name != "ratio")


@pytest.fixture(params=OTHERS)
def engine(request: pytest.FixtureRequest) -> Iterator[EngineAddress]:
    """Each engine that is compared with DuckDB."""
    yield address_of(request.param)
    collect_sockets()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Made-up events, half of them in files."""
    with Journal(tmp_path / "journal") as made:
        events = made_up(random.Random(5), 700)  # noqa: S311 - made-up events
        made.append(events[::2])
        made.compact()
        made.append(events[1::2])
        yield made


def asked() -> Iterator[tuple[Loaded, Asked]]:
    """Every aggregation, over each calendar, whole and in parts."""
    for number, aggregation in enumerate(MADE):
        for index, calendar in enumerate(get_args(Calendar)):
            if index != number % 3:  # one calendar each: Spark takes a second or more for each question
                continue
            field = ("value", "amount", "deep.inner field", "größe")[(number + index) % 4]
            metric = Definition(
                ref="metric:default/m",
                name="m",
                title="M",
                aggregation=aggregation,
                event="order",
                field=field,
                quantile=0.5 if aggregation == "quantile" else None,
                cap=20.0 if aggregation in ("mean", "sum") else None,
                per="user" if index == 1 else "all",
                calendar=calendar,
            )
            period = Period(date(2026, 4, 27), date(2026, 5, 31), calendar)
            yield (
                Loaded(metric, ()),
                Asked(period, split=(None, "amount", "source")[(number + index) % 3], series=3),
            )


def alike(one: Figure, other: Figure) -> bool:
    """Whether two figures are the same, sums to rounding."""
    told = [getattr(one, name) == getattr(other, name) for name in one.__struct_fields__ if name != "value"]
    if one.value is None or other.value is None:
        return all(told) and one.value is other.value
    return all(told) and math.isclose(one.value, other.value, rel_tol=1e-9, abs_tol=1e-9)


def lines(reading: Reading) -> list[Figure]:
    return [reading.whole, *reading.parts, *reading.points]


@pytest.mark.timeout(400)  # Spark starts slowly beside other work
def test_engines_agree_on_every_figure(journal: Journal, engine: EngineAddress) -> None:
    shown = 0
    with journal.snapshot() as ours, journal.snapshot(engine) as theirs:
        for loaded, what in asked():
            here, there = compute(ours, loaded, what), compute(theirs, loaded, what)
            pairs: list[Any] = list(zip(lines(here), lines(there), strict=True))
            wrong = [(one, other) for one, other in pairs if not alike(one, other)]
            assert not wrong, (loaded.definition, what.split, wrong[:2])
            shown += sum(one.value is not None for one, _ in pairs)
            if loaded.definition.aggregation == "sum":
                assert distribution(theirs, loaded.definition, what.period) == pytest.approx(
                    distribution(ours, loaded.definition, what.period)
                )
    assert shown > 30  # they have something to agree on
