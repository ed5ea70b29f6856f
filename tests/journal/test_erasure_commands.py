"""`events forget`, as a terminal runs it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.cli import run

from .conftest import event

PERSON = "ana.moreira@arpeggio.example"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with three events of one person and one of another, partly compacted."""
    with Workspace.create(tmp_path / "ws") as workspace:
        workspace.journal.append([event(1, subject=PERSON), event(2), event(3, data={"by": PERSON})])
        workspace.journal.compact()
        workspace.journal.append([event(4, subject=PERSON)])
    monkeypatch.setenv("COUNTERPOINT_WORKSPACE", str(tmp_path / "ws"))
    return tmp_path / "ws"


def test_a_person_is_forgotten_and_the_proof_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["events", "forget", PERSON, "--yes"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("3 events removed (3 'order.placed'); 1 segment written anew")
    assert "nothing is left" in told
    with Workspace.open(folder) as workspace:
        assert [each.id for each in workspace.journal.recent()] == ["e2"]


def test_a_dry_run_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "events", "forget", PERSON, "--dry-run"]) == 0
    erased = json.loads(capsys.readouterr().out)["erased"]
    assert (erased["events"], erased["types"], erased["number"]) == (3, {"order.placed": 3}, 0)
    with Workspace.open(folder) as workspace:
        assert len(workspace.journal.recent()) == 4


def test_verify_exits_with_1_while_something_is_there(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--json", "events", "forget", "--verify", PERSON]) == 1
    proof = json.loads(capsys.readouterr().out)["proof"]
    assert (proof["clean"], proof["events"]) == (False, 3)
    assert run(["events", "forget", PERSON, "--yes"]) == 0
    capsys.readouterr()
    assert run(["--json", "events", "forget", "--verify", PERSON]) == 0
    proof = json.loads(capsys.readouterr().out)["proof"]
    assert (proof["clean"], proof["events"], proof["journal"]["traces"]) == (True, 0, [])
    assert proof["journal"]["files"] >= 3


def test_people_come_from_a_file_too(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ids.txt").write_text(f"{PERSON}\n\n  user-2 \r\n")
    assert run(["--json", "events", "forget", "--file", str(tmp_path / "ids.txt"), "--yes"]) == 0
    erased = json.loads(capsys.readouterr().out)["erased"]
    assert (erased["people"], erased["events"], erased["finished"]) == (2, 4, True)


def test_the_activity_log_has_the_receipt_and_not_the_person(folder: Path) -> None:
    assert run(["events", "forget", PERSON, "--yes"]) == 0
    with Workspace.open(folder) as workspace, workspace.graph.read() as reader:
        [activity] = [each for each in reader.activity() if each.action == "events.forgotten"]
        assert workspace.journal.erasures(noted=False) == []
    assert activity.subject == "erasure:1"
    assert activity.after["events"] == 3
    with closing(sqlite3.connect(folder / "graph.db")) as database:
        dump = "\n".join(database.iterdump())
    assert PERSON not in dump
    assert all(PERSON.encode() not in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_what_the_graph_says_of_a_person_is_told_and_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "shop", "description": f"asked for by {PERSON}"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "group:default/shop"},
    }
    with Workspace.open(folder) as workspace:
        from counterpoint.graph.actor import SYSTEM

        with workspace.graph.write(SYSTEM) as writer:
            writer.put(document)
    assert run(["events", "forget", PERSON, "--yes"]) == 0
    assert "Beside the journal, 'graph.db'" in capsys.readouterr().out


@pytest.mark.postgresql
def test_a_graph_in_postgresql_is_searched_too(
    postgresql_database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from counterpoint.graph.actor import SYSTEM

    monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", postgresql_database)
    with Workspace.create(tmp_path / "ws") as workspace, workspace.graph.write(SYSTEM) as writer:
        writer.put(
            {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Group",
                "metadata": {"name": "shop", "description": f"asked for by {PERSON}"},
                "spec": {"type": "squad", "children": []},
            }
        )
    assert run(["-w", str(tmp_path / "ws"), "--json", "events", "forget", PERSON, "--yes"]) == 0
    found = json.loads(capsys.readouterr().out)["proof"]["database"]
    assert found["revision"] == 1
    assert "tag" not in found
    assert run(["-w", str(tmp_path / "ws"), "events", "forget", PERSON, "--yes"]) == 0
    assert "table 'revision' of the graph's database" in capsys.readouterr().out


def test_nobody_named_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "forget"]) == 2
    assert run(["events", "forget", PERSON]) == 2, "nobody is there to ask"
    assert "--file" in capsys.readouterr().err
    assert run(["events", "forget", "--file", str(folder / "none.txt")]) == 1
