"""The commands of the journal, as a terminal runs them."""

import json
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.cli import run

from .conftest import event

MAPPING = "source: test\nsubject: user\ntime: 2024-01-15\nexposure: {flag: gate, variant: arm}\nmetrics: {rounds: rounds}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a workspace, a mapping and a table with one wrong row."""
    Workspace.create(tmp_path / "ws").close()
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "test.csv").write_text("user,arm,rounds\n1,a,5\n2,b,many\n3,b,7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTERPOINT_WORKSPACE", str(tmp_path / "ws"))
    return tmp_path


def test_a_table_is_imported_and_compacted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "test.csv").write_text("user,arm,rounds\n1,a,5\n")
    assert run(["import", "events", "test.csv", "--mapping", "mapping.yaml"]) == 0
    assert capsys.readouterr().out == "2 events accepted.\n"
    assert run(["import", "events", "test.csv", "--mapping", "mapping.yaml"]) == 0
    again = capsys.readouterr()
    assert again.out == "0 events accepted. 2 events the journal had already.\n"
    assert again.err.startswith("note: what the journal had already keeps its first values")
    with Workspace.open(folder / "ws") as workspace:
        assert workspace.journal.compact().events == 0
        assert len(workspace.journal.recent()) == 2


def test_a_wrong_row_ends_with_1_and_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "import", "events", "test.csv", "--mapping", "mapping.yaml"]) == 1
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert (answer["accepted"], answer["duplicates"]) == (4, 0)
    assert answer["rejected"] == [
        {"file": "test.csv", "line": 3, "message": "rounds is 'many', which is no number"}
    ]
    assert printed.err.splitlines() == [
        "counterpoint: 1 line or event could not be read; the others were kept.",
        "  test.csv:3: rounds is 'many', which is no number",
    ]


def test_of_many_problems_the_first_twenty_are_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "test.csv").write_text("user,arm,rounds\n" + "".join(f"{user},a,x\n" for user in range(30)))
    assert run(["import", "events", "test.csv", "--mapping", "mapping.yaml"]) == 1
    shown = capsys.readouterr().err.splitlines()
    assert (
        shown[0]
        == "counterpoint: 30 lines or events could not be read (the first 20 follow); the others were kept."
    )
    assert len(shown) == 21


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["test.csv"], 2, "--mapping FILE"),
        ([], 2, "Name at least one file"),
        (["none.csv", "--mapping", "mapping.yaml"], 1, "none.csv cannot be read: No such file"),
        (["test.csv", "--mapping", "none.yaml"], 1, "none.yaml cannot be read"),
        (["test.csv", "--mapping", "test.csv"], 1, "the mapping must be a mapping"),
    ],
)
def test_wrong_use_is_told_in_one_message(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run(["import", "events", *arguments]) == code
    printed = capsys.readouterr().err
    assert words in printed
    assert "Traceback" not in printed


def test_ndjson_is_imported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "test.ndjson").write_text(json.dumps(event(1)) + "\n" + json.dumps(event(2, id=...)) + "\n")
    assert run(["import", "events", "test.ndjson"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "1 event accepted.\n"
    assert "test.ndjson:2: id is missing" in printed.err


def test_compact_says_what_it_moved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Workspace.open(folder / "ws") as workspace:
        workspace.journal.append([event(1), event(2, type="b")])
    assert run(["events", "compact"]) == 0
    assert capsys.readouterr().out == "2 events moved into 2 segments.\n"
    assert run(["--json", "events", "compact"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "events": 0,
        "segments": 0,
        "orphans": 0,
        "merged": 0,
        "expired": [],
        "busy": False,
    }


def test_compact_says_what_it_would_do_before_it_does_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(folder / "ws") as workspace:
        for number in range(2):
            workspace.journal.append([event(number)])
            workspace.journal.compact()
        workspace.journal.append([event(5, type="old", time="2020-01-01T00:00:00Z")])
    monkeypatch.setenv("COUNTERPOINT_JOURNAL__RETENTION", '{ "old" = 30, "odd" = 5 }')
    assert run(["events", "compact", "--dry-run"]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "1 event would be moved into segments. 2 small segments would be merged."
    assert second.startswith("1 event of type old before 20")
    assert third == "note: [journal] retention names odd, and the journal holds no such event."
    assert run(["events", "retention"]) == 0
    rules = capsys.readouterr().out.splitlines()
    assert rules[:3] == ["odd: 5 days.", "old: 30 days.", "note: the journal holds no event of type odd."]
    assert rules[3].startswith("Due: 1 event of type old before 20")
    assert run(["events", "compact"]) == 0
    moved, gone = capsys.readouterr().out.splitlines()
    assert moved == "0 events moved into 0 segments. 2 small segments merged."
    assert gone.endswith("gone by [journal] retention.")
    assert run(["--json", "events", "retention"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert kept["due"] == []
    assert [(each["what"]["type"], each["what"]["events"]) for each in kept["gone"]] == [("old", 1)]


def test_without_retention_events_are_kept_for_ever(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["events", "retention"]) == 0
    assert capsys.readouterr().out.startswith("Events are kept for ever: [journal] retention")
