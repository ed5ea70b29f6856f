"""Differences between documents, and of entities between two moments."""

from copy import deepcopy
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import InputError, NotFoundError
from counterpoint.graph import SYSTEM
from counterpoint.graph.comparison import Change, apply, compare, gained_and_lost
from counterpoint.graph.descriptor import etag_of
from counterpoint.graph.past import between, relations_of
from tests.graph.documents import component, group

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(-1, 1), st.text("a/~0", max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab/~01", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("ab/~01", max_size=2), JSON, max_size=4)
MICRO = timedelta(microseconds=1)


@given(OBJECTS, OBJECTS)
def test_the_difference_applied_to_the_old_gives_the_new(before, after):
    kept = deepcopy(before)
    changes = compare(before, after)
    assert etag_of(apply(changes, before)) == etag_of(after)
    assert before == kept
    assert (changes == ()) is (etag_of(before) == etag_of(after))


@given(OBJECTS, OBJECTS)
def test_the_difference_turned_round_leads_back(before, after):
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    back = [
        Change(each.pointer, turned[each.action], each.after, each.before) for each in compare(before, after)
    ]
    assert etag_of(apply(back, after)) == etag_of(before)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [Change("/a", "changed", 1, after=True)]),
        ({"a": 1}, {"a": 1.0}, [Change("/a", "changed", 1, 1.0)]),
        ({"a": None}, {}, [Change("/a", "removed")]),
        ({}, {"a/b": {"c": 1}}, [Change("/a~1b", "added", after={"c": 1})]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [Change("/a/c", "changed", 2, 3)]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [Change("/a/1/b", "changed", 2, 3)]),
        ({"a": [1]}, {"a": [1, 2]}, [Change("/a", "changed", [1], [1, 2])]),
        ({"a": {}}, {"a": []}, [Change("/a", "changed", {}, [])]),
    ],
)
def test_each_place_that_differs_is_told_once(before, after, expected):
    assert list(compare(before, after)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (["a", "b"], ["b", "c", "d"], (["c", "d"], ["a"])),
        (None, ["a"], (["a"], [])),
        (["a"], None, ([], ["a"])),
        ([1], [True], ([True], [1])),
        ([{"a": 1}], [], None),
        ("a", "b", None),
    ],
)
def test_a_list_of_plain_values_says_what_it_gained_and_lost(before, after, expected):
    assert gained_and_lost(Change("/x", "changed", before, after)) == expected


def moments(graph):
    with graph.read() as reader:
        return [each.at for each in reversed(reader.activity(limit=100))]


def put(graph, *documents):
    with graph.write(SYSTEM) as writer:
        for document in documents:
            writer.put(document)


def test_an_entity_is_compared_between_two_moments_to_the_microsecond(graph):
    put(graph, component("web", owner="player", dependsOn=["component:db"]))
    put(graph, component("web", owner="player", lifecycle="deprecated", dependsOn=["component:cache"]))
    first, second = moments(graph)
    with graph.read() as reader:
        both = between(reader, "component:web", first, second)
        assert [(each.pointer, each.before, each.after) for each in both.changes] == [
            ("/spec/lifecycle", "production", "deprecated"),
            ("/spec/dependsOn/0", "component:db", "component:cache"),
        ]
        assert [(each.type, each.target) for each in both.gained] == [
            ("dependsOn", "component:default/cache")
        ]
        assert [(each.type, each.target) for each in both.lost] == [("dependsOn", "component:default/db")]
        assert [step.version for step in both.steps] == [2]
        assert between(reader, "component:web", first, second - MICRO).changes == ()
        before = between(reader, "component:web", first - MICRO, first)
        assert (before.before.version, before.after.version) == (None, 1)
        assert {each.action for each in before.changes} == {"added"}


