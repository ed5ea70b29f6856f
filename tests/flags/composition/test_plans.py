"""What a plan is read from, refused for, changed by, and what a change of it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from counterpoint.errors import NotFoundError
from counterpoint.flags.composition import (
    Composition,
    CompositionError,
    compiled,
    difference,
    document_of,
    read_composition,
    settled,
    upcoming,
    weight_of,
    with_kill,
    with_ramp,
    with_restart,
    with_revival,
    without_plan,
)
from counterpoint.flags.composition.detaching import with_digests

from .conftest import NOW, compile_plans

PLAIN: dict[str, Any] = {"variants": {"on": True, "off": False}, "default": "off", "treatment": "on"}


def needs(*flags: str) -> dict[str, Any]:
    return {**PLAIN, "prerequisites": [{"flag": flag, "variant": "on"} for flag in flags]}


def problems(plans: Any, definition: Any = None) -> list[tuple[str, str]]:
    with pytest.raises(CompositionError) as caught:
        compile_plans(plans, "v2", definition)
    assert "Nothing was changed" in str(caught.value)
    return [(problem.pointer, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("plan", "pointer", "words"),
    [
        ({"ramp": 5.0001}, "/ramp", "at most three decimals"),
        ({"ramp": 101}, "/ramp", "from 0 to 100"),
        ({"ramp": True}, "/ramp", "no percentage"),
        ({"ramp": "5"}, "/ramp", "no percentage"),
        ({"ramps": 5}, "/ramps", "did you mean ramp?"),
        ({"default": None}, "", "has a `default`"),
        ({"default": "of"}, "/default", "There is no variant 'of'; the flag has 'on', 'off'"),
        ({"treatment": None}, "", "has `treatments`"),
        ({"treatment": None, "treatments": {"on": 0}}, "/treatments/on", "no share"),
        ({"treatments": {"on": 1}}, "/treatments", "not both"),
        ({"treatment": "off"}, "/treatments/off", "a variant of its own"),
        ({"treatment": "blue"}, "/treatments", "There is no variant 'blue'"),
        ({"control": "on"}, "/control", "a variant of its own"),
        ({"control": "c", "variants": {"on": True, "off": False, "c": True}}, "/control", "the value of 'off'"),
        ({"bucketBy": "$flagd.flagKey"}, "/bucketBy", "no path of an attribute"),
        ({"bucketBy": "../x"}, "/bucketBy", "no path of an attribute"),
        ({"bucketing": "v1"}, "/bucketing", "v2 or v3"),
        ({"bucketing": "v3"}, "/bucketing", "would draw everybody anew"),
        ({"salt": "é"}, "/salt", "ASCII"),
        ({"audience": ["beta"]}, "/audience/segments", "There is no segment 'beta'"),
        ({"audience": {"rule": True}}, "/audience/rule", "no rule"),
        ({"audience": {"rule": {"near": 1}}}, "/audience/rule/near", "no operator 'near'"),
        ({"audience": {"rule": {"$ref": "x"}}}, "/audience/rule/$ref", "do not nest"),
        ({"audience": {"rule": {"fractional": [["a", 1]]}}}, "/audience/rule/fractional", "cannot split"),
        ({"audience": {"rule": {"==": [{"var": "$flagd.flagKey"}, 1]}}}, "/audience/rule/==/0/var", "another one"),
        ({"holdouts": ["year"]}, "/holdouts", "There is no holdout 'year'"),
        ({"layer": {"name": "home", "from": 0, "to": 50}}, "/layer/name", "There is no layer 'home'"),
        ({"layer": {"name": "home", "from": 50, "to": 50}}, "/layer/to", "not after its start"),
        ({"layer": "home"}, "/layer", "no object"),
        ({"prerequisites": [{"flag": "g", "variant": "on"}]}, "/prerequisites/0/flag", "There is no flag 'g'"),
        ({"prerequisites": [{"flag": "g"}]}, "/prerequisites/0", "names a flag and its variant"),
        ({"schedule": [{"at": "soon", "ramp": 5}]}, "/schedule/0/at", "no moment"),
        ({"schedule": [{"at": "2026-12-01T09:00:00", "ramp": 5}]}, "/schedule/0/at", "zone"),
        ({"schedule": [{"at": "2026-12-01T09:00:00Z", "ramp": 5}], "guarded": True}, "/schedule", "guarded ramp"),
        ({"overrides": {"on": ["u"], "off": ["u"]}}, "/overrides/off", "one variant"),
        ({"overrides": {"blue": ["u"]}}, "/overrides", "There is no variant 'blue'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(plan: dict[str, Any], pointer: str, words: str) -> None:
    given = {name: value for name, value in {**PLAIN, **plan}.items() if value is not None}
    found = problems({"flags": {"team/f": given}})
    assert (f"/flags/team~1f{pointer}", True) in [(place, words in message) for place, message in found]


def test_a_text_is_yaml_or_json_and_problems_have_lines(tmp_path: Path) -> None:
    text = "segments: {beta: {'==': [{var: plan}, beta]}}\nflags:\n  new-home:\n    default: off\n    treatment: on\n    ramp: 200\n"
    file = tmp_path / "plans.yaml"
    file.write_text(text, encoding="utf-8")
    for source, place in [(text, "line 6:11"), (file, f"{file}:6:11")]:
        with pytest.raises(CompositionError) as caught:
            read_composition(source)
        assert str(caught.value.problems[0]).startswith(f"{place} /flags/new-home/ramp: 200 is no percentage")
    sound = text.replace("200", "12.5")
    assert read_composition(sound) == read_composition(json.dumps(document_of(read_composition(sound))))
    assert read_composition("") == Composition()


@pytest.mark.parametrize("text", ["[]", "{", "flags: [", "a: 1\n---\nb: 2", "1", b"\xff"])
def test_what_is_no_composition_is_refused(text: str | bytes) -> None:
    with pytest.raises(CompositionError):
        read_composition(text)


def test_slots_of_a_layer_may_touch_and_not_overlap() -> None:
    def plans(start: float) -> dict[str, Any]:
        layer = {"name": "home"}
        return {
            "layers": {"home": {}},
            "flags": {
                "a": {**PLAIN, "layer": {**layer, "from": 0, "to": 33.333}},
                "b": {**PLAIN, "layer": {**layer, "from": start, "to": 100}},
            },
        }

    assert compile_plans(plans(33.333))
    ((pointer, message),) = problems(plans(33.332))
    assert (pointer, "overlaps 0 to 33.333 %, which 'a' has" in message) == ("/flags/b/layer", True)


def test_two_draws_on_one_salt_are_refused_since_they_would_be_one() -> None:
    plans = {
        "holdouts": {"year": {"percent": 5, "salt": "f"}},
        "flags": {"f": {**PLAIN, "holdouts": ["year"]}},
    }
    ((pointer, message),) = problems(plans)
    assert (pointer, "the two draws would be one" in message) == ("/flags/f/holdouts", True)


def test_prerequisites_that_go_round_are_refused_with_their_path() -> None:
    found = problems({"flags": {"a": needs("b"), "b": needs("c"), "c": needs("a"), "d": needs("d")}})
    assert found[0] == ("/flags/c/prerequisites", "These prerequisites go round in a circle: a → b → c → a. Remove one of them.")  # fmt: skip
    assert "d → d" in found[1][1]
    assert len(found) == 2


def test_prerequisites_that_would_blow_up_are_refused_with_numbers_at_once() -> None:
    doubling = {f"f{n}": needs(*{f"f{n - 1}", f"g{n - 1}"} if n else ()) for n in range(19)}
    doubling |= {f"g{n}": needs(*{f"f{n - 1}", f"g{n - 1}"} if n else ()) for n in range(19)}
    found = problems({"flags": doubling})
    assert any("10,000 on 200 are the most" in message for _, message in found)
    chain = {f"f{n}": needs(f"f{n - 1}") if n else PLAIN for n in range(2_000)}
    ((pointer, message),) = problems({"flags": chain})
    assert (pointer, "20 prerequisites; 19 are the most" in message) == ("/flags/f20/prerequisites", True)
    longest = {f"f{n}": needs(f"f{n - 1}") if n else PLAIN for n in range(20)}
    assert compile_plans({"flags": longest})


def test_a_parent_that_cannot_be_written_out_is_refused_with_the_way_out() -> None:
    split = {"fractional": [["on", 1], ["off", 1]]}
    parent = {"state": "ENABLED", "variants": {"on": True, "off": False}, "targeting": split}
    with pytest.raises(CompositionError) as caught:
        compile_plans({"flags": {"f": needs("p")}}, "v3", {"flags": {"p": parent}})
    assert "or give the flag a plan" in caught.value.problems[0].message
    broken = {"flags": {"p": {**parent, "targeting": {"near": 1}}}}
    assert problems({"flags": {"f": needs("p")}}, broken)[0][0] == "/flags/f/prerequisites/0"


def test_the_array_form_and_all_else_of_a_definition_are_kept() -> None:
    plain = {"state": "DISABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on", "metadata": {"owner": "a"}}  # fmt: skip
    definition = {"$schema": "x", "metadata": {"flagSetId": "s"}, "$evaluators": {"mine": {"==": [1, 1]}}, "flags": [{"key": "f", **plain}, {"key": "g", **plain}]}  # fmt: skip
    plan = {"default": "off", "treatment": "on", "ramp": 5}
    made = compile_plans({"flags": {"f": plan, "new": PLAIN}}, "v2", definition)
    assert [flag["key"] for flag in made["flags"]] == ["f", "g", "new"]
    assert made["flags"][1] == definition["flags"][1]  # type: ignore[index]
    first = made["flags"][0]
    assert (first["state"], first["metadata"], first["defaultVariant"]) == ("DISABLED", {"owner": "a"}, "off")
    assert (made["$schema"], made["$evaluators"]) == ("x", definition["$evaluators"])


def test_evaluators_that_nothing_uses_any_more_are_gone_and_those_of_others_stay() -> None:
    plans = {"segments": {"beta": {"var": "beta"}}, "flags": {"f": {**PLAIN, "audience": ["beta"]}}}
    made = compile_plans(plans)
    assert list(made["$evaluators"]) == ["segment:beta"]
    alone = compiled(made, read_composition({"flags": {"f": PLAIN}}))
    assert "$evaluators" not in alone
    detached = compiled(made, Composition())
    assert list(detached["$evaluators"]) == ["segment:beta"], "the flag without a plan still refers to it"


@pytest.mark.parametrize("country", ["São Tomé", 'a "b"', "a\\b", "$&"])
def test_a_segment_that_published_sdks_cannot_put_in_is_written_out(country: str) -> None:
    rule = {"==": [{"var": "country"}, country]}
    made = compile_plans({"segments": {"s": rule}, "flags": {"f": {**PLAIN, "audience": ["s"]}}})
    assert "$evaluators" not in made
    assert rule in made["flags"]["f"]["targeting"]["if"][0]["and"]


def test_weights_are_exact_thousandths() -> None:
    for weight in range(0, 100_001, 7):
        assert weight_of(weight / 1000) == weight
    assert [weight_of(each) for each in (0.0005, float("nan"), float("inf"), -1, "1", None)] == [None] * 6


def test_a_ramp_by_hand_ends_the_schedule_and_a_restart_takes_the_next_salt() -> None:
    schedule = [{"at": "2026-12-01T09:00:00Z", "ramp": 25}]
    plans = read_composition({"flags": {"f": {**PLAIN, "ramp": 5, "schedule": schedule}}})
    ramped = with_ramp(plans, "f", 10)
    assert (ramped.flags["f"].ramp, ramped.flags["f"].schedule) == (10_000, ())
    once = with_restart(plans, "f")
    assert [once.flags["f"].salt, with_restart(once, "f").flags["f"].salt] == ["f@2", "f@3"]
    assert with_revival(with_kill(plans, "f", reason="slow"), "f") == plans
    assert without_plan(plans, "f").flags == {}
    with pytest.raises(NotFoundError, match="has no plan"):
        with_ramp(plans, "g", 1)
    with pytest.raises(CompositionError, match="no percentage"):
        with_ramp(plans, "f", 100.5)


@pytest.mark.parametrize(
    ("plan", "ramp", "sentence", "flows"),
    [
        ({"ramp": 5}, 10, "5 % of users enter, nobody leaves or changes arm.", (5, 0, 0)),
        ({"ramp": 5.5}, 1, "nobody enters, 4.5 % leave, those who came last, nobody changes arm.", (0, 4.5, 0)),
        ({"ramp": 5, "control": "c"}, 10, "5 % of users enter and 5 % become measured control, nobody leaves or changes arm.", (10, 0, 0)),
        ({"ramp": 50, "control": "c"}, 80, "nobody enters, 30 % change between the measured control and the arms.", (0, 0, 30)),
        ({"ramp": 5, "audience": {"rule": {"var": "x"}}}, 10, "5 % of those it is for enter, nobody leaves or changes arm.", (5, 0, 0)),
    ],
)  # fmt: skip
def test_a_change_of_the_ramp_says_who_enters_and_who_leaves(
    plan: dict[str, Any], ramp: float, sentence: str, flows: tuple[float, float, float]
) -> None:
    before = read_composition({"flags": {"f": {**PLAIN, "variants": {"on": True, "off": False, "c": False}, **plan}}})  # fmt: skip
    (change,) = difference(before, with_ramp(before, "f", ramp))
    assert change.sentences == (f"ramp of 'f' {plan['ramp']} % → {ramp} %: {sentence}",)
    assert (change.entering, change.leaving, change.moving) == flows


def test_a_change_tells_of_the_flags_that_build_on_it() -> None:
    plan = {"default": "off", "treatment": "on", "variants": {"on": True, "off": False}}
    needs = {"prerequisites": [{"flag": "parent", "variant": "on"}]}
    grandchild = {**plan, "prerequisites": [{"flag": "child", "variant": "on"}]}
    before = read_composition(
        {"flags": {"parent": plan, "child": {**plan, **needs}, "grandchild": grandchild, "other": plan}}
    )
    changes = difference(before, with_kill(before, "parent"))
    assert [each.key for each in changes] == ["child", "grandchild", "parent"]
    assert "its prerequisite 'parent' changes" in changes[0].sentences[0]
    assert (changes[0].entering, changes[1].leaving) == (None, None)  # simulate it


def test_every_other_change_is_told() -> None:
    shared = {"segments": {"s": {"var": "x"}}, "layers": {"l": {}}, "holdouts": {"h": {"percent": 5}}}
    plan = {**PLAIN, "audience": ["s"], "holdouts": ["h"], "layer": {"name": "l", "from": 0, "to": 50}}
    before = read_composition({**shared, "flags": {"f": plan, "g": PLAIN}})

    def said(**changes: Any) -> list[str]:
        document = {**shared, **changes, "flags": {"f": {**plan, **changes.get("f", {})}, "g": PLAIN}}
        document.pop("f", None)
        return [text for each in difference(before, read_composition(document)) for text in each.sentences]

    assert said() == []
    for changes, words in [
        ({"f": {"salt": "new"}}, "drawn anew"),
        ({"f": {"bucketBy": "company"}}, "drawn anew"),
        ({"f": {"audience": None}}, "audience is now everybody"),
        ({"f": {"layer": {"name": "l", "from": 0, "to": 60}}}, "0 to 60 % of 'l'"),
        ({"f": {"holdouts": []}}, "holdouts are now none"),
        ({"f": {"prerequisites": [{"flag": "g", "variant": "on"}]}}, "'g = on'"),
        ({"f": {"overrides": {"on": ["a", "b"]}}}, "it has 2 now"),
        ({"f": {"guarded": True}}, "guardrails decide"),
        ({"f": {"killed": {"reason": "slow"}}}, "is killed (slow): everybody gets 'off'"),
        ({"f": {"schedule": [{"at": "2026-12-01T09:00:00Z", "ramp": 25}]}}, "schedule has 1 changes"),
        ({"f": {"treatment": None, "treatments": {"on": 2}}}, "arms or their shares"),
        ({"segments": {"s": {"var": "y"}}}, "segment 's' changes"),
        ({"holdouts": {"h": {"percent": 6}}}, "holdout 'h' changes"),
        ({"layers": {"l": {"salt": "other"}}}, "layer 'l' is drawn anew"),
    ]:  # fmt: skip
        assert any(words in sentence for sentence in said(**changes)), (changes, said(**changes))
    gone = difference(before, without_plan(before, "g"))
    assert gone[0].sentences == ("The plan of 'g' is removed; the flag stays as it is.",)


def test_what_is_to_come_is_listed_in_order_and_not_of_killed_flags() -> None:
    schedule = [{"at": "2026-12-02T09:00:00Z", "ramp": 50}, {"at": "2026-12-01T09:00:00Z", "ramp": 25}]
    plans = read_composition({"flags": {"f": {**PLAIN, "ramp": 5, "schedule": schedule}, "g": {**PLAIN, "killed": True, "schedule": schedule}}})  # fmt: skip
    coming = upcoming(plans, NOW)
    assert [(each.key, each.before, each.after) for each in coming] == [("f", 5, 25), ("f", 25, 50)]
    assert coming[0].sentence == "From 2026-12-01 09:00:00 UTC on: ramp of 'f' 5 % → 25 %."
    assert upcoming(plans, coming[0].at) == coming[1:]


def test_an_edit_by_hand_detaches_and_state_and_metadata_are_no_edit() -> None:
    plans = read_composition({"segments": {"s": {"var": "x"}}, "flags": {"f": {**PLAIN, "audience": ["s"]}, "g": PLAIN}})  # fmt: skip
    made = compiled({"flags": {}}, plans)
    plans = with_digests(plans, made)

    def after(edit: Any) -> list[str]:
        definition = json.loads(json.dumps(made))
        edit(definition)
        kept, warnings = settled(plans, definition)
        assert [warning.pointer for warning in warnings] == [f"/flags/{key}" for key in kept.detached]
        return list(kept.detached)

    assert after(lambda d: d["flags"]["f"].update(state="DISABLED", metadata={"owner": "x"})) == []
    assert after(lambda d: d["flags"]["f"].update(defaultVariant="on")) == ["f"]
    assert after(lambda d: d["flags"]["g"].update(targeting={})) == ["g"]
    assert after(lambda d: d["flags"].pop("g")) == ["g"]
    assert after(lambda d: d["$evaluators"].update({"segment:s": {"var": "y"}})) == ["f"]


def test_the_worked_example_of_the_documentation_is_what_is_compiled() -> None:
    page = (Path(__file__).parents[3] / "docs" / "flag-composition.md").read_text(encoding="utf-8")
    (plans,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    (made,) = re.findall(r"```json\n(.*?)```", page, re.S)
    assert json.loads(made) == compiled({"flags": {}}, read_composition(plans))
