"""JsonLogic as JavaScript runs it: tables written from ECMA-262 and jsonlogic.com."""

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.flags import jsonlogic
from counterpoint.flags.errors import RuleError, RuleLimitError, UnknownOperatorError

NAN = math.nan
DATA = {
    "a": 1,
    "b": {"c": [10, {"d": "x"}]},
    "nil": None,
    "empty": "",
    "zero": 0,
    "word": "héllo😀",
    "list": ["p", "q"],
}

RULES: list[tuple[Any, Any]] = [
    # values
    (True, True),
    ([1, {"var": "a"}], [1, 1]),
    ({}, {}),
    ({"a": 1, "b": 2}, {"a": 1, "b": 2}),
    # var
    ({"var": "a"}, 1),
    ({"var": ["a"]}, 1),
    ({"var": "b.c.0"}, 10),
    ({"var": "b.c.1.d"}, "x"),
    ({"var": "b.c.2"}, None),
    ({"var": "b.c.-1"}, None),
    ({"var": "b.c.00"}, None),
    ({"var": ["none", "default"]}, "default"),
    ({"var": ["nil", "default"]}, None),
    ({"var": ["b.x.y", 7]}, 7),
    ({"var": "list.length"}, 2),
    ({"var": "word.1"}, "é"),
    ({"var": "word.length"}, 7),
    ({"var": "a.constructor"}, None),
    ({"var": ["none", {"var": "a"}]}, 1),
    ({"var": {"cat": ["a", ""]}}, 1),
    # missing
    ({"missing": ["a", "none", "nil", "empty", "zero"]}, ["none", "nil", "empty"]),
    ({"missing": [["a", "z"]]}, ["z"]),
    ({"missing": "z"}, ["z"]),
    ({"missing": {"merge": ["a", ["y"]]}}, ["y"]),
    ({"missing_some": [1, ["a", "y"]]}, []),
    ({"missing_some": [2, ["a", "y"]]}, ["y"]),
    # if
    ({"if": [True, 1, 2]}, 1),
    ({"if": [False, 1, 2]}, 2),
    ({"if": [False, 1]}, None),
    ({"if": [0, 1, "", 2, [], 3, "else"]}, "else"),
    ({"if": [0, 1, "0", 2]}, 2),
    ({"if": []}, None),
    ({"if": [5]}, 5),
    ({"if": [{}, "objects are true", 0]}, "objects are true"),
    ({"?:": [True, 1, 2]}, 1),
    # loose equality
    ({"==": [1, 1.0]}, True),
    ({"==": [1, "1"]}, True),
    ({"==": [1, " 1 "]}, True),
    ({"==": [31, "0x1F"]}, True),
    ({"==": [0, ""]}, True),
    ({"==": [0, False]}, True),
    ({"==": [1, True]}, True),
    ({"==": [2, True]}, False),
    ({"==": ["true", True]}, False),
    ({"==": ["", False]}, True),
    ({"==": [None, False]}, False),
    ({"==": [None, 0]}, False),
    ({"==": [None, {"var": "none"}]}, True),
    ({"==": [[], ""]}, True),
    ({"==": [[], 0]}, True),
    ({"==": [[1, 2], "1,2"]}, True),
    ({"==": [[1], [1]]}, False),
    ({"==": [{"var": "list"}, {"var": "list"}]}, True),
    ({"==": ["NaN", {"-": ["x"]}]}, False),
    ({"==": [{"-": ["x"]}, {"-": ["x"]}]}, False),
    ({"!=": [1, "1"]}, False),
    ({"==": [2**53, 2**53 + 1]}, True),
    # strict equality
    ({"===": [1, 1.0]}, True),
    ({"===": [1, "1"]}, False),
    ({"===": [0, False]}, False),
    ({"===": [1, True]}, False),
    ({"===": [None, False]}, False),
    ({"===": ["a", "a"]}, True),
    ({"!==": [1, True]}, True),
    # truth
    ({"!": [[]]}, True),
    ({"!": [[0]]}, False),
    ({"!": ["0"]}, False),
    ({"!": 0}, True),
    ({"!!": ["false"]}, True),
    ({"!!": [None]}, False),
    ({"!!": [{"-": ["x"]}]}, False),
    # and, or: the deciding operand
    ({"and": [1, "", 3]}, ""),
    ({"and": [1, 2]}, 2),
    ({"or": [0, "", 3, 4]}, 3),
    ({"or": [0, []]}, []),
    ({"and": [False, {"no such": 1}]}, False),
    ({"or": [True, {"no such": 1}]}, True),
    # order
    ({"<": [1, 2]}, True),
    ({"<": [1, 2, 3]}, True),
    ({"<": [1, 3, 2]}, False),
    ({"<=": [1, 1, 1]}, True),
    ({"<": ["10", "9"]}, True),
    ({"<": ["10", 9]}, False),
    ({"<": [None, 1]}, True),
    ({"<": ["a", 1]}, False),
    ({">=": ["a", 1]}, False),
    ({">": [2, "1"]}, True),
    ({">=": [None, 0]}, True),
    ({"<": ["\U0001f600", "\uffff"]}, True),
    # numbers
    ({"+": [1, "2", 3.5]}, 6.5),
    ({"+": "3.14"}, 3.14),
    ({"+": ["12px"]}, 12),
    ({"+": [True]}, NAN),
    ({"+": []}, 0),
    ({"-": [3]}, -3),
    ({"-": ["3", True]}, 2),
    ({"*": [2, "3", 4]}, 24),
    ({"*": ["2"]}, "2"),
    ({"*": []}, 1),
    ({"/": [1, 2]}, 0.5),
    ({"/": [1, 0]}, math.inf),
    ({"/": [-1, 0]}, -math.inf),
    ({"/": [0, 0]}, NAN),
    ({"%": [-5, 3]}, -2),
    ({"%": [5, 0]}, NAN),
    ({"%": [5.5, 2]}, 1.5),
    ({"max": [1, "3", 2]}, 3),
    ({"min": [1, None]}, 0),
    ({"max": []}, -math.inf),
    ({"max": [1, "x"]}, NAN),
    # arrays
    ({"map": [{"var": "b.c"}, {"var": ""}]}, [10, {"d": "x"}]),
    ({"map": [[1, 2], {"*": [{"var": ""}, 2]}]}, [2, 4]),
    ({"map": ["no array", 1]}, []),
    ({"filter": [[1, 2, 3], {">": [{"var": ""}, 1]}]}, [2, 3]),
    ({"reduce": [[1, 2, 3], {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]}, 6),
    ({"reduce": [None, 1, "start"]}, "start"),
    ({"reduce": [[1], {"var": "accumulator"}]}, None),
    ({"all": [[1, 2], {">": [{"var": ""}, 0]}]}, True),
    ({"all": [[], True]}, False),
    ({"some": [[0, 1], {"var": ""}]}, True),
    ({"some": [[], True]}, False),
    ({"none": [[0, ""], {"var": ""}]}, True),
    ({"none": [[], True]}, True),
    ({"merge": [1, [2, [3]], []]}, [1, 2, [3]]),
    ({"in": [1, [1, 2]]}, True),
    ({"in": ["1", [1, 2]]}, False),
    ({"in": [True, [1]]}, False),
    ({"in": ["ell", "hello"]}, True),
    ({"in": [1, "a1"]}, True),
    ({"in": ["", ""]}, False),
    ({"in": ["a", None]}, False),
    ({"in": ["a", {"var": "b"}]}, False),
    # texts
    ({"cat": ["a", 1, True, None, 1.5, [1, [2, None]]]}, "a1true1.51,2,"),
    ({"cat": [1e21, " ", 1e-7, " ", 0.000001, " ", 1.0, " ", 123456789012345680000.0]}, "1e+21 1e-7 0.000001 1 123456789012345680000"),
    ({"cat": [{"var": "b"}]}, "[object Object]"),
    ({"substr": ["jsonlogic", 4]}, "logic"),
    ({"substr": ["jsonlogic", -5]}, "logic"),
    ({"substr": ["jsonlogic", 1, 3]}, "son"),
    ({"substr": ["jsonlogic", 4, -2]}, "log"),
    ({"substr": ["abc", 9]}, ""),
    ({"substr": ["abc", 0, None]}, ""),
    ({"substr": [None, 0, 2]}, "nu"),
    ({"substr": [{"var": "word"}, 5, 2]}, "😀"),
    ({"log": "quiet"}, "quiet"),
]  # fmt: skip


def same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return (
        type(left) is type(right) and left == right
        if isinstance(left, bool) or isinstance(right, bool)
        else left == right
    )


@pytest.mark.parametrize(("rule", "expected"), RULES, ids=[str(rule)[:70] for rule, _ in RULES])
def test_a_rule_comes_to_what_javascript_says(rule: Any, expected: Any) -> None:
    assert same(jsonlogic.apply(rule, DATA), expected)


@pytest.mark.parametrize(
    "rule", [{"no such": []}, {"if": [{"$ref": "x"}, 1]}, {"": 1}, {"map": [[1], {"method": []}]}]
)
def test_an_unknown_operator_is_an_error_of_its_own(rule: Any) -> None:
    with pytest.raises(UnknownOperatorError, match="There is no operator"):
        jsonlogic.apply(rule, {})


def nested(operator: str, levels: int) -> Any:
    rule: Any = 1
    for _ in range(levels):
        rule = {operator: [rule]}
    return rule


@pytest.mark.parametrize("operator", ["!", "if", "and", "filter", "cat", "map"])
def test_depth_is_limited_and_never_the_stack(operator: str) -> None:
    jsonlogic.apply(nested(operator, jsonlogic.MAX_DEPTH - 20))
    with pytest.raises(RuleLimitError):
        jsonlogic.apply(nested(operator, 50_000))


def test_work_is_limited() -> None:
    many = list(range(1000))
    with pytest.raises(RuleLimitError, match="steps"):
        jsonlogic.apply({"map": [many, {"map": [many, {"map": [many, 1]}]}]})
    with pytest.raises(RuleLimitError):
        jsonlogic.apply({"map": [[1] * 50_000, {"in": ["x", {"var": "big"}]}]}, {"big": ["y"] * 50_000})


@pytest.mark.parametrize("grow", ["cat", "merge"])
def test_what_a_rule_builds_is_limited(grow: str) -> None:
    accumulator = {"var": "accumulator"}
    with pytest.raises(RuleLimitError):
        jsonlogic.apply({"reduce": [[1] * 60, {grow: [accumulator, accumulator]}, "xx"]})
    with pytest.raises(RuleLimitError):
        jsonlogic.apply({"cat": [{"reduce": [[1] * 60, [accumulator, accumulator], "xx"]}]})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["", "0", " 1", "0x", "a.b", "-"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
NAMES = sorted(
    [*jsonlogic.OPERATORS, "if", "?:", "and", "or", "map", "filter", "reduce", "all", "some", "none"]
)
RANDOM_RULES = st.recursive(
    VALUES,
    lambda inner: st.builds(
        lambda name, given: {name: given}, st.sampled_from(NAMES), st.lists(inner, max_size=4) | inner
    ),
    max_leaves=25,
)


@given(rule=RANDOM_RULES, data=VALUES)
def test_no_input_raises_anything_but_a_rule_error(rule: Any, data: Any) -> None:
    with suppress(RuleError):
        jsonlogic.apply(rule, data)


@given(left=VALUES, right=VALUES)
def test_equality_is_symmetric_and_strict_implies_loose(left: Any, right: Any) -> None:
    for operator in ("==", "==="):
        assert jsonlogic.apply(
            {operator: [{"var": "l"}, {"var": "r"}]}, {"l": left, "r": right}
        ) == jsonlogic.apply({operator: [{"var": "r"}, {"var": "l"}]}, {"l": left, "r": right})
    both = {"l": left, "r": right}
    if jsonlogic.apply({"===": [{"var": "l"}, {"var": "r"}]}, both):
        assert jsonlogic.apply({"==": [{"var": "l"}, {"var": "r"}]}, both)


@given(value=VALUES)
def test_double_negation_is_truth(value: Any) -> None:
    data = {"v": value}
    truth = jsonlogic.apply({"!!": [{"var": "v"}]}, data)
    assert truth is (not jsonlogic.apply({"!": [{"var": "v"}]}, data))
    assert jsonlogic.apply({"if": [{"var": "v"}, "yes", "no"]}, data) == ("yes" if truth else "no")


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"starts_with": ["abc", "a"]}, True),
        ({"ends_with": ["abc", "a"]}, False),
        ({"sem_ver": ["1.2.3", ">=", "1.2.0"]}, True),
        ({"starts_with": [1, "a"]}, None),
        ({"fractional": ["user-1", ["a", 1]]}, "a"),
    ],
)
def test_flagds_operators_are_known_outside_of_flags(rule: Any, value: Any) -> None:
    assert jsonlogic.apply(rule, {}) == value
