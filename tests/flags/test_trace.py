"""Why a context got what it got."""

import random
from typing import Any

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.trace import trace

NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}


def flags(targeting: Any, *, bucketing: Any = "v2", **more: Any) -> FlagSet:
    one = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": targeting,
    }
    return FlagSet.from_flagd({"flags": {"f": one | more.pop("flag", {})}, **more}, bucketing)


def sentences(made: FlagSet, context: dict[str, Any], key: str = "f") -> list[str]:
    return [step.sentence for step in trace(made, key, context, now=7).steps]


def test_the_steps_are_told_in_the_order_in_which_they_were_begun() -> None:
    made = flags({"if": [{"$ref": "nordic"}, "on", None]}, **{"$evaluators": {"nordic": NORDIC}})
    found = trace(made, "f", {"country": "SE"})
    assert [(step.operator, step.pointer, step.depth) for step in found.steps] == [
        ("flag", "/flags/f", 0),
        ("state", "/flags/f/state", 0),
        ("if", "/flags/f/targeting/if", 0),
        ("in", "/$evaluators/nordic/in", 1),
        ("var", "/$evaluators/nordic/in/0/var", 2),
        ("variant", "/flags/f/variants", 0),
    ]
    assert found.steps[3].evaluator == "nordic"
    assert found.steps[3].arguments == ("SE", ["SE", "NO"])
    assert found.evaluation.variant == "on"


def test_each_step_reads_as_a_sentence() -> None:
    made = flags({"if": [NORDIC, "on", {"==": [{"var": "plan"}, "beta"]}, "on", None]})
    assert sentences(made, {"country": "PT"}) == [
        "The flag 'f' exists.",
        "The flag is enabled.",
        "No condition holds, which leads to nothing, and so to the default.",
        'country is one of "SE", "NO": no (it compares "PT", ["SE", "NO"]).',
        'country is "PT".',
        'plan is "beta": no (it compares null, "beta").',
        "plan has no value.",
        "The rule decides nothing: the default variant 'off' is answered.",
    ]


@pytest.mark.parametrize("bucketing", ["v2", "v3"])
def test_a_split_shows_the_bucket_that_decided(bucketing: Any) -> None:
    made = flags({"fractional": [["on", 25], ["off", 75]]}, bucketing=bucketing)
    for number in range(50):
        found = trace(made, "f", {"targetingKey": f"user-{number}"})
        split = found.steps[2].split
        assert split is not None
        assert split.total == 100
        inside = [part.variant for part in split.parts if part.start <= split.bucket < part.end]
        assert inside == [found.evaluation.variant]
        assert split.bucket == split.hash * 100 >> 32
    assert "The split decides nothing" in sentences(made, {})[2]


def test_flags_without_a_rule_are_traced_too() -> None:
    assert sentences(flags({}), {})[-1] == "The default variant 'off' is answered."
    assert sentences(flags({}, flag={"state": "DISABLED"}), {})[1:] == [
        "The flag is disabled: the default of the code counts.",
        "No value is answered.",
    ]
    assert sentences(flags({}), {}, "nothing") == ["There is no flag 'nothing' in this set."]
    assert "The rule cannot run." in sentences(flags({"near": [1]}), {})[2]
    wide = {"map": [{"var": "list"}, {"map": [{"var": "list"}, 1]}]}
    assert trace(flags({"cat": [wide]}), "f", {"list": list(range(1000))}).evaluation.error_code


def test_an_evaluation_that_is_stopped_says_where() -> None:
    rule = {"merge": [{"var": "l"}, {"var": "l"}]}
    found = trace(flags({"if": [rule, "on"]}), "f", {"l": [1] * 60_000})
    assert found.evaluation.error_code == "GENERAL"
    assert found.steps[3].sentence.startswith("The evaluation was stopped within the items of l, l together")


LEAVES = [
    True,
    False,
    None,
    0,
    1,
    "a",
    "on",
    "off",
    "2.0.0",
    [],
    ["a", 1],
    {"var": "x"},
    {"var": "y.0"},
    {"var": ""},
]
NAMES = ["if", "and", "or", "!", "==", "<", "in", "cat", "missing", "map", "some", "sem_ver", "starts_with", "fractional", "+", "reduce"]  # fmt: skip


def _rule(dice: random.Random, depth: int) -> Any:
    if not depth or dice.random() < 0.25:
        return dice.choice(LEAVES)
    name = dice.choice(NAMES)
    if name == "fractional":
        return {name: [[_rule(dice, depth - 1), dice.randrange(4)] for _ in range(dice.randrange(1, 4))]}
    return {name: [_rule(dice, depth - 1) for _ in range(dice.randrange(1, 4))]}


@pytest.mark.parametrize("seed", range(150))
def test_the_answer_of_a_trace_is_that_of_the_evaluation(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a test that can be repeated
    made = flags(
        {"if": [_rule(dice, 4), _rule(dice, 4), _rule(dice, 3)]}, bucketing=dice.choice(["v2", "v3"])
    )
    context = {"targetingKey": f"user-{seed}", "x": dice.choice(LEAVES[:10]), "y": dice.choice(LEAVES[:11])}
    found = trace(made, "f", context, now=7)
    assert found.evaluation == made.evaluate("f", context, now=7)
    top = next(step for step in found.steps if step.pointer.startswith("/flags/f/targeting"))
    if found.evaluation.reason == "DEFAULT":
        assert top.result is None
    elif found.evaluation.reason == "TARGETING_MATCH":
        named = str(top.result).lower() if isinstance(top.result, bool) else str(top.result)
        assert named == found.evaluation.variant
