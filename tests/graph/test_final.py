"""The final form of an entity."""

from typing import Any

import pytest

from counterpoint.graph.final import REJECTED, final_entity
from tests.graph.documents import component, group


def final(document: dict[str, Any], **given: Any) -> dict[str, Any]:
    return final_entity(document, **{"uid": "u", "etag": "e", "relations": (), **given})


def test_what_the_graph_knows_is_added() -> None:
    item = {"type": "backstage.io/catalog-processing", "level": "error", "message": "bad"}
    relations = [("ownedBy", "group:default/b"), ("hasPart", "x:default/y"), ("ownedBy", "group:default/b")]
    found = final(component("a"), relations=relations, status=[item])
    assert found["metadata"] == {"name": "a", "uid": "u", "etag": "e"}
    assert found["relations"] == [
        {"type": "hasPart", "targetRef": "x:default/y"},
        {"type": "ownedBy", "targetRef": "group:default/b"},
    ]
    assert found["status"] == {"items": [item]}
    assert list(found) == ["apiVersion", "kind", "metadata", "spec", "relations", "status"]


def test_without_relations_and_status_there_is_an_empty_list_and_nothing() -> None:
    found = final({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}})
    assert found == {
        "apiVersion": "v1",
        "kind": "X",
        "metadata": {"name": "a", "uid": "u", "etag": "e"},
        "relations": [],
    }


def test_lists_of_references_come_out_sorted_and_the_document_stays_as_it_is() -> None:
    document = group("a", members=["zoe", "Adam", "adam"], other=["b", "a"])
    spec = final(document)["spec"]
    assert (spec["members"], spec["other"]) == (["Adam", "adam", "zoe"], ["b", "a"])
    assert document["spec"]["members"] == ["zoe", "Adam", "adam"]
    assert final(component("a", dependsOn=["b", 1, "a"]))["spec"]["dependsOn"] == ["b", 1, "a"]


@pytest.mark.parametrize("link", ["javascript:alert(1)", " \x01JaVa\nScript\t:x"])
def test_a_link_that_would_run_a_script_is_replaced(link: str) -> None:
    annotations = {"backstage.io/view-url": link, "backstage.io/edit-url": "https://x.example", "other": link}
    found = final(component("a", metadata={"annotations": annotations}))["metadata"]["annotations"]
    assert found == {**annotations, "backstage.io/view-url": REJECTED}
