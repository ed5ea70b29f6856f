"""flagd's reference, section by section, where a table says it best: sets, references, defaults, metadata, reads."""

from typing import Any

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.targeting import names_read

from .rules import MadeUp

BOTH = {"on": True, "off": False}
ON = {"state": "ENABLED", "variants": BOTH, "defaultVariant": "on"}


def told(flags: FlagSet, key: str = "f", context: Any = None) -> tuple[Any, ...]:
    found = flags.evaluate(key, context)
    return found.value, found.variant, found.reason, found.error_code


NEVER = {"if": [False, "on"]}
DEFAULTS: list[tuple[dict[str, Any], tuple[Any, ...]]] = [
    ({"defaultVariant": "on"}, (True, "on", "STATIC", None)),
    ({"defaultVariant": None}, (None, None, "DEFAULT", None)),
    ({}, (None, None, "DEFAULT", None)),
    ({"defaultVariant": ""}, (None, None, "DEFAULT", None)),
    ({"defaultVariant": "on", "targeting": NEVER}, (True, "on", "DEFAULT", None)),
    ({"defaultVariant": None, "targeting": NEVER}, (None, None, "DEFAULT", None)),
    ({"targeting": NEVER}, (None, None, "DEFAULT", None)),
    ({"targeting": {}}, (None, None, "DEFAULT", None)),
    ({"defaultVariant": "on", "targeting": None}, (True, "on", "STATIC", None)),
    ({"state": "DISABLED", "defaultVariant": "on"}, (None, None, "DISABLED", None)),
    ({"state": "DISABLED", "targeting": {"$ref": "nobody"}}, (None, None, "DISABLED", None)),
]


