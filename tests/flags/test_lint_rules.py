"""What the linter sees in conditions, splits and names."""

import random
from typing import Any

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.jsonlogic import apply
from counterpoint.flags.lint import care_findings, findings_in
from counterpoint.flags.lint_rules import rule_findings
from counterpoint.flags.operators import operators
from counterpoint.flags.ruletree import tree_of

TIME = {"var": "$flagd.timestamp"}


def flag(targeting: Any, **more: Any) -> dict[str, Any]:
    variants = {"on": True, "off": False}
    return {
        "state": "ENABLED",
        "variants": variants,
        "defaultVariant": "off",
        "targeting": targeting,
        **more,
    }


def at(path: str, name: str, *constants: Any) -> dict[str, Any]:
    return {name: [{"var": path}, *constants]}


def said(targeting: Any, **flags: Any) -> list[tuple[str, str]]:
    found = findings_in(FlagSet.from_flagd({"flags": {"f": flag(targeting), **flags}}))
    return [
        (finding.level, finding.problem.pointer.removeprefix("/flags/f/targeting"))
        for finding in found
        if finding.problem.pointer.startswith("/flags/f/targeting")
    ]


WARNED = [("warning", "/if/0")]
SECOND = [("warning", "/if/2")]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"if": [True, "on", "off"]}, [("warning", "/if/0"), ("warning", "/if/2")]),
        ({"if": [{"==": [1, 2]}, "on", "off"]}, WARNED),
        ({"if": [at("c", "in", ["SE", "NO"]), "on", at("c", "==", "SE"), "off", None]}, SECOND),
        ({"if": [at("c", "==", "SE"), "on", at("c", "in", ["SE", "NO"]), "off", None]}, []),
        ({"if": [{"and": [at("age", ">", 10), at("age", "<", 5)]}, "on", None]}, WARNED),
        ({"if": [{"and": [at("age", ">", 10), at("age", "<", 11)]}, "on", None]}, []),
        ({"if": [{"and": [{">": [TIME, 5]}, {"<": [TIME, 6]}]}, "on", None]}, WARNED),
        ({"if": [{"<=": [1, {"var": "age"}, 9]}, "on", {"<=": [5, {"var": "age"}, 12]}, "off", None]}, SECOND),
        ({"if": [at("age", "<", 18), "on", at("age", "<", 65), "off", None]}, []),
        ({"if": [at("v", "sem_ver", "^", "2.0.0"), "on", at("v", "sem_ver", "~", "2.1.0"), "off", None]}, SECOND),
        ({"if": [{"and": [at("v", "sem_ver", ">=", "2.0.0"), at("v", "sem_ver", "<", "1.5.0")]}, "on", None]}, WARNED),
        ({"if": [at("e", "starts_with", "a"), "on", at("e", "starts_with", "ab"), "off", None]}, SECOND),
        ({"if": [at("e", "starts_with", "a"), "on", at("e", "ends_with", "a"), "off", None]}, []),
        ({"if": [{"and": [at("a", "==", 1), at("a", "===", "1")]}, "on", None]}, []),
        ({"if": [{"and": [at("a", "===", 1), at("a", "===", "1")]}, "on", None]}, WARNED),
        ({"if": [{"var": "b"}, {"if": [{"!": {"var": "b"}}, "on", "off"]}, None]}, [("warning", "/if/1/if/0")]),
        ({"if": [{"or": [{"var": "b"}, {"!": {"var": "b"}}]}, "on", None]}, [("note", "/if/0"), ("warning", "/if/2")]),
        ({"if": [at("x", "%", 2), "on", at("x", "%", 3), "off", None]}, []),
    ],
)  # fmt: skip
def test_what_can_never_decide_is_found(rule: Any, expected: list[tuple[str, str]]) -> None:
    assert said(rule) == expected


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ([["on", 0], ["off", 0]], [("warning", "/fractional")]),
        ([["on", 1.5], ["off", 1]], [("warning", "/fractional")]),
        ([["on", 3]], [("note", "/fractional")]),
        ([["on", 0], ["off", 3]], [("note", "/fractional/0")]),
        ([["on", 1], ["off", 1], ["on", 2]], [("note", "/fractional/2")]),
        ([["on", {"var": "share"}], ["off", 3]], [("note", "/fractional/0/1")]),
        ([["on", 1], ["off", 99]], []),
    ],
)
def test_what_is_odd_about_a_split_is_found(split: Any, expected: list[tuple[str, str]]) -> None:
    found = [
        one for one in said({"fractional": split}) if one[1]
    ]  # less what flagd's schema says of a weight
    assert [one for one in found if one != ("warning", "/fractional/0/1")] == expected


def test_a_split_within_a_split_by_the_same_seed_is_found() -> None:
    inner = {"fractional": [["on", 1], ["off", 9]]}
    assert ("warning", "/fractional/0/0/fractional") in said({"fractional": [[inner, 1], ["off", 1]]})
    salted = {"fractional": [{"cat": ["inner", {"var": "targetingKey"}]}, ["on", 1], ["off", 9]]}
    assert said({"fractional": [[salted, 1], ["off", 1]]}) == []


def test_flags_that_split_by_an_attribute_alone_are_found() -> None:
    split = {"fractional": [{"var": "targetingKey"}, ["on", 1], ["off", 1]]}
    assert said(split, g=flag(split)) == [("note", "/fractional")]
    assert said(split) == []


def messages(definition: dict[str, Any], **more: Any) -> str:
    return "\n".join(
        finding.problem.message for finding in care_findings(FlagSet.from_flagd(definition), **more)
    )


