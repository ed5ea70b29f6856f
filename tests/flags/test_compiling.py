"""Generated code against the interpreter: what it answers, and what it leaves to it."""

import json
import math
import re
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterpoint.flags import FlagSet
from counterpoint.flags.compiling.program import LARGEST, compile_flag, source_of
from counterpoint.flags.errors import RuleError
from counterpoint.flags.flag import Flag
from counterpoint.flags.jsonlogic import apply
from counterpoint.flags.operators import operators

from .engines import EXAMPLES, patient

pytestmark = patient

NAMES = ["email", "plan", "age", "deep.er", "deep.er.est", "targetingKey", "list", "$flagd.flagKey", "$flagd.timestamp", "$flagd", "", "0"]  # fmt: skip
TEXTS = st.sampled_from(["", "on", "off", "SE", "1", "1.5", "x@corp.example", "@corp.example", "1.2.3", "true", "é", "\ud800", " 1 "])  # fmt: skip
NUMBERS = st.sampled_from([0, 1, -1, 2, 1.0, 1.5, -0.0, 2**53, 2**53 + 1, 2**70, 1e308, 10**400, -(10**400)])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
ODD = st.sampled_from([math.nan, math.inf, b"x", frozenset(), object()])
DATA = st.recursive(
    SCALARS | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["er", "est", "0"]), inner),
    max_leaves=4,
)
CONTEXTS = st.dictionaries(st.sampled_from(["email", "plan", "age", "deep", "targetingKey", "list"]), DATA)
FIXED = ["==", "===", "!=", "!==", "<", "<=", ">", ">=", "in", "starts_with", "ends_with", "sem_ver", "cat", "substr", "+", "-", "*", "/", "%", "min", "max", "and", "or", "!", "!!", "if", "?:", "missing", "merge"]  # fmt: skip
VAR = st.builds(lambda name: {"var": name}, st.sampled_from(NAMES)) | st.builds(
    lambda name, default: {"var": [name, default]}, st.sampled_from(NAMES), SCALARS
)
LEAVES = SCALARS | VAR | st.lists(SCALARS, max_size=3) | st.just({}) | st.just({"a": 1, "b": 2})


