"""Each gate is passed in two clicks and a reason: the choice, and the button. No answer calls anything blocked."""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.deciding.model import Content
from counterpoint.bets.deciding.records import propose
from counterpoint.bets.model import Stage, State
from counterpoint.bets.transitions import Choice
from counterpoint.graph.actor import SYSTEM
from counterpoint.practices import RULES, Policy
from counterpoint.server import mounting
from counterpoint.server.app import create_app

Client = TestClient[Any]
HTML = {"accept": "text/html"}
OURS = {"apiVersion": "counterpoint.dev/v1"}
REFUSING = re.compile(r"\b(is blocked|not allowed|forbidden|you must|refused)\b", re.IGNORECASE)
REASON = "We know it from the field; the sponsor doubts it."


@pytest.fixture
def deciding(org: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of the local user; the application has the room's decisions too."""
    monkeypatch.setattr(mounting, "ROOMS", ("bets", "bets.deciding"))
    with TestClient(create_app(org, auth=False), base_url="http://127.0.0.1") as made:
        yield made


def _put(workspace: Workspace, *documents: dict[str, Any]) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)


def _pack(policy: Policy) -> dict[str, Any]:
    spec = {"owner": "discovery", "units": ["discovery"], "policies": dict.fromkeys(RULES, policy.value)}
    return {**OURS, "kind": "PolicyPack", "metadata": {"name": "ways"}, "spec": spec}


def _bet(name: str, stage: Stage, state: State) -> dict[str, Any]:
    spec = {"owner": "discovery", "stage": stage.value, "state": state.value}
    return {**OURS, "kind": "Bet", "metadata": {"name": name}, "spec": spec}


def _form(client: Client, page: str) -> dict[str, str]:
    """What a form of the page sends along by itself."""
    text = client.get(page, headers=HTML).text
    return {"_csrf_token": text.partition('name="_csrf_token" value="')[2].partition('"')[0]}


def _said(page: str) -> str:
    """What the page says in its middle, without what it promises."""
    main = re.sub(r"<[^>]+>", " ", page.partition("<main")[2].partition("</main>")[0])
    return re.sub(r"(nothing is (ever )?(blocked|refused)|No rule can block)", "", main)


@pytest.mark.parametrize("policy", [Policy.ASK_REASON, Policy.ASK_JOINT])
def test_every_decision_about_a_bet_passes_with_its_choice_and_a_reason(
    org: Workspace, client: Client, policy: Policy
) -> None:
    """A bet that lacks everything, from every stage and state, under a pack that asks for a reason at every rule."""
    _put(org, _pack(policy))
    _put(org, _bet("weekly", Stage.THINK, State.ACTIVE))
    form, asked = _form(client, "/bets/default/weekly"), 0

    def decide(name: str, **fields: str) -> Any:
        return client.post(f"/bets/default/{name}", data=form | fields, headers=HTML, follow_redirects=False)

    for at, (stage, state, choice) in enumerate(product(Stage, State, Choice)):
        name = f"b{at}"
        _put(org, _bet(name, stage, state))
        wanted = decide(name, choice=choice.value)
        if wanted.status_code == 303:
            continue
        asked += 1  # it asks why: on the same page, beside the choice that is still made
        where = (stage, state, choice)
        assert wanted.status_code == 400, where
        assert re.search(r'<textarea[^>]* name="reason"[^>]* required', wanted.text), where
        offered = f'name="choice" value="{choice.value}"'
        assert f"{offered} checked" in wanted.text or offered not in wanted.text, where
        assert not REFUSING.search(_said(wanted.text)), _said(wanted.text)
        assert decide(name, choice=choice.value, reason=REASON).status_code == 303, where
    assert 0 < asked < at
    for at, choice in enumerate(Choice):  # what the form does not offer at a stage, the API takes at any
        _put(org, _bet(f"api{at}", Stage.THINK, State.KILLED))
        told = {"choice": choice.value, "reason": REASON}
        assert client.post(f"/api/v1/bets/default/api{at}/decisions", json=told).status_code == 201, choice


@pytest.mark.parametrize("policy", [Policy.ASK_REASON, Policy.ASK_JOINT])
@pytest.mark.parametrize("step", ["accept", "reject"])
def test_a_decision_without_advice_is_taken_with_a_reason(
    org: Workspace, deciding: Client, policy: Policy, step: str
) -> None:
    _put(org, _pack(policy))
    given = Content(title="Use one store", unit="discovery", chosen="One store")
    page = f"/decisions/{propose(org.graph, given, actor=SYSTEM).number}"
    form = _form(deciding, page)

    def decide(**fields: str) -> Any:
        return deciding.post(f"{page}/steps", data=form | fields, headers=HTML, follow_redirects=False)

    wanted = decide(step=step)
    if wanted.status_code != 303:
        assert wanted.status_code == 400
        assert 'name="reason"' in wanted.text
        assert not REFUSING.search(_said(wanted.text)), _said(wanted.text)
        assert decide(step=step, reason=REASON).status_code == 303
