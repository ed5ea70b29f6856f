"""Policies of a unit turn advice into a question, and never into a gate."""

from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.advice import FLAG, VALUE
from counterpoint.bets.decisions import ReasonWantedError, decide
from counterpoint.bets.model import Stage
from counterpoint.bets.transitions import Choice, Policy, weigh
from counterpoint.graph.actor import SYSTEM

REF = "bet:default/bare"


def pack(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "PolicyPack",
        "metadata": {"name": "ways"},
        "spec": {"owner": "discovery", "units": ["discovery"]} | spec,
    }


@pytest.fixture
def bare(org: Workspace) -> Workspace:
    """A bet in Think it that has nothing but its owner."""
    bet = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "Bet",
        "metadata": {"name": "bare"},
        "spec": {"owner": "discovery"},
    }
    _put(org, bet)
    return org


def _put(workspace: Workspace, document: dict[str, Any]) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(document)


def test_without_a_pack_what_is_missing_is_told_and_asks_for_nothing(bare: Workspace) -> None:
    decision = decide(bare.graph, REF, "advance", actor=SYSTEM)
    assert not decision.override
    assert "No evidence of value yet" in decision.known.advice


@pytest.mark.parametrize("policy", ["ask_reason", "ask_joint"])
def test_a_rule_that_asks_makes_an_override_which_passes_with_a_reason(bare: Workspace, policy: str) -> None:
    _put(bare, pack(policies={"I1": policy}))
    with pytest.raises(ReasonWantedError) as wanted:
        decide(bare.graph, REF, "advance", actor=SYSTEM)
    assert wanted.value.ruling.joint == (policy == "ask_joint")
    decision = decide(bare.graph, REF, "advance", actor=SYSTEM, reason="We know it from the field.")
    assert decision.override
    assert decision.stage_after is Stage.BUILD
    assert any(ground.startswith("No evidence of value yet") for ground in decision.known.overrides)


def test_only_going_forward_without_it_is_asked_about(bare: Workspace) -> None:
    _put(bare, pack(policies={"I1": "ask_reason", "I2": "ask_reason", "I5": "ask_joint"}))
    for choice in ("persevere", "pause", "kill"):
        assert not decide(bare.graph, REF, choice, actor=SYSTEM).override


def test_a_rule_of_a_later_stage_is_not_asked_before(make_bet) -> None:
    bet = make_bet({"owner": "discovery", "stage": "think"})
    ruling = weigh(bet, Choice.ADVANCE, missing=(VALUE, FLAG), policy_of=lambda _rule: Policy.ASK_REASON)
    assert [ground.partition(":")[0] for ground in ruling.overrides] == ["No evidence of value yet"]


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("choice", list(Choice))
def test_no_policy_refuses_a_decision(make_bet, policy: Policy, choice: Choice) -> None:
    for stage in Stage:
        bet = make_bet({"owner": "discovery", "stage": stage.value})
        assert weigh(bet, choice, missing=(VALUE, FLAG), policy_of=lambda _rule: policy).after


def test_the_page_says_what_is_asked_and_who_asks(bare: Workspace, client: TestClient) -> None:
    _put(bare, pack(policies={"I1": "ask_joint"}))
    page = client.get("/bets/default/bare", headers={"Accept": "text/html"}).text
    assert "asks for both stances" in page
    assert "(rule I1, from Discovery)" in page
    token = page.partition('name="_csrf_token" value="')[2].partition('"')[0]
    again = client.post(
        "/bets/default/bare",
        data={"choice": "advance", "_csrf_token": token},
        headers={"Accept": "text/html"},
    )
    assert again.status_code == 400
    assert "Both stances are wanted" in again.text
    assert "Say what squad and sponsor each think of it" in again.text


def test_where_bets_are_switched_off_the_bet_stays_and_its_forms_go(
    bare: Workspace, client: TestClient
) -> None:
    _put(bare, pack(practices={"bets": "off"}))
    page = client.get("/bets/default/bare").text
    assert 'data-switched-off="bets"' in page
    assert 'id="decide"' not in page
    assert 'id="advice"' not in page
    assert '<a class="nav-link" href="/bets"' not in page
    assert "switched off here" in client.get("/bets").text
    assert client.get("/api/v1/bets/default/bare").status_code == 200
    _put(bare, pack(practices={"bets": "on"}))
    page = client.get("/bets/default/bare").text
    assert 'id="decide"' in page
    assert 'id="advice"' in page
