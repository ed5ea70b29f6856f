"""Predicates over the keys of an entity."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.graph.predicate import check_predicate, compile_predicate, keys_of

DOCUMENT = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {
        "name": "Web",
        "namespace": "default",
        "tags": ["java", "Web"],
        "annotations": {"github.com/project-slug": "acme/web"},
        "description": "x" * 300,
    },
    "spec": {
        "type": "Service",
        "size": 12,
        "ratio": 0.5,
        "open": True,
        "none": None,
        "list": [{"a": 1}, {"a": 2}],
    },
}
KEYS = keys_of(DOCUMENT, [("ownedBy", "group:default/player"), ("dependsOn", "component:default/db")])


def holds(predicate):
    assert list(check_predicate(predicate, "")) == []
    return compile_predicate(predicate).holds(KEYS)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ({}, True),
        ({"$all": []}, True),
        ({"$any": []}, False),
        ({"kind": "component"}, True),
        ({"KIND": "COMPONENT"}, True),
        ({"spec.type": "service", "kind": "api"}, False),
        ({"spec.size": 12}, True),
        ({"spec.size": "12"}, True),
        ({"spec.open": True}, True),
        ({"spec.open": "true"}, True),
        ({"metadata.tags": "web"}, True),
        ({"metadata.tags.java": "true"}, True),
        ({"metadata.tags": {"$contains": "Java"}}, True),
        ({"metadata.annotations.github.com/project-slug": "acme/web"}, True),
        ({"metadata.description": {"$exists": True}}, True),
        ({"metadata.description": "x" * 200}, False),
        ({"spec.none": {"$exists": True}}, True),
        ({"spec.none": {"$exists": False}}, False),
        ({"spec.missing": {"$exists": False}}, True),
        ({"spec": {"$exists": True}}, False),
        ({"spec.list.a": 2}, True),
        ({"spec.type": {"$in": ["library", "SERVICE"]}}, True),
        ({"spec.type": {"$in": []}}, False),
        ({"spec.type": {"$hasPrefix": "SER"}}, True),
        ({"spec.type": {"$hasPrefix": "%"}}, False),
        ({"relations.ownedBy": "group:default/player"}, True),
        ({"relations": {"$contains": {"type": "ownedBy", "targetRef": "group:default/PLAYER"}}}, True),
        ({"relations": {"$contains": {"type": "ownedBy"}}}, True),
        ({"relations": {"$contains": {"type": "partOf"}}}, False),
        ({"relations": {"$contains": {"type": "dependsOn", "targetRef": {"$in": ["a:b/c"]}}}}, False),
        ({"$not": {"spec.type": "service"}}, False),
        ({"$any": [{"kind": "api"}, {"$not": {"kind": "api"}}]}, True),
        ({"spec.size": {"$gte": 12, "$lt": 13}}, True),
        ({"spec.size": {"$gt": 12}}, False),
        ({"spec.ratio": {"$lte": 0.5}}, True),
        ({"spec.type": {"$gt": 0}}, False),
        ({"spec.missing": {"$lt": 5}}, False),
    ],
)
def test_a_predicate_holds_as_backstage_says_and_numbers_compare(predicate, expected):
    assert holds(predicate) is expected


@pytest.mark.parametrize("text", ["nan", "infinity", "1_000", "0x10", ""])
def test_texts_that_only_python_reads_as_numbers_do_not_compare(text):
    assert not compile_predicate({"x": {"$gt": -1e300}}).holds({"x": {text}})


@pytest.mark.parametrize(
    ("predicate", "pointer"),
    [
        ([], ""),
        ("kind=component", ""),
        ({"$and": []}, "/$and"),
        ({"$all": {}}, "/$all"),
        ({"$not": []}, "/$not"),
        ({"$not": {}, "kind": "api"}, ""),
        ({"$any": [{"a": 1}, 3]}, "/$any/1"),
        ({"a": None}, "/a"),
        ({"a": [1]}, "/a"),
        ({"a": {}}, "/a"),
        ({"a": {"$in": "x"}}, "/a/$in"),
        ({"a": {"$in": [None]}}, "/a/$in/0"),
        ({"a": {"$exists": "yes"}}, "/a/$exists"),
        ({"a": {"$hasPrefix": 3}}, "/a/$hasPrefix"),
        ({"a": {"$regex": ".*"}}, "/a/$regex"),
        ({"a": {"$gt": True}}, "/a/$gt"),
        ({"a": {"$gt": 1, "$exists": True}}, "/a"),
        ({"a/b": {"$gt": "1"}}, "/a~1b/$gt"),
        ({"a": {"$contains": {"type": "x"}}}, "/a/$contains"),
        ({"relations": {"$contains": {"targetRef": "x"}}}, "/relations/$contains"),
        ({"relations": {"$contains": {"type": "x", "targetRef": 3}}}, "/relations/$contains/targetRef"),
        ({"a": "x" * 201}, "/a"),
        ({"": 1}, "/"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(predicate, pointer):
    problems = list(check_predicate(predicate, ""))
    assert pointer in {problem.pointer for problem in problems}
    assert all(problem.message for problem in problems)


def deep(levels):
    predicate = {"kind": "component"}
    for _ in range(levels):
        predicate = {"$not": predicate}
    return predicate


@pytest.mark.parametrize(
    "predicate",
    [
        deep(300),
        {"$any": [{"a": index} for index in range(100_000)]},
        {f"k{index}": index for index in range(100_000)},
        {"$all": [{}] * 100_000},
        {"a": {"$in": list(range(100_000))}},
    ],
    ids=["deep", "any", "keys", "empty", "in"],
)
def test_hostile_predicates_are_refused_at_once(predicate):
    start = time.process_time()
    assert list(check_predicate(predicate, ""))
    assert time.process_time() - start < 0.5


SCALARS = st.one_of(
    st.text(max_size=5), st.booleans(), st.integers(-5, 5), st.none(), st.floats(allow_nan=False)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(TREES)
def test_anything_is_either_refused_or_can_be_asked(value):
    if not list(check_predicate(value, "")):
        assert compile_predicate(value).holds(KEYS) in {True, False}


@given(st.dictionaries(st.text(min_size=1, max_size=5), TREES, max_size=4))
def test_a_predicate_and_its_negation_never_agree(document):
    keys = keys_of(document)
    for key in [*keys, "other"]:
        if key and not key.startswith("$"):
            there = compile_predicate({key: {"$exists": True}})
            assert there.holds(keys) != compile_predicate({"$not": {key: {"$exists": True}}}).holds(keys)
            assert there.holds(keys) == (key != "other" or "other" in keys)


@pytest.mark.parametrize(
    ("number", "text"),
    [(1e-7, "1e-7"), (0.1, "0.1"), (1e21, "1e+21"), (2.0, "2"), (2**53 + 1, "9007199254740992")],
)
def test_numbers_are_written_as_backstage_writes_them(number, text):
    keys = keys_of({"spec": {"ratio": number}})
    assert keys["spec.ratio"] == {text}
    assert compile_predicate({"spec.ratio": text}).holds(keys)
    assert compile_predicate({"spec.ratio": number}).holds(keys)
