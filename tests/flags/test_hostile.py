"""Rules and contexts that mean harm: nothing is raised, nothing goes on for long, and both engines answer alike."""

import math
import time
from typing import Any

import pytest

from counterpoint.flags import FlagSet, FlagSetError
from counterpoint.flags.errors import RuleLimitError
from counterpoint.flags.jsonlogic import MAX_NAME, apply

SECONDS = 5.0
"""Of computing, for what takes a tenth of one: an evaluation without a limit would take hours."""
ITEM, ACCUMULATOR = {"var": ""}, {"var": "accumulator"}


def doubled(levels: int) -> Any:
    """A list in which each level holds the next one twice: small, and endless to whoever walks it."""
    value: Any = "xx"
    for _ in range(levels):
        value = [value, value]
    return value


def holding_itself() -> tuple[list[Any], dict[str, Any]]:
    circle: list[Any] = []
    circle.append(circle)
    ring: dict[str, Any] = {"list": circle}
    ring["self"] = ring
    return circle, ring


CIRCLE, RING = holding_itself()
CONTEXT: dict[str, Any] = {
    "targetingKey": "u",
    "circle": CIRCLE,
    "ring": RING,
    "doubled": doubled(60),
    "objects": {"a": doubled(60)},
    "many": [1] * 50_000,
    "numbers": list(range(300_000)),
    "texts": [f"user-{number}" for number in range(300_000)],
    "nested": [list(range(10_000))],
    "ten": list(range(10_000)),
    "long": "x" * 2_000_000,
    "wide": "é" * 1_000_000,
    "digits": "9" * 1_000_000,
    "dots": "." * 1_000_000,
    "nan": math.nan,
    "inf": math.inf,
    "huge": 10**5000,
    "half": "\ud800",
}


def again(rule: Any, start: str) -> Any:
    """The rule for each of fifty thousand elements, on the same value each time."""
    return {"reduce": [{"var": "many"}, {"if": [rule, ACCUMULATOR, ACCUMULATOR]}, {"var": start}]}


def chained(rule: Any, times: int = 1000) -> Any:
    """Many conditions on the same value, as they are compiled."""
    return {"or": [{"===": [rule, number]} for number in range(times)]}


RULES: dict[str, Any] = {
    "loops within loops": {"map": [{"var": "many"}, {"map": [{"var": "many"}, {"map": [{"var": "many"}, 1]}]}]},
    "loops over constants": {"map": [[1] * 900, {"map": [[1] * 900, {"filter": [[1] * 900, ITEM]}]}]},
    "a list that doubles": {"reduce": [[1] * 60, [ACCUMULATOR, ACCUMULATOR], "xx"]},
    "a doubled list as a text": {"cat": [{"reduce": [[1] * 60, [ACCUMULATOR, ACCUMULATOR], "xx"]}]},
    "a doubled list hashed": {"reduce": [[1] * 60, {"if": [{"===": [{"fractional": [ITEM, ["on"]]}, "q"]}, 1, [ACCUMULATOR, ACCUMULATOR]]}, "xx"]},
    "a text that doubles": {"reduce": [{"var": "many"}, {"cat": [ACCUMULATOR, ACCUMULATOR]}, "x"]},
    "a number that squares": {"reduce": [{"var": "many"}, {"*": [ACCUMULATOR, ACCUMULATOR]}, 2]},
    "a merge that grows": {"reduce": [{"var": "many"}, {"merge": [ACCUMULATOR, ACCUMULATOR]}, [1]]},
    "a list compared": again({"==": [ACCUMULATOR, "x"]}, "ten"),
    "a list within a list compared": again({"==": [ACCUMULATOR, "x"]}, "nested"),
    "a list searched": again({"in": [-1, ACCUMULATOR]}, "numbers"),
    "a list of names": again({"missing": [ACCUMULATOR]}, "texts"),
    "a text compared": again({"<": [ACCUMULATOR, ACCUMULATOR]}, "wide"),
    "a text searched": again({"in": ["yy", ACCUMULATOR]}, "long"),
    "a text cut": again({"substr": [ACCUMULATOR, 1]}, "wide"),
    "a text looked into": again({"var": "accumulator.1"}, "wide"),
    "a text measured": again({"var": "accumulator.length"}, "wide"),
    "a text read as a number": again({"==": [ACCUMULATOR, 1]}, "digits"),
    "a text as a path": again({"var": ACCUMULATOR}, "dots"),
    "a text hashed": again({"fractional": [ACCUMULATOR, ["on"]]}, "long"),
    "many arguments": {"map": [{"var": "many"}, {"+": [1] * 4_000}]},
    "many conditions": {"map": [{"var": "many"}, {"and": [1] * 4_000}]},
    "many weights": {"map": [{"var": "many"}, {"fractional": ["a", *[["on", 1]] * 2_000]}]},
    "compiled: lists": {"or": [{"==": [{"var": "ten"}, f"a{number}"]} for number in range(1000)]},
    "compiled: order": {"or": [{"<": [{"var": "ten"}, number]} for number in range(1000)]},
    "compiled: texts": {"or": [{"<": [{"var": "wide"}, {"var": "wide"}]}] * 1000},
    "compiled: numbers": chained({"+": [{"var": "digits"}]}),
    "compiled: parts": chained({"cat": [{"var": "ten"}]}),
    "compiled: within": {"or": [{"in": [{"var": "ten"}, f"zz{number}"]} for number in range(1000)]},
    "compiled: search": {"or": [{"in": ["yy", {"var": "long"}]}] * 1000},
    "a circle compared": {"==": [{"var": "circle"}, "x"]},
    "a circle as a text": {"cat": [{"var": "circle"}, {"var": "ring"}]},
    "a circle walked": {"map": [{"var": "circle"}, {"var": "0.0.0"}]},
    "a ring walked": {"var": "ring.self.self.list.0.self"},
    "a ring hashed": {"fractional": [{"var": "ring"}, ["on"]]},
    "a doubled object hashed": {"fractional": [{"var": "objects"}, ["on"]]},
    "a doubled list in the context": {"cat": [{"var": "doubled"}]},
    "weights without end": {"fractional": ["a", ["on", 10**400], ["off", -(10**400)]]},
    "a weight that is no number": {"fractional": ["a", ["on", {"var": "nan"}]]},
    "a weight beyond all": {"fractional": ["a", ["on", {"var": "huge"}]]},
    "arithmetic beyond all": {"+": [{"var": "huge"}, {"%": [{"var": "huge"}, {"var": "inf"}]}]},
    "a cut beyond all": {"substr": ["abc", {"var": "huge"}, {"var": "nan"}]},
    "an integer of 5,000 digits": {"var": "huge"},
    "half a character hashed": {"fractional": [{"var": "half"}, ["on"]]},
    "half a character": {"cat": [{"var": "half"}]},
}  # fmt: skip


