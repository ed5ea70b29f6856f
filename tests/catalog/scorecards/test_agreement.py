"""Scorecards and the Backstage API read one predicate language: what one finds, the other finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint import Workspace
from counterpoint.catalog.api.predicates import filter_of
from counterpoint.graph.index import index_of
from counterpoint.graph.predicate import check_predicate, compile_predicate, keys_of
from tests.catalog.scorecards.conftest import put
from tests.graph.documents import component, group

KEYS = st.sampled_from(
    [
        "kind",
        "metadata.name",
        "metadata.Tags",
        "metadata.tags.java",
        "metadata.description",
        "metadata.annotations.a.b/c",
        "spec.type",
        "spec.size",
        "spec.nothing",
        "spec.open",
        "relations.ownedBy",
        "relations.partOf",
        "other",
    ]
)
VALUES = st.sampled_from(
    [
        "component",
        "Service",
        "service",
        "java",
        "x",
        "",
        1,
        1.5,
        2.0,
        True,
        False,
        "true",
        "1",
        "group:default/player",
    ]
)
MATCHES = st.one_of(
    VALUES,
    st.builds(lambda value: {"$exists": value}, st.booleans()),
    st.builds(lambda values: {"$in": values}, st.lists(VALUES, max_size=3)),
    st.builds(lambda value: {"$hasPrefix": value}, st.sampled_from(["S", "ser", "%", "_", "1", "group:"])),
    st.builds(lambda value: {"$contains": value}, VALUES),
)
RELATIONS = st.builds(
    lambda kind, target: {
        "relations": {"$contains": {"type": kind} | ({"targetRef": target} if target else {})}
    },
    st.sampled_from(["ownedBy", "dependsOn", "partOf"]),
    st.sampled_from([None, "group:default/player", {"$in": ["group:default/player", "component:default/b"]}]),
)
PREDICATES = st.recursive(
    st.one_of(st.dictionaries(KEYS, MATCHES, max_size=3), RELATIONS),
    lambda inner: st.one_of(
        st.builds(lambda parts: {"$all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"$any": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda part: {"$not": part}, inner),
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A few entities that differ in every way that the predicates ask for, as subjects and in the index."""
    with Workspace.create(tmp_path_factory.mktemp("mixed") / "workspace", name="Test") as workspace:
        put(
            workspace,
            group("player"),
            component("a", owner="player", size=1, open=True, metadata={"tags": ["java", "x"]}),
            component("b", owner="player", type="Service", size=1.5, nothing=None, dependsOn=["component:a"]),
            component("c", owner="none", type="library", open="true", metadata={"description": "x" * 300}),
            component("d", size=2.0, metadata={"annotations": {"a.b/c": "Service"}, "description": ""}),
        )
        with workspace.graph.read() as reader:
            subjects = {
                entity.ref: keys_of(
                    {**entity.document, "metadata": {**entity.metadata, "uid": entity.uid}},
                    [(edge.type, edge.target) for edge in entity.relations],
                )
                for entity in reader.all()
            }
        yield subjects, index_of(workspace).snapshot()


@given(predicate=PREDICATES)
def test_a_predicate_finds_the_same_in_both(mixed, predicate):
    subjects, snapshot = mixed
    assert list(check_predicate(predicate, "")) == []
    holds = compile_predicate(predicate).holds
    rows = snapshot.by_reference(filter_of(predicate), limit=100)
    there = {
        f"{row.entity['kind']}:{row.entity['metadata']['namespace']}/{row.entity['metadata']['name']}".lower()
        for row in rows
    }
    assert {ref for ref, keys in subjects.items() if holds(keys)} == there
