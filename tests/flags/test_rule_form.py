"""A rule in rows: what it says as JSON, what comes back of it, and what rows cannot say."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.flags.form_fields import FormError
from counterpoint.flags.rule_form import (
    BLANK,
    OPERATORS,
    Branch,
    Condition,
    Outcome,
    RuleForm,
    form_of,
    read_form,
    rule_of,
)

from .rules import MadeUp

COUNTRY = {"var": "country"}
SHOWN: list[tuple[Any, Condition]] = [
    ({"==": [COUNTRY, "SE"]}, Condition("country", "==", "SE")),
    ({"==": [COUNTRY, "18"]}, Condition("country", "==", '"18"')),
    ({"==": [COUNTRY, 18]}, Condition("country", "==", "18")),
    ({"===": [COUNTRY, 1.0]}, Condition("country", "===", "1.0")),
    ({"!=": [COUNTRY, ""]}, Condition("country", "!=", '""')),
    ({"==": [COUNTRY, None]}, Condition("country", "==", "null")),
    ({"==": [COUNTRY, "null"]}, Condition("country", "==", '"null"')),
    ({"==": [COUNTRY, " a "]}, Condition("country", "==", '" a "')),
    ({"in": [COUNTRY, ["SE", "NO"]]}, Condition("country", "in", "SE, NO")),
    ({"in": [COUNTRY, ["a, b", 1, "1", True]]}, Condition("country", "in", '"a, b", 1, "1", true')),
    ({"!": [{"in": [COUNTRY, ["SE"]]}]}, Condition("country", "not in", "SE")),
    ({"in": ["beta", {"var": "groups"}]}, Condition("groups", "contains", "beta")),
    ({"!": [{"in": [7, {"var": "groups"}]}]}, Condition("groups", "not contains", "7")),
    ({"ends_with": [{"var": "email"}, "@x.example"]}, Condition("email", "ends_with", "@x.example")),
    ({"sem_ver": [{"var": "app.version"}, ">=", "1.10"]}, Condition("app.version", "version >=", "1.10")),
    ({"!!": [COUNTRY]}, Condition("country", "set")),
    ({"!": [COUNTRY]}, Condition("country", "not set")),
    ({"$ref": "nordic"}, Condition("nordic", "shared")),
]


@pytest.mark.parametrize(("asked", "row"), SHOWN, ids=[str(row) for _, row in SHOWN])
def test_each_comparison_is_a_row_and_comes_back(asked: Any, row: Condition) -> None:
    rule = {"if": [asked, "on", {"fractional": [["on", 10], ["off", 90]]}]}
    split = Outcome("%", (("on", "10"), ("off", "90")))
    assert form_of(rule) == RuleForm((Branch((row,), "and", Outcome("=on")),), split)
    assert json.dumps(rule_of(RuleForm((Branch((row,), "and", Outcome("=on")),), split))) == json.dumps(rule)


def test_several_conditions_and_branches_and_a_split_by_an_attribute_are_rows() -> None:
    rule = {
        "if": [
            {"or": [{"==": [COUNTRY, "SE"]}, {">": [{"var": "age"}, 17.5]}]}, "",
            {"and": [{"!!": [COUNTRY]}, {"<=": [{"var": "age"}, 9]}]}, None,
            {"==": [COUNTRY, "NO"]}, {"fractional": [{"var": "company"}, ["on", 1], ["on", 0]]},
        ]
    }  # fmt: skip
    form = form_of(rule)
    assert form is not None
    assert [branch.join for branch in form.branches] == ["or", "and", "and"]
    assert [branch.outcome.choice for branch in form.branches] == ["=", "", "%"]
    assert (form.branches[2].outcome.by, form.branches[2].outcome.shares) == (
        "company",
        (("on", "1"), ("on", "0")),
    )
    assert json.dumps(rule_of(form)) == json.dumps(rule)


@pytest.mark.parametrize(
    "rule",
    [
        {"if": [{"==": ["SE", COUNTRY]}, "on"]},
        {"if": [{"==": [{"var": ["country", "SE"]}, "SE"]}, "on"]},
        {"if": [{"==": [{"var": ""}, "SE"]}, "on"]},
        {"if": [{"==": [{"var": " x"}, "SE"]}, "on"]},
        {"if": [{"==": [{"var": 0}, "SE"]}, "on"]},
        {"if": [{"starts_with": [COUNTRY, 5]}, "on"]},
        {"fractional": [["on", True]]},
        {"fractional": [["on", 1.0]]},
        {"fractional": [[None, 1]]},
        {"if": [{"var": "beta"}, "on"]},
        {"if": [{"!!": COUNTRY}, "on"]},
        {"if": [{"and": [{"==": [COUNTRY, "SE"]}]}, "on"]},
        {"if": [{"and": [{"or": [{"!!": [COUNTRY]}, {"!": [COUNTRY]}]}, {"!!": [COUNTRY]}]}, "on"]},
        {"if": [{"==": [COUNTRY, "SE"]}, {"if": [{"!!": [COUNTRY]}, "on"]}]},
        {"if": [{"==": [COUNTRY, "SE"]}, "on", None]},
        {"if": [{"==": [COUNTRY, "SE"]}, True]},
        {"if": [{"==": [COUNTRY, ["SE"]]}, "on"]},
        {"if": [{"<": [1, COUNTRY, 3]}, "on"]},
        {"if": [{"in": [COUNTRY, "SENO"]}, "on"]},
        {"if": [{"in": [COUNTRY, []]}, "on"]},
        {"if": []},
        {"if": ["on"]},
        {"fractional": [["on"], ["off"]]},
        {"fractional": [["on", 0]]},
        {"fractional": [["on", {"var": "x"}]]},
        {"fractional": [{"cat": [{"var": "x"}]}, ["on", 1]]},
        {"==": [COUNTRY, "SE"]},
        {"near": [1]},
    ],
)  # fmt: skip
def test_what_rows_cannot_say_is_left_to_the_text(rule: Any) -> None:
    assert form_of(rule) is None


@pytest.mark.parametrize("rule", [None, {}])
def test_no_rule_is_no_row(rule: Any) -> None:
    assert form_of(rule) == RuleForm()
    assert rule_of(RuleForm()) == {}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 100_000))
def test_a_rule_in_rows_comes_back_as_it_was(seed: int) -> None:
    rule = MadeUp(seed).definition()[0]["flags"].popitem()[1].get("targeting")
    form = form_of(rule)
    assert form is None or json.dumps(rule_of(form)) == json.dumps(rule or {})


TEXTS = st.text(max_size=6) | st.sampled_from(
    ["1", "true", "null", '"', '\\"', "a,b", " x", "", "SE", "1.2.3"]
)
VALUES = TEXTS | st.integers(-9, 9) | st.booleans() | st.none() | st.floats(allow_nan=False)


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(["==", "!=", "<", "in", "contains", "starts_with", "version ^"]), st.lists(VALUES, min_size=1, max_size=3))  # fmt: skip
def test_values_of_every_type_come_back_or_are_left_to_the_text(
    attribute: str, operator: str, values: list[Any]
) -> None:
    value: Any = values if operator == "in" else values[0]
    rule = {"if": [OPERATORS[operator].write({"var": attribute}, value), "on"]}
    form = form_of(rule)
    if form is not None:
        assert json.dumps(rule_of(form)) == json.dumps(rule)
    elif attribute == attribute.strip() != "" and "\r" not in attribute and isinstance(value, list | str):
        kind = OPERATORS[operator].kind
        assert kind == "list", rule


@pytest.mark.parametrize(
    ("branch", "field"),
    [
        (Branch((), "and", Outcome("=on")), "b0-attr"),
        (Branch((Condition("", "==", "SE"),), "and", Outcome("=on")), "b0-attr"),
        (Branch((Condition("country", "==", ""),), "and", Outcome("=on")), "b0-value"),
        (Branch((Condition("country", "in", " , "),), "and", Outcome("=on")), "b0-value"),
        (Branch((Condition("country", "near", "1"),), "and", Outcome("=on")), "b0-op"),
        (Branch((Condition("country", "==", "SE"),), "and", Outcome("%")), "b0-weight"),
        (Branch((Condition("country", "==", "SE"),), "and", Outcome("%", (("on", "0"),))), "b0-weight"),
        (Branch((Condition("country", "==", "SE"),), "and", Outcome("%", (("on", "1.5"),))), "b0-weight"),
        (Branch((Condition("country", "==", "SE"),), "and", Outcome("%", (("on", "9999999999"),))), "b0-weight"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_at_its_field(branch: Branch, field: str) -> None:
    with pytest.raises(FormError) as caught:
        rule_of(RuleForm((branch,)))
    assert [problem.pointer for problem in caught.value.problems] == [field]


def test_empty_rows_are_left_out_of_what_was_sent() -> None:
    data = {
        "b0-attr": ["country", ""], "b0-op": ["==", "=="], "b0-value": ["SE", ""], "b0-join": "or", "b0-out": "=on",
        "b1-attr": "", "b1-op": "==", "b1-value": "", "b1-out": "",
        "otherwise-out": "%", "otherwise-variant": ["on", "off"], "otherwise-weight": ["10", ""],
    }  # fmt: skip
    form = read_form(data)
    assert form.branches == (Branch((Condition("country", "==", "SE"),), "or", Outcome("=on")), BLANK)
    assert rule_of(form) == {"if": [{"==": [COUNTRY, "SE"]}, "on", {"fractional": [["on", 10]]}]}
