"""A short story for the browser tests: a few squads, what they own, and one bet with its experiment."""

from collections.abc import Iterator
from typing import Any

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.graph.actor import Actor

__all__ = ["tell"]

ANA = Actor("user:default/ana", "Ana Lind", "person", admin=True)
OURS = "counterpoint.dev/v1"


def entity(
    kind: str, name: str, spec: dict[str, Any], *, api: str = "backstage.io/v1alpha1", **metadata: Any
) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


FLAGS = {
    "flags": {
        "discover-weekly": {
            "state": "ENABLED",
            "variants": {"off": False, "weekly": True},
            "defaultVariant": "off",
            "targeting": {"fractional": [["off", 75], ["weekly", 25]]},
            "metadata": {"bet": "bet:default/discover-weekly", "owner": "discovery"},
        }
    }
}


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
            "Metric",
            "starts",
            {
                "direction": "decrease",
                "event": "app.start",
                "aggregation": "mean",
                "owner": "playback",
                "unit": "ms",
                "role": "guardrail",
                "decisions": [{"decision": "Whether a release rolls out", "for": ["bet:instant-start"]}],
            },
            api=OURS,
        ),
        entity(
            "Metric",
            "minutes",
            {
                "direction": "increase",
                "event": "listen.minuts",
                "aggregation": "sum",
                "owner": "playback",
                "cap": 9,
            },
            api=OURS,
            description="Minutes of listening; its events have not come yet.",
        ),
        entity("Goal", "quick", {"owner": "playback", "metric": "starts", "target": 900}, api=OURS),
        entity(
            "Dashboard",
            "playback",
            {
                "owner": "playback",
                "panels": [
                    {"metric": "starts", "goal": "quick", "split": "source"},
                    {"metric": "sessions", "chart": "columns"},
                    {"metric": "starts", "chart": "figure", "target": 950},
                    {"metric": "minutes"},
                    {"metric": "gone"},
                ],
            },
            api=OURS,
            title="Playback today",
        ),
        entity(
            "Scorecard",
            "ready",
            {
                "owner": "discovery",
                "filter": {"kind": "Component"},
                "levels": ["known"],
                "checks": [
                    {
                        "id": "described",
                        "title": "Its description says what it does",
                        "level": "known",
                        "predicate": {"fact.description.length": {"$gte": 20}},
                        "why": "Who looks for it finds it by these words.",
                        "remedy": "Write a sentence.",
                        "link": "https://example.com/descriptions",
                    }
                ],
                "exemptions": [
                    {"entity": "taste-profiles", "reason": "It is replaced.", "until": "2024-01-01"}
                ],
            },
            api=OURS,
            title="Ready",
        ),
        entity("FlagSet", "default", {"owner": "discovery", "definition": FLAGS}, api=OURS),
        entity(
            "Experiment",
            "discover-weekly",
            {
                "owner": "discovery",
                "bet": "discover-weekly",
                "flag": "discover-weekly",
                "control": "off",
                "treatments": ["weekly"],
                "shares": {"off": 75, "weekly": 25},
                "guardrails": [{"metric": "starts", "margin": 0.02}],
                "success": [{"metric": "sessions"}],
            },
            api=OURS,
            title="Discover Weekly, first 25 %",
        ),
    ]


def events() -> Iterator[dict[str, Any]]:
    """Exposures of 400 listeners, a quarter of them to the change, with what each did."""
    for user in range(400):
        variant = "weekly" if user % 4 == 0 else "off"
        day = 1 + user % 14
        yield event(f"exposure-{user}", "feature_flag.evaluation", user, day, exposure(variant))
        yield event(f"start-{user}", "app.start", user, day, {"value": 900 + 7 * (user * 37 % 29)})
        for session in range((user * 13) % 5 + (variant == "weekly")):
            yield event(f"session-{user}-{session}", "app.session", user, day, {"value": 1})


def exposure(variant: str) -> dict[str, str]:
    return {
        "feature_flag.key": "discover-weekly",
        "feature_flag.result.variant": variant,
        "feature_flag.set.id": "default",
    }


def event(name: str, type_: str, user: int, day: int, data: dict[str, Any]) -> dict[str, Any]:
    hour = 10 if type_ == "feature_flag.evaluation" else 11
    return {
        "specversion": "1.0",
        "id": name,
        "source": "app",
        "type": type_,
        "subject": f"listener-{user}",
        "time": f"2026-05-{day:02d}T{hour}:00:00Z",
        "data": data,
    }


HANDBOOK = """\
# Handbook

Text with *emphasis*, `code`, a [link](second.md), a [broken one](gone.md), [[component:taste-profiles]] and
[[component:nobody]].[^1]

## Everything that Markdown has

!!! note "A remark"
    With `code` and a [link](second.md).

??? warning "More"
    Folded.

!!! danger
    Mind.

=== "One"

    The first tab.

=== "Two"

    The second tab.

- [x] done
- [ ] open

| a heading | another | a third one that is rather long | and so on | and on |
| --- | ---: | --- | --- | --- |
| a cell | 1 | `a_name_that_is_rather_long_and_cannot_be_broken` | x | y |

### Code

```python title="a.py" hl_lines="2"
def playlist(listener: str, size: int = 30) -> list[str]:  # a comment that makes the line longer than the screen
    return [f"{listener}-{number}" for number in range(size)]
```

```yaml
key: [1, true, "text"]
```

Term
:   Meaning

> A quotation, ++ctrl+k++, ==marked==.

[^1]: A note.
"""


def describe(workspace: Workspace) -> None:
    """A component with documentation beside its descriptor."""
    folder = workspace.path / "described"
    (folder / "docs").mkdir(parents=True)
    (folder / "catalog-info.yaml").write_text(
        "{apiVersion: backstage.io/v1alpha1, kind: Component, metadata: {name: described, title: Described, "
        "annotations: {backstage.io/techdocs-ref: 'dir:.'}}, spec: {type: service, lifecycle: production, owner: discovery}}"
    )
    (folder / "docs" / "index.md").write_text(HANDBOOK)
    (folder / "docs" / "second.md").write_text("# Second\n\nText.\n\n## One\n\n## Two\n\n## Three\n")
    import_targets(workspace.graph, ANA, [str(folder)])


def tell(workspace: Workspace) -> None:
    """Write the story into a workspace."""
    describe(workspace)
    with workspace.graph.write(ANA) as writer:
        for document in documents():
            writer.put(document)
        writer.record(
            "experiment.read",
            "experiment:default/discover-weekly",
            after={"verdict": "ship", "sentence": "Listeners play 1.2 to 5.0 % more sessions."},
        )
    with workspace.graph.write(ANA) as writer:
        known = writer.require("component:taste-profiles").document
        metadata = {"tags": ["python", "kotlin"], "description": "What a listener likes.\nBy genre.\n"}
        writer.put({**known, "metadata": {**known["metadata"], **metadata}})
    with workspace.graph.write(ANA) as writer:
        known = writer.require("component:taste-profiles").document
        metadata = {"tags": ["kotlin", "vectors"], "description": "What a listener likes.\nAs a vector.\n"}
        spec = {"dependsOn": ["component:playlist-builder"], "lifecycle": "production"}
        writer.put(
            {**known, "metadata": {**known["metadata"], **metadata}, "spec": {**known["spec"], **spec}}
        )
    workspace.journal.append(list(events()))
    again = next(iter(events()))
    ahead = again | {"id": "ahead", "time": "2999-01-01T00:00:00Z"}
    workspace.journal.append([again, ahead, again | {"time": "yesterday"}])