def test_a_misspelt_attribute_is_found_by_what_is_declared_seen_or_used() -> None:
    rule = {"if": [at("contry", "==", "SE"), "on", None]}
    declared = {"metadata": {"attributes": "country, plan"}, "flags": {"f": flag(rule)}}
    assert "'contry'. Did you mean 'country'?" in messages(declared)
    assert "'contry'. Did you mean 'country'?" in messages(
        {"flags": {"f": flag(rule)}}, attributes=["country"]
    )
    right = {"if": [at("country", "==", "SE"), "on", None]}
    used = {"flags": {"f": flag(rule), **{f"g{number}": flag(right) for number in range(3)}}}
    assert "'contry' looks misspelt. Did you mean 'country'?" in messages(used)
    assert "contry" not in messages({"flags": {"f": flag(rule)}})


def test_a_text_that_a_split_hashes_needs_the_attribute_in_it() -> None:
    def found(seed: Any) -> list[tuple[str, bool]]:
        flags = FlagSet.from_flagd({"flags": {"f": flag({"fractional": [seed, ["on", 1], ["off", 9]]})}})
        return [(each.level, "drawn as if it were empty" in each.problem.message)
                for each in findings_in(flags, attributes=["plan"]) if "'account'" in each.problem.message]  # fmt: skip

    account = {"var": "account"}
    assert found({"cat": ["salt", account]}) == [("warning", True)]
    assert found({"cat": ["salt", {"var": "plan"}]}) == []
    assert found({"if": [account, {"cat": ["salt", account]}, "none"]}) == [("warning", True)]
    assert found(account) == [("note", False)]


def test_a_misspelt_variant_is_answered_with_the_one_meant() -> None:
    rule = {"if": [{"var": "beta"}, "onn", None]}
    assert "did you mean on?" in messages({"flags": {"f": flag(rule)}})


def test_a_condition_written_out_in_several_flags_is_found_but_not_a_shared_one() -> None:
    segment = {"and": [at("country", "==", "SE"), at("plan", "==", "beta")]}
    rule = {"if": [segment, "on", None]}
    assert "$evaluators" in messages({"flags": {"f": flag(rule), "g": flag(rule)}})
    shared = {"if": [{"$ref": "nordic"}, "on", None]}
    definition = {"$evaluators": {"nordic": segment}, "flags": {"f": flag(shared), "g": flag(shared)}}
    assert "write out" not in messages(definition)


def test_what_nobody_could_clean_up_is_a_note() -> None:
    assert "no owner and no description and neither a bet" in messages({"flags": {"f": flag({})}})
    kept = flag({}, metadata={"description": "d", "expires": "2027-01-01"})
    assert messages({"flags": {"f": kept}}, owner="group:default/a") == ""


def test_a_finding_in_a_shared_evaluator_is_told_where_it_is_written() -> None:
    contradiction = {"and": [at("a", "===", 1), at("a", "===", 2)]}
    definition = {
        "$evaluators": {"e": contradiction},
        "flags": {"f": flag({"if": [{"$ref": "e"}, "on", None]})},
    }
    assert [f.problem.pointer for f in findings_in(FlagSet.from_flagd(definition))] == ["/$evaluators/e"]


def test_a_consumer_that_hashes_otherwise_is_told_with_how_many_users_differ() -> None:
    split = flag({"fractional": [["on", 10], ["off", 90]]})
    declared = {"consumers": "python-flagd-core 2.0.0, npm-flagd-core 4.0.1, own 1.0"}
    said = messages({"metadata": declared, "flags": {"f": split}})
    assert "python-flagd-core 2.0.0 hashes in v3, and the set in v2: of 10,000 simulated users, 'f' 1" in said
    assert "npm-flagd-core 4.0.1 hashes" not in said
    assert "How 'own 1.0' hashes is not known." in said
    assert "hashes in" not in messages({"metadata": declared, "flags": {"f": flag(at("a", "==", 1))}})


VALUES = [None, True, False, "", "a", "ab", "b", "1", 0, 1, 2, 3, 1.5, "1.0.0", "2.1.0", "x"]


def _condition(dice: random.Random, depth: int) -> Any:
    if depth and dice.random() < 0.5:
        name = dice.choice(["and", "or", "!"])
        return {name: [_condition(dice, depth - 1) for _ in range(1 if name == "!" else 2)]}
    path = dice.choice(["p", "q"])
    name = dice.choice(
        ["==", "===", "!=", "<", "<=", ">", ">=", "in", "starts_with", "ends_with", "sem_ver", "%"]
    )
    if name == "in":
        return {"in": [{"var": path}, dice.sample(VALUES, 3)]}
    if name == "sem_ver":
        return {
            "sem_ver": [{"var": path}, dice.choice(["=", ">", "<", "^"]), dice.choice(["1.0.0", "2.1.0"])]
        }
    return {name: [{"var": path}, dice.choice(VALUES[5:])]}


@pytest.mark.parametrize("seed", range(60))
def test_what_is_said_to_be_unreachable_is_reached_by_nobody(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    conditions = [_condition(dice, 2) for _ in range(4)]
    rule = {"if": [part for index, one in enumerate(conditions) for part in (one, f"v{index}")]}
    flags = FlagSet.from_flagd({"flags": {"f": flag(rule)}})
    tree = tree_of(flags, flags.flags["f"])
    assert tree
    dead = {
        problem.pointer
        for level, problem in rule_findings("f", tree)
        if level == "warning" and "overlap" not in problem.message and "always" not in problem.message
    }
    for _ in range(400):
        context = {path: dice.choice(VALUES) for path in ("p", "q") if dice.random() < 0.9}
        reached = apply(rule, context, operators=operators("v2"))
        if reached is not None:
            assert f"/flags/f/targeting/if/{2 * int(reached[1:])}" not in dead, context