def operations(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    entries = st.lists(
        st.builds(lambda name, weight: [name, weight], SCALARS | inner, NUMBERS | st.just(10))
        | st.builds(lambda name: [name], SCALARS),
        min_size=1,
        max_size=3,
    )
    return (
        st.builds(lambda name, given: {name: given}, st.sampled_from(FIXED), st.lists(inner, max_size=4))
        | st.builds(lambda name, given: {name: given}, st.sampled_from(FIXED), inner)
        | st.builds(lambda given: {"fractional": given}, entries)
        | st.builds(lambda seed, given: {"fractional": [seed, *given]}, inner, entries)
        | st.builds(lambda name, body, items: {name: [items, body]}, st.sampled_from(["map", "all"]), inner, inner)
    )  # fmt: skip


RULES = st.recursive(LEAVES, operations, max_leaves=12)


def flag_of(rule: Any, key: str = "f") -> Flag:
    return Flag(key, True, {"on": True, "off": False}, "off", rule)


def exactly(value: Any) -> Any:
    """A value with its types, so that 1, 1.0 and True differ, and NaN is itself."""
    if isinstance(value, list | tuple):
        return [exactly(item) for item in value]
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    return type(value).__name__, repr(value)


@settings(max_examples=max(1500, EXAMPLES), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, CONTEXTS, st.sampled_from(["v2", "v3"]))
def test_what_is_generated_comes_to_what_the_interpreter_comes_to(
    rule: Any, context: dict[str, Any], bucketing: str
) -> None:
    program = compile_flag(flag_of(rule), bucketing, lambda value: [value])
    if program is None:
        return
    attributes = context | {"$flagd": {"flagKey": "f", "timestamp": 1_700_000_000}}
    try:
        (found,) = program(context, 1_700_000_000.9)
    except Exception:
        return  # left to the interpreter
    if isinstance(found, float) and found == 0:
        found = 0
    assert exactly(found) == exactly(apply(rule, attributes, operators=operators(bucketing)))


@settings(max_examples=max(500, EXAMPLES), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RULES, CONTEXTS, st.sampled_from(["v2", "v3"]))
def test_an_evaluation_is_what_the_interpreter_answers(
    rule: Any, context: dict[str, Any], bucketing: str
) -> None:
    flags = set_of(flag_of(rule), bucketing)
    fast = flags.evaluate("f", context, now=5.5)
    slow = flags.interpret(flags.flags["f"], context, now=5.5)
    assert (exactly(fast.value), replace(fast, value=None)) == (
        exactly(slow.value),
        replace(slow, value=None),
    )
    assert flags.evaluate("f", context, now=5.5) == fast


def set_of(flag: Flag, bucketing: str = "v2") -> FlagSet:
    """A set with a flag that no check of definitions has looked at."""
    flags = FlagSet.from_flagd({"flags": {}}, bucketing)
    flags._flags[flag.key] = flag
    return flags


WORDS = re.compile(
    r"(?:def rule\(c, now(?:, t)?\):|\b(?:[kv]\d+|c|get|now|t|pure|if|else|return|raise|Unusual|and|or|not|in|is|None|True|False|__class__|str|int|float|bool"
    r"|truthy|loosely|strictly|contains|look_up|chosen|clock|draw|len|encode|startswith|endswith|24|32)\b|:=|==|<=|>=|>>|[\s()\[\],.<>:=*+])*"
)


@settings(max_examples=300, deadline=None)
@given(RULES, st.text(max_size=5), st.booleans())
def test_no_text_of_a_rule_is_in_the_source(rule: Any, key: str, as_given: bool) -> None:
    found = source_of(flag_of(rule, key), "v3", lambda value: [value], as_given=as_given)
    assert found is None or WORDS.fullmatch(found[0]), found and found[0]


WORKLOAD = {"if": [{"ends_with": [{"var": "email"}, "@x"]}, "on", {"in": [{"var": "country"}, ["SE", "NO"]]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}  # fmt: skip


def test_common_rules_are_compiled_whole() -> None:
    source, _ = source_of(flag_of(WORKLOAD), "v2", lambda value: [value]) or ("Unusual", {})
    assert source.count("raise Unusual") == 1  # where there is no targeting key


def test_branches_that_are_not_compiled_are_interpreted() -> None:
    rule = {"if": [{"==": [{"var": "a"}, 1]}, {"reduce": [[1], "off", 0]}, "on"]}
    flags = set_of(flag_of(rule))
    assert flags.evaluate("f", {"a": 1}).variant == "off"
    assert flags.evaluate("f", {"a": 2}).variant == "on"


@pytest.mark.parametrize(
    "rule",
    [
        {"if": [value for number in range(LARGEST) for value in ({"==": [{"var": "a"}, number]}, "on")]},
        {"in": [{"var": "a"}, ["x"] * LARGEST]},
    ],
)
def test_large_rules_are_interpreted(rule: Any) -> None:
    assert compile_flag(flag_of(rule), "v2", lambda value: value) is None
    assert set_of(flag_of(rule)).evaluate("f", {"a": "none"}).error_code in (None, "GENERAL")


@pytest.mark.parametrize("depth", [10, 60, 95, 120, 200])
def test_deep_rules_answer_alike(depth: int) -> None:
    chain: Any = "off"
    nested: Any = {"var": "a"}
    for _ in range(depth):
        chain = {"if": [{"==": [{"var": "a"}, 2]}, "on", {"==": [{"var": "a"}, 1]}, chain]}
        nested = {"!": [nested]}
    for rule in (chain, nested):
        flags = set_of(flag_of(rule))
        for context in ({"a": 1}, {"a": 2}, {}):
            assert flags.evaluate("f", context) == flags.interpret(flags.flags["f"], context)


class Evil:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        raise RuntimeError("no")

    def __bool__(self) -> bool:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize("name", ["email", "country", "targetingKey"])
def test_attributes_of_any_type_raise_nothing(name: str) -> None:
    circle: list[Any] = []
    circle.append(circle)
    flags = set_of(flag_of(WORKLOAD))
    for value in (Evil(), circle, b"x", {1: 2}, {1, 2}, 10**5000, object, lambda: 1, "\ud800"):
        found = flags.evaluate("f", {"targetingKey": "u", name: value})
        assert found.error_code in (None, "GENERAL")
    for key in ([], None, Evil(), b"f"):
        assert flags.evaluate(key, {}).error_code == "FLAG_NOT_FOUND"
    for context in (None, [], 5, "text", Evil()):
        assert flags.evaluate("f", context).reason == "DEFAULT"


class Unhashable(str):
    def __hash__(self) -> int:
        raise RuntimeError("no")


@pytest.mark.parametrize("now", [math.nan, math.inf, "soon", Evil()])
def test_a_moment_that_is_none_is_an_answer(now: Any) -> None:
    flags = set_of(flag_of({"if": [{"<": [{"var": "$flagd.timestamp"}, 5]}, "on"]}))
    assert flags.evaluate("f", {}, now=now).error_code == "GENERAL"
    assert flags.evaluate_all({}, now=now)["f"].error_code == "GENERAL"


def test_a_variant_of_an_odd_type_is_an_answer() -> None:
    flags = set_of(flag_of({"var": "a"}))
    assert flags.evaluate("f", {"a": Unhashable("on")}).error_code == "GENERAL"


def test_callers_cannot_change_the_metadata_of_others() -> None:
    flags = FlagSet.from_flagd(
        {"metadata": {"a": 1}, "flags": {"f": {"state": "ENABLED", "variants": {"on": True}}}}
    )
    for key in ("f", "none"):
        for change in (lambda held: held.update(b=2), lambda held: held.pop("a"), lambda held: held.clear()):
            with pytest.raises(TypeError, match="copy"):
                change(flags.evaluate(key).metadata)
        assert flags.evaluate(key).metadata == {"a": 1}
        assert json.loads(json.dumps(flags.evaluate(key).metadata)) == {"a": 1}
        assert deepcopy(flags.evaluate(key).metadata) | {"b": 2} == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"var": "$flagd.timestamp"}, True),
        ({"var": ["$flagd.timestamp", 1]}, True),
        ({"if": [{"<": [1, {"var": "$flagd"}]}, "on"]}, True),
        ({"var": {"cat": ["$flagd.", "timestamp"]}}, True),
        ({"var": ""}, True),
        ({"var": "$flagd.flagKey"}, False),
        (WORKLOAD, False),
    ],
)
def test_whether_a_rule_reads_the_time(rule: Any, answer: bool) -> None:
    assert set_of(flag_of(rule)).reads_time is answer


