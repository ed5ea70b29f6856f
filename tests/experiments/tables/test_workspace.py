"""Experiments of a workspace that are read from tables: descriptors, files, warehouses."""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import InputError
from counterpoint.experiments import store
from counterpoint.graph.actor import local_actor
from tests.experiments.conftest import ENTITIES, entity

GROUP = ENTITIES[0]
SOURCE = {"file": "t.csv", "subject": "user", "variant": "arm", "metrics": {"spent": "revenue"}}


def rows(spent: int = 1) -> str:
    return "user,arm,revenue\n" + "".join(f"u{i},{'ab'[i % 2]},{i % 5 + i % 2 * spent}\n" for i in range(200))


def experiment(source: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    return entity(
        "Experiment",
        "pricing",
        {
            "source": dict(source),
            "control": "a",
            "treatments": ["b"],
            "success": [{"metric": "spent"}],
            "end": "2026-06-01",
            **spec,
        },
    )


def put(workspace: Workspace, *documents: dict[str, Any]) -> None:
    metric = entity("Metric", "spent", {"event": "order", "aggregation": "sum", "direction": "increase"})
    with workspace.graph.write(local_actor()) as writer:
        for document in (GROUP, metric, *documents):
            writer.put(document)


def problems(workspace: Workspace, document: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        put(workspace, document)
    return " ".join(map(str, caught.value.problems))


def test_a_descriptor_names_a_file_of_the_workspace_and_its_result_follows_the_file(
    workspace: Workspace,
) -> None:
    put(workspace, experiment(SOURCE))
    loaded = store.load(workspace, "pricing")
    file = Path(workspace.path) / "t.csv"
    with pytest.raises(InputError, match=r"There is no file t\.csv .* export it again"):
        store.result_of(workspace, loaded)
    file.write_text(rows())
    first = store.result_of(workspace, loaded)
    assert first.verdict.state == "ship"
    assert first.source == "t.csv"
    assert store.result_of(workspace, loaded).sql is first.sql  # computed once
    file.write_text(rows(spent=-1))
    assert store.result_of(workspace, loaded).verdict.state == "do not ship"


def test_what_the_command_writes_is_imported_and_read_with_the_same_figures(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "analysis"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "t.csv").write_text(rows())
    asked = (
        "--subject",
        "user",
        "--variant",
        "arm",
        "--control",
        "a",
        "--metric",
        "spent=revenue",
        "--end",
        "2026-06-01",
        "--owner",
        "games",
    )
    assert run(["experiments", "analyze", "pricing", "--table", "t.csv", *asked, "--write", "e.yaml"]) == 0
    put(workspace)
    assert run(["-w", str(workspace.path), "import", "catalog", "e.yaml"]) == 0
    monkeypatch.chdir(tmp_path)  # the path begins at the descriptor, wherever one works
    result = store.result_of(workspace, store.load(workspace, "pricing"))
    assert (result.verdict.state, result.users) == ("ship", 200)


@pytest.mark.parametrize(
    "path", ["../secret.csv", "/etc/passwd", "https://example.org/t.csv", "sub/../../secret.csv"]
)
def test_a_descriptor_reads_nothing_outside_its_folders(workspace: Workspace, path: str) -> None:
    (Path(workspace.path).parent / "secret.csv").write_text(rows())
    put(workspace, experiment({**SOURCE, "file": path}))
    with pytest.raises(InputError) as caught:
        store.result_of(workspace, store.load(workspace, "pricing"))
    assert "no path below the folder" in str(caught.value.problems[0])


def test_a_link_out_of_the_workspace_is_not_followed(workspace: Workspace) -> None:
    (Path(workspace.path).parent / "secret.csv").write_text(rows())
    os.symlink("../secret.csv", Path(workspace.path) / "t.csv")
    put(workspace, experiment(SOURCE))
    with pytest.raises(InputError, match="leads out of"):
        store.result_of(workspace, store.load(workspace, "pricing"))


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_table_of_a_warehouse_is_read_by_its_name_in_the_settings(
    workspace: Workspace, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [(f"u{i}", "ab"[i % 2], i % 5 + i % 2) for i in range(200)]
    file = Path(workspace.path) / f"sales.{kind}"
    connection: Any = duckdb.connect(str(file)) if kind == "duckdb" else sqlite3.connect(file)
    connection.execute('CREATE TABLE visits ("user" VARCHAR, arm VARCHAR, revenue INTEGER)')
    connection.executemany("INSERT INTO visits VALUES (?, ?, ?)", values)
    connection.commit()
    connection.close()
    found = {name: value for name, value in SOURCE.items() if name != "file"}
    put(workspace, experiment({**found, "connection": "lake", "table": "visits"}))
    with pytest.raises(InputError, match="COUNTERPOINT_WAREHOUSES__LAKE"):
        store.result_of(workspace, store.load(workspace, "pricing"))
    monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", f"{kind}://sales.{kind}")
    with Workspace.open(workspace.path) as opened:
        result = store.result_of(opened, store.load(opened, "pricing"))
        put(opened, experiment({**found, "connection": "lake", "table": "visit"}))
        with pytest.raises(InputError, match="has no table visit"):
            store.result_of(opened, store.load(opened, "pricing"))
    assert (result.verdict.state, result.users, result.engine) == ("ship", 200, kind)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (experiment({**SOURCE, "connection": "lake"}), "one of the two"),
        (experiment({"connection": "postgres://u:p@h/d", "table": "t", "subject": "u", "variant": "v"}), "not its address"),
        (experiment({"connection": "lake", "subject": "u", "variant": "v"}), "/spec/source/table"),
        (experiment({"file": "t.csv", "subject": "u"}), "/spec/source/variant"),
        (experiment({**SOURCE, "metrics": {"spent": {"numerator": "x"}}}), "/spec/source/metrics/spent"),
        (experiment({**SOURCE, "metrics": {"spent": {"colum": "x"}}}), "colum is not known"),
        (experiment(SOURCE, start="2026-01-01"), "/spec/start"),
        (entity("Experiment", "x", {"control": "a", "treatments": ["b"], "success": []}), "flag is required"),
    ],
)  # fmt: skip
def test_a_wrong_source_is_refused_on_import(
    workspace: Workspace, document: dict[str, Any], words: str
) -> None:
    found = problems(workspace, document)
    assert words in found
    assert "u:p" not in found


@pytest.mark.postgresql
def test_a_table_of_postgresql_is_read_and_its_password_stays_hidden(
    workspace: Workspace, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgresql_database.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address) as connection:
        connection.execute('CREATE TABLE visits ("user" TEXT, arm TEXT, revenue NUMERIC, at TIMESTAMPTZ)')
        connection.execute(
            "INSERT INTO visits SELECT 'u' || i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END, i % 5 + i % 2,"
            " TIMESTAMPTZ '2026-05-01T00:00Z' + i * INTERVAL '1 minute' FROM generate_series(0, 199) i"
        )
    found = {name: value for name, value in SOURCE.items() if name != "file"}
    put(workspace, experiment({**found, "connection": "lake", "table": "public.visits", "time": "at"}))
    monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", address)
    with Workspace.open(workspace.path) as opened:
        result = store.result_of(opened, store.load(opened, "pricing"))
    assert (result.verdict.state, result.users, result.engine) == ("ship", 200, "postgres")
    assert result.last_exposure is not None
    assert result.last_exposure.isoformat() == "2026-05-01T03:19:00+00:00"
    monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", "postgresql://reader:s3cret@127.0.0.1:1/none")
    with (
        Workspace.open(workspace.path) as opened,
        pytest.raises(InputError, match="lake cannot be reached") as caught,
    ):
        store.result_of(opened, store.load(opened, "pricing"))
    assert "s3cret" not in str(caught.value)


ADDRESSES = (
    "postgres://user:hid#den@localhost/db",
    "postgres://user:hid/den@localhost/db",
    "postgres://user:hid@den@localhost:1/db",
    "postgres://user:hidden@localhost:999999/db",
    "nonsense://user:hidden@localhost/db",
    "user:hidden@localhost",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_piece_of_a_password_is_shown_whatever_is_wrong_with_the_address(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    found = {name: value for name, value in SOURCE.items() if name != "file"}
    put(workspace, experiment({**found, "connection": "lake", "table": "t"}))
    monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", address)
    with pytest.raises(InputError) as caught, Workspace.open(workspace.path) as opened:
        store.result_of(opened, store.load(opened, "pricing"))
    shown = f"{caught.value} {caught.value.problems} {caught.value.__cause__}"
    assert "lake" in shown.lower()
    assert "hid" not in shown
    assert "den" not in shown


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
@pytest.mark.parametrize(
    "table",
    ['t"; DROP TABLE t; --', "(SELECT 1)", "read_csv('/etc/passwd')", ".", "a.b.c.t", "t; DROP TABLE t"],
)
def test_the_name_of_a_table_is_a_name_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, engine: str, table: str
) -> None:
    file = Path(workspace.path) / "lake.db"
    connect: Any = duckdb.connect if engine == "duckdb" else sqlite3.connect
    connection = connect(str(file))
    connection.execute("CREATE TABLE t (a TEXT)")
    connection.close()
    found = {name: value for name, value in SOURCE.items() if name != "file"}
    put(workspace, experiment({**found, "connection": "lake", "table": table}))
    monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", f"{engine}://lake.db")
    with Workspace.open(workspace.path) as opened, pytest.raises(InputError):
        store.result_of(opened, store.load(opened, "pricing"))
    connection = connect(str(file))
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    connection.close()
