"""What surrounds a rollout: deployments, release notes, the kill switch, and what the bet's evidence takes from it."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.errors import InputError
from counterpoint.flags.composing import read_plans, revive
from counterpoint.graph.actor import local_actor
from counterpoint.openfeature.stream import Message, Messages
from counterpoint.rollouts import store
from counterpoint.rollouts.controller import step
from counterpoint.rollouts.happened import deployments_of
from counterpoint.rollouts.notes import notes_of
from counterpoint.server import mounting
from counterpoint.server.app import create_app
from tests.flags.conftest import Served, serve

from .conftest import HOUR, NOW, ROLLOUT, document, observed_of

Client = TestClient[Any]
ANA = local_actor()
REF = "rollout:default/weekly"
PAGE = "/rollouts/default/weekly"
HTML = {"accept": "text/html"}


@pytest.fixture
def client(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(mounting, "ROOMS", ("flags", "rollouts"))
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def ended(workspace: Workspace) -> list[Any]:
    with workspace.graph.read() as reader:
        return [entry.after for entry in reader.activity(subject=REF, action="rollout.ended")]


def deployed(name: str, at: datetime, about: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": name,
        "source": "/ci",
        "type": "dev.cdevents.service.deployed.0.3.0",
        "subject": about,
        "time": at.isoformat(),
        "data": data,
    }


def test_an_end_is_told_to_whoever_gathers_evidence(either: Workspace, seen: Callable[..., None]) -> None:
    store.command(either, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW, treatment=0.4))
    step(either, REF, now=NOW + HOUR / 60)
    (told,) = ended(either)
    assert (told["outcome"], told["users"]) == ("rolled back", 2_000)
    assert told["sentence"].startswith(
        "Rolled back at 1 %: 'crashed' is worse by more than its margin of 50 %"
    )
    store.command(either, ANA, "weekly", "start", reason="Once more.", now=NOW + HOUR)
    seen(observed_of(NOW + HOUR))
    step(either, REF, now=NOW + HOUR * 1.1)
    store.command(either, ANA, "weekly", "complete", reason="It is Friday.", now=NOW + 2 * HOUR)
    newest = ended(either)[0]
    assert newest["outcome"] == "completed"
    assert newest["sentence"].startswith("Completed at 100 %: It is Friday. Last measured: crashed")


def test_a_pause_ends_nothing(org: Workspace) -> None:
    store.command(org, ANA, "weekly", "start", now=NOW)
    store.command(org, ANA, "weekly", "pause", now=NOW)
    assert ended(org) == []


BET = {
    "stage": "ship",
    "hypothesis": "A weekly list\nbrings people *back*.",
    "success": [{"metric": "crashed", "expect": "a tenth fewer"}],
    "kill": "No gain.",
}


def furnish_bet(workspace: Workspace) -> None:
    with workspace.graph.write(ANA) as writer:
        writer.put(document("Bet", "weekly-list", BET, title="Weekly list", description="Thirty tracks."))
        writer.put(document("Rollout", "weekly", {**ROLLOUT, "bet": "weekly-list", "component": "builder"}))
        writer.put(
            document(
                "Experiment",
                "weekly",
                {"bet": "weekly-list", "flag": "weekly-list", "control": "control", "treatments": ["on"]},
            )
        )
        writer.record("experiment.read", "experiment:default/weekly", after={"sentence": "They play more."})
        writer.record(
            "evidence.offered",
            "bet:default/weekly-list",
            after={"method": "interview", "risk": "value", "note": "Seven of nine kept it."},
        )


def test_release_notes_say_what_changes_for_whom_and_what_is_known(
    org: Workspace, seen: Callable[..., None]
) -> None:
    furnish_bet(org)
    notes = notes_of(org, "weekly").markdown
    assert notes.startswith("# Weekly list: 1 %\n\nStep 1 of 4. By discovery.\n")
    for words in (
        "- 1 % of everybody (the first to have it) get it: the flag `weekly-list` of the set `default`.",
        "- For everybody else nothing changes (`off`).",
        "A weekly list brings people \\*back\\*.",
        "- crashed: a tenth fewer",
        "- crashed: worse by more than 50 %, and the rollout is taken back by itself.",
        "They play more.",
        "Interview of ",
        "on value: Seven of nine kept it.",
    ):
        assert words in notes
    store.command(org, ANA, "weekly", "start", now=NOW)
    seen(observed_of(NOW + HOUR))
    step(org, REF, now=NOW + HOUR)
    store.command(org, ANA, "weekly", "approve", now=NOW + HOUR)
    step(org, REF, now=NOW + HOUR)
    second = notes_of(org, "weekly").markdown
    assert "# Weekly list: 10 %\n\nStep 2 of 4, 2026-05-04." in second
    assert "up from 1 %" in second
    assert "- This rollout: crashed 0.0 % (between " in second
    assert "2,000 users with the change, 2,000 without" in second
    assert "This rollout" not in notes_of(org, "weekly", 1).markdown.partition("## What is known")[0]
    with pytest.raises(InputError, match="has the steps 1 to 4"):
        notes_of(org, "weekly", 5)


def test_release_notes_are_had_by_command_address_and_api(
    org: Workspace, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    furnish_bet(org)
    assert run(["-w", str(org.path), "rollouts", "notes", "weekly", "--step", "3"]) == 0
    printed = capsys.readouterr().out
    assert "# Weekly list: 50 %" in printed
    found = client.get(f"{PAGE}/notes.md", params={"step": 3})
    assert found.headers["content-type"].startswith("text/markdown")
    assert found.text.strip() == printed.strip()
    assert client.get(f"/api/v1{PAGE}/notes", params={"step": 3}).json()["markdown"] == found.text
    assert client.get(f"{PAGE}/notes.md", params={"step": 9}).status_code == 400
    assert "# Weekly list: 1 %" in client.get(PAGE).text


def test_deployments_of_the_component_are_marked_on_the_time_line(org: Workspace, client: Client) -> None:
    furnish_bet(org)
    assert "dev.cdevents.service.deployed" not in client.get(PAGE).text, "before the start nothing is drawn"
    store.command(org, ANA, "weekly", "start")
    assert "dev.cdevents.service.deployed" in client.get(PAGE).text, "how deployments come"
    now = datetime.now(UTC)
    cdevent = {
        "subject": {
            "id": "builder",
            "content": {
                "environment": {"id": "production"},
                "artifactId": "pkg:oci/builder@v7?tag=<b>",
            },
        }
    }
    org.journal.append(
        [
            deployed("seven", now - HOUR, "component:default/builder", **cdevent),
            deployed("eight", now, "builder") | {"type": "deployment", "data": {"version": "8<script>"}},
            deployed("other", now, "component:default/other"),
            deployed("old", now - 1000 * HOUR, "builder"),
        ]
    )
    found = deployments_of(org, "component:default/builder", now - 2 * HOUR)
    assert [(each.did, each.version, each.environment, each.event) for each in found] == [
        ("deployed", "v7", "production", "seven"),
        ("deployed", "8<script>", "", "eight"),
    ]
    shown = client.get(PAGE).text
    assert "2 deployments of builder marked" in shown
    assert "8<script>" not in shown
    assert shown.count("deployed v7") >= 3, "in the chart's words, in its table and in the log"


def test_the_live_part_says_when_the_page_around_it_is_old(client: Client, org: Workspace) -> None:
    store.command(org, ANA, "weekly", "start")
    shown = client.get(PAGE).text
    address = re.search(r'data-live="([^"]+)"', shown)
    assert address
    assert 'data-stream="/api/v1/activity/stream"' in shown
    part = client.get(address[1].replace("&amp;", "&")).text
    assert "<html" not in part
    assert "Where it stands" in part
    assert "It has moved since" not in part
    store.command(org, ANA, "weekly", "pause")
    assert "It has moved since" in client.get(address[1].replace("&amp;", "&")).text


def test_the_kill_switch_gives_everybody_the_default_and_the_rollout_waits(
    client: Client, org: Workspace
) -> None:
    store.command(org, ANA, "weekly", "start")
    shown = client.get(PAGE, headers=HTML).text
    assert re.search(r'<button[^>]* data-key="x"[^>]*>.*<kbd', shown)
    token = re.search(r'name="_csrf_token" value="([^"]*)"', shown)
    assert token
    answer = client.post(f"{PAGE}/kill", data={"_csrf_token": token[1]}, headers=HTML, follow_redirects=False)
    assert answer.headers["location"] == f"{PAGE}?told=rollout-killed"
    with org.graph.read() as reader:
        plan = read_plans(reader, "default")[0].flags["weekly-list"]
    assert plan.killed is not None
    state = store.load(org, "weekly").state
    assert (state.phase, "killed" in state.reason) == ("paused", True)
    after = client.get(PAGE, headers=HTML).text
    assert 'data-key="x"' not in after
    assert "is killed or off" in after


# Over the wire

DEADLINE = 30.0


@pytest.fixture
def running(org: Workspace) -> Iterator[Served]:
    yield from serve(org, auth=False)


@contextmanager
def listening(url: str) -> Iterator[Iterator[Message]]:
    with httpx2.stream("GET", url, timeout=DEADLINE) as response:
        messages = Messages()
        yield (message for part in response.iter_bytes() for message in messages.feed(part))


def test_a_kill_reaches_a_connected_client_in_under_a_second(running: Served) -> None:
    store.command(running.workspace, ANA, "weekly", "start")
    store.command(running.workspace, ANA, "weekly", "complete", reason="For the test.")
    evaluate = f"{running.url}/ofrep/v1/evaluate/flags/weekly-list"
    context = {"context": {"targetingKey": "user-1"}}
    took = []
    with (
        httpx2.Client(base_url=running.url, timeout=DEADLINE) as browser,
        listening(f"{running.url}/ofrep/v1/sse?channels=default") as messages,
    ):
        next(messages)
        for _ in range(3):  # of several: a machine that is busy with other things is no measure of the switch
            shown = browser.get(PAGE, headers=HTML).text
            token = re.search(r'name="_csrf_token" value="([^"]*)"', shown)
            assert token
            assert browser.post(evaluate, json=context).json()["value"] is True
            began = time.monotonic()
            browser.post(f"{PAGE}/kill", data={"_csrf_token": token[1]}, headers=HTML)
            assert json.loads(next(messages).data)["type"] == "refetchEvaluation"
            assert browser.post(evaluate, json=context).json()["value"] is False
            took.append(time.monotonic() - began)
            revive(running.workspace, ANA, "default", "weekly-list")
            next(messages)
    assert min(took) < 1.0, took
