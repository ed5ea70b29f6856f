"""What each stage is for, as page, API, command and docs tell it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.model import Stage
from counterpoint.bets.stages import STAGES
from counterpoint.cli import run
from counterpoint.graph.actor import SYSTEM

DOCS = Path(__file__).parents[2] / "docs" / "bets.md"


def test_the_docs_have_a_row_for_each_stage_with_its_words() -> None:
    rows = re.findall(r"^\| (\w+ it) \| (.*) \|$", DOCS.read_text(), re.MULTILINE)
    assert rows == [
        (
            guide.stage.label,
            " | ".join((guide.goal, guide.exit_question, guide.risk, guide.artefact, guide.people)),
        )
        for guide in STAGES
    ]


def test_api_and_command_tell_the_same(
    org: Workspace, client: TestClient[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    told = client.get("/api/v1/bets/stages").json()
    assert [each["stage"] for each in told["items"]] == list(Stage)
    assert all(each["artefact"] and each["people"] and each["exitQuestion"] for each in told["items"])
    assert run(["-w", str(org.path), "bets", "stages", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert run(["-w", str(org.path), "bets", "stages"]) == 0
    assert "Think it: Find out what to build and why." in capsys.readouterr().out


@pytest.mark.parametrize("guide", STAGES, ids=lambda guide: guide.stage.value)
def test_the_page_of_a_bet_tells_its_stage(org: Workspace, client: TestClient[Any], guide: Any) -> None:
    spec = {"owner": "discovery", "stage": guide.stage.value}
    document = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "weekly"},
        "spec": spec,
    }
    with org.graph.write(SYSTEM) as writer:
        writer.put(document)
    page = client.get("/bets/default/weekly", headers={"accept": "text/html"}).text
    assert guide.artefact in page
    assert guide.people in page
