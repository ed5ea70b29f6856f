"""The context that the form is filled with: what the rule reads, with values that it knows."""

import json
from typing import Any

import pytest

from counterpoint.flags.model import FlagSet
from counterpoint.flags.ruletree import tree_of
from counterpoint.flags.trying import example_context


def example(rule: Any) -> dict[str, Any]:
    flags = FlagSet.from_flagd(
        {"flags": {"one": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": rule}}}
    )  # fmt: skip
    context: dict[str, Any] = json.loads(example_context(tree_of(flags, flags.flags["one"])))
    return context


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"in": [{"var": "country"}, ["SE", "NO"]]}, {"country": "SE"}),
        ({"ends_with": [{"var": "email"}, "@a.example"]}, {"email": "someone@a.example"}),
        ({">=": [{"var": "age"}, 18]}, {"age": 18}),
        ({"==": [{"var": "user.plan"}, "pro"]}, {"user": {"plan": "pro"}}),
        ({"!!": [{"var": "beta"}]}, {"beta": ""}),
        ({">=": [{"var": "$flagd.timestamp"}, 5]}, {}),
        ({"==": [{"var": "targetingKey"}, "x"]}, {}),
        ({"and": [{"==": [{"var": "a"}, 1]}, {"==": [{"var": "a.b"}, 2]}]}, {"a": 1}),
    ],
)
def test_each_attribute_has_a_value_that_the_rule_knows(condition: Any, expected: dict[str, Any]) -> None:
    assert example({"if": [condition, "on"]}) == {"targetingKey": "user-1", **expected}


def test_without_a_rule_there_is_the_subject() -> None:
    assert json.loads(example_context(None)) == {"targetingKey": "user-1"}


def test_a_rule_that_reads_a_hundred_attributes_fills_the_form_with_a_dozen() -> None:
    assert len(example({"or": [{"==": [{"var": f"a{n}"}, n]} for n in range(100)]})) == 12
