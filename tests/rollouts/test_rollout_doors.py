"""Rollouts on the command line and over HTTP."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.graph.descriptor import validate
from counterpoint.rollouts import store
from counterpoint.rollouts.judging import Observed
from counterpoint.rollouts.watching import Watch
from counterpoint.server import mounting
from counterpoint.server.app import create_app

from .conftest import ROLLOUT, document, observed_of

Client = TestClient[Any]
API = "/api/v1/rollouts/default/weekly"
PLAN = """
flag: weekly-list
usersPerDay: 20000
steps:
  - {percent: 10, hold: 1h, inconclusive: proceed}
  - {percent: 50, hold: 2h}
  - {percent: 100, hold: 0s}
guardrails:
  - {metric: crashed, direction: decrease, margin: 0.5, baseline: {mean: 0.1}}
"""


def call(workspace: Workspace, *arguments: str) -> int:
    return run(["-w", str(workspace.path), *arguments])


@pytest.fixture
def client(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(mounting, "ROOMS", ("rollouts",))
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def test_a_rollout_is_led_by_commands(
    org: Workspace,
    seen: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert call(org, "rollouts", "list") == 0
    assert "pending" in capsys.readouterr().out
    assert call(org, "rollouts", "start", "weekly", "--dry-run") == 0
    assert "Would be written: 'weekly': started, now 1 %" in capsys.readouterr().out
    assert call(org, "rollouts", "start", "weekly", "--reason", "The build is out.") == 0
    assert "'weekly': started, now 1 %. The build is out." in capsys.readouterr().out
    assert call(org, "rollouts", "step") == 0
    assert "checked" in capsys.readouterr().out
    assert call(org, "rollouts", "proceed", "weekly") == 1
    assert "Say why" in capsys.readouterr().err
    assert call(org, "rollouts", "pause", "weekly") == 0
    assert call(org, "rollouts", "resume", "weekly") == 0
    assert call(org, "rollouts", "approve", "weekly") == 0
    assert call(org, "rollouts", "proceed", "weekly", "--reason", "For the test.") == 0
    capsys.readouterr()
    assert call(org, "rollouts", "status", "weekly") == 0
    shown = capsys.readouterr().out
    for words in ("running at 10 %", "▶", "crashed", "missing", "You can: pause"):
        assert words in shown
    assert call(org, "rollouts", "complete", "weekly", "--reason", "For the test.") == 0
    assert call(org, "rollouts", "roll-back", "weekly") == 0
    assert store.load(org, "weekly").state.phase == "rolled-back"


def test_status_as_json_has_plan_figures_and_what_is_next(
    org: Workspace, seen: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    call(org, "rollouts", "start", "weekly")
    at = store.load(org, "weekly").state.at
    assert at is not None
    seen(observed_of(at, treatment=0.4))
    capsys.readouterr()
    assert call(org, "--json", "rollouts", "status", "weekly") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["phase"], found["coming"]["kind"], found["coming"]["rule"]) == (
        "running",
        "rolled-back",
        "a guardrail failed",
    )
    assert found["figures"]["guardrails"][0]["verdict"] == "fail"
    assert found["plan"]["steps"][0]["percent"] == 1


def test_cron_and_hand_come_to_the_same(
    org: Workspace, seen: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    call(org, "rollouts", "start", "weekly")
    at = store.load(org, "weekly").state.at
    assert at is not None
    seen(observed_of(at, treatment=0.4))
    capsys.readouterr()
    assert call(org, "--json", "rollouts", "step", "weekly") == 0
    (events,) = json.loads(capsys.readouterr().out).values()
    assert (events[0]["kind"], events[0]["actor"]) == ("rolled-back", "system:default/counterpoint")
    assert call(org, "rollouts", "step") == 0
    assert "Nothing to do." in capsys.readouterr().out


def test_a_plan_in_a_file_is_simulated_without_a_workspace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN)
    arguments = ["-w", str(tmp_path / "none"), "rollouts", "simulate", str(file), "--runs", "20"]
    assert run(["--json", *arguments]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["outcomes"][0]["runs"] == 20
    assert run(["--json", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    for words in (
        "this plan, checked each minute",
        "fixed threshold, checked six-hourly",
        "50 % worse (margin)",
    ):
        assert words in shown


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("percent: 50", "percent: 5"), "each step reaches more users"),
        (("margin: 0.5", "margin: 2"), "above 0 and below 1"),
        (("baseline: {mean: 0.1}", "baseline: {sd: 3}"), "has no mean"),
        (("hold: 2h", "hold: soon"), "no length of time"),
        (("direction: decrease, ", ""), "does not exist"),
        (("usersPerDay: 20000", "alpha: 0.05"), "how many users come"),
        (("percent: 100, hold: 0s", "percent: 100, hold: 1h, monitored: true"), "no control of equal size"),
        (("flag: weekly-list", "flag: [a"), "not valid YAML"),
        (("percent: 50", "percent: 50.1234"), "at most three decimals"),
    ],
)
def test_a_plan_that_cannot_be_used_says_what_and_where(
    tmp_path: Path, change: tuple[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN.replace(*change))
    assert run(["-w", str(tmp_path), "rollouts", "simulate", str(file), "--runs", "5"]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


SEQUENTIAL = {"metric": "crashed", "margin": 0.1, "test": "group-sequential", "maximum": 1_000}


@pytest.mark.parametrize(
    ("spec", "pointer", "words"),
    [
        ({"steps": [{"percent": 10}, {"percent": 10}]}, "/spec/steps/1/percent", "more users than the one"),
        ({"steps": [{"percent": math.nan}]}, "/spec/steps/0/percent", "no JSON number"),
        ({"steps": [{"percent": 0}]}, "/spec/steps/0/percent", "at least 0.001"),
        ({"steps": [{"percent": (n + 1) / 500} for n in range(1_001)]}, "/spec/steps", "1,000 are the most"),
        ({"steps": [{"percent": 1, "hold": "0s", "monitored": True}]}, "/spec/steps/0/hold", "too short"),
        ({"guardrails": [{"metric": "crashed", "margin": 0}]}, "/spec/guardrails/0/margin", "above 0"),
        ({"guardrails": [{"metric": "crashed", "margin": math.inf}]}, "/spec/guardrails/0/margin", "number"),
        ({"guardrails": [{**SEQUENTIAL, "parameter": -1}]}, "/spec/guardrails/0/parameter", "above 0"),
        ({"guardrails": [{**SEQUENTIAL, "parameter": 1e9}]}, "/spec/guardrails/0/parameter", "at most"),
        (
            {"guardrails": [{**SEQUENTIAL, "spending": "pocock", "parameter": 2}]},
            "/spec/guardrails/0/parameter",
            "no parameter",
        ),
        ({"limits": {"trouble": "0s"}}, "/spec/limits/trouble", "too short"),
    ],
)
def test_a_plan_that_could_never_be_carried_out_is_refused_with_its_place(
    spec: dict[str, Any], pointer: str, words: str
) -> None:
    problems = validate(document("Rollout", "weekly", {**ROLLOUT, **spec}))
    assert [(each.pointer, words in each.message) for each in problems] == [(pointer, True)]


def test_the_api_leads_a_rollout(client: Client, org: Workspace, seen: Callable[..., None]) -> None:
    (listed,) = client.get("/api/v1/rollouts").json()["items"]
    assert (listed["name"], listed["phase"]) == ("weekly", "pending")
    dry = client.post(f"{API}/commands", params={"dryRun": "true"}, json={"command": "start"})
    assert (dry.status_code, client.get(API).json()["phase"]) == (200, "pending")
    started = client.post(f"{API}/commands", json={"command": "start", "sequence": 0})
    assert started.json()["kind"] == "started"
    late = client.post(f"{API}/commands", json={"command": "pause", "sequence": 0})
    assert (late.status_code, late.json()["detail"].count("moved on")) == (409, 1)
    bare = client.post(f"{API}/commands", json={"command": "proceed"})
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (400, "/reason")
    assert client.post(f"{API}/commands", json={"command": "ship"}).status_code == 400
    at = store.load(org, "weekly").state.at
    assert at is not None
    seen(observed_of(at, treatment=0.4))
    (event,) = client.post(f"{API}/step").json()["events"]
    assert (event["kind"], event["percent"]) == ("rolled-back", 0)
    assert client.post(f"{API}/step").json()["events"] == []
    found = client.get(API).json()
    assert [each["kind"] for each in found["events"]] == ["rolled-back", "started"]
    assert found["commands"] == ["start"]
    assert client.get("/api/v1/rollouts/default/none").status_code == 404


def test_the_server_watches_and_survives_a_check_that_fails(org: Workspace) -> None:
    seen: list[int] = []

    def check(_: Workspace) -> None:
        seen.append(1)
        if len(seen) == 1:
            raise RuntimeError("the database is away")
        watch._stopped.set()

    watch = Watch(org, 0.001, check=check)
    watch.start()
    watch._stopped.wait(5)
    watch.stop()
    assert len(seen) == 2


def test_the_settings_may_leave_the_watch_to_others(org: Workspace) -> None:
    watch = Watch(org, 0, check=lambda _: pytest.fail("nobody asked"))
    watch.start()
    watch.stop()


def test_what_the_journal_lacks_is_told_before_a_simulation(
    org: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(org, "rollouts", "simulate", "weekly", "--users-per-day", "1000", "--runs", "5") == 1
    assert "no baseline of crashed" in capsys.readouterr().err
    assert Observed().pairs == {}
