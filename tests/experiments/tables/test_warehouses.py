"""A table of a warehouse says what the same table says as a file, on every engine and with columns of any type."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from counterpoint import Workspace
from counterpoint.errors import InputError
from counterpoint.experiments import store
from counterpoint.experiments.result import Result
from tests.experiments.conftest import entity
from tests.experiments.tables.test_workspace import put

COLUMNS = ("who", "arm", "moment", "revenue", "kept", "clicks", "views", "before", "country")
TEXT = ", ".join(f"{name} TEXT" for name in COLUMNS)
TYPED = (
    "who INTEGER, arm TEXT, moment TIMESTAMP, revenue DECIMAL(10, 2), kept BOOLEAN, clicks INTEGER, views BIGINT,"
    " before REAL, country TEXT"
)


def rows() -> list[tuple[Any, ...]]:
    """Three hundred users, of whom some have two rows, and some nothing known of before."""
    found: list[tuple[Any, ...]] = []
    for i in range(340):
        who, t = i % 300, i % 300 % 2
        at = f"2026-05-{1 + i % 28:02} 0{i % 10}:00:00"
        before = None if i % 17 == 0 else (who * 7) % 11
        revenue = (
            None if i % 23 == 0 else (who * 7) % 11 + (who * 13) % 5 / 4 + t * 2 + (900 if who == 8 else 0)
        )
        found.append(
            (
                who,
                "ab"[t],
                at,
                revenue,
                (who * 3) % 4 > t,
                (who * 5) % 4 + t,
                4 + who % 3,
                before,
                ("se", "no")[who % 6 > 2],
            )
        )
    return found


def documents(source: dict[str, Any]) -> list[dict[str, Any]]:
    made = [
        entity(
            "Metric",
            "income",
            {"event": "order", "aggregation": "sum", "direction": "increase", "userCap": {"quantile": 0.95}},
        ),
        entity("Metric", "stayed", {"event": "visit", "aggregation": "any", "direction": "increase"}),
        entity("Metric", "clicked", {"event": "click", "aggregation": "sum", "direction": "increase"}),
        entity("Metric", "viewed", {"event": "view", "aggregation": "sum", "direction": "increase"}),
        entity(
            "Metric",
            "rate",
            {
                "aggregation": "ratio",
                "numerator": "clicked",
                "denominator": "viewed",
                "direction": "increase",
            },
        ),
    ]
    columns = {
        "income": {"column": "revenue", "covariates": ["before"]},
        "stayed": "kept",
        "rate": {"numerator": "clicks", "denominator": "views"},
    }
    plan = entity(
        "Experiment",
        "pricing",
        {
            "source": {
                "subject": "who",
                "variant": "arm",
                "time": "moment",
                "metrics": columns,
                "segments": ["country"],
                **source,
            },
            "control": "a",
            "treatments": ["b"],
            "success": [{"metric": "income"}, {"metric": "rate"}],
            "guardrails": [{"metric": "stayed", "margin": 0.5}],
            "start": "2026-05-03",
            "end": "2026-05-26",
        },
    )
    return [*made, plan]


def read(workspace: Workspace, source: dict[str, Any]) -> Result:
    put(workspace, *documents(source))
    with Workspace.open(workspace.path) as opened:
        return store.result_of(opened, store.load(opened, "pricing"))


def figures(result: Result) -> list[Any]:
    found: list[Any] = [result.users, result.verdict.sentence, result.first_exposure, result.last_exposure]
    for metric in result.metrics:
        found += [metric.control_mean, metric.difference, metric.se, metric.p, metric.detectable]
    return found


def as_file(workspace: Workspace) -> Result:
    lines = (",".join("" if each is None else str(each) for each in row) for row in rows())
    Path(workspace.path, "t.csv").write_text(",".join(COLUMNS) + "\n" + "\n".join(lines) + "\n")
    return read(workspace, {"file": "t.csv"})


ENGINES = ["duckdb", "sqlite", pytest.param("postgres", marks=pytest.mark.postgresql)]


@pytest.fixture
def fill(
    workspace: Workspace, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str, list[tuple[Any, ...]]], None]:
    """Makes a warehouse of an engine with the table `visits`, and names it in the settings."""

    def make(engine: str, columns: str, values: list[tuple[Any, ...]]) -> None:
        if engine == "postgres":
            url: str = request.getfixturevalue("postgresql_database")
            address = url.replace("postgresql+psycopg://", "postgresql://")
            connection: Any = psycopg.connect(address)
        else:
            address = f"{engine}://lake.{engine}"
            connection = {"duckdb": duckdb, "sqlite": sqlite3}[engine].connect(
                str(Path(workspace.path, f"lake.{engine}"))
            )
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE visits ({columns})")
        places = ", ".join(["%s" if engine == "postgres" else "?"] * len(COLUMNS))
        cursor.executemany(f"INSERT INTO visits VALUES ({places})", values)
        connection.commit()
        connection.close()
        monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", address)

    return make


def texts(values: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(None if each is None else str(each) for each in row) for row in values]


@pytest.mark.parametrize("columns", [TYPED, TEXT], ids=["typed", "text"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_warehouse_says_what_the_file_says(
    workspace: Workspace,
    fill: Callable[[str, str, list[tuple[Any, ...]]], None],
    engine: str,
    columns: str,
) -> None:
    fill(engine, columns, rows() if columns == TYPED else texts(rows()))
    expected = as_file(workspace)
    found = read(workspace, {"connection": "lake", "table": "visits"})
    for one, other in zip(figures(found), figures(expected), strict=True):
        assert one == (pytest.approx(other, rel=1e-9) if isinstance(other, float) else other)
    assert found.engine == engine


@pytest.mark.parametrize("engine", ENGINES)
def test_a_moment_with_a_zone_is_that_moment_and_one_without_is_utc(
    workspace: Workspace, fill: Callable[[str, str, list[tuple[Any, ...]]], None], engine: str
) -> None:
    values = texts(rows())
    values = [(*row[:2], f"{row[2]}+02:00" if i % 2 else row[2], *row[3:]) for i, row in enumerate(values)]
    fill(engine, TEXT, values)
    found = read(workspace, {"connection": "lake", "table": "visits"})
    moments = [datetime.fromisoformat(row[2]) for row in values]
    known = [each if each.tzinfo else each.replace(tzinfo=UTC) for each in moments]
    start, end = datetime(2026, 5, 3, tzinfo=UTC), datetime(2026, 5, 27, tzinfo=UTC)
    assert found.first_exposure == min(each for each in known if each >= start)
    assert found.last_exposure == max(each for each in known if each < end)


@pytest.mark.parametrize("engine", ENGINES)
def test_texts_that_are_no_numbers_are_refused_alike_on_every_engine_and_not_shown(
    workspace: Workspace, fill: Callable[[str, str, list[tuple[Any, ...]]], None], engine: str
) -> None:
    values = texts(rows())
    values[5] = (*values[5][:3], "Ann Smith", *values[5][4:])
    values[7] = (*values[7][:2], "yesterday", *values[7][3:])
    fill(engine, TEXT, values)
    with pytest.raises(InputError) as caught:
        read(workspace, {"connection": "lake", "table": "visits"})
    told = " ".join(map(str, caught.value.problems))
    assert "1 row holds text" in told
    assert "1 row holds no moment in moment" in told
    assert "Ann" not in told
