"""What stands ready around a bet: metrics that are measured, somebody on call, guardrails that were read."""

from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.readiness import ON_CALL
from counterpoint.bets.store import read
from counterpoint.graph.actor import SYSTEM

BET = "bet:default/weekly"
OURS = {"apiVersion": "counterpoint.dev/v1"}


def _codes(workspace: Workspace, sent: frozenset[str] | None = None) -> set[str]:
    return {item.code for item in read(workspace.graph, BET, sent=sent).advice}


def _put(workspace: Workspace, *documents: dict[str, Any]) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)


def _metric(name: str, **spec: Any) -> dict[str, Any]:
    said = {"owner": "discovery", "direction": "increase", "aggregation": "any"} | spec
    return {**OURS, "kind": "Metric", "metadata": {"name": name}, "spec": said}


def _bet(stage: str, *success: str) -> dict[str, Any]:
    spec = {"owner": "discovery", "stage": stage, "success": [{"metric": each} for each in success]}
    return {**OURS, "kind": "Bet", "metadata": {"name": "weekly"}, "spec": spec}


def _component(annotations: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "lists", "annotations": annotations},
        "spec": {"type": "service", "lifecycle": "production", "owner": "discovery"},
    }


@pytest.mark.parametrize(
    ("metric", "sent", "measured"),
    [
        (None, {"play"}, False),
        ({"event": "play"}, set(), False),
        ({"event": "play"}, {"play", "skip"}, True),
        ({"aggregation": "funnel", "steps": ["open", "play"]}, {"open"}, False),
        ({"aggregation": "funnel", "steps": ["open", "play"]}, {"open", "play"}, True),
        ({"aggregation": "ratio", "numerator": "retention", "denominator": "opens"}, {"play"}, False),
        ({"aggregation": "ratio", "numerator": "retention", "denominator": "opens"}, {"play", "open"}, True),
    ],
)
def test_a_metric_is_measured_once_its_events_were_seen(
    org: Workspace, metric: dict[str, Any] | None, sent: set[str], measured: bool
) -> None:
    _put(org, _metric("opens", event="open"), _bet("build", "ours"))
    if metric is not None:
        _put(org, _metric("ours", **metric))
    assert ("instrumentation" not in _codes(org, frozenset(sent))) is measured
    assert ("instrumentation" in _codes(org)) is (metric is None), (
        "where nobody looked, a definition is enough"
    )


def test_the_page_and_the_api_look_into_the_journal(org: Workspace, client: TestClient[Any]) -> None:
    _put(org, _bet("build", "retention"))
    page = "/bets/default/weekly"
    assert (
        "Nothing measures yet: &#39;retention&#39;" in client.get(page, headers={"accept": "text/html"}).text
    )
    event = {"specversion": "1.0", "id": "1", "source": "app", "type": "play", "subject": "u", "data": {}}
    org.journal.append([event])
    told = {each["code"] for each in client.get(f"/api/v1{page}").json()["advice"]}
    assert "on-call" in told
    assert "instrumentation" not in told


@pytest.mark.parametrize("key", ON_CALL)
@pytest.mark.parametrize("on", ["unit", "component"])
def test_whoever_is_on_call_is_named_by_the_unit_or_by_the_component_of_a_flag(
    org: Workspace, key: str, on: str
) -> None:
    _put(org, _bet("build", "retention"), _component({}))
    metadata = {"bet": "weekly", "component": "lists"}
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    definition = {"flags": {"weekly-list": flag | {"metadata": metadata}}}
    with org.graph.write(SYSTEM) as writer:
        flags = writer.require("flagset:default/default").document
        writer.put({**flags, "spec": {"owner": "discovery", "definition": definition}})
    assert "on-call" in _codes(org)
    with org.graph.write(SYSTEM) as writer:
        if on == "component":
            writer.put(_component({key: "discovery-rota"}))
        else:
            unit = writer.require("group:default/discovery").document
            metadata = {**unit["metadata"], "annotations": {key: "discovery-rota"}}
            writer.put({**unit, "metadata": metadata})
    assert "on-call" not in _codes(org)


@pytest.mark.parametrize(
    ("action", "verdict", "read_out"),
    [
        ("rollout.checked", "pass", True),
        ("rollout.rolled-back", "fail", True),
        ("rollout.advanced", "inconclusive", True),
        ("rollout.checked", "too few users", False),
        ("rollout.checked", "missing", False),
        ("rollout.started", None, False),
    ],
)
def test_a_rollout_whose_guardrails_said_something_is_a_readout(
    org: Workspace, action: str, verdict: str | None, read_out: bool
) -> None:
    rollout = {"owner": "discovery", "bet": "weekly", "flag": "weekly-list", "steps": [{"percent": 100}]}
    _put(
        org,
        _bet("ship", "retention"),
        {**OURS, "kind": "Rollout", "metadata": {"name": "ramp"}, "spec": rollout},
    )
    assert "readout" in _codes(org)
    figures = {} if verdict is None else {"figures": {"guardrails": {"start-time": verdict}}}
    with org.graph.write(SYSTEM) as writer:
        writer.record(action, "rollout:default/ramp", after=figures)
    assert ("readout" not in _codes(org)) is read_out
