"""Who gets what as plans change, on 20,000 users: nobody is reassigned who need not be."""

import json
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, chi2_contingency

from .conftest import NOW, Npm, Pypi, compile_plans, ours, users

USERS = users(20_000)
RAMPS = (0, 0.001, 1, 5, 10, 25, 50, 100)
PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}
MEASURED: dict[str, Any] = {**PLAIN, "variants": {"on": True, "off": False, "control": False}, "control": "control"}  # fmt: skip
ARMS: dict[str, Any] = {
    "variants": {"a": "a", "b": "b", "c": "c", "off": "off"},
    "default": "off",
    "treatments": {"a": 1, "b": 1, "c": 2},
}


@cache
def _given(key: str, v: Any, now: int, plans: str) -> list[str | None]:
    return ours(compile_plans(json.loads(plans), v), key, USERS, v=v, now=now)


def given(key: str = "f", /, v: Any = "v2", now: int = NOW, **plans: Any) -> list[str | None]:
    """The variants of all users; what was asked before is not evaluated again."""
    return _given(key, v, now, json.dumps(plans))


def at(plan: dict[str, Any], ramp: float, v: Any = "v2", **more: Any) -> list[str | None]:
    return given(v=v, flags={"f": {**plan, "ramp": ramp, **more}})


def near(count: int, percent: float, of: int = len(USERS)) -> bool:
    """Within four standard errors of a percentage."""
    expected = of * percent / 100
    return abs(count - expected) <= 4 * np.sqrt(max(expected * (1 - percent / 100), 1))


@pytest.mark.parametrize("v", ["v2", "v3"])
@pytest.mark.parametrize("plan", [PLAIN, ARMS], ids=["one arm", "three arms"])
def test_a_ramp_only_adds_users_and_nobody_changes_arm(plan: dict[str, Any], v: str) -> None:
    steps = [at(plan, ramp, v) for ramp in RAMPS]
    for before, after in pairwise(steps):
        assert all(one in ("off", other) for one, other in zip(before, after, strict=True))
    for ramp, step in zip(RAMPS, steps, strict=True):
        assert near(sum(variant != "off" for variant in step), ramp)
    assert steps[0] == ["off"] * len(USERS)


def test_shrinking_gives_back_each_step_exactly() -> None:
    there = [at(MEASURED, ramp) for ramp in RAMPS]
    back = [at(MEASURED, ramp) for ramp in reversed(RAMPS)]
    assert back[::-1] == there


def test_arms_share_the_enrolled_as_they_should() -> None:
    for ramp in (10, 50, 100):
        seen = Counter(at(ARMS, ramp))
        counts = np.array([seen[arm] for arm in "abc"])
        expected = counts.sum() * np.array([0.25, 0.25, 0.5])
        statistic = ((counts - expected) ** 2 / expected).sum()
        assert statistic < chi2.isf(1e-4, df=2)


def test_the_measured_control_is_as_large_as_the_treatment_and_grows_with_it() -> None:
    before: list[str | None] = ["off"] * len(USERS)
    for ramp in (1, 5, 10, 25, 50):
        after = at(MEASURED, ramp)
        assert all(one in ("off", other) for one, other in zip(before, after, strict=True))
        seen = Counter(after)
        assert near(seen["on"], ramp)
        assert near(seen["control"], ramp)
        before = after
    assert "off" not in before
    full = at(MEASURED, 100)
    assert all(other == "on" and one in ("on", "control") for one, other in zip(before, full, strict=True)), (
        "beyond half, the control can only become treatment"
    )


def test_the_control_of_several_arms_is_as_large_as_the_largest() -> None:
    plan = {**ARMS, "variants": {**ARMS["variants"], "measured": "off"}, "control": "measured"}
    seen = Counter(at(plan, 40))
    assert near(seen["measured"], 20)
    assert near(seen["c"], 20)


