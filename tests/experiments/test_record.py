"""The decision record: what was asked, planned, found and decided, in one page of Markdown."""

from pathlib import Path

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.server.app import create_app


def call(workspace: Workspace, *arguments: str) -> int:
    return run(["-w", str(workspace.path), "experiments", "record", "gate", *arguments])


def test_the_record_has_every_part_and_the_decision_with_who_took_it(
    played: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(played) == 0
    assert "None is recorded yet" in capsys.readouterr().out
    file = tmp_path / "gate.md"
    assert call(played, "--decided", "ship", "--reason", "Worth it.", "--output", str(file)) == 0
    text = file.read_text()
    order = ["# Decision record: Gate at level 40", "## What was asked", "tests the bet", "## Plan", "## Verdict: ship",
             "Ship gate_40: retained rose", "## Figures", "| retained | success |", "## Quality of the data",
             "Sample ratio: as planned", "## Decision", "**ship**", "Worth it.", "```sql"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    with played.graph.read() as reader:
        (noted,) = reader.activity(action="experiment.decided")
    assert noted.actor.rpartition("/")[2] in text.lower() or "by " in text


def test_a_reason_needs_a_decision(played: Workspace) -> None:
    assert call(played, "--reason", "because") == 2


def test_the_api_answers_with_the_same_record(played: Workspace) -> None:
    with TestClient(create_app(played, auth=False, loopback=True), base_url="http://127.0.0.1") as client:
        answer = client.get("/api/v1/experiments/default/gate/record.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert answer.text.startswith("# Decision record: Gate at level 40")
