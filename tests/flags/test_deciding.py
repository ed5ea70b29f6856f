"""The steps of a trace that are marked as deciding are those through which it came to its answer."""

from typing import Any

import pytest

from counterpoint.flags.deciding import deciding_steps
from counterpoint.flags.model import FlagSet
from counterpoint.flags.trace import trace

NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}
NEW = {"sem_ver": [{"var": "version"}, ">=", "2.0.0"]}
SPLIT = {"fractional": [["on", 50], ["off", 50]]}


def marked(rule: Any, context: dict[str, Any], *, state: str = "ENABLED") -> list[str]:
    """The pointers of the deciding steps, without what is the same for all."""
    flags = FlagSet.from_flagd(
        {
            "flags": {"one": {"state": state, "variants": {"on": True, "off": False}, "defaultVariant": "off", **({"targeting": rule} if rule else {})}},
            "$evaluators": {"nordic": NORDIC},
        }
    )  # fmt: skip
    traced = trace(flags, "one", {"targetingKey": "user-1", **context}, now=0)
    return [
        traced.steps[index].pointer.removeprefix("/flags/one/targeting/")
        for index in sorted(deciding_steps(flags, traced))
    ][:-1]


RULE = {"if": [NORDIC, "on", NEW, SPLIT, None]}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"country": "SE", "version": "2.1.0"}, ["if", "if/0/in"]),
        ({"country": "DE", "version": "2.1.0"}, ["if", "if/2/sem_ver", "if/3/fractional"]),
        ({"country": "DE", "version": "1.0.0"}, ["if", "if/0/in", "if/2/sem_ver"]),
    ],
)
def test_the_branch_that_was_taken_is_marked(context: dict[str, Any], expected: list[str]) -> None:
    assert marked(RULE, context) == expected


def test_the_way_goes_on_in_an_if_within_a_branch() -> None:
    rule = {"if": [NEW, {"if": [NORDIC, "on", SPLIT]}, "off"]}
    assert marked(rule, {"country": "DE", "version": "2.0.0"}) == [
        "if", "if/0/sem_ver", "if/1/if", "if/1/if/0/in", "if/1/if/2/fractional",
    ]  # fmt: skip


def test_a_condition_that_is_a_shared_rule_is_marked_where_it_is_written() -> None:
    rule = {"if": [{"$ref": "nordic"}, "on", SPLIT]}
    assert marked(rule, {"country": "SE"}) == ["if", "/$evaluators/nordic/in"]


@pytest.mark.parametrize("state", ["ENABLED", "DISABLED"])
def test_without_a_rule_the_step_before_the_answer_decides(state: str) -> None:
    place = "/flags/one/targeting" if state == "ENABLED" else "/flags/one/state"
    assert marked(None, {}, state=state) == [place]
