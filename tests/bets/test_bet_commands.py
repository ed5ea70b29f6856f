"""The commands of bets, as a person and as a script see them."""

import json
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.bets.store import write
from counterpoint.cli import run
from counterpoint.graph.actor import SYSTEM


@pytest.fixture
def call(org: Workspace, capsys: pytest.CaptureFixture[str]) -> Any:
    for name in ("weekly", "other"):
        document = {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": name},
            "spec": {"owner": "discovery", "horizon": "now"},
        }
        write(org.graph, document, actor=SYSTEM)

    def called(*arguments: str, code: int = 0) -> str:
        assert run(["-w", str(org.path), *arguments]) == code
        said = capsys.readouterr()
        return said.out if code == 0 else said.err

    return called


def test_the_list_says_what_is_missing(call: Any) -> None:
    assert "traces to no purpose" in call("bets", "list")
    items = json.loads(call("bets", "list", "--json"))["items"]
    assert [item["bet"]["name"] for item in items] == ["other", "weekly"]


def test_a_bet_is_moved_and_the_board_says_so(call: Any) -> None:
    assert call("bets", "board", "discovery").index("1. other") > 0
    assert "1. weekly" in call("bets", "rank", "discovery", "weekly", "--move", "top")
    board = json.loads(call("bets", "rank", "discovery", "weekly", "--horizon", "later", "--json"))
    assert [[row["line"]["bet"]["name"] for row in column["bets"]] for column in board["columns"]] == [
        ["other"],
        [],
        ["weekly"],
    ]
    assert "--move" in call("bets", "rank", "discovery", "weekly", code=1)
    assert "is no move" in call("bets", "rank", "discovery", "weekly", "--move", "around", code=1)


def test_evidence_is_written_down_once_for_each_source(call: Any) -> None:
    given = ["bets", "evidence", "add", "weekly", "--risk", "value", "--method", "offline", "--says", "for"]
    assert "strength 2 of 4" in call(*given, "--source", "study")
    call(*given, "--source", "study")
    assert "1 piece of evidence" in call("bets", "evidence", "list", "weekly")
    assert "is not one of" in call(*given[:-1], "perhaps", code=1)
    assert "is no date" in call(*given, "--date", "tomorrow", code=1)
    assert "no bet" in call("bets", "evidence", "list", "nothing", code=1)