def test_flags_of_one_layer_never_meet_and_fill_their_slots() -> None:
    plans = {
        "layers": {"home": {}},
        "flags": {
            "f": {**PLAIN, "ramp": 100, "layer": {"name": "home", "from": 0, "to": 30}},
            "g": {**PLAIN, "ramp": 50, "layer": {"name": "home", "from": 30, "to": 100}},
        },
    }
    one, other = given("f", **plans), given("g", **plans)
    assert not any(pair == ("on", "on") for pair in zip(one, other, strict=True))
    assert near(one.count("on"), 30)
    assert near(other.count("on"), 35)


def test_who_is_held_out_gets_no_treatment_of_any_of_its_flags() -> None:
    held = given(flags={"f": {**PLAIN, "ramp": 5, "salt": "holdout:year"}})
    holdouts = {"year": {"percent": 5}}
    for plan in (PLAIN, ARMS, MEASURED):
        seen = given(holdouts=holdouts, flags={"f": {**plan, "ramp": 50, "holdouts": ["year"]}})
        assert {variant for variant, out in zip(seen, held, strict=True) if out == "on"} == {"off"}
    larger = given(flags={"f": {**PLAIN, "ramp": 8, "salt": "holdout:year"}})
    assert all(other == "on" for one, other in zip(held, larger, strict=True) if one == "on")


def test_layer_holdout_arms_and_ramp_are_drawn_independently() -> None:
    plan = {**ARMS, "ramp": 50}
    inside = given(flags={"f": {**PLAIN, "ramp": 50, "salt": "layer:home"}})
    out = given(flags={"f": {**PLAIN, "ramp": 50, "salt": "holdout:year"}})
    arms = given(flags={"f": {**ARMS, "ramp": 100}})
    enrolled = given(flags={"f": {**plan, "treatments": {"a": 1}}})
    for one, other in [(inside, enrolled), (out, enrolled), (arms, enrolled), (inside, out)]:
        table = Counter(zip(one, other, strict=True))
        rows, columns = sorted({key[0] for key in table}), sorted({key[1] for key in table})  # type: ignore[type-var]
        observed = [[table[row, column] for column in columns] for row in rows]
        assert chi2_contingency(observed).pvalue > 1e-4


def test_a_prerequisite_is_never_violated_and_takes_nothing_else_away() -> None:
    plans = {
        "holdouts": {"year": {"percent": 5}},
        "flags": {
            "p": {**MEASURED, "ramp": 30, "holdouts": ["year"], "overrides": {"off": ["user-1"]}},
            "f": {**PLAIN, "ramp": 50, "prerequisites": [{"flag": "p", "variant": "on"}]},
            "g": {**PLAIN, "ramp": 100, "prerequisites": [{"flag": "p", "variant": "off"}]},
        },
    }
    parent, child, contrary = given("p", **plans), given("f", **plans), given("g", **plans)
    alone = given(flags={"f": {**PLAIN, "ramp": 50}})
    for has, needs, free, other in zip(parent, child, alone, contrary, strict=True):
        assert needs == (free if has == "on" else "off")
        assert other == ("on" if has == "off" else "off")


@pytest.mark.parametrize(
    ("state", "met"),
    [
        ({"killed": True}, False),
        ({"ramp": 100}, True),
        ({"ramp": 0}, False),
    ],
)
def test_a_killed_parent_gives_its_default(state: dict[str, Any], met: bool) -> None:
    need = [{"flag": "p", "variant": "on"}]
    plans = {
        "flags": {"p": {**PLAIN, "ramp": 50, **state}, "f": {**PLAIN, "ramp": 100, "prerequisites": need}}
    }
    assert set(given(**plans)) == {"on" if met else "off"}


def test_a_disabled_parent_gives_nothing() -> None:
    definition = {"flags": {"p": {"state": "DISABLED", "variants": {"on": True}, "defaultVariant": "on"}}}
    plans = {"flags": {"f": {**PLAIN, "ramp": 100, "prerequisites": [{"flag": "p", "variant": "on"}]}}}
    assert set(ours(compile_plans(plans, "v2", definition), "f", USERS[:200])) == {"off"}


