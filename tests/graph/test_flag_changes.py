"""What changed between two versions of a flag set, in flagd's terms, from documents and from the activity log."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.graph import Graph
from counterpoint.graph.actor import local_actor
from counterpoint.graph.flag_changes import (
    changed_flags,
    changes_between,
    changes_of_definitions,
    sentence_of,
)

from .documents import document

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}


def flags(**changed: Any) -> dict[str, Any]:
    return {"flags": {"a": ON | changed.pop("a", {}), **changed}}


def test_each_part_of_a_flag_is_told_apart() -> None:
    rule = {"if": [{"var": "beta"}, "on"]}
    changed = {
        "state": "DISABLED",
        "defaultVariant": "off",
        "variants": {"on": True, "off": False, "never": False},
        "targeting": rule,
        "metadata": {"bet": "weekly"},
        "x-note": 1,
    }
    (flag,) = changes_of_definitions(flags(), flags(a=changed)).flags
    assert (flag.key, flag.action) == ("a", "changed")
    assert flag.names == ("state", "defaultVariant", "variants", "targeting", "metadata", "other")
    assert [(part.before, part.after) for part in flag.parts[:2]] == [("ENABLED", "DISABLED"), ("on", "off")]


def test_flags_come_and_go() -> None:
    found = changes_of_definitions(flags(b=ON), flags(c=ON))
    assert [(flag.key, flag.action) for flag in found.flags] == [("c", "added"), ("b", "removed")]
    assert found.said == "added 'c', removed 'b'"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"targeting": {}}),
        ({"targeting": None}, {"targeting": {}}),
        ({}, {"metadata": {}}),
        ({"variants": {"on": True, "off": False}}, {"variants": {"off": False, "on": True}}),
    ],
)
def test_what_means_the_same_is_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert not changes_of_definitions(flags(a=before), flags(a=after))


@pytest.mark.parametrize(("before", "after"), [(True, 1), (1, 1.0), (0, False), ("1", 1)])
def test_values_are_compared_as_json_has_them(before: Any, after: Any) -> None:
    found = changes_of_definitions(
        flags(a={"variants": {"on": before}}), flags(a={"variants": {"on": after}})
    )
    assert found.flags[0].names == ("variants",)


def test_a_shared_rule_that_changes_names_the_flags_that_use_it() -> None:
    using = {"targeting": {"if": [{"$ref": "nordic"}, "on", "off"]}}
    definition = flags(a=using, b=ON)
    old = definition | {"$evaluators": {"nordic": {"in": [{"var": "country"}, ["SE"]]}, "unused": {}}}
    new = definition | {"$evaluators": {"nordic": {"in": [{"var": "country"}, ["SE", "NO"]]}, "unused": {}}}
    found = changes_of_definitions(old, new)
    assert [each.name for each in found.evaluators] == ["nordic"]
    assert [(flag.key, flag.parts, flag.through) for flag in found.flags] == [("a", (), ("nordic",))]
    assert found.said == "changed the targeting of 'a', changed the shared rule 'nordic'"


def test_what_is_no_flag_is_told_too() -> None:
    old = document("FlagSet", "s", {"owner": "a", "definition": flags(), "bucketing": "v2"})
    new = document(
        "FlagSet", "s", {"owner": "b", "definition": flags() | {"$schema": "x"}, "bucketing": "v3"}
    )
    found = changes_between(old, new)
    assert (found.bucketing, [each.name for each in found.others]) == (("v2", "v3"), ["$schema"])
    assert [change.pointer for change in found.descriptor] == ["/spec/owner"]
    assert found.said == "set the bucketing to v3, changed what describes the set"


def test_many_flags_are_counted() -> None:
    many = {"flags": {f"f{number}": ON for number in range(5)}}
    off = {"flags": {key: flag | {"state": "DISABLED"} for key, flag in many["flags"].items()}}
    assert changes_of_definitions(many, off).said == "turned 5 flags off"
    assert changes_of_definitions({"flags": {}}, many).said == "added 5 flags"


KEYS = st.sampled_from(["a", "b/c", "d~e", ""])
FLAGS = st.fixed_dictionaries(
    {"state": st.sampled_from(["ENABLED", "DISABLED"]), "variants": st.just({"on": True})},
    optional={"targeting": st.sampled_from([{}, {"var": "x"}]), "defaultVariant": st.just("on")},
)
SETS = st.dictionaries(KEYS, FLAGS)


@given(SETS, SETS)
def test_a_set_compared_with_itself_has_no_changes_and_with_another_exactly_its_differences(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert not changes_of_definitions({"flags": one}, {"flags": dict(reversed(one.items()))})
    listed = [{"key": key, **flag} for key, flag in other.items()]
    found = {flag.key for flag in changes_of_definitions({"flags": one}, {"flags": listed}).flags}

    def meant(flag: dict[str, Any] | None) -> dict[str, Any] | None:
        return flag and {part: value for part, value in flag.items() if value != {}}

    assert found == {key for key in one.keys() | other.keys() if meant(one.get(key)) != meant(other.get(key))}


@pytest.mark.parametrize("listed", [False, True], ids=["map", "list"])
def test_the_activity_log_names_the_flags_that_a_write_changed(graph: Graph, listed: bool) -> None:
    def put(**by_key: Any) -> None:
        given = [{"key": key, **flag} for key, flag in by_key.items()] if listed else by_key
        spec = {"owner": "squad", "definition": {"flags": given}}
        with graph.write(local_actor()) as writer:
            writer.put(document("FlagSet", "s", spec) | {"apiVersion": "counterpoint.dev/v1"}, reason="why")

    put(**{"new/home": ON, "old": ON})
    put(**{"new/home": ON | {"state": "DISABLED"}, "fresh": ON, "old": ON | {"targeting": {"var": "x"}}})
    put(**{"new/home": ON | {"state": "DISABLED"}, "fresh": ON})
    with graph.read() as reader:
        last, middle, _ = reader.activity(subject="flagset:default/s")
    assert changed_flags(middle.before, middle.after) == {
        "new/home": ("changed", ("state",)),
        "fresh": ("added", ("state", "variants", "defaultVariant")),
        "old": ("changed", ("targeting",)),
    }
    said = sentence_of(middle.before, middle.after)
    assert sorted(said.split(", ")) == [
        "added 'fresh'",
        "changed the targeting of 'old'",
        "turned 'new/home' off",
    ]
    assert (sentence_of(last.before, last.after), last.reason) == ("removed 'old'", "why")


def planned(composition: object, **flags_by_key: Any) -> dict[str, Any]:
    return document("FlagSet", "s", {"definition": flags(**flags_by_key), "composition": composition})


PLANNED = {"flags": {"a": {"ramp": 5}, "b/c": {"ramp": 5}}, "compiled": {"a": "1", "b/c": "1"}}


@pytest.mark.parametrize(
    ("plans", "said"),
    [
        ({"flags": {"a": {"ramp": 10}, "b/c": {"ramp": 5}}}, "moved 'a' from 5 % to 10 %"),
        ({"flags": {"a": {"ramp": 5}, "b/c": {"ramp": 0.5}}}, "moved 'b/c' from 5 % to 0.5 %"),
        (
            {"flags": {"a": {"ramp": 5, "killed": {"reason": "x"}}, "b/c": {"ramp": 5, "killed": {}}}},
            "killed 'a' and 'b/c'",
        ),
        ({"flags": {"a": {"ramp": 10, "control": "c"}, "b/c": {"ramp": 5}}}, "moved 'a' from 5 % to 10 %"),
        ({"flags": {"a": {"ramp": 5, "control": "c"}, "b/c": {"ramp": 5}}}, "changed the plan of 'a'"),
        ({"flags": {"a": {"ramp": 5}}}, "took the plan from 'b/c'"),
        (PLANNED | {"segments": {"x": {}, "y": {}}}, "added the segments 'x' and 'y'"),
        (PLANNED | {"layers": {str(n): {} for n in range(4)}}, "added 4 layers"),
        (None, "took the plan from 'a' and 'b/c'"),
    ],
)
def test_a_plan_is_told_in_its_own_words_and_not_as_targeting(plans: Any, said: str) -> None:
    split = {"targeting": {"fractional": [["on", 1], ["off", 1]]}}
    old, new = planned(PLANNED, a=ON, d=ON), planned(plans, a=split, d=ON)
    besides = "" if "'a'" in said else ", changed the targeting of 'a'"
    assert changes_between(old, new).said == said + besides
    assert changes_between(planned(PLANNED, d=ON), planned(plans, d=ON)).said == said


def test_the_same_is_told_from_the_activity_log() -> None:
    pointer = "/spec/composition/flags/b~1c/ramp"
    assert sentence_of({pointer: 5}, {pointer: 10}) == "moved 'b/c' from 5 % to 10 %"
    assert sentence_of({}, {"/spec/composition/flags/a/killed": {"reason": "x"}}) == "killed 'a'"
    assert sentence_of({"/spec/composition/compiled/a": "1"}, {"/spec/composition/compiled/a": "2"}) == ""
