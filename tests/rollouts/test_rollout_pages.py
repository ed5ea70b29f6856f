"""The pages of rollouts: every state shows, and a rollout is led from its page."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.rollouts import store
from counterpoint.rollouts.controller import step
from counterpoint.server import mounting
from counterpoint.server.app import create_app

from .conftest import observed_of

Client = TestClient[Any]
PAGE = "/rollouts/default/weekly"
HTML = {"accept": "text/html"}


@pytest.fixture
def client(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(mounting, "ROOMS", ("rollouts",))
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def send(client: Client, **fields: str) -> Any:
    found = re.search(r'name="_csrf_token" value="([^"]*)"', client.get(PAGE, headers=HTML).text)
    assert found
    return client.post(PAGE, data={"_csrf_token": found[1], **fields}, headers=HTML, follow_redirects=False)


def test_the_list_says_where_each_rollout_stands(client: Client, org: Workspace) -> None:
    assert "pending" in client.get("/rollouts").text
    store.command(org, local_actor(), "weekly", "start", reason="The build is out.")
    shown = client.get("/rollouts").text
    assert "running" in shown
    assert "The build is out." in shown
    assert "1 of 4" in shown


def test_a_workspace_without_rollouts_says_how_to_get_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounting, "ROOMS", ("rollouts",))
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
        assert "counterpoint import catalog rollouts.yaml" in client.get("/rollouts").text


def test_a_rollout_is_led_from_its_page_to_its_rollback(
    client: Client, org: Workspace, seen: Callable[..., None]
) -> None:
    assert "rollouts simulate weekly" in client.get(PAGE).text
    assert send(client, command="start", sequence="0").headers["location"] == f"{PAGE}?told=rollout-moved"
    at = store.load(org, "weekly").state.at
    assert at is not None
    seen(observed_of(at))
    shown = client.get(PAGE).text
    assert "within" not in shown.split('id="guardrails"')[0].split("Where it stands")[1].split("Steps")[0]
    assert "pass" in shown
    bare = send(client, command="proceed", sequence="1")
    assert (bare.status_code, "Say why" in bare.text) == (400, True)
    late = send(client, command="pause", sequence="0")
    assert (late.status_code, "has moved on" in late.text) == (409, True)
    for made_up in ("²", "1" * 5_000, "99"):
        assert send(client, command="pause", sequence=made_up).status_code == 400
    seen(observed_of(at, treatment=0.4))
    assert "is worse by more than its margin" in client.get(PAGE).text
    step(org, "rollout:default/weekly")
    shown = client.get(PAGE).text
    for words in ("rolled back", "The controller", "→ 0 %", "fail"):
        assert words in shown


def test_what_would_happen_is_shown_and_nothing_is_written(client: Client, org: Workspace) -> None:
    for command in ("start", "complete"):
        send(client, command=command, reason="For the test.")
    asked = send(client, command="start")
    assert (asked.status_code, "begins again at 1 %" in asked.text) == (400, True)
    shown = send(client, command="start", dry="yes")
    assert shown.status_code == 200
    for words in ("What it would do", "from 100 % to 1 % of users", "lose the change"):
        assert words in shown.text
    assert store.load(org, "weekly").state.phase == "completed"


@pytest.mark.parametrize(
    "commands", [["pause"], ["pause", "resume"], ["approve"], ["proceed"], ["complete"], ["roll-back"]]
)
def test_every_state_has_its_page(client: Client, commands: list[str], seen: Callable[..., None]) -> None:
    send(client, command="start")
    for command in commands:
        assert send(client, command=command, reason="For the test.").status_code == 303
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    "commands",
    [[], ["start"], ["start", "pause"], ["start", "approve"], ["start", "complete"], ["start", "roll-back"]],
)
@pytest.mark.parametrize("treatment", [None, 0.4], ids=["without figures", "where harm is shown"])
def test_whatever_is_offered_passes_with_a_choice_and_a_reason(
    client: Client, org: Workspace, seen: Callable[..., None], commands: list[str], treatment: float | None
) -> None:
    for command in commands:
        assert send(client, command=command, reason="For the test.").status_code == 303
    at = store.load(org, "weekly").state.at
    if treatment is not None and at is not None:
        seen(observed_of(at, treatment=treatment))
        step(org, "rollout:default/weekly")
    page = client.get(PAGE, headers=HTML).text
    offered = re.findall(r'name="command" value="([^"]+)"', page)
    assert offered
    for command in offered:
        passed = send(client, command=command, reason="We saw it in the field.", dry="yes")
        assert passed.status_code == 200, (command, passed.text)
        assert not re.search(r"not allowed|is blocked|refused", passed.text.partition("<main")[2])


def test_who_may_not_act_sees_why(client: Client) -> None:
    assert client.get("/rollouts/default/none").status_code == 404