@pytest.mark.parametrize("variant", ["on", "off"])
def test_a_parent_without_a_plan_is_written_out_with_its_own_key(variant: str, npm: Npm) -> None:
    rule = {"if": [{"$ref": "odd"}, {"fractional": [["on", 30], ["off", 70]]}, None]}
    parent = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": rule,
    }
    odd = {
        "and": [
            {"===": [{"var": "$flagd.flagKey"}, "p"]},
            {"!": [{"ends_with": [{"var": "targetingKey"}, "7"]}]},
        ]
    }
    definition = {"$evaluators": {"odd": odd}, "flags": {"p": parent}}
    plans = {"flags": {"f": {**PLAIN, "ramp": 100, "prerequisites": [{"flag": "p", "variant": variant}]}}}
    made = compile_plans(plans, "v2", definition)
    contexts = USERS[:5_000]
    has = ours(made, "p", contexts)
    assert 1_000 < has.count("on") < 2_000
    assert ours(made, "f", contexts) == ["on" if each == variant else "off" for each in has]
    assert npm(made, "f", contexts) == ours(made, "f", contexts)


def test_node_keeps_every_promise_on_a_ramp_with_everything(npm: Npm) -> None:
    before: dict[str, list[str | None]] = {}
    for ramp in (1, 5, 10, 25, 50):
        slot = {"name": "home", "from": 0, "to": 60}
        plans = {
            "layers": {"home": {}},
            "holdouts": {"year": {"percent": 5}},
            "flags": {
                "p": {**MEASURED, "ramp": ramp, "holdouts": ["year"], "layer": slot},
                "q": {**ARMS, "ramp": ramp, "holdouts": ["year"], "layer": {**slot, "from": 60, "to": 100}},
                "f": {**PLAIN, "ramp": ramp, "prerequisites": [{"flag": "p", "variant": "on"}]},
                "held": {**PLAIN, "ramp": 5, "salt": "holdout:year"},
            },
        }
        made = compile_plans(plans)
        seen = {key: npm(made, key, USERS) for key in plans["flags"]}
        for key, variants in seen.items():
            assert all(
                one in ("off", other) for one, other in zip(before.get(key, variants), variants, strict=True)
            )
        for p, q, f, held in zip(*seen.values(), strict=True):
            assert held == "off" or {p, q, f} == {"off"}
            assert p == "off" or q == "off"
            assert f == "off" or p == "on"
        before = seen
    assert near(before["p"].count("on"), 0.95 * 0.6 * 50)
    assert before["p"] == ours(made, "p", USERS)


def test_a_kill_gives_everybody_the_default_and_a_revival_exactly_what_was() -> None:
    plan = {**MEASURED, "ramp": 20, "overrides": {"on": ["user-3"]}}
    before = at(plan, 20)
    assert at(plan, 20, killed={"reason": "it is slow"}) == ["off"] * len(USERS)
    assert at(plan, 20) == before


@pytest.mark.parametrize("v", ["v2", "v3"])
def test_a_schedule_flips_at_its_second_in_every_engine(v: str, npm: Npm, pypi: Pypi) -> None:
    first, second = NOW + 100, NOW + 5_000
    schedule = [{"at": "2026-09-21T14:15:00Z", "ramp": 50}, {"at": "2026-09-21T17:36:40+02:00", "ramp": 5}]
    made = compile_plans({"flags": {"f": {**PLAIN, "ramp": 1, "schedule": schedule}}}, v)
    contexts = USERS[:4_000]
    steps = {ramp: at(PLAIN, ramp, v)[:4_000] for ramp in (1, 50, 5)}
    peer = npm if v == "v2" else pypi
    for now, ramp in [(NOW, 1), (first - 1, 1), (first, 50), (second - 1, 50), (second, 5)]:
        assert ours(made, "f", contexts, now=now, v=v) == steps[ramp]
        assert peer(made, "f", contexts, now=now) == steps[ramp]


