"""Evaluation in flagd's order, and flagd's own operators."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.flags import Evaluation, FlagSet
from counterpoint.flags.jsonlogic import LAZY
from counterpoint.flags.operators import ends_with, operators, sem_ver, starts_with

BOTH = {"on": True, "off": False}


def flag(targeting: Any = None, **more: Any) -> dict[str, Any]:
    made = {"state": "ENABLED", "variants": BOTH, "defaultVariant": "off", **more}
    return made if targeting is None else {**made, "targeting": targeting}


def only(one: dict[str, Any], **more: Any) -> FlagSet:
    return FlagSet.from_flagd({"flags": {"f": one}, **more})


def told(evaluation: Evaluation) -> tuple[Any, ...]:
    return evaluation.value, evaluation.variant, evaluation.reason, evaluation.error_code


NAMES = sorted({*operators("v2"), *LAZY})
NAMED = {"true": 1, "false": 0, "1": 2, "2.5": 3}

CASES: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    ("disabled", flag(state="DISABLED"), (None, None, "DISABLED", None)),
    ("disabled before targeting", flag("on", state="DISABLED"), (None, None, "DISABLED", None)),
    ("no targeting", flag(), (False, "off", "STATIC", None)),
    ("empty targeting", flag({}), (False, "off", "STATIC", None)),
    ("no targeting, null default", flag(defaultVariant=None), (None, None, "DEFAULT", None)),
    ("no targeting, absent default", {"state": "ENABLED", "variants": BOTH}, (None, None, "DEFAULT", None)),
    ("a match", flag({"if": [True, "on"]}), (True, "on", "TARGETING_MATCH", None)),
    ("a match that is the default", flag({"if": [True, "off"]}), (False, "off", "TARGETING_MATCH", None)),
    ("null", flag({"if": [False, "on"]}), (False, "off", "DEFAULT", None)),
    ("null without a default", flag({"if": [False, "on"]}, defaultVariant=None), (None, None, "DEFAULT", None)),
    ("fractional is a match", flag({"fractional": [["on"]]}), (True, "on", "TARGETING_MATCH", None)),
    ("true", flag({"==": [1, 1]}, variants=NAMED, defaultVariant="1"), (1, "true", "TARGETING_MATCH", None)),
    ("false", flag({"==": [1, 2]}, variants=NAMED, defaultVariant="1"), (0, "false", "TARGETING_MATCH", None)),
    ("a number", flag({"+": [0, 1]}, variants=NAMED, defaultVariant="1"), (2, "1", "TARGETING_MATCH", None)),
    ("a fraction", flag({"/": [5, 2]}, variants=NAMED, defaultVariant="1"), (3, "2.5", "TARGETING_MATCH", None)),
    ("an unknown variant", flag({"if": [True, "blue"]}), (None, None, "ERROR", "GENERAL")),
    ("true without such a variant", flag({"==": [1, 1]}), (None, None, "ERROR", "GENERAL")),
    ("an array", flag({"merge": ["on"]}), (None, None, "ERROR", "GENERAL")),
    ("the empty text", flag({"cat": []}), (None, None, "ERROR", "GENERAL")),
    ("an unknown operator", flag({"if": [{"near": 1}, "on"]}), (None, None, "ERROR", "PARSE_ERROR")),
    ("an unknown operator that is never reached", flag({"if": [True, "on", {"near": 1}]}), (None, None, "ERROR", "PARSE_ERROR")),
    ("a missing evaluator", flag({"$ref": "nobody"}), (None, None, "ERROR", "PARSE_ERROR")),
    ("a text instead of a rule", flag("on"), (True, "on", "TARGETING_MATCH", None)),
    ("too much work", flag({"map": [{"var": "many"}, {"map": [{"var": ""}, 1]}]}), (None, None, "ERROR", "GENERAL")),
]  # fmt: skip
CONTEXT = {"targetingKey": "user-1", "many": [[0] * 1000] * 1000}


@pytest.mark.parametrize(
    ("definition", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_order_of_evaluation(definition: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = only(definition).evaluate("f", CONTEXT)
    assert told(found) == expected
    assert (found.error_message is not None) is (found.error_code is not None)


def test_an_unknown_flag_is_not_found_with_the_sets_metadata() -> None:
    flags = FlagSet.from_flagd({"flags": {}, "metadata": {"flagSetId": "s", "version": "1"}})
    found = flags.evaluate("nope")
    assert told(found) == (None, None, "ERROR", "FLAG_NOT_FOUND")
    assert found.metadata == {"flagSetId": "s", "version": "1"}


def test_a_flags_metadata_overlays_that_of_its_set_on_every_outcome() -> None:
    outcomes = [flag(), flag(state="DISABLED"), flag({"near": 1}), flag({"if": [True, "blue"]})]
    for outcome in outcomes:
        flags = only(
            {**outcome, "metadata": {"owner": "b", "score": 1.5}}, metadata={"owner": "a", "live": True}
        )
        assert flags.evaluate("f").metadata == {"owner": "b", "score": 1.5, "live": True}


def test_shared_evaluators_are_put_in_whatever_the_white_space() -> None:
    definition = {
        "$evaluators": {"nordic": {"in": [{"var": "country"}, ["SE"]]}},
        "flags": {"f": flag({"if": [{"$ref": "nordic"}, "on"]})},
    }
    for indent in (None, 3):
        flags = FlagSet.from_flagd(json.dumps(definition, indent=indent))
        assert flags.evaluate("f", {"country": "SE"}).value is True
        assert flags.evaluate("f", {"country": "DE"}).reason == "DEFAULT"


def test_evaluators_do_not_nest() -> None:
    definition = {
        "$evaluators": {"a": {"$ref": "b"}, "b": True},
        "flags": {"f": flag({"if": [{"$ref": "a"}, "on"]})},
    }
    assert FlagSet.from_flagd(definition).evaluate("f").error_code == "PARSE_ERROR"


def test_flagd_fills_in_its_own_attributes_over_the_callers() -> None:
    shown = flag(
        {"cat": [{"var": "$flagd.flagKey"}, "@", {"var": "$flagd.timestamp"}]},
        variants={"f@1700000000": "x"},
        defaultVariant=None,
    )
    context = {"$flagd": {"flagKey": "forged", "timestamp": 1}}
    assert only(shown).evaluate("f", context, now=1_700_000_000.9).value == "x"
    assert context["$flagd"]["flagKey"] == "forged"


def test_without_a_targeting_key_a_split_falls_to_the_default() -> None:
    flags = only(flag({"fractional": [["on"]]}))
    assert told(flags.evaluate("f")) == (False, "off", "DEFAULT", None)
    assert told(flags.evaluate("f", "no object")) == (False, "off", "DEFAULT", None)


def test_the_bucketing_decides_how_a_split_hashes() -> None:
    split = flag({"fractional": [["on", 1], ["off", 1]]})
    users = [{"targetingKey": f"u{n}"} for n in range(200)]
    v2 = [FlagSet.from_flagd({"flags": {"f": split}}, "v2").evaluate("f", user).variant for user in users]
    v3 = [
        FlagSet.from_flagd({"flags": {"f": split}}, bucketing="v3").evaluate("f", user).variant
        for user in users
    ]
    assert set(v2) == set(v3) == {"on", "off"}
    assert v2 != v3


def test_a_flag_of_floats_answers_floats_and_one_of_integers_integers() -> None:
    floats = only(flag(variants={"a": 1, "b": 2.5}, defaultVariant="a")).evaluate("f").value
    integers = only(flag(variants={"a": 1, "b": 2}, defaultVariant="a")).evaluate("f").value
    assert (type(floats), type(integers)) == (float, int)


def test_the_array_form_lets_one_key_live_in_two_sets() -> None:
    flags = FlagSet.from_flagd(
        {
            "flags": [
                {"key": "f", **flag(), "metadata": {"flagSetId": "a"}},
                {"key": "f", **flag(defaultVariant="on"), "metadata": {"flagSetId": "b"}},
            ]
        }
    )
    assert flags.evaluate("f").variant == "off"
    assert flags.select("b").evaluate("f").variant == "on"
    assert not flags.select("c")
    assert (
        FlagSet.from_flagd({**flags.definition, "metadata": {"flagSetId": "b"}}).evaluate("f").variant == "on"
    )


def test_later_changes_to_the_callers_dict_change_nothing() -> None:
    definition = {"flags": {"f": flag()}}
    flags = FlagSet.from_flagd(definition)
    definition["flags"]["f"]["defaultVariant"] = "on"
    assert flags.evaluate("f").variant == "off"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


RULES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 2**60)
    | st.text(st.characters(codec="utf-8"), max_size=6)
    | st.just({"var": "a"}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(
            lambda name, given: {name: given},
            st.sampled_from([*NAMES, "no such"]),
            st.lists(inner, max_size=4) | inner,
        )
    ),
    max_leaves=15,
)


@given(
    key=st.text(max_size=5) | st.just("f"), context=JSON, rule=RULES, bucketing=st.sampled_from(["v2", "v3"])
)
def test_evaluate_never_raises(key: str, context: Any, rule: Any, bucketing: Any) -> None:
    flags = FlagSet.from_flagd({"flags": {"f": flag(rule)}}, bucketing)
    for given_context in (context, {"a": context, "targetingKey": context}, {"targetingKey": "u"}):
        assert flags.evaluate(key, given_context).reason in {"STATIC", "TARGETING_MATCH", "DEFAULT", "ERROR"}


VERSIONS: list[tuple[list[Any], bool | None]] = [
    (["1.2.3", "=", "1.2.3"], True),
    (["v1.2.3", "=", "V1.2.3"], True),
    (["1.2", "=", "1.2.0"], True),
    (["1", "=", "1.0.0"], True),
    ([1, "=", "1.0.0"], True),
    ([1.5, "=", "1.5.0"], True),
    (["1.2.3+build.7", "=", "1.2.3"], True),
    (["1.2.3", "!=", "1.2.4"], True),
    (["1.10.0", ">", "1.9.9"], True),
    (["1.0.0-alpha", "<", "1.0.0"], True),
    (["1.0.0-alpha", "<", "1.0.0-alpha.1"], True),
    (["1.0.0-alpha.1", "<", "1.0.0-alpha.beta"], True),
    (["1.0.0-2", "<", "1.0.0-11"], True),
    (["1.0.0-rc.1", ">=", "1.0.0-beta.11"], True),
    (["1.2.3", "~", "1.2.9"], True),
    (["1.3.0", "~", "1.2.9"], False),
    (["1.0.0", "^", "1.9.0"], True),
    (["2.0.0", "^", "1.9.0"], False),
    (["1.2.3.4", "=", "1.2.3"], None),
    (["01.2.3", "=", "1.2.3"], None),
    (["1.2.3-01", "=", "1.2.3"], None),
    (["1.2.x", "=", "1.2.3"], None),
    (["", "=", "1.2.3"], None),
    ([None, "=", "1.2.3"], None),
    ([True, "=", "1.2.3"], None),
    (["1.2.3", "==", "1.2.3"], None),
    (["1.2.3", 1, "1.2.3"], None),
    (["1.2.3", "="], None),
    (["1.2.3", "=", "1.2.3", 1], None),
    (["9" * 300, "=", "1"], None),
]


@pytest.mark.parametrize(("arguments", "expected"), VERSIONS, ids=str)
def test_versions_are_compared_as_semver_says(arguments: list[Any], expected: bool | None) -> None:
    assert sem_ver(arguments, {}) is expected


@pytest.mark.parametrize(
    ("arguments", "starts", "ends"),
    [
        (["abcab", "ab"], True, True),
        (["abc", "c"], False, True),
        (["abc", ""], True, True),
        (["abc"], None, None),
        (["a", "a", "a"], None, None),
        ([1, "1"], None, None),
        (["1", None], None, None),
        ([], None, None),
    ],
)
def test_texts_are_compared_and_bad_input_is_null(
    arguments: list[Any], starts: bool | None, ends: bool | None
) -> None:
    assert starts_with(arguments, {}) is starts
    assert ends_with(arguments, {}) is ends
