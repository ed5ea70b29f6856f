"""Toy bets that the tests of this room share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.bets.model import Bet, Reading, read_bet
from counterpoint.graph.actor import SYSTEM
from counterpoint.server import mounting
from counterpoint.server.app import create_app

AT = datetime(2026, 5, 3, 9, tzinfo=UTC)


@pytest.fixture
def full_spec() -> dict[str, Any]:
    return {
        "owner": "discovery",
        "stage": "ship",
        "purpose": "music-for-everyone",
        "beliefs": ["taste"],
        "hypothesis": "We believe a weekly list will bring listeners back.",
        "success": [{"metric": "retention", "expect": "up"}],
        "guardrails": [{"metric": "start-time", "margin": 0.01}],
        "kill": "Fewer than one in ten open it.",
        "patience": "2026-09-01",
    }


@pytest.fixture
def make_bet() -> Callable[..., Bet]:
    def make(spec: dict[str, Any], **metadata: Any) -> Bet:
        document = {
            "apiVersion": "counterpoint.dev/v1",
            "kind": "Bet",
            "metadata": {"name": "weekly", **metadata},
            "spec": spec,
        }
        entity = SimpleNamespace(
            ref="bet:default/weekly",
            namespace="default",
            name="weekly",
            owner="group:default/discovery",
            etag="e1",
            updated_at=AT,
            document=document,
        )
        return read_bet(entity)

    return make


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    def make(verdict: str, at: datetime = AT) -> Reading:
        return Reading(
            experiment="experiment:default/weekly",
            title="Weekly test",
            at=at,
            verdict=verdict,
            sentence="Plays rose by 3 %.",
        )

    return make


@pytest.fixture
def org(workspace: Workspace) -> Workspace:
    """A workspace with the squad Discovery, what it believes, a metric, a flag and an experiment."""
    ours = {"apiVersion": "counterpoint.dev/v1"}
    flags = {
        "weekly-list": {
            "state": "ENABLED",
            "variants": {"on": True, "off": False},
            "defaultVariant": "off",
            "metadata": {"bet": "weekly"},
        }
    }
    experiment = {
        "owner": "discovery",
        "bet": "weekly",
        "flag": "weekly-list",
        "control": "off",
        "treatments": ["on"],
        "success": [{"metric": "retention"}],
    }
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Group",
            "metadata": {"name": "discovery", "title": "Discovery"},
            "spec": {"type": "squad", "children": []},
        },
        ours
        | {
            "kind": "Purpose",
            "metadata": {"name": "music"},
            "spec": {"owner": "discovery", "statement": "Music for everyone."},
        },
        ours
        | {
            "kind": "Belief",
            "metadata": {"name": "taste"},
            "spec": {"owner": "discovery", "statement": "Taste can be learned.", "purpose": "music"},
        },
        ours
        | {
            "kind": "Metric",
            "metadata": {"name": "retention"},
            "spec": {"owner": "discovery", "direction": "increase", "event": "play", "aggregation": "any"},
        },
        ours
        | {
            "kind": "FlagSet",
            "metadata": {"name": "default"},
            "spec": {"owner": "discovery", "definition": {"flags": flags}},
        },
        ours | {"kind": "Experiment", "metadata": {"name": "weekly-test"}, "spec": experiment},
    ]
    with workspace.graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)
    return workspace


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    """A browser or program of the local user; the application has this room and no other."""
    monkeypatch.setattr(mounting, "ROOMS", ("bets",))
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as made:
        yield made
