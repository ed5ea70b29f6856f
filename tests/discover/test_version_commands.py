"""`discover fit NAME | versions | forget | follow`, as a terminal runs them."""

import json
from pathlib import Path

import pytest

from counterpoint.cli import run
from tests.discover.heard import opened, planted, played, tell


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with a recommender that has heard something."""
    with opened(tmp_path / "ws") as made:
        tell(made, planted(12), played("ana", "hers", ago=0.25), played(None, "t1"))
    monkeypatch.setenv("COUNTERPOINT_WORKSPACE", str(tmp_path / "ws"))
    return tmp_path / "ws"


def test_a_recommender_is_fitted_listed_and_a_listener_forgotten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["discover", "versions", "weekly"]) == 0
    assert "counterpoint discover fit weekly" in capsys.readouterr().out
    assert run(["discover", "fit", "weekly", "--method", "item-graph", "--until", "2026-11-01"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith(
        "Version 1: item-graph, fitted to 96 interactions of 12 listeners with 24 items"
    )
    assert "left out: 1 events without a listener" in told.err
    assert run(["--json", "discover", "fit", "weekly", "--method", "popularity"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["number"], found["counts"]["listeners"], found["state"]) == (2, 13, "ready")
    assert run(["--json", "discover", "versions", "weekly"]) == 0
    listed = json.loads(capsys.readouterr().out)["items"]
    assert [each["number"] for each in listed] == [2, 1]

    assert run(["--json", "discover", "forget", "ana", "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["fitted"] == ["weekly/2"]
    assert run(["--json", "discover", "forget", "ana", "--recommender", "weekly"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["fitted"], done["kept"]) == (["weekly/2"], ["weekly/1"])
    (folder / "discover" / "default.weekly" / "1.npz").unlink()
    assert run(["discover", "follow"]) == 0
    told = capsys.readouterr()
    assert "Fitted anew: weekly/1." in told.out
    assert "Nothing of them is in: weekly/2." in told.out
    assert run(["discover", "versions", "weekly"]) == 0
    assert "popularity" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (["fit", "weekyl"], 1, "did you mean weekly"),
        (["fit", "weekly", "other"], 2, "--out"),
        (["fit", "counterpoint.toml"], 2, "--out"),
        (["fit", "weekly", "--method", "als2"], 1, "must be one of"),
        (["forget", "ana", "--recommender", "none"], 1, "no recommender none"),
        (["versions", "component:x"], 1, "is no recommender"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    call: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(folder)
    assert run(["discover", *call]) == code
    told = capsys.readouterr()
    assert message in told.err
    assert not told.out
