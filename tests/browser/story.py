"""A short story for the browser tests: a few squads, what they own, and one bet with its experiment."""

from typing import Any

from counterpoint import Workspace
from counterpoint.graph.actor import Actor

__all__ = ["tell"]

ANA = Actor("user:default/ana", "Ana Lind", "person", admin=True)
OURS = "counterpoint.dev/v1"


def entity(
    kind: str, name: str, spec: dict[str, Any], *, api: str = "backstage.io/v1alpha1", **metadata: Any
) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def documents() -> list[dict[str, Any]]:
    software = {
        "type": "service",
        "lifecycle": "production",
        "owner": "discovery",
        "system": "recommendations",
    }
    return [
        entity("Group", "discovery", {"type": "squad", "children": []}, title="Discovery"),
        entity("Group", "playback", {"type": "squad", "children": []}, title="Playback"),
        entity("User", "ana", {"memberOf": ["discovery"], "profile": {"displayName": "Ana Lind"}}),
        entity("System", "recommendations", {"owner": "discovery"}, title="Recommendations"),
        entity(
            "Component",
            "playlist-builder",
            {**software, "dependsOn": ["component:taste-profiles"]},
            description="Builds a playlist for every listener each Monday.",
            tags=["python"],
        ),
        entity("Component", "taste-profiles", {**software, "lifecycle": "experimental"}),
        entity("Component", f"a-name-that-is-{'very-' * 8}long", {**software, "lifecycle": "deprecated"}),
        entity(
            "Purpose",
            "find-music",
            {"statement": "Everybody finds music that they love.", "owner": "discovery"},
            api=OURS,
        ),
        entity(
            "Belief",
            "surprise",
            {
                "statement": "A listener who is surprised comes back.",
                "owner": "discovery",
                "purpose": "find-music",
                "confidence": 0.7,
                "expires": "2024-01-01",
            },
            api=OURS,
        ),
        entity(
            "Metric",
            "sessions",
            {"direction": "increase", "event": "app.session", "aggregation": "count", "owner": "discovery"},
            api=OURS,
        ),
        entity(
            "Bet",
            "discover-weekly",
            {
                "owner": "discovery",
                "stage": "ship",
                "beliefs": ["surprise"],
                "hypothesis": "A weekly playlist brings people back.",
                "success": [{"metric": "sessions"}],
                "kill": "No gain in a month.",
            },
            api=OURS,
            title="Discover Weekly",
        ),
        entity(
            "Bet",
            "instant-start",
            {"owner": "playback", "stage": "build", "patience": "2024-01-01"},
            api=OURS,
            title="Instant start",
        ),
        entity(
            "Experiment",
            "discover-weekly",
            {
                "owner": "discovery",
                "bet": "discover-weekly",
                "flag": "discover-weekly",
                "control": "off",
                "treatments": ["weekly"],
                "success": [{"metric": "sessions"}],
            },
            api=OURS,
            title="Discover Weekly, first 25 %",
        ),
    ]


def tell(workspace: Workspace) -> None:
    """Write the story into a workspace."""
    with workspace.graph.write(ANA) as writer:
        for document in documents():
            writer.put(document)
        writer.record(
            "experiment.read",
            "experiment:default/discover-weekly",
            after={"verdict": "ship", "sentence": "Listeners play 1.2 to 5.0 % more sessions."},
        )
