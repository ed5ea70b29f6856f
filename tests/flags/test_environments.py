"""Environments of a flag set and promotion between them: names, what is copied, what stays, and what is told."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint import Workspace
from counterpoint.errors import InputError, NotAllowedError, NotFoundError, PreconditionError
from counterpoint.flags import FlagSet
from counterpoint.flags.environments import Place, place_of, promoted, set_in
from counterpoint.flags.promotion import environments_of, promote_set, way_of
from counterpoint.flags.store import read_set, write_set
from counterpoint.flags.versions import versions_of_set
from counterpoint.graph.actor import Actor, local_actor
from counterpoint.graph.flag_changes import changes_of_definitions

ALL = ("development", "staging", "production")
ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
OFF = ON | {"state": "DISABLED"}
NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}
USING = {"targeting": {"if": [{"$ref": "nordic"}, "on", "off"]}}


@pytest.mark.parametrize(
    ("name", "base", "environment"),
    [
        ("checkout", "checkout", "production"),
        ("checkout.staging", "checkout", "staging"),
        ("checkout.production", "checkout.production", "production"),
        ("shop.checkout", "shop.checkout", "production"),
        ("shop.checkout.development", "shop.checkout", "development"),
        (".staging", ".staging", "production"),
        ("staging", "staging", "production"),
    ],
)
def test_the_name_of_a_set_says_where_it_stands(name: str, base: str, environment: str) -> None:
    assert place_of(name, ALL) == Place(base, environment)
    assert set_in(base, environment, ALL) == name


def test_without_environments_a_set_stands_nowhere() -> None:
    assert place_of("checkout.staging", ()) == Place("checkout.staging", None)
    with pytest.raises(InputError, match="no environments"):
        way_of("checkout", ())


@pytest.mark.parametrize(
    ("name", "origin", "target", "way"),
    [
        ("checkout.staging", None, None, ("checkout.staging", "checkout")),
        ("checkout.development", None, None, ("checkout.development", "checkout.staging")),
        ("checkout", "staging", None, ("checkout.staging", "checkout")),
        ("checkout", "development", "production", ("checkout.development", "checkout")),
        ("checkout", "production", "staging", ("checkout", "checkout.staging")),
    ],
)
def test_a_promotion_goes_to_the_next_environment_unless_told_otherwise(
    name: str, origin: str | None, target: str | None, way: tuple[str, str]
) -> None:
    found = way_of(name, ALL, origin=origin, target=target)
    assert (found.from_set, found.to_set) == way


@pytest.mark.parametrize(
    ("origin", "target", "words"),
    [
        (None, None, "comes after 'production'"),
        ("stagin", None, "did you mean staging"),
        ("staging", "live", "There is no environment 'live'"),
        ("staging", "staging", "another environment"),
    ],
)
def test_a_way_that_leads_nowhere_says_why(origin: str | None, target: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        way_of("checkout", ALL, origin=origin, target=target)


def test_the_whole_set_is_copied_under_the_name_that_the_target_has() -> None:
    source = {
        "$schema": "s",
        "metadata": {"flagSetId": "checkout.staging", "bet": "weekly"},
        "flags": {"a": ON},
    }
    target = {"metadata": {"flagSetId": "checkout", "old": 1}, "flags": {"b": ON}}
    assert promoted(source, target).definition == {
        "metadata": {"flagSetId": "checkout", "bet": "weekly"},
        "$schema": "s",
        "flags": {"a": ON},
    }
    assert promoted(source, None).definition["metadata"] == {"bet": "weekly"}
    assert promoted({"flags": {}}, None).definition == {"flags": {}}


def test_chosen_flags_take_along_the_shared_rules_that_they_use() -> None:
    source = {
        "$evaluators": {"nordic": NORDIC, "beta": {"var": "beta"}},
        "flags": {"a": ON | USING, "b": OFF},
    }
    made = promoted(source, {"flags": {"b": ON, "c": ON}}, flags=["a"])
    assert made.definition == {
        "flags": {"b": ON, "c": ON, "a": ON | USING},
        "$evaluators": {"nordic": NORDIC},
    }
    assert made.remarks == ()
    assert promoted(source, None, flags=["b"]).definition == {"flags": {"b": OFF}}


def test_a_shared_rule_that_others_use_in_the_target_is_told() -> None:
    source = {"$evaluators": {"nordic": NORDIC}, "flags": {"a": ON | USING}}
    target = {"$evaluators": {"nordic": {"==": [1, 1]}}, "flags": {"a": ON, "b": ON | USING}}
    (remark,) = promoted(source, target, flags=["a"]).remarks
    assert (remark.pointer, "'b'" in remark.message) == ("/$evaluators/nordic", True)


def test_a_chosen_flag_that_only_the_target_has_is_removed_there() -> None:
    assert promoted({"flags": {"a": ON}}, {"flags": {"a": OFF, "b": ON}}, flags=["b"]).definition == {
        "flags": {"a": OFF}
    }
    with pytest.raises(NotFoundError, match="did you mean new-home"):
        promoted({"flags": {"new-home": ON}}, None, flags=["new-hom"])


def test_states_stay_where_that_is_asked_for() -> None:
    source, target = {"flags": {"a": ON, "new": ON}}, {"flags": {"a": OFF}}
    kept = promoted(source, target, with_state=False).definition
    assert kept == {"flags": {"a": OFF, "new": ON}}
    listed = {"flags": [{"key": "a", **ON}]}
    assert promoted(listed, target, with_state=False).definition == {"flags": [{"key": "a", **OFF}]}
    assert promoted(source, target, flags=["a"], with_state=False).definition == {"flags": {"a": OFF}}


def test_the_list_form_keeps_every_flag_of_one_key() -> None:
    one, other = ({"key": "a", **ON, "metadata": {"flagSetId": name}} for name in "xy")
    source = {"flags": [one, other]}
    made = promoted(source, {"flags": {"b": ON}}, flags=["a"]).definition
    assert made["flags"] == [{"key": "b", **ON}, one, other]
    assert promoted({"flags": [{"key": "a", **ON}]}, {"flags": {}}, flags=["a"]).definition == {
        "flags": {"a": ON}
    }


KEYS = ["a", "b", "c"]
RULES = st.sampled_from([{}, {"targeting": {"$ref": "one"}}, {"targeting": {"if": [{"$ref": "two"}, "on"]}}])
FLAG = st.builds(
    lambda state, rule: {**ON, "state": state, **rule}, st.sampled_from(["ENABLED", "DISABLED"]), RULES
)
SET = st.builds(
    lambda flags, values: {
        "flags": flags,
        "$evaluators": {"one": {"==": [1, values]}, "two": {"==": [2, values]}},
    },
    st.dictionaries(st.sampled_from(KEYS), FLAG),
    st.integers(1, 2),
)


@given(SET, SET, st.sets(st.sampled_from(KEYS)))
def test_promoting_flags_makes_these_answer_alike_and_leaves_the_others(
    source: dict[str, Any], target: dict[str, Any], chosen: set[str]
) -> None:
    known = source["flags"].keys() | target["flags"].keys()
    made = promoted(source, target, flags=sorted(chosen & known)).definition
    FlagSet.from_flagd(made)
    left = {flag.key for flag in changes_of_definitions(made, source).flags}
    assert not left & (chosen & known)
    touched = {flag.key for flag in changes_of_definitions(target, made).flags if flag.parts}
    assert touched <= chosen
    whole = promoted(source, target).definition
    assert not changes_of_definitions(whole, source)


def write(workspace: Workspace, name: str, flags: dict[str, Any], **options: Any) -> Any:
    return write_set(workspace, local_actor(), name, {"flags": flags}, **options)


def test_a_set_of_an_environment_is_joined_to_the_next(workspace: Workspace) -> None:
    write(workspace, "checkout", {"a": ON}, owner="squad")
    for name in ("checkout.development", "checkout.staging"):
        write(workspace, name, {"a": ON})
    with workspace.graph.read() as reader:
        first, second, last = (
            read_set(reader, name).entity for name in ("checkout.development", "checkout.staging", "checkout")
        )
    assert (first.spec["environment"], first.targets("promotesTo")) == (
        "development",
        ("flagset:default/checkout.staging",),
    )
    assert second.targets("promotesTo") == (last.ref,)
    assert last.targets("promotedFrom") == (second.ref,)
    assert "environment" not in last.spec
    assert {first.owner, second.owner} == {"group:default/squad"}


def test_a_promotion_is_shown_first_and_then_recorded_with_where_it_came_from(workspace: Workspace) -> None:
    write(workspace, "checkout.staging", {"a": ON, "b": ON}, bucketing="v3", owner="squad")
    write(workspace, "checkout.staging", {"a": OFF, "b": ON})
    way = way_of("checkout.staging", ALL)
    tried = promote_set(workspace, local_actor(), way, dry_run=True)
    assert (tried.outcome, tried.changes.said) == ("checked", "added 'a' and 'b'")
    made = promote_set(workspace, local_actor(), way, flags=["a"], reason="tested")
    assert made.stored is not None
    stored = made.stored
    assert (made.outcome, stored.name, stored.flags.bucketing) == ("created", "checkout", "v3")
    assert (list(stored.flags.flags), stored.entity.owner) == (["a"], "group:default/squad")
    with workspace.graph.read() as reader:
        (version,) = versions_of_set(reader, "checkout").items
    assert version.reason == "Promoted from staging, version 2: tested"
    with pytest.raises(PreconditionError):
        promote_set(workspace, local_actor(), way, if_match=["other"])
    again = promote_set(workspace, local_actor(), way, if_match=[stored.etag])
    assert again.changes.said == "added 'b'"
    assert promote_set(workspace, local_actor(), way).outcome == "unchanged"


def test_what_stands_beside_the_definition_goes_along_with_the_whole_set_and_not_with_chosen_flags(
    workspace: Workspace,
) -> None:
    write(workspace, "checkout.staging", {"a": ON})
    write(workspace, "checkout", {"a": OFF}, owner="squad")
    with workspace.graph.write(local_actor()) as writer:
        for name, beside in (("checkout.staging", {"composition": {"a": 1}}), ("checkout", {"x-note": 2})):
            document = writer.require(f"flagset:default/{name}").document
            writer.put({**document, "spec": {**document["spec"], **beside}})
    way = way_of("checkout.staging", ALL)
    chosen = promote_set(workspace, local_actor(), way, flags=["a"]).stored
    assert chosen is not None
    assert ("composition" in chosen.entity.spec, chosen.entity.spec["x-note"]) == (False, 2)
    whole = promote_set(workspace, local_actor(), way).stored
    assert whole is not None
    assert (whole.entity.spec["composition"], whole.entity.owner) == ({"a": 1}, "group:default/squad")
    assert "x-note" not in whole.entity.spec


def test_other_bucketing_in_the_target_is_kept_and_told(workspace: Workspace) -> None:
    write(workspace, "checkout.staging", {"a": ON}, bucketing="v3")
    write(workspace, "checkout", {"a": OFF})
    done = promote_set(workspace, local_actor(), way_of("checkout.staging", ALL))
    assert done.stored is not None
    assert done.stored.flags.bucketing == "v2"
    assert any("v2" in warning.message and "v3" in warning.message for warning in done.warnings)


def test_who_may_not_write_the_target_may_not_promote_to_it(workspace: Workspace) -> None:
    with workspace.graph.write(local_actor()) as writer:
        writer.put(
            {
                "apiVersion": "backstage.io/v1alpha1",
                "kind": "Group",
                "metadata": {"name": "squad"},
                "spec": {"type": "squad", "children": []},
            }
        )
    write(workspace, "checkout", {"a": OFF}, owner="squad")
    write(workspace, "checkout.staging", {"a": ON})
    stranger = Actor("user:default/bo", "Bo", "person")
    with pytest.raises(NotAllowedError):
        promote_set(workspace, stranger, way_of("checkout.staging", ALL))


def test_environments_show_what_waits_for_promotion(workspace: Workspace) -> None:
    write(workspace, "checkout.development", {"a": ON, "b": ON})
    write(workspace, "checkout", {"a": OFF})
    with workspace.graph.read() as reader:
        for name in ("checkout", "checkout.development", "checkout.staging"):
            found = environments_of(workspace, reader, name)
            assert found.base == "checkout"
            assert [(item.environment, item.set, item.exists) for item in found.items] == [
                ("development", "checkout.development", True),
                ("staging", "checkout.staging", False),
                ("production", "checkout", True),
            ]
        assert found.items[0].pending is not None
        assert found.items[0].pending.said == "added 'a' and 'b'"
        with pytest.raises(NotFoundError):
            environments_of(workspace, reader, "nobody")
    promote_set(workspace, local_actor(), way_of("checkout.development", ALL))
    promote_set(workspace, local_actor(), way_of("checkout.staging", ALL))
    with workspace.graph.read() as reader:
        assert [item.pending for item in environments_of(workspace, reader, "checkout").items] == [None] * 3


def test_environments_are_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERPOINT_FLAGS__ENVIRONMENTS", '["test", "live"]')
    with Workspace.create(tmp_path / "w") as workspace:
        environments = workspace.settings.flags.environments
        assert way_of("checkout.test", environments).to_set == "checkout"
    for wrong in ('["a.b"]', '["a", "a"]', '[""]'):
        monkeypatch.setenv("COUNTERPOINT_FLAGS__ENVIRONMENTS", wrong)
        with pytest.raises(InputError) as caught:
            Workspace.open(tmp_path / "w")
        assert "is no environment" in caught.value.problems[0].message


def test_a_source_that_has_moved_since_it_was_looked_at_is_not_promoted(workspace: Workspace) -> None:
    flag = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    write_set(workspace, local_actor(), "moving.staging", {"flags": {"a": flag}})
    write_set(workspace, local_actor(), "moving.staging", {"flags": {"a": flag, "b": flag}})
    way = way_of("moving.staging", workspace.settings.flags.environments)
    with pytest.raises(PreconditionError, match="version 2 now, not 1"):
        promote_set(workspace, local_actor(), way, source_version=1)
    assert promote_set(workspace, local_actor(), way, source_version=2).outcome == "created"
