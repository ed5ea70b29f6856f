"""`init` and `doctor` as they are called."""

import json
from pathlib import Path

import pytest

from counterpoint.cli import run


def test_init_makes_a_workspace_that_doctor_finds_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "w")
    assert run(["init", folder, "--name", "Arpeggio"]) == 0
    assert "Made the workspace Arpeggio" in capsys.readouterr().out
    assert run(["-w", folder, "doctor"]) == 0
    assert "graph" in capsys.readouterr().out
    assert run(["-w", folder, "--json", "doctor"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    assert {finding["subject"] for finding in answer["findings"]} >= {"settings", "graph"}


def test_init_twice_fails_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path)]) == 0
    capsys.readouterr()
    assert run(["init", str(tmp_path)]) == 1
    assert (
        capsys.readouterr().err
        == f"counterpoint: {tmp_path} is a workspace already; open it with -w {tmp_path}.\n"
    )


def test_doctor_fails_where_something_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path)]) == 0
    file = tmp_path / "graph.db"
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    file.write_bytes(content)
    assert run(["-w", str(tmp_path), "doctor"]) == 1
    assert run(["-w", str(tmp_path / "none"), "doctor"]) == 1
    assert "counterpoint init" in capsys.readouterr().err


def test_doctor_cuts_no_name_on_a_narrow_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert run(["init", str(tmp_path)]) == 0
    capsys.readouterr()
    assert run(["-w", str(tmp_path), "doctor"]) == 0
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert str(tmp_path / "counterpoint.toml") in "".join(shown.split())
