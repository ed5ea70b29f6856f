"""Gates of a plan: what they tell of somebody is what the compiled rule does to them."""

from typing import Any

import pytest

from counterpoint.flags.composition import Composition, compiled, read_composition
from counterpoint.flags.model import FlagSet
from counterpoint.flags.plan_gates import Gate, gates_of, plan_steps
from counterpoint.flags.trace import trace

ON_OFF = {"on": True, "off": False, "control": False}
EVERYTHING: dict[str, Any] = {
    "segments": {"nordic": {"in": [{"var": "country"}, ["SE", "NO"]]}, "staff": {"==": [{"var": "staff"}, True]}},
    "layers": {"first": {}, "by-company": {"bucketBy": "company"}},
    "holdouts": {"quarter": {"percent": 30}},
    "flags": {
        "parent": {"default": "off", "treatment": "on", "variants": ON_OFF, "ramp": 60},
        "child": {
            "default": "off",
            "treatment": "on",
            "control": "control",
            "variants": ON_OFF,
            "ramp": 30,
            "audience": {"segments": ["nordic"], "except": ["staff"]},
            "layer": {"name": "first", "from": 10, "to": 80},
            "holdouts": ["quarter"],
            "overrides": {"on": ["guest"]},
            "prerequisites": [{"flag": "parent", "variant": "on"}],
        },
        "company": {
            "default": "off",
            "treatment": "on",
            "variants": ON_OFF,
            "ramp": 50,
            "bucketBy": "company",
            "layer": {"name": "by-company", "from": 0, "to": 60},
        },
    },
}  # fmt: skip


def composed(plans: dict[str, Any], bucketing: Any = "v2") -> tuple[Composition, FlagSet]:
    composition = read_composition(plans)
    return composition, FlagSet.from_flagd(compiled({"flags": {}}, composition, bucketing), bucketing)


def gates(
    key: str, context: dict[str, Any], made: tuple[Composition, FlagSet]
) -> tuple[list[Gate], str | None]:
    composition, flags = made
    traced = trace(flags, key, context, now=1_000)
    found = gates_of(flags, key, composition.flags[key], composition, context, traced)
    return found, traced.evaluation.variant


@pytest.mark.parametrize("bucketing", ["v2", "v3"])
@pytest.mark.parametrize("key", ["parent", "child", "company"])
def test_where_the_gates_end_is_what_the_rule_answers(key: str, bucketing: str) -> None:
    made, ends = composed(EVERYTHING, bucketing), set()
    for number in range(150):
        for extra in ({"country": "SE"}, {"country": "DE"}, {"country": "NO", "staff": True}):
            context = {"targetingKey": f"user-{number}", "company": number % 40 + 1, **extra}
            found, variant = gates(key, context, made)
            end = next(gate for gate in found if gate.fared in ("stopped", "given"))
            ends.add(end.asked)
            assert variant == "off" if end.fared == "stopped" else f"{variant!r}" in end.sentence, (
                context,
                end,
            )
            assert all(gate.fared == "passed" for gate in found[: found.index(end)])
            assert all(gate.fared == "not reached" for gate in found[found.index(end) + 1 :])
    assert len(ends) >= {"parent": 1, "child": 5, "company": 2}[key]  # each gate has stopped somebody


def test_the_draw_of_the_flag_itself_is_shown_although_a_parent_has_a_salt_that_begins_like_it() -> None:
    plans = {
        "flags": {
            "list-x": {"default": "off", "treatment": "on", "variants": ON_OFF, "ramp": 99},
            "list": {
                "default": "off",
                "treatment": "on",
                "variants": ON_OFF,
                "ramp": 50,
                "prerequisites": [{"flag": "list-x", "variant": "on"}],
            },
        }
    }
    found, _ = gates("list", {"targetingKey": "user-1"}, composed(plans))
    assert found[-1].split is not None
    assert found[-1].split.seed == "listuser-1"


@pytest.mark.parametrize(
    "context", [{}, {"targetingKey": ""}, {"targetingKey": None}, {"targetingKey": ["a"]}]
)
def test_who_has_nothing_to_be_drawn_by_is_stopped_and_told_so(context: dict[str, Any]) -> None:
    found, variant = gates("parent", context, composed(EVERYTHING))
    assert variant == "off"
    assert found[0].fared == "stopped"
    assert "none that can be drawn" in found[0].sentence


def test_an_override_is_given_before_all_else_that_the_flag_itself_asks() -> None:
    made = composed(
        {
            **EVERYTHING,
            "flags": {**EVERYTHING["flags"], "parent": {**EVERYTHING["flags"]["parent"], "ramp": 100}},
        }
    )
    found, variant = gates("child", {"targetingKey": "guest"}, made)
    assert variant == "on"
    assert [gate.fared for gate in found][:2] == ["passed", "given"]
    assert "this is one of them" in found[1].sentence


def test_of_a_killed_flag_there_is_one_thing_to_say() -> None:
    parent = {**EVERYTHING["flags"]["parent"], "killed": True}
    found, variant = gates("parent", {"targetingKey": "user-1"}, composed({"flags": {"parent": parent}}))
    assert variant == "off"
    assert [(gate.fared, gate.sentence) for gate in found] == [
        ("given", "The flag is killed: everybody gets 'off'.")
    ]


def test_a_gate_that_was_not_reached_keeps_its_whole_question() -> None:
    plans = {
        "segments": {"odd": {"==": [{"var": "a"}, "x: y"]}, "never": {"==": [{"var": "b"}, "x: y"]}},
        "flags": {
            "one": {
                "default": "off", "treatment": "on", "variants": ON_OFF, "ramp": 5,
                "audience": {"segments": ["odd"], "except": ["never"]},
            }
        },
    }  # fmt: skip
    found, _ = gates("one", {"targetingKey": "user-1"}, composed(plans))
    assert found[1].fared == "not reached"
    assert found[1].sentence == 'It is not for never (b is "x: y").'


def test_the_steps_of_a_plan_follow_its_schedule() -> None:
    plan = {
        **EVERYTHING["flags"]["parent"],
        "ramp": 10,
        "schedule": [{"at": "2026-01-01T00:00:00Z", "ramp": 40}],
    }
    composition = read_composition({"flags": {"parent": plan}})
    shares = [
        [
            (share.variant, share.percent)
            for share in plan_steps("parent", composition.flags["parent"], composition, now=now)[-1].shares
        ]
        for now in (0, 2_000_000_000)
    ]
    assert shares == [[("on", 10), ("off", 90)], [("on", 40), ("off", 60)]]
