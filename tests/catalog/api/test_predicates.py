"""Filters and predicates: what each form means, and how what is none is refused."""

from typing import Any

import pytest

from counterpoint.catalog.api.predicates import DEPTH, filter_of, predicate_of
from counterpoint.errors import InputError
from counterpoint.graph.index import AllOf, AnyOf, Equals, Exists, Not, Prefix


@pytest.mark.parametrize(
    ("filters", "predicate"),
    [
        (None, None),
        ([], None),
        ([""], None),
        ([" , ,"], None),
        (["kind"], {"kind": {"$exists": True}}),
        (["kind="], {"kind": ""}),
        (["kind=User"], {"kind": "User"}),
        ([" kind = user "], {"kind": "user"}),
        (["a=b=c"], {"a": "b=c"}),
        (["kind=component,kind=api"], {"kind": {"$in": ["component", "api"]}}),
        (["kind,kind=api"], {"kind": "api"}),
        (["kind=api,kind"], {"kind": "api"}),
        (["kind=api,spec.type"], {"$all": [{"kind": "api"}, {"spec.type": {"$exists": True}}]}),
        (["kind=api", "kind=user"], {"$any": [{"kind": "api"}, {"kind": "user"}]}),
        (["", "kind=user"], {"kind": "user"}),
    ],
)
def test_filter_parameters_mean_predicates(filters: list[str] | None, predicate: Any) -> None:
    assert predicate_of(filters) == predicate


@pytest.mark.parametrize("text", ["=x", "a=b,=x", " = "])
def test_an_empty_key_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a valid statement"):
        predicate_of([text])


@pytest.mark.parametrize(
    ("predicate", "meaning"),
    [
        ({}, AllOf(())),
        ({"$all": []}, AllOf(())),
        ({"$any": []}, AnyOf(())),
        ({"Kind": "User"}, Equals("kind", ("user",))),
        ({"spec.n": 1.0}, Equals("spec.n", ("1",))),
        ({"spec.n": True}, Equals("spec.n", ("true",))),
        ({"kind": {"$exists": True}}, Exists("kind")),
        ({"kind": {"$exists": False}}, Not(Exists("kind"))),
        ({"kind": {"$in": ["A", 1, False]}}, Equals("kind", ("a", "1", "false"))),
        ({"kind": {"$in": []}}, Equals("kind", ())),
        ({"kind": {"$hasPrefix": "Us%"}}, Prefix("kind", "us%")),
        ({"metadata.tags": {"$contains": "Java"}}, Equals("metadata.tags", ("java",))),
        ({"kind": {"$exists": True, "$in": ["x"], "other": 1}}, Exists("kind")),
        ({"kind": {"$exists": "x", "$in": ["x"]}}, Equals("kind", ("x",))),
        ({"a": "b", "c": "d"}, AllOf((Equals("a", ("b",)), Equals("c", ("d",))))),
        ({"$not": {"a": "b"}}, Not(Equals("a", ("b",)))),
        ({"relations": "x"}, Equals("relations", ("x",))),
        ({"relations": {"$contains": {"type": "ownedBy"}}}, Exists("relations.ownedby")),
        (
            {"relations": {"$contains": {"TYPE": "ownedBy", "targetref": "Group:default/A"}}},
            Equals("relations.ownedby", ("group:default/a",)),
        ),
        (
            {"relations": {"$contains": {"type": "ownedBy", "targetRef": {"$in": ["a", "B"]}}}},
            Equals("relations.ownedby", ("a", "b")),
        ),
        ({"": "x"}, Equals("", ("x",))),
    ],
)
def test_predicates_mean_conditions(predicate: Any, meaning: Any) -> None:
    assert filter_of(predicate) == meaning


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ({"$all": [{"kind": "x"}], "kind": "user"}, "Unrecognized key(s) in object: 'kind'"),
        ({"$all": [], "$any": []}, "Unrecognized key(s) in object: '$any'"),
        ({"$foo": 1}, 'Invalid query: Validation error: Invalid at "$foo"'),
        ({"a\nb": 1}, 'Invalid at "a\nb"'),
        ({"$all": {}}, 'Invalid at "$all"'),
        ({"kind": None}, 'Invalid at "kind"'),
        ({"kind": []}, 'Invalid at "kind"'),
        ({"kind": {}}, 'Invalid at "kind"'),
        ({"kind": {"$foo": 1}}, 'Invalid at "kind"'),
        ({"kind": {"$in": [None]}}, 'Invalid at "kind"'),
        ({"kind": {"$in": "x"}}, 'Invalid at "kind"'),
        ({"kind": {"$hasPrefix": 3}}, 'Invalid at "kind"'),
        ({"$any": [{"kind": {"$foo": 1}}]}, 'Invalid at "$any[0].kind"'),
        ({"kind": {"$contains": {"a": "b"}}}, 'Object form of $contains is not supported for field "kind"'),
        ({"kind": {"$contains": ["a"]}}, 'Invalid at "kind"'),
        ({"relations": {"$contains": {}}}, 'requires a "type" string property'),
        ({"relations": {"$contains": {"type": 3}}}, 'requires a "type" string property'),
        ({"relations": {"$contains": {"type": "a", "x": 1}}}, 'Unsupported key "x"'),
        ({"relations": {"$contains": {"type": "a", "Type": "b"}}}, 'Duplicate key "Type"'),
        ({"relations": {"$contains": {"type": "a", "targetRef": {"$in": []}}}}, 'Empty "$in" array'),
        ({"relations": {"$contains": {"type": "a", "targetRef": 3}}}, "but got 3"),
        ({"$not": "x"}, 'e.g. { "kind": "x" }'),
        ({"$all": [3]}, "top-level primitive values are not supported"),
        ([], "expected an object"),
    ],
)
def test_what_is_no_predicate_is_refused_with_its_place(predicate: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        filter_of(predicate)
    assert message in refused.value.message


def test_depth_and_size_have_limits() -> None:
    deep: Any = {"kind": "x"}
    for _ in range(DEPTH + 1):
        deep = {"$not": deep}
    with pytest.raises(InputError, match="nests more than 60 levels"):
        filter_of(deep)
    with pytest.raises(InputError, match="has 10001 conditions"):
        filter_of({"kind": {"$in": ["x"] * 10_001}})
    with pytest.raises(InputError, match="has 20000 conditions"):
        filter_of({"$any": [{"kind": "x"}] * 20_000})
    assert filter_of({"kind": {"$in": ["x"] * 10_000}})