@pytest.mark.parametrize("bucketing", ["v2", "v3"])
@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_it_ends_soon_with_an_answer(rule: Any, bucketing: Any) -> None:
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": rule}  # fmt: skip
    flags = FlagSet.from_flagd({"flags": {"f": flag}}, bucketing)
    begun = time.process_time()
    fast = flags.evaluate("f", CONTEXT)
    slow = flags.interpret(flags.flags["f"], CONTEXT)
    assert time.process_time() - begun < SECONDS
    assert (fast.variant, fast.reason, fast.error_code) == (slow.variant, slow.reason, slow.error_code)
    assert fast.error_code in (None, "GENERAL")
    (fast.error_message or "").encode()  # can be sent to whoever asked


@pytest.mark.parametrize("name", ["numbers", "texts"])
def test_long_lists_are_searched_several_times(name: str) -> None:
    for wanted in (299_999, "user-299999"):
        found = apply(
            {"or": [{"in": ["none", {"var": name}]}] * 3 + [{"in": [wanted, {"var": name}]}]}, CONTEXT
        )
        assert found is (isinstance(wanted, int) == (name == "numbers"))  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        (1, [True], False),
        (True, [1], False),
        (1, [1.0], True),
        (0, [-0.0], True),
        (None, [False, 0], False),
        (None, [None], True),
        (math.nan, [math.nan], False),
        (2**53, [2**53 + 1], True),
        (2**53 + 1, [float(2**53)], True),
        (10**400, [math.inf], True),
        ("1", [1], False),
        ("", [""], True),
    ],
)
def test_membership_is_strict_equality_of_javascript(wanted: Any, held: list[Any], expected: bool) -> None:
    assert apply({"in": [{"var": "w"}, {"var": "h"}]}, {"w": wanted, "h": held}) is expected


def test_names_and_texts_to_look_into_have_a_limit() -> None:
    assert apply({"var": "a" * MAX_NAME}, {"a" * MAX_NAME: 1}) == 1
    with pytest.raises(RuleLimitError, match="name"):
        apply({"var": "a" * (MAX_NAME + 1)}, {})
    assert apply({"var": "t.5"}, {"t": "x" * 10**6}) == "x"
    with pytest.raises(RuleLimitError, match="text"):
        apply({"var": "t.5"}, {"t": "é" * (MAX_NAME + 1)})


def test_a_definition_that_holds_one_rule_over_and_over_is_refused() -> None:
    rule: Any = {"var": "a"}
    for _ in range(60):
        rule = {"and": [rule, rule]}
    flag = {"state": "ENABLED", "variants": {"on": True}, "targeting": rule}
    with pytest.raises(FlagSetError) as caught:
        FlagSet.from_flagd({"flags": {"f": flag}})
    assert "values" in caught.value.problems[0].message