def test_overrides_come_before_audience_and_draw() -> None:
    plan = {**PLAIN, "ramp": 50, "audience": ["none"], "overrides": {"on": ["user-1"], "off": ["user-2"]}}
    seen = given(segments={"none": {"==": [1, 2]}}, flags={"f": plan})
    assert [seen[1], seen[2], seen.count("on")] == ["on", "off", 1]


def test_segments_narrow_the_audience_and_the_draw_stays() -> None:
    segments = {
        "even": {"==": [{"%": [{"var": "number"}, 2]}, 0]},
        "small": {"<": [{"var": "number"}, 10_000]},
    }
    contexts = [{**user, "number": number} for number, user in enumerate(USERS)]
    audience = {"segments": ["even"], "except": ["small"], "rule": {"<": [{"var": "number"}, 30_000]}}
    made = compile_plans({"segments": segments, "flags": {"f": {**PLAIN, "ramp": 50, "audience": audience}}})
    free = at(PLAIN, 50)
    assert ours(made, "f", contexts) == [
        free[n] if n % 2 == 0 and 10_000 <= n < 30_000 else "off" for n in range(len(USERS))
    ]
    assert set(made["$evaluators"]) == {"segment:even", "segment:small"}


def test_a_restart_draws_anew_and_a_shared_salt_gives_two_flags_the_same_users() -> None:
    before, after = at(PLAIN, 50), at(PLAIN, 50, salt="f@2")
    assert 0.45 < np.mean([one == other for one, other in zip(before, after, strict=True)]) < 0.55
    assert given("g", flags={"g": {**PLAIN, "ramp": 50, "salt": "f"}}) == before


VALUES: list[Any] = ["acme", "", "0", "true", "x y", 42, 1, 42.0, 42.5, 0, -1, 10**15, 10**15 - 1, True, False, None, [], ["a"], [5], [[5]], {}, {"a": 1}, "[object Object]", 1.5e-7]  # fmt: skip


@pytest.mark.parametrize("v", ["v2", "v3"])
@pytest.mark.parametrize("path", ["company", "company.id"])
def test_another_unit_is_drawn_alike_whatever_the_context_holds(
    v: str, path: str, npm: Npm, pypi: Pypi
) -> None:
    plan = {**MEASURED, "ramp": 50, "bucketBy": path, "salt": "s"}
    made = compile_plans({"flags": {"f": plan}}, v)
    contexts: list[dict[str, Any]] = [{"targetingKey": "u", "company": {"id": each} if "." in path else each} for each in VALUES]  # fmt: skip
    contexts += [{"targetingKey": "u"}, {"company": "acme"}, {"targetingKey": "u", "company": None}]
    found = ours(made, "f", contexts, v=v)
    assert found == (npm if v == "v2" else pypi)(made, "f", contexts)
    drawn = {index for index, variant in enumerate(found) if variant in ("on", "control")}
    usable = {"acme", "0", "true", "x y", 42, 1, 10**15 - 1, "[object Object]"}
    expected = {
        index for index, value in enumerate(VALUES) if type(value) in (str, int, float) and value in usable
    }
    assert drawn == expected | ({len(VALUES) + 1} if path == "company" else set())
    assert found[VALUES.index(42)] == found[VALUES.index(42.0, VALUES.index(42) + 1)]


@pytest.mark.parametrize("subject", [None, "", 5, True, [], {"a": 1}])
def test_without_a_subject_nobody_is_enrolled(subject: Any, npm: Npm) -> None:
    made = compile_plans({"flags": {"f": {**PLAIN, "ramp": 100}}})
    contexts = [{"targetingKey": subject}, {}]
    assert ours(made, "f", contexts) == npm(made, "f", contexts) == ["off", "off"]
