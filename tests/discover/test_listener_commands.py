"""`discover recommend NAME | weekly | link`, as a terminal runs them."""

import json
import shutil
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.discover.links import listener_of
from counterpoint.discover.week import this_week
from tests.discover.streaming import LISTENERS


@pytest.fixture
def folder(_fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The streaming workspace, closed and named by the environment."""
    shutil.copytree(_fitted, tmp_path / "songs")
    monkeypatch.setenv("COUNTERPOINT_WORKSPACE", str(tmp_path / "songs"))
    return tmp_path / "songs"


def test_playlists_are_made_shown_and_made_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "discover", "weekly", "songs", "--listener", "user-0"]) == 0
    week = json.loads(capsys.readouterr().out)
    assert (week["week"], week["listener"], len(week["tracks"])) == (this_week(), "user-0", 8)
    assert run(["discover", "weekly", "songs"]) == 0
    told = capsys.readouterr().out
    assert f"{LISTENERS - 1} playlists made" in told
    assert "1 listener had one already" in told
    assert run(["discover", "weekly", "songs", "--listener", "user-0"]) == 0
    assert "Often comes together with" in capsys.readouterr().out
    assert run(["discover", "weekly", "songs", "--listener", "user-0", "--replay"]) == 0
    assert "it is the same" in capsys.readouterr().out


def test_a_listener_is_recommended_something_and_given_a_link(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["discover", "recommend", "songs", "--listener", "user-0", "--count", "3", "--why"]) == 0
    assert "Jazz No." in capsys.readouterr().out
    ask = [
        "--json",
        "discover",
        "recommend",
        "songs",
        "--listener",
        "user-0",
        "--listener",
        "user-1",
        "--where",
        "genre:folk",
    ]
    assert run(ask) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {"user-0", "user-1"}
    assert {each["item"].split("-")[0] for each in found["user-0"]["items"]} == {"folk"}
    assert run(["discover", "link", "songs", "--listener", "user-0", "--days", "2"]) == 0
    token = capsys.readouterr().out.strip().removeprefix("/discover/listen/")
    with Workspace.open(folder) as workspace:
        assert listener_of(workspace, token).listener == "user-0"


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (["weekly", "songs", "--replay"], 2, "--listener"),
        (["weekly", "songz"], 1, "did you mean songs"),
        (["weekly", "songs", "--week", "2026-W99"], 1, "ISO week"),
        (["weekly", "songs", "--listener", "user-0", "--replay"], 1, "no playlist"),
        (["recommend", "songs"], 2, "--listener"),
        (["recommend", "songs", "--listener", "user-0", "--item", "jazz-1"], 2, "--listener alone"),
        (["recommend", "songs", "--listener", "user-0", "--where", "jazz"], 1, "genre:jazz"),
        (["link", "songs", "--listener", "user-0", "--days", "900"], 1, "400 days"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], call: list[str], code: int, message: str
) -> None:
    assert run(["discover", *call]) == code
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