@pytest.mark.parametrize(("flag", "expected"), DEFAULTS, ids=[str(flag) for flag, _ in DEFAULTS])
def test_states_and_defaults(flag: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert (
        told(FlagSet.from_flagd({"flags": {"f": {"state": "ENABLED", "variants": BOTH, **flag}}})) == expected
    )


EVALUATORS = {
    "se": {"==": [{"var": "country"}, "SE"]},
    "se or no": {"or": [{"$ref": "se"}, {"==": [{"var": "country"}, "NO"]}]},
    "one": {"$ref": "two"},
    "two": {"$ref": "one"},
    "self": {"if": [{"$ref": "self"}, "on"]},
    "variant": "on",
    "broken": {"near": [1]},
}
REFERENCES: list[tuple[Any, str | None]] = [
    ({"if": [{"$ref": "se"}, "on"]}, "on"),
    ({"if": [{"and": [{"$ref": "se"}, {"!": {"$ref": "se"}}]}, "on", "off"]}, "off"),
    ({"if": [True, {"$ref": "variant"}]}, "on"),
    ({"fractional": [[{"$ref": "variant"}]]}, "on"),
    ({"if": [{"$ref": "se or no"}, "on"]}, "PARSE_ERROR"),
    ({"if": [{"$ref": "one"}, "on"]}, "PARSE_ERROR"),
    ({"$ref": "self"}, "PARSE_ERROR"),
    ({"if": [{"$ref": "broken"}, "on"]}, "PARSE_ERROR"),
    ({"if": [{"$ref": "nobody"}, "on"]}, "PARSE_ERROR"),
    ({"if": [True, "on", {"$ref": "nobody"}]}, "PARSE_ERROR"),
    ({"if": [{"$ref": ["se"]}, "on"]}, "PARSE_ERROR"),
]


@pytest.mark.parametrize(("rule", "expected"), REFERENCES, ids=[str(rule) for rule, _ in REFERENCES])
def test_references(rule: Any, expected: str) -> None:
    flags = FlagSet.from_flagd({"$evaluators": EVALUATORS, "flags": {"f": {**ON, "targeting": rule}}})
    found = flags.evaluate("f", {"country": "SE", "targetingKey": "u"})
    assert (found.error_code or found.variant) == expected


OUTCOMES: dict[str, dict[str, Any]] = {
    "STATIC": {},
    "DISABLED": {"state": "DISABLED"},
    "TARGETING_MATCH": {"targeting": {"if": [True, "on"]}},
    "DEFAULT": {"targeting": NEVER},
    "ERROR": {"targeting": {"if": [True, "blue"]}},
}


@pytest.mark.parametrize("reason", OUTCOMES)
def test_metadata_of_the_flag_goes_over_that_of_the_set(reason: str) -> None:
    own = {"owner": "flag", "flagSetId": "b"}
    flag = {**ON, **OUTCOMES[reason], "metadata": own}
    flags = FlagSet.from_flagd({"metadata": {"owner": "set", "version": "1"}, "flags": {"f": flag}})
    found = flags.evaluate("f")
    assert found.reason == reason
    assert found.metadata == {"owner": "flag", "version": "1", "flagSetId": "b"}
    assert flags.evaluate("none").metadata == {"owner": "set", "version": "1"}


def test_one_key_in_two_sets_of_an_array() -> None:
    flags = [
        {"key": "f", **ON, "metadata": {"flagSetId": "a"}},
        {"key": "f", **ON, "defaultVariant": "off", "metadata": {"flagSetId": "b"}},
        {"key": "g", **ON},
    ]
    whole = FlagSet.from_flagd({"flags": flags, "metadata": {"flagSetId": "b", "version": "2"}})
    assert told(whole) == (False, "off", "STATIC", None), "the set's own flag comes first"
    assert told(whole.select("a")) == (True, "on", "STATIC", None)
    assert whole.select("a").evaluate("f").metadata == {"flagSetId": "a", "version": "2"}
    assert whole.select("a").evaluate("g").error_code == "FLAG_NOT_FOUND"
    assert set(whole.select("b").flags) == {"f", "g"}
    assert not whole.select("c")


@pytest.mark.parametrize("given", [{"flagKey": "forged", "timestamp": 1}, "text", None, [1]])
def test_the_callers_own_flagd_is_written_over(given: Any) -> None:
    rule = {"if": [{"and": [{"==": [{"var": "$flagd.flagKey"}, "f"]}, {"==": [{"var": "$flagd.timestamp"}, 7]}]}, "on", "off"]}  # fmt: skip
    flags = FlagSet.from_flagd({"flags": {"f": {**ON, "targeting": rule}}})
    context = {"$flagd": given}
    assert flags.evaluate("f", context, now=7.9).variant == "on"
    assert flags.interpret(flags.flags["f"], context, now=7.9).variant == "on"
    assert context == {"$flagd": given}


READS: list[tuple[Any, set[str]]] = [
    (None, set()),
    ("on", set()),
    ({"var": "a"}, {"a"}),
    ({"var": ["a.b.c", {"var": "d"}]}, {"a", "d"}),
    ({"var": 0}, {"0"}),
    ({"var": ""}, {"*"}),
    ({"var": []}, {"*"}),
    ({"var": {"cat": ["a", {"var": "b"}]}}, {"*", "b"}),
    ({"var": "$flagd.timestamp"}, set()),
    ({"missing": ["a", "b.c"]}, {"a", "b"}),
    ({"missing": [["a"]]}, {"a"}),
    ({"missing": {"var": "a"}}, {"*", "a"}),
    ({"missing_some": [1, ["a", "b"]]}, {"a", "b"}),
    ({"map": [{"var": "l"}, {"var": "x"}]}, {"l"}),
    ({"reduce": [{"var": "l"}, {"var": "current"}, {"var": "start"}]}, {"l", "start"}),
    ({"fractional": [["a"]]}, {"targetingKey"}),
    ({"fractional": ["seed", ["a"]]}, set()),
    ({"fractional": [{"var": "c"}, [{"var": "v"}, {"var": "w"}]]}, {"c", "v", "w", "targetingKey"}),
]


@pytest.mark.parametrize(("rule", "expected"), READS, ids=[str(rule) for rule, _ in READS])
def test_the_attributes_that_a_rule_reads(rule: Any, expected: set[str]) -> None:
    assert names_read(rule) == expected


@pytest.mark.parametrize("bucketing", ["v2", "v3"])
def test_what_a_rule_does_not_read_changes_nothing(bucketing: Any) -> None:
    narrowed = 0
    for seed in range(400):
        made_up = MadeUp(seed)
        definition, key = made_up.definition()
        flags = FlagSet.from_flagd(definition, bucketing)
        reads = flags.flags[key].reads
        assert "*" not in reads
        for _ in range(4):
            context = made_up.context()
            only = {name: value for name, value in context.items() if name in reads}
            assert flags.evaluate(key, only, now=7) == flags.evaluate(key, context, now=7)
            narrowed += len(only) < len(context)
    assert narrowed > 1000