def test_deletion_and_re_creation_are_told_apart(graph):
    put(graph, component("web"))
    with graph.write(SYSTEM) as writer:
        writer.delete("component:web")
    put(graph, component("web"))
    first, deleted, again = moments(graph)
    with graph.read() as reader:
        gone = between(reader, "component:web", first, deleted)
        assert gone.after.version is None
        assert {each.action for each in gone.changes} == {"removed"}
        assert between(reader, "component:web", deleted, again - MICRO).changes == ()
        anew = between(reader, "component:web", first, again)
        assert (anew.changes, anew.recreated) == ((), True)
        assert [step.action for step in anew.steps] == ["deleted", "created"]


def test_what_never_was_and_dates_turned_round_are_refused(graph):
    put(graph, component("web"))
    (at,) = moments(graph)
    with graph.read() as reader:
        with pytest.raises(NotFoundError, match="never"):
            between(reader, "component:none", at, at)
        with pytest.raises(InputError, match="not valid"):
            between(reader, "component:web", at, at - MICRO)


def test_relations_have_their_beginning_and_those_who_declare_them(graph):
    put(graph, group("player", parent="music"))
    put(graph, group("music", children=["player"]))
    put(graph, group("music"))
    first, second, third = moments(graph)
    with graph.read() as reader:
        (now,) = relations_of(reader, "group:player")
        assert (now.type, now.since, now.declared_by) == ("childOf", first, ("group:default/player",))
        (then,) = relations_of(reader, "group:player", at=second)
        assert then.declared_by == ("group:default/music", "group:default/player")
        assert relations_of(reader, "group:player", at=third - MICRO) == [then]
        with pytest.raises(NotFoundError):
            relations_of(reader, "group:music", at=first)


def test_lists_filters_facets_text_and_relations_are_those_of_the_date(graph):
    put(graph, component("web", owner="player", dependsOn=["component:db"], metadata={"tags": ["java"]}))
    put(
        graph,
        component("web", owner="other", lifecycle="deprecated", metadata={"description": "Anders"}),
        component("db", owner="player"),
    )
    with graph.write(SYSTEM) as writer:
        writer.delete("component:web")
    times = sorted(set(moments(graph)))
    first, second, third = times

    def names(at, **filters):
        with graph.read() as reader:
            found = reader.find(at=at, **filters)
            assert found.total == len(found.items)
            return [entity.name for entity in found.items]

    assert (names(first), names(second), names(third)) == (["web"], ["db", "web"], ["db"])
    assert (names(second - MICRO), names(third - MICRO)) == (["web"], ["db", "web"])
    assert (names(first, owner="player"), names(second, owner="player")) == (["web"], ["db"])
    assert (names(first, tag="java"), names(second, tag="java")) == (["web"], [])
    assert (names(first, text="anders"), names(second, text="anders")) == ([], ["web"])
    assert names(second, text="kind") == []  # the name of a field is no word of the entity
    assert names(second, text="ders") == []  # nor is the end of a word
    assert names(second, text="anders production") == []
    db = ("dependsOn", "component:default/db")
    assert (names(first, related=db), names(second, related=db)) == (["web"], [])
    back = ("dependencyOf", "component:default/web")
    assert names(second, related=back) == []
    with graph.read() as reader:
        assert reader.facets("lifecycle", at=first) == [("production", 1)]
        assert reader.facets("lifecycle", at=second) == [("deprecated", 1), ("production", 1)]
        assert reader.facets("owner", at=third) == [("group:default/player", 1)]
        assert reader.facets("tag", at=second) == []


def test_texts_of_any_length_are_stored_for_all_their_indexes(graph):
    long = "".join(chr(33 + (index * index * 7 + index) % 90) for index in range(6_000))
    put(graph, component("web", metadata={"title": long}, type=long, lifecycle=long))
    with graph.read() as reader:
        assert reader.require("component:web").title == long


def test_words_of_the_past_are_found_in_more_entities_than_a_statement_has_parameters(graph):
    with graph.write(SYSTEM) as writer:
        for index in range(1_200):
            writer.put(component(f"c{index:04}", metadata={"description": "Alles anders"}))
    at = moments(graph)[0]
    put(graph, component("c0000"))
    with graph.read() as reader:
        assert reader.find(at=at, text="ander", limit=5).total == 1_200
        assert reader.find(text="ander", limit=5).total == 1_199
