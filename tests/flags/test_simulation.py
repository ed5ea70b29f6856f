"""Who would get what, compared with evaluating one by one."""

import random
from collections import Counter
from typing import Any

import mmh3
import numpy as np
import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.cbor import utf8
from counterpoint.flags.hashing import Texts, hashes_of
from counterpoint.flags.population import contexts_as
from counterpoint.flags.simulation import Outcome, changed_flags, population_for, simulate

NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}


def flags(targeting: Any, *, bucketing: Any = "v2", **more: Any) -> FlagSet:
    one = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": targeting,
    }
    return FlagSet.from_flagd({"flags": {"f": one | more}}, bucketing)


def test_a_ramp_moves_only_those_who_are_added() -> None:
    before, after = (flags({"fractional": [["on", share], ["off", 100 - share]]}) for share in (10, 25))
    (change,) = simulate(before, after, population_for(before, after, 100_000))
    assert {(t.before.variant, t.after.variant) for t in change.transitions if t.changes} == {("off", "on")}
    assert change.percent == pytest.approx(15, abs=0.5)
    assert change.counts(after=True)[Outcome("on")] == pytest.approx(25_000, abs=500)
    example = change.examples[0]
    assert before.evaluate("f", example.context).variant == "off"
    assert after.evaluate("f", example.context).variant == "on"


def test_segments_tell_who_changes() -> None:
    before, after = flags({}), flags({"if": [NORDIC, "on", None]})
    contexts = [{"targetingKey": f"u{n}", "country": c} for n, c in enumerate(["SE", "NO", "PT", "PT"])]
    (change,) = simulate(before, after, contexts_as([*contexts, {"targetingKey": "x"}]))
    assert [(s.attribute, s.value, s.users, s.changed) for s in change.segments] == [
        ("country", "SE", 1, 1),
        ("country", "NO", 1, 1),
        ("country", "PT", 2, 0),
        ("country", None, 1, 0),
    ]


def test_only_flags_that_differ_are_looked_at() -> None:
    assert changed_flags(flags(NORDIC), flags(NORDIC, metadata={"a": 1})) == []
    assert changed_flags(flags(NORDIC), flags(NORDIC, bucketing="v3")) == ["f"]
    assert changed_flags(flags({}), FlagSet.from_flagd({"flags": {}})) == ["f"]


def test_another_value_under_the_same_name_is_a_change() -> None:
    before = flags({}, variants={"off": 1})
    (change,) = simulate(before, flags({}, variants={"off": 2}), contexts_as([{}]))
    assert (change.changed, change.transitions[0].before) == (1, Outcome("off"))
    gone = simulate(before, FlagSet.from_flagd({"flags": {}}), contexts_as([{}]))
    assert gone[0].transitions[0].after == Outcome(error="FLAG_NOT_FOUND")


def test_hashes_are_those_of_the_library() -> None:
    texts = ["", "a", "ab", "abc", "abcd", "é" * 7, "a\0", "a\0\0", "user-000012", "x" * 300]
    assert hashes_of(Texts.of([utf8(text) for text in texts])).tolist() == [
        mmh3.hash(utf8(text), 0, signed=False) for text in texts
    ]


VARS = [{"var": name} for name in ("country", "age", "deep.a", "targetingKey", "nothing", "$flagd.flagKey")]
CONSTANTS: list[Any] = ["SE", "on", "off", 1, 0, 18, True, None, "1.2.0", "user-1", ["SE", "user-1", 18], ""]
NAMES = ["if", "and", "or", "!", "!!", "==", "===", "!=", "<", ">=", "in", "cat", "+", "substr", "sem_ver", "starts_with", "fractional", "missing", "var", "some"]  # fmt: skip


def _rule(dice: random.Random, depth: int) -> Any:
    if not depth or dice.random() < 0.2:
        return dice.choice([*VARS, *CONSTANTS])
    name = dice.choice(NAMES)
    if name == "missing":
        return {name: ["country", "age", "deep.b"]}
    if name == "var":
        return {name: ["country", dice.choice(CONSTANTS)]}
    if name == "fractional":
        entries = [[_rule(dice, depth - 2), dice.choice([1, 3, 5, {"var": "age"}])] for _ in range(3)]
        return {name: [*([_rule(dice, depth - 1)] if dice.random() < 0.6 else []), *entries]}
    return {name: [_rule(dice, max(depth - 1, 0)) for _ in range(dice.randrange(1, 5))]}


def _context(dice: random.Random, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"targetingKey": f"user-{number}" if number % 50 else "é" * (number % 7)}
    if dice.random() < 0.8:
        found["country"] = dice.choice(["SE", "PT", 1, True, None, ["SE"]])
    if dice.random() < 0.8:
        found["age"] = dice.choice([1, 18, 18.5, "18", 0])
    if dice.random() < 0.5:
        found["deep"] = dice.choice([{"a": "SE"}, {"a": {"b": 1}}, "x"])
    return found


@pytest.mark.parametrize("seed", range(120))
def test_the_counts_are_those_of_evaluating_one_by_one(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    bucketing = dice.choice(["v2", "v3"])
    contexts = [_context(dice, number) for number in range(150)]
    if seed % 3 == 0:
        contexts.append({"country": "SE"})
    rules = [{"if": [_rule(dice, 3), _rule(dice, 3), _rule(dice, 2)]} for _ in range(2)]
    before, after = (flags(rule, bucketing=bucketing) for rule in rules)
    expected = Counter(
        tuple(
            Outcome(answer.variant, answer.error_code)
            for answer in (made.evaluate("f", context, now=7) for made in (before, after))
        )
        for context in contexts
    )
    for change in simulate(before, after, contexts_as(contexts), now=7):
        assert {(t.before, t.after): t.users for t in change.transitions} == dict(expected), rules
        assert change.changed == sum(n for (was, becomes), n in expected.items() if was != becomes)


def test_invented_users_are_the_same_again_and_meet_the_conditions() -> None:
    before, after = flags({}), flags({"if": [{"and": [NORDIC, {">=": [{"var": "age"}, 18]}]}, "on", None]})
    one, other = (population_for(before, after, 1000, seed=3) for _ in range(2))
    assert one.context(17) == other.context(17)
    assert all(np.array_equal(one.columns[name].codes, other.columns[name].codes) for name in one.columns)
    (change,) = simulate(before, after, one)
    assert 0 < change.changed < 1000
