import json

import pytest

from counterpoint import Workspace
from counterpoint.cli import run
from tests.experiments.metrics.conftest import event, measured


def call(workspace: Workspace, *arguments: str) -> int:
    return run(["-w", str(workspace.path), *arguments])


@pytest.fixture
def sized(squad: Workspace) -> Workspace:
    """A metric in milliseconds with a number in nine of ten events, and one whose event never came."""
    measured(squad, "start", field="ms", unit="ms")
    measured(squad, "gone", event="never.sent")
    squad.journal.append([event(0, user, {"ms": 100 + user} if user else {}) for user in range(10)])
    return squad


def test_metrics_are_listed_with_their_last_events(
    sized: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(sized, "metrics", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("start" in line and "games" in line and "4 May 2026" in line for line in lines)
    assert any("gone" in line and "never" in line for line in lines)
    assert call(sized, "--json", "metrics", "list") == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["metrics"]}
    assert found["start"]["unit"] == "ms"
    assert found["gone"]["lastEvent"] is None


def test_check_tells_what_is_wrong_and_ends_well(
    sized: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(sized, "metrics", "check") == 0
    shown = capsys.readouterr().out
    assert "10.0 % of the events have no number in `ms`" in " ".join(shown.split())
    assert "No event of type `never.sent`" in " ".join(shown.split())
    assert "2 metrics, 2 with warnings." in shown
    assert call(sized, "--json", "metrics", "check", "start", "--days", "36500") == 0
    (found,) = json.loads(capsys.readouterr().out)["metrics"]
    assert [(each["level"], each["about"]) for each in found["remarks"]] == [
        ("warning", "field"),
        ("info", "definition"),
    ]


def test_a_field_that_no_path_can_name_keeps_no_other_metric_from_its_check(
    sized: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    measured(sized, "odd", field="<i>x</i>")
    assert call(sized, "metrics", "check") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "No path can name the field `<i>x</i>`" in shown
    assert "10.0 % of the events have no number in `ms`" in shown


def test_show_prints_the_figures_of_a_period(sized: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(sized, "metrics", "show", "start", "--days", "2") == 0
    assert "105.0 ms" in capsys.readouterr().out
    assert call(sized, "--json", "metrics", "show", "start", "--days", "2") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["whole"]["value"] == 105
    assert [point["span"] for point in found["points"]] == ["2026-05-03", "2026-05-04"]


def test_a_slip_in_the_name_is_told(sized: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(sized, "metrics", "show", "strat") == 1
    assert "did you mean start?" in capsys.readouterr().err
