"""The graph's transactions: what is written is read, in the present and in the past."""

from typing import Any

from counterpoint.graph import SYSTEM, Graph


def component(name: str, **spec: Any) -> dict[str, Any]:
    fields = {"type": "service", "lifecycle": "production", "owner": "discovery", **spec}
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": name},
        "spec": fields,
    }


def group(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Group",
        "metadata": {"name": name},
        "spec": {"type": "squad", "children": [], **spec},
    }


def put(graph: Graph, *documents: dict[str, Any]) -> list[Any]:
    with graph.write(SYSTEM) as writer:
        return [writer.put(document) for document in documents]


def test_what_is_put_is_read(graph: Graph) -> None:
    [made] = put(graph, component("player", system="playback"))
    assert made.outcome == "created"
    entity = made.entity
    assert entity.ref == "component:default/player"
    assert entity.owner == "group:default/discovery"
    assert [(edge.type, edge.target) for edge in entity.relations] == [
        ("ownedBy", "group:default/discovery"),
        ("partOf", "system:default/playback"),
    ]
    with graph.read() as reader:
        assert reader.get("component:player") == entity
        assert reader.by_uid(entity.uid) == entity
        assert reader.find(text="play").items == (entity,)
        assert reader.search("PLAY")[0].entity == entity
        assert [each.action for each in reader.activity()] == ["entity.created"]
