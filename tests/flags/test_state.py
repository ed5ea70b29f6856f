"""The state of a flag, by table: one word for what it does to people."""

from dataclasses import replace
from typing import Any

import pytest

from counterpoint.flags import FlagSet
from counterpoint.flags.composition import Composition, FlagPlan, compiled
from counterpoint.flags.composition.plan import Audience, Kill, Scheduled
from counterpoint.flags.state import FlagState, state_of

BOOLEAN = {"on": True, "off": False}
COLOURS = {"red": "#f00", "blue": "#00f", "grey": "#888"}
ADULT = {">=": [{"var": "age"}, 18]}


def one(variants: dict[str, Any], default: str | None, rule: Any = None, state: str = "ENABLED") -> FlagState:
    flag = {"state": state, "variants": variants, "defaultVariant": default}
    if rule is not None:
        flag["targeting"] = rule
    flags = FlagSet.from_flagd({"flags": {"it": flag}})
    return state_of(flags, flags.flags["it"])


def split(*parts: tuple[Any, float]) -> dict[str, Any]:
    return {"fractional": [list(part) for part in parts]}


@pytest.mark.parametrize(
    ("rule", "default", "word", "percent"),
    [
        (None, "off", "off", None),
        (None, "on", "rolled-out", None),
        (split(("on", 10), ("off", 90)), "off", "ramping", 10),
        (split(("on", 10), (None, 90)), "off", "ramping", 10),
        (split(("on", 1), ("off", 3)), "on", "ramping", 25),
        (split(("on", 100), ("off", 0)), "off", "rolled-out", None),
        (split(("on", 0), ("off", 100)), "off", "off", None),
        ({"if": [ADULT, split(("on", 5), ("off", 95))]}, "off", "ramping", 5),
        ({"if": [ADULT, "on"]}, "off", "on", None),
        ({"if": [ADULT, "on", "on"]}, "off", "rolled-out", None),
        ({"if": [ADULT, "on", split(("on", 25), ("off", 75))]}, "off", "ramping", 25),
        (
            {"if": [ADULT, split(("on", 50), ("off", 50)), split(("on", 5), ("off", 95))]},
            "off",
            "ramping",
            50,
        ),
        (split((split(("on", 1), ("off", 1)), 50), ("off", 50)), "off", "ramping", 25),
        ({"frobnicate": [1]}, "off", "broken", None),
    ],
)
def test_hand_written_rules(rule: Any, default: str, word: str, percent: float | None) -> None:
    state = one(BOOLEAN, default, rule)
    assert (state.word, state.percent) == (word, percent)


def test_a_disabled_flag_is_off_whatever_its_rule_says() -> None:
    assert one(BOOLEAN, "on", split(("on", 10), ("off", 90)), "DISABLED") == FlagState("off")


def test_a_split_without_the_default_is_no_ramp_but_shows_its_arms() -> None:
    state = one(COLOURS, "grey", split(("red", 1), ("blue", 3)))
    assert (state.word, state.percent) == ("on", 100)
    assert [(part.variant, part.percent, part.role) for part in state.parts] == [
        ("red", 25, "treatment"),
        ("blue", 75, "treatment"),
    ]


def test_weights_that_are_computed_give_no_parts() -> None:
    state = one(COLOURS, "grey", {"fractional": [["red", {"var": "w"}], ["grey", 50]]})
    assert (state.word, state.percent, state.parts) == ("on", None, ())


def planned(plan: FlagPlan, *, now: float = 0, state: str = "ENABLED") -> FlagState:
    bare = {"state": state, "variants": COLOURS, "defaultVariant": "grey"}
    segments = {"adults": ADULT}
    definition = compiled({"flags": {"it": bare}}, Composition(flags={"it": plan}, segments=segments))
    flags = FlagSet.from_flagd(definition)
    return state_of(flags, flags.flags["it"], plan, now=now)


HALF = FlagPlan("grey", {"red": 1}, 50_000)


@pytest.mark.parametrize(
    ("plan", "word", "percent"),
    [
        (replace(HALF, ramp=0), "off", 0),
        (HALF, "ramping", 50),
        (replace(HALF, ramp=100_000), "rolled-out", 100),
        (replace(HALF, ramp=100_000, treatments={"red": 1, "blue": 1}), "on", 100),
        (replace(HALF, ramp=100_000, audience=Audience(("adults",))), "on", 100),
        (replace(HALF, ramp=100_000, overrides={"blue": ("user-1",)}), "on", 100),
        (replace(HALF, ramp=100_000, bucket_by="company"), "on", 100),
        (replace(HALF, ramp=0, overrides={"blue": ("user-1",)}), "on", 0),
        (replace(HALF, killed=Kill("too slow")), "killed", 50),
        (replace(HALF, killed=Kill(), ramp=100_000), "killed", 100),
    ],
)
def test_plans(plan: FlagPlan, word: str, percent: float) -> None:
    state = planned(plan)
    assert (state.word, state.percent, state.planned) == (word, percent, True)


def test_a_schedule_counts_from_its_second_on() -> None:
    plan = replace(HALF, ramp=0, schedule=(Scheduled(100, 25_000), Scheduled(200, 100_000)))
    assert [planned(plan, now=now).word for now in (99, 100, 199, 200)] == [
        "off",
        "ramping",
        "ramping",
        "rolled-out",
    ]
    assert planned(plan, now=100).percent == 25


def test_the_parts_of_a_plan_are_its_arms_the_rest_and_the_measured_control() -> None:
    variants = {"red": "#f00", "blue": "#00f", "grey": "#888", "control": "#888"}
    plan = FlagPlan("grey", {"red": 1, "blue": 3}, 20_000, control="control", variants=variants)
    parts = [(part.variant, part.percent, part.role) for part in planned(plan).parts]
    assert parts == [
        ("red", 5, "treatment"),
        ("blue", 15, "treatment"),
        ("grey", 65, "rest"),
        ("control", 15, "control"),
    ]


def test_a_disabled_flag_with_a_plan_is_off_also_when_it_is_killed() -> None:
    assert planned(HALF, state="DISABLED").word == "off"
    assert planned(replace(HALF, killed=Kill()), state="DISABLED").word == "off"