@given(RULES, CONTEXTS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_rule_raises_nothing_but_its_own_errors(rule: Any, context: dict[str, Any]) -> None:
    with suppress(RuleError):
        apply(rule, context, operators=operators("v3"))


def test_callers_cannot_change_what_others_get() -> None:
    rule = {"if": [{"var": "a"}, "on"]}
    document = {"flags": {"f": {"state": "ENABLED", "variants": {"on": {"a": [1]}, "off": {}}, "defaultVariant": "off", "targeting": rule}}}  # fmt: skip
    flags = FlagSet.from_flagd(document)
    for context in ({"a": 1}, {}):
        flags.evaluate("f", context).value["more"] = True
        assert "more" not in flags.evaluate("f", context).value
    flags.evaluate("f", {"a": 1}).value["a"].append(2)
    assert flags.evaluate("f", {"a": 1}).value == {"a": [1]}


def test_all_flags_at_once_answer_as_one_by_one() -> None:
    rules = [WORKLOAD, {"var": "a"}, {"reduce": [[1], "off", 0]}, {"var": "$flagd.timestamp"}]
    document = {
        "flags": {
            f"f{number}": {"state": "ENABLED", "variants": {"on": 1, "off": 2, "5": 3}, "defaultVariant": "off", "targeting": rule}
            for number, rule in enumerate(rules)
        }
        | {"none": {"state": "DISABLED", "variants": {"on": 1}}}
    }  # fmt: skip
    flags = FlagSet.from_flagd(document)
    for context in ({"targetingKey": "u", "a": "on"}, {}, None):
        one_by_one = {key: flags.evaluate(key, context, now=5) for key in flags.flags}
        assert flags.evaluate_all(context, now=5) == one_by_one
    assert flags.evaluate("f3", {}, now=5.9).value == 3
