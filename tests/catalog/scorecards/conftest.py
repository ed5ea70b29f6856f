"""A workspace with a scorecard over a few components."""

from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.graph import SYSTEM
from tests.graph.documents import component, group

CARD: dict[str, Any] = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Scorecard",
    "metadata": {"name": "ready", "title": "Ready", "description": "What a service needs."},
    "spec": {
        "owner": "platform",
        "filter": {"kind": "Component"},
        "levels": ["known", "cared for"],
        "checks": [
            {
                "id": "owned",
                "title": "Its owner exists",
                "level": "known",
                "predicate": {"fact.owner.exists": True},
                "why": "Somebody must answer.",
                "remedy": "Name a unit.",
                "link": "/catalog?kind=Group",
            },
            {
                "id": "live",
                "title": "It is in production",
                "level": "cared for",
                "predicate": {"spec.lifecycle": "production"},
            },
            {
                "id": "covered",
                "title": "Tests cover it",
                "level": "cared for",
                "predicate": {"fact.coverage": {"$gte": 80}},
            },
        ],
    },
}


def card(**spec: Any) -> dict[str, Any]:
    """The scorecard with other fields."""
    return CARD | {"spec": CARD["spec"] | spec}


@pytest.fixture
def carded(workspace: Workspace) -> Workspace:
    """Two units, three components (one with an owner who does not exist), and a scorecard."""
    put(
        workspace,
        group("platform", children=["player"]),
        group("player", parent="platform"),
        component("web", owner="player"),
        component("lost", owner="nobody"),
        component("core", owner="platform"),
        CARD,
    )
    return workspace


def put(workspace: Workspace, *documents: dict[str, Any]) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)
