"""Rules in words."""

from typing import Any

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.sentences import condition, steps_of
from counterpoint.flags.targeting import KNOWN

SIZES = {"!": 1, "!!": 1, "sem_ver": 3, "reduce": 3, "if": 3, "?:": 3, "log": 1}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"==": [{"var": "plan"}, "beta"]}, 'plan is "beta"'),
        ({"in": [{"var": "country"}, ["SE", "NO"]]}, 'country is one of "SE", "NO"'),
        ({"in": ["@", {"var": "email"}]}, 'email contains "@"'),
        ({"!": [{"var": "paid"}]}, "not (paid)"),
        ({"and": [{"var": "a"}, {"or": [{"var": "b"}, {"var": "c"}]}]}, "a and (b or c)"),
        ({"sem_ver": [{"var": "version"}, ">=", "2.0.0"]}, "version >= 2.0.0"),
        ({"sem_ver": [{"var": "version"}, "^", "2.0.0"]}, "version has the major version of 2.0.0"),
        ({"<": [1, {"var": "age"}, 9]}, "age is between 1 and 9 exclusive"),
        ({"ends_with": [{"var": "email"}, ".org"]}, 'email ends with ".org"'),
        ({">=": [{"var": "$flagd.timestamp"}, 7]}, "time is at least 7"),
        ({"missing": ["a"]}, "a is missing"),
        ({"missing": ["a", "b.c"]}, "any of a, b.c is missing"),
        ({"missing_some": [1, ["a", "b"]]}, "fewer than 1 of a, b have a value"),
        ({"var": ["plan", "free"]}, 'plan (or "free" where it has no value)'),
        ({"if": [{"var": "a"}, 1, 2]}, "1 if a, otherwise 2"),
        ({"in": [{"var": "a"}, ["x", {"var": "b"}]]}, 'a is one of "x", b'),
        (
            {"some": [{"var": "roles"}, {"==": [{"var": ""}, "admin"]}]},
            'some item of roles is such that it is "admin"',
        ),
        (
            {"all": [{"var": "ids"}, {">": [{"var": ""}, 3]}]},
            "every item of ids is such that it is more than 3",
        ),
        ({"none": [{"var": "ids"}, {"var": "old"}]}, "no item of ids is such that old"),
        ({"filter": [{"var": "ids"}, {"var": "new"}]}, "the items of ids such that new"),
        ({"map": [{"var": "ids"}, {"*": [{"var": ""}, 2]}]}, "it * 2 for each item of ids"),
        (
            {"reduce": [{"var": "ids"}, {"+": [{"var": "current"}, {"var": "accumulator"}]}, 0]},
            "the items of ids brought together by current + accumulator",
        ),
        ({"substr": [{"var": "id"}, -2]}, "the last 2 characters of id"),
        ({"substr": [{"var": "id"}, 0, 3]}, "the first 3 characters of id"),
        ({"max": [{"var": "a"}, 1]}, "the greatest of a, 1"),
        ({"min": [{"var": "a"}, 1]}, "the least of a, 1"),
        ({"+": [{"var": "a"}]}, "the number a"),
        ({"-": [{"var": "a"}]}, "minus a"),
        ({"+": [1, 2, {"var": "a"}]}, "1 + 2 + a"),
        ({"merge": [{"var": "a"}, ["x"]]}, 'the items of a, ["x"] together'),
        ({"cat": ["salt:", {"var": "targetingKey"}]}, '"salt:" joined with targeting key'),
        (
            {"and": [{"var": "a"}, {"===": [{"var": "a"}, {"cat": [{"var": "a"}]}]}]},
            "a is a text",
        ),
        (
            {"==": [{"fractional": [["on", 1], ["off", 9]]}, "on"]},
            'a split by flag and targeting key (on 1, off 9) is "on"',
        ),
        (True, "true"),
    ],
)
def test_a_condition_reads_as_a_phrase(rule: Any, words: str) -> None:
    assert condition(rule) == words


def test_every_operator_has_words_of_its_own() -> None:
    for name in KNOWN:
        arguments = [{"var": "a"}, {"var": "b"}, {"var": "c"}][: SIZES.get(name, 2)]
        said = condition({name: arguments})
        assert f"{name}(" not in said
        assert "{" not in said


def test_a_long_condition_is_cut() -> None:
    assert len(condition({"in": [{"var": "id"}, [f"user-{number}" for number in range(500)]]})) <= 240


def steps(targeting: Any, **more: Any) -> list[Any]:
    one = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": targeting,
        **more,
    }
    return steps_of(FlagSet.from_flagd({"flags": {"f": one}}).flags["f"])


def test_a_chain_of_conditions_is_one_step_each() -> None:
    found = steps({"if": [{"var": "a"}, "on", {"var": "b"}, None, {"if": [{"var": "c"}, "off", "on"]}]})
    assert [(step.when, step.then) for step in found] == [("a", "on"), ("b", "off"), ("c", "off"), ("", "on")]


def test_a_split_shows_its_shares() -> None:
    (step,) = steps({"fractional": [["on", 1], ["off", 3]]})
    assert [(share.variant, share.percent) for share in step.shares] == [("on", 25.0), ("off", 75.0)]
    (computed,) = steps({"fractional": [{"var": "team"}, ["on", {"var": "share"}], ["off", 3]]})
    assert computed.then == "a split by team"
    assert [(share.weight, share.percent) for share in computed.shares] == [("share", None), ("3", None)]


def test_flags_without_a_rule_say_what_they_give() -> None:
    assert [step.then for step in steps(None)] == ["off"]
    assert [step.then for step in steps(None, defaultVariant=None)] == ["the default in the code"]
    assert "disabled" in steps(None, state="DISABLED")[0].then
    assert "no operator" in steps({"near": 1})[0].then
