"""The commands of the journal, as a terminal runs them."""

import gzip
import json
import random
from io import BufferedReader, BytesIO, TextIOWrapper
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
        (["test.csv", "--maping", "mapping.yaml"], 2, "Unknown option: --maping"),
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


def ndjson(*documents: object) -> bytes:
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def test_packed_ndjson_is_imported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "events.ndjson.gz").write_bytes(
        gzip.compress(b"\xef\xbb\xbf" + ndjson(event(1))) + gzip.compress(ndjson(event(2)))
    )
    assert run(["import", "events", "events.ndjson.gz"]) == 0
    assert capsys.readouterr().out == "2 events accepted.\n"


def test_of_a_packed_file_that_is_cut_off_what_can_be_read_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(1)  # noqa: S311 - what gzip cannot make small
    events = [event(number, data=chance.randbytes(100).hex()) for number in range(5_000)]
    (folder / "events.ndjson.gz").write_bytes(gzip.compress(ndjson(*events))[:-1000])
    assert run(["import", "events", "events.ndjson.gz"]) == 1
    assert "cannot be read from here on" in capsys.readouterr().err
    with Workspace.open(folder / "ws") as workspace:
        assert 4_500 < sum(each.count for each in workspace.journal.counts()) < 5_000


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (gzip.compress(b"a,b\n1,2\n", mtime=0), [], "holds no CloudEvents"),
        (
            gzip.compress(b"a,b\n1,2\n", mtime=0),
            ["--mapping", "mapping.yaml"],
            "is compressed; unpack tables",
        ),
        (b"\x1f\x8bnothing", [], "cannot be unpacked"),
    ],
)
def test_a_packed_file_that_does_not_fit_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, arguments: list[str], words: str
) -> None:
    (folder / "packed.gz").write_bytes(content)
    assert run(["import", "events", "packed.gz", *arguments]) in (1, 2)
    assert words in capsys.readouterr().err


def test_standard_input_is_imported(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ndjson(event(1), event(2, id="")) + b"{oops\n"
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BufferedReader(BytesIO(lines))))
    assert run(["import", "events", "-"]) == 1
    printed = capsys.readouterr()
    assert printed.out == "1 event accepted.\n"
    assert "standard input:2: id is empty" in printed.err
    assert "standard input:3: not valid JSON" in printed.err
    assert run(["import", "events", "-", "--mapping", "mapping.yaml"]) == 2


def test_a_dry_run_says_what_is_there_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "events.ndjson").write_bytes(
        ndjson(event(1), event(2, time="1970-01-01T00:00:00Z"), event(3, id=""))
    )
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert run(["import", "events", "events.ndjson", "--dry-run"]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "2 events could be imported; nothing was written.",
        "order.placed: 2 from 1970-01-01T00:00:00Z to 2026-05-04T10:00:00Z",
    ]
    assert "note: 1 event with a time ahead of now or before the year 2000" in printed.err
    assert "events.ndjson:3: id is empty" in printed.err
    assert run(["--json", "import", "events", "test.csv", "--mapping", "mapping.yaml", "--dry-run"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["dryRun"], answer["readable"], answer["rejected"][0]["line"]) == (True, 4, 3)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


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
