"""JsonLogic against JavaScript itself: each operator run by Node on values of every type of JSON."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterpoint.flags.errors import RuleLimitError
from counterpoint.flags.javascript import number, parse_float, text
from counterpoint.flags.jsonlogic import LAZY, OPERATORS, apply

from .engines import EXAMPLES, Node, patient, running

pytestmark = patient

often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def javascript() -> Iterator[Node]:
    with running("javascript.mjs", packages=False) as node:
        yield node


TEXTS = ["", " ", "0", "-0", "1", "01", "+1", "-1", "1.0", "1.5", ".5", "5.", "1e3", "1e", "1E-7", "0x1F", "-0x1", "0b101", "0o17", "0x", "Infinity", "-Infinity", "+Infinity", "infinity", "inf", "NaN", "nan", "null", "true", "undefined", "1,2", "1_0", "١", "\ufeff1", "\u200b1", "\x1c1", "\x851", "\u180e1", " \n1\t", "1 2", "12px", "a", "A", "é", "é", "😀", "\ud83d", "\udc00a", "￿", "[object Object]", "a.b", "length", "9007199254740993", "1e400", "-1e400", "1e-400", "0.1", "123456789012345678901234567890"]  # fmt: skip
NUMBERS: list[Any] = [0, -0.0, 1, -1, 2, 10, 0.1, 0.2, 0.3, 1.5, -1.5, 1.0, 1e21, 1e20, 123456789012345680000, 1e-6, 1e-7, 1.5e-9, 2**31, 2**53, 2**53 + 1, 2**64, 5e-324, 1.7976931348623157e308, 100, 1e300, 0.1 + 0.2, 4.35, 1e16, 12345.678]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from(TEXTS)
    | st.sampled_from(NUMBERS)
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0"]), inner, max_size=2)
    ),
    max_leaves=6,
)
NAMES = sorted({*OPERATORS, *LAZY})
PATHS = ["", "a", "b", "a.b", "a.0", "l", "l.0", "l.1.a", "l.length", "t.length", "t.0", "none", "0", 0, 1, None, "current", "accumulator", "a.b.0"]  # fmt: skip


def seen(value: Any) -> Any:
    """A value as the other side reads it from JSON: numbers as doubles, told apart from truth values."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__, value
    if isinstance(value, int | float):
        if value != value or math.isinf(value):
            return "number", text(value)
        return "number", float(value)
    if isinstance(value, list | tuple):
        return [seen(item) for item in value]
    if isinstance(value, dict) and set(value) == {"number"} and isinstance(value["number"], str):
        return "number", value["number"]
    return {key: seen(item) for key, item in value.items()}


@often
@given(value=VALUES)
def test_values_become_numbers_and_texts(javascript: Node, value: Any) -> None:
    for name, ours in (("Number", number), ("String", text), ("parseFloat", parse_float)):
        theirs = javascript({"ask": name, "of": value})
        assert seen(ours(value)) == seen(theirs), (name, value)


@pytest.mark.parametrize("value", [*TEXTS, *NUMBERS])
def test_each_odd_text_and_number(javascript: Node, value: Any) -> None:
    for name, ours in (("Number", number), ("String", text), ("parseFloat", parse_float)):
        assert seen(ours(value)) == seen(javascript({"ask": name, "of": value})), name


PAIRWISE = ["==", "!=", "===", "!==", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in", "cat", "min", "max", "merge", "and", "or", "substr"]  # fmt: skip


@pytest.mark.parametrize("operator", PAIRWISE)
def test_every_pair_of_odd_values(javascript: Node, operator: str) -> None:
    odd: list[Any] = [*TEXTS, *NUMBERS, None, True, False, [], [[]], [0], ["1"], [1, 2], [None], [[1], 2], {}, {"a": 1}, {"a": 1, "b": 2}]  # fmt: skip
    # One question a left side: the pairs within one rule.
    for left in odd:
        rule = {"map": [{"var": "odd"}, {operator: [{"var": "left"}, {"var": "right"}]}]}
        data = json.loads(json.dumps({"odd": [{"left": left, "right": right} for right in odd]}))
        ours, theirs = apply(rule, data), javascript({"rule": rule, "data": data})
        for right, one, other in zip(odd, ours, theirs, strict=True):
            if (operator, left, right) == ("in", "\ud83d", "😀"):
                continue  # half a character is in no text of ours, a whole one is
            assert seen(one) == seen(other), (left, operator, right)


def operations(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from([name for name in NAMES if name != "missing_some"])
    return (
        st.builds(lambda name, rules: {name: rules}, names, st.lists(inner, max_size=4))
        | st.builds(lambda name, rule: {name: rule}, names, inner)
        | st.builds(lambda path: {"var": path}, st.sampled_from(PATHS))
        | st.builds(lambda path, other: {"var": [path, other]}, st.sampled_from(PATHS), inner)
        | st.builds(lambda need, paths: {"missing_some": [need, paths]}, inner, st.lists(st.sampled_from(PATHS)))
        | st.builds(
            lambda name, items, rule: {name: [items, rule, 0]},
            st.sampled_from(["map", "filter", "reduce", "all", "some", "none"]),
            inner,
            inner,
        )
    )  # fmt: skip


RULES = st.recursive(
    VALUES | st.sampled_from(PATHS).map(lambda path: {"var": path}), operations, max_leaves=14
)
DATA = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES, "l": st.lists(VALUES, max_size=3), "t": st.sampled_from(TEXTS)}) | VALUES  # fmt: skip


def unknown(rule: Any) -> bool:
    """Whether the rule may run into an object of one member that is no operation."""
    if isinstance(rule, list):
        return any(unknown(item) for item in rule)
    if not isinstance(rule, dict) or len(rule) != 1:
        return False
    ((name, given),) = rule.items()
    return name not in NAMES or unknown(given)


@often
@given(rule=RULES, data=DATA)
def test_rules_come_to_what_javascript_comes_to(javascript: Node, rule: Any, data: Any) -> None:
    if unknown(rule):
        return
    # Through JSON, as rules are read: no object is in two places.
    rule, data = json.loads(json.dumps([rule, data]))
    try:
        ours = apply(rule, data)
    except RuleLimitError:
        return
    theirs = javascript({"rule": rule, "data": data})
    if isinstance(theirs, dict) and "thrown" in theirs:
        return  # no rule that is structurally valid throws in ours
    assert seen(ours) == seen(theirs)
