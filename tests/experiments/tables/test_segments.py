"""Segments of tables: sizes and effects by the values of a column, and that nobody is named by them."""

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import InputError
from counterpoint.experiments import store
from tests.experiments.tables.conftest import Write
from tests.experiments.tables.test_command import ENDED, read, refused
from tests.experiments.tables.test_workspace import SOURCE, experiment, put

ASKED = ("--subject", "user", "--variant", "arm", "--control", "a", "--metric", "spent", *ENDED)


def rows(*, extra: str = "") -> str:
    """400 users: in NO the treatment has 3 more, in SE nothing happens; a handful is of XX."""
    lines = [
        f"u{i},{'ab'[i % 2]},{(i // 4) % 5 + (3 if i % 2 and i % 4 < 2 else 0)},{'NO' if i % 4 < 2 else 'SE'}"
        for i in range(400)
    ]
    return "user,arm,spent,country\n" + "\n".join(lines) + "\n" + extra


def levels(found: dict[str, Any], number: int = 0) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in found["segments"][number]["levels"]}


def test_effects_and_sizes_are_told_by_value_and_decide_nothing(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", rows())
    plain = read(capsys, "--table", "t.csv", *ASKED)
    found = read(capsys, "--table", "t.csv", *ASKED, "--segment", "country")
    assert found["verdict"] == plain["verdict"]
    assert found["comparisons"] == plain["comparisons"]
    by_value = levels(found)
    assert {name: each["users"] for name, each in by_value.items()} == {
        "NO": {"a": 100, "b": 100},
        "SE": {"a": 100, "b": 100},
    }
    assert [by_value[name]["effects"][0]["difference"] for name in ("NO", "SE")] == [3.0, 0.0]
    (check,) = [each for each in found["quality"]["checks"] if each["test"] == "sample-ratio-by-segment"]
    assert (check["p"], check["rejected"]) == (1.0, False)


def test_a_mismatch_in_one_country_is_told(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    more = "".join(f"x{i},a,1,DK\n" for i in range(60)) + "".join(f"y{i},b,1,FI\n" for i in range(60))
    write("t.csv", rows(extra=more))
    found = read(capsys, "--table", "t.csv", *ASKED, "--segment", "country")
    assert not found["quality"]["sampleRatio"]["rejected"]  # over all users the arms are even
    assert (found["verdict"]["state"], found["verdict"]["condition"]) == (
        "invalid",
        "quality: sample-ratio-by-segment",
    )
    assert "country DK" in found["verdict"]["sentence"]
    (check,) = [each for each in found["quality"]["checks"] if each["test"] == "sample-ratio-by-segment"]
    assert check["rejected"]
    assert "country DK (a 60, b 0)" in check["note"]
    assert set(levels(found)) == {"NO", "SE"}


def test_a_mismatch_on_some_days_is_found_in_a_table_with_moments(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    day = "2026-03-{:02}T23:59:59"
    even = [f"u{i},{'ab'[i % 2]},{i % 5},{day.format(1 + i // 100)}" for i in range(1000)]
    odd = [f"v{i},{'ab'[i >= 90]},{i % 5},{day.format(11 + i // 90)}" for i in range(180)]
    again = [f"v{i},{'ab'[i >= 90]},{i % 5},{day.format(20)}" for i in range(180)]  # a later row moves nobody
    write("t.csv", "user,arm,spent,at\n" + "\n".join([*even, *odd, *again]) + "\n")
    asked = ("--table", "t.csv", "--time", "at", *ASKED)
    found = read(capsys, *asked)
    checks = {each["test"]: each for each in found["quality"]["checks"]}
    assert not found["quality"]["sampleRatio"]["rejected"]
    assert found["verdict"]["condition"] == "quality: sample-ratio-by-day"
    assert "2026-03-11 (a 90, b 0)" in found["verdict"]["sentence"]
    assert checks["sequential-sample-ratio"]["gates"]


def test_values_of_hardly_anybody_are_not_told_nor_those_that_give_them_away(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    few = "x1,a,7,Svalbard\nx2,b,9,Svalbard\nx3,a,1,ola@example.org\n"
    write("t.csv", rows(extra=few))
    assert run(["--json", "experiments", "analyze", "--table", "t.csv", *ASKED, "--segment", "country", "--record-to", "r.md"]) == 0  # fmt: skip
    shown = capsys.readouterr().out + Path("r.md").read_text()
    assert "Svalbard" not in shown
    assert "@" not in shown
    (segment,) = read(capsys, "--table", "t.csv", *ASKED, "--segment", "country")["segments"]
    # One more value goes than is small, since the rest of an arm could be had by taking the others from the whole.
    assert len(segment["levels"]) == 1
    assert segment["others"] == 203


def test_a_column_that_names_people_tells_nothing(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", rows())
    found = read(capsys, "--table", "t.csv", *ASKED, "--segment", "user", "--segment", "country")
    assert found["segments"][0]["levels"] == []
    assert found["segments"][0]["others"] == 400
    assert set(levels(found, 1)) == {"NO", "SE"}


def test_a_user_of_several_values_is_of_none(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", rows(extra="".join(f"u{i},{'ab'[i % 2]},0,SE\n" for i in range(0, 400, 4))))
    found = levels(read(capsys, "--table", "t.csv", *ASKED, "--segment", "country"))
    assert "NO" not in found  # its control has moved to nobody


def test_a_segment_that_is_no_column_is_refused_with_what_is_near(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", rows())
    shown = refused(capsys, "--table", "t.csv", *ASKED, "--segment", "county")
    assert "'county' for a segment; did you mean country?" in shown


def test_before_the_end_no_effect_is_told_by_value_either(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("t.csv", rows())
    found = read(capsys, "--table", "t.csv", *ASKED[:-2], "--segment", "country")
    assert found["segments"] == []
    assert any(each["test"] == "sample-ratio-by-segment" for each in found["quality"]["checks"])


@pytest.mark.parametrize("engine", ["duckdb", "sqlite"])
def test_a_descriptor_names_segments_of_a_warehouse(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    file = Path(workspace.path) / "lake.db"
    values = [line.split(",") for line in rows().splitlines()[1:]]
    connect: Any = duckdb.connect if engine == "duckdb" else sqlite3.connect
    connection = connect(str(file))
    connection.execute('CREATE TABLE t ("user" TEXT, arm TEXT, revenue DOUBLE, country TEXT)')
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", values)
    if engine == "sqlite":
        connection.commit()
    connection.close()
    monkeypatch.setenv("COUNTERPOINT_WAREHOUSES__LAKE", f"{engine}://lake.db")
    found = {name: value for name, value in SOURCE.items() if name != "file"}
    put(workspace, experiment({**found, "connection": "lake", "table": "t", "segments": ["country"]}))
    with Workspace.open(workspace.path) as opened:
        result = store.result_of(opened, store.load(opened, "pricing"))
    (segment,) = result.segments
    assert {each.name: each.effects[0].difference for each in segment.levels} == {"NO": 3.0, "SE": 0.0}


def test_what_is_written_holds_the_segments(workspace: Workspace, write: Write) -> None:
    write("t.csv", rows())
    asked = (*ASKED, "--segment", "country", "--owner", "games")
    assert run(["experiments", "analyze", "p", "--table", "t.csv", *asked, "--write", "e.yaml"]) == 0
    put(workspace)
    assert run(["-w", str(workspace.path), "import", "catalog", "e.yaml"]) == 0
    loaded = store.load(workspace, "p")
    assert loaded.plan.segments == ("country",)
    assert len(store.result_of(workspace, loaded).segments[0].levels) == 2


def test_segments_of_a_descriptor_are_texts(workspace: Workspace) -> None:
    with pytest.raises(InputError):
        put(workspace, experiment({**SOURCE, "segments": "country"}))
