"""Descriptors: each fault is named with its pointer; relations follow the table of kinds."""

import copy
import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.graph.descriptor import etag_of, normalise, owner_of, relations_of, title_of, validate
from counterpoint.graph.kinds import INVERSES, KINDS
from tests.graph.documents import bet, component, document, group, user

EXPERIMENT = {
    "apiVersion": "counterpoint.dev/v1",
    "kind": "Experiment",
    "metadata": {"name": "weekly-1"},
    "spec": {
        "owner": "discovery",
        "bet": "discover-weekly",
        "flag": "weekly",
        "control": "off",
        "treatments": ["on"],
        "shares": {"off": 1, "on": 1},
        "success": [{"metric": "sessions"}],
        "guardrails": [{"metric": "crashes", "margin": 0.01}],
        "start": "2026-05-03T09:00:00Z",
    },
}


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of a document with one value set, or with `...` left out."""
    made = copy.deepcopy(base)
    holder = made
    *keys, last = path.split("/")
    for key in keys:
        holder = holder[key]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return made


@pytest.mark.parametrize(
    "good", [component("player"), group("discovery"), user("ana"), bet("weekly"), EXPERIMENT]
)
def test_a_good_descriptor_has_no_problems(good: dict[str, Any]) -> None:
    assert validate(good) == []


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("apiVersion", ..., "/apiVersion"),
        ("apiVersion", "example.com/v9", "/apiVersion"),
        ("apiVersion", "no version", "/apiVersion"),
        ("kind", ..., "/kind"),
        ("kind", "component", "/kind"),
        ("kind", "Thing", "/kind"),
        ("metadata", [], "/metadata"),
        ("metadata/name", ..., "/metadata/name"),
        ("metadata/name", 5, "/metadata/name"),
        ("metadata/name", "two words", "/metadata/name"),
        ("metadata/name", "a" * 64, "/metadata/name"),
        ("metadata/namespace", "Default", "/metadata/namespace"),
        ("metadata/namespace", "", "/metadata/namespace"),
        ("metadata/title", "", "/metadata/title"),
        ("metadata/description", 5, "/metadata/description"),
        ("metadata/labels", None, "/metadata/labels"),
        ("metadata/labels", {"a": 1}, "/metadata/labels/a"),
        ("metadata/labels", {"a": "b c"}, "/metadata/labels/a"),
        ("metadata/annotations", {"a/b/c": "x"}, "/metadata/annotations/a~1b~1c"),
        ("metadata/annotations", {"a": True}, "/metadata/annotations/a"),
        ("metadata/tags", "java", "/metadata/tags"),
        ("metadata/tags", ["java", "Java"], "/metadata/tags/1"),
        ("metadata/links", [{}], "/metadata/links/0/url"),
        ("metadata/links", [{"url": "http://a b"}], "/metadata/links/0/url"),
        ("metadata/links", [{"url": "https://a.b", "icon": " "}], "/metadata/links/0/icon"),
        ("metadata/annotations", [], "/metadata/annotations"),
        ("metadata/Name", "x", "/metadata/Name"),
        ("spec/Owner", "x", "/spec/Owner"),
        ("spec/x", {"a": {"b": 1}, "a.B": 1}, "/spec/x/a.B"),
        ("spec/x", {"A": ["b"], "a": 1}, "/spec/x/a"),
        ("metadata/links", [{"url": "https://example.com", "title": ""}], "/metadata/links/0/title"),
        ("metadata/when", datetime.date(2026, 1, 1), "/metadata/when"),
        ("metadata/description", "a\x00b", "/metadata/description"),
        ("metadata/number", float("nan"), "/metadata/number"),
        ("relations", [], "/relations"),
        ("status", {}, "/status"),
        ("spec", ..., "/spec"),
        ("spec", [], "/spec"),
        ("spec/owner", ..., "/spec/owner"),
        ("spec/owner", None, "/spec/owner"),
        ("spec/owner", "", "/spec/owner"),
        ("spec/owner", ["a"], "/spec/owner"),
        ("spec/owner", "group:", "/spec/owner"),
        ("spec/owner", "a" * 1001, "/spec/owner"),
        ("spec/type", 5, "/spec/type"),
        ("spec/dependsOn", ["player"], "/spec/dependsOn/0"),
        ("spec/dependsOn", "component:player", "/spec/dependsOn"),
        ("spec/providesApis", ["good", ""], "/spec/providesApis/1"),
    ],
)
def test_a_fault_is_named_with_its_pointer(path: str, value: Any, pointer: str) -> None:
    assert pointer in [problem.pointer for problem in validate(changed(component("player"), path, value))]


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("spec/treatments", [], "/spec/treatments"),
        ("spec/success", [{}], "/spec/success/0/metric"),
        ("spec/success", ["sessions"], "/spec/success"),
        ("spec/guardrails", [{"metric": "crashes", "margin": -1}], "/spec/guardrails/0/margin"),
        ("spec/guardrails", [{"metric": "crashes", "margin": "1%"}], "/spec/guardrails/0/margin"),
        ("spec/shares", {"on": "half"}, "/spec/shares/on"),
        ("spec/alpha", 2, "/spec/alpha"),
        ("spec/alpha", True, "/spec/alpha"),
        ("spec/start", "2026-05-03T09:00:00", "/spec/start"),
        ("spec/end", "soon", "/spec/end"),
        ("spec/start", "0001-01-01T00:00:00+14:00", "/spec/start"),
        ("spec/end", "9999-12-31T23:59:59-14:00", "/spec/end"),
    ],
)
def test_the_fields_of_our_kinds_are_checked(path: str, value: Any, pointer: str) -> None:
    assert pointer in [problem.pointer for problem in validate(changed(EXPERIMENT, path, value))]


def test_an_unknown_kind_is_answered_with_the_likely_one() -> None:
    [problem] = validate(changed(component("player"), "kind", "component"))
    assert problem.message == "The kind component is not known; did you mean Component?"
    [problem] = validate(changed(component("player"), "apiVersion", "backstage.io/v9"))
    assert (
        problem.message
        == "The apiVersion backstage.io/v9 is not known for Component; write backstage.io/v1alpha1 or backstage.io/v1beta1."
    )


def test_all_faults_are_named_at_once() -> None:
    broken = changed(changed(component("player"), "spec/owner", ...), "metadata/tags", ["A"])
    assert [problem.pointer for problem in validate(broken)] == ["/metadata/tags/0", "/spec/owner"]


def test_annotations_may_be_null_and_the_graphs_own_fields_are_ignored() -> None:
    given = component("player", metadata={"annotations": None, "uid": "x", "etag": "y"})
    assert validate(given) == []
    assert normalise(given)["metadata"] == {"name": "player", "namespace": "default"}


@pytest.mark.parametrize("empty", [None, "", 0, False, {}])
def test_annotations_that_are_empty_in_any_way_are_none(empty: Any) -> None:
    given = component("player", metadata={"annotations": empty})
    assert validate(given) == []
    assert not normalise(given)["metadata"].get("annotations")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata/x", ["a", "A"]),
        ("metadata/links", [{"url": "javascript:alert(1)"}]),
        ("spec/owner", " "),
        ("spec/owner", "a" * 300),
        ("spec/dependencyOf", "component:other"),
        ("spec/dependencyOf", ""),
        ("spec/dependencyOf", None),
    ],
)
def test_what_backstage_takes_is_taken(path: str, value: Any) -> None:
    assert validate(changed(component("player"), path, value)) == []


def test_our_own_kinds_ask_for_more_than_spaces() -> None:
    assert validate(changed(bet("weekly"), "spec/owner", " "))[0].pointer == "/spec/owner"


def test_lists_of_references_are_kept_in_order_whatever_order_they_came_in() -> None:
    given = component("player", dependsOn=["component:b", "component:a"], tags=["z", "a"])
    assert normalise(given)["spec"]["dependsOn"] == ["component:a", "component:b"]
    assert normalise(given)["spec"]["tags"] == ["z", "a"]
    assert given["spec"]["dependsOn"] == ["component:b", "component:a"]


def test_a_location_needs_a_spec_though_none_of_its_fields() -> None:
    location = document("Location", "l", {})
    assert validate(location) == []
    del location["spec"]
    assert validate(location)[0].pointer == "/spec"


def test_a_kind_that_nobody_registered_is_taken_where_the_workspace_says_so() -> None:
    given = document("Playlist", "p", {"owner": "discovery", "songs": 3}) | {
        "apiVersion": "arpeggio.example/v1"
    }
    assert validate(given)[0].pointer == "/kind"
    assert validate(given, unknown_kinds=True) == []
    assert edges(given) == {("ownedBy", "group:default/discovery")}
    assert str(owner_of(given)) == "group:default/discovery"
    odd = changed(given, "spec/owner", ["a"])
    assert validate(odd, unknown_kinds=True) == []
    assert owner_of(odd) is None
    assert relations_of(odd) == set()
    assert validate(changed(given, "metadata/name", "-"), unknown_kinds=True)[0].pointer == "/metadata/name"


AI = document("AiResource", "r", {"type": "rule", "lifecycle": "production", "owner": "discovery"})


def test_an_ai_resource_is_taken_where_the_workspace_takes_unknown_kinds() -> None:
    spec = AI["spec"] | {"category": "security", "rationale": "so that nothing leaks"}
    given = AI | {"spec": spec}
    assert "unknown_kinds" in validate(given)[0].message
    assert validate(given, unknown_kinds=True) == []
    assert {each.pointer for each in validate(AI, unknown_kinds=True)} == {
        "/spec/category",
        "/spec/rationale",
    }
    assert (
        validate(given | {"apiVersion": "backstage.io/v1beta1"}, unknown_kinds=True)[0].pointer
        == "/apiVersion"
    )


def test_an_owner_of_a_kind_that_the_model_does_not_allow_makes_no_relation() -> None:
    spec = {
        "type": "other",
        "lifecycle": "production",
        "owner": "system:s",
        "dependsOn": ["a", "component:b"],
    }
    assert edges(AI | {"spec": spec}) == {("dependsOn", "airesource:default/a")}


TEMPLATE = document("Template", "t", {"type": "service", "steps": [{"action": "fetch:plain"}]}) | {
    "apiVersion": "scaffolder.backstage.io/v1beta3"
}


@pytest.mark.parametrize(
    ("path", "value", "pointer"),
    [
        ("spec/steps", [{}], "/spec/steps/0/action"),
        ("spec/steps", ["x"], "/spec/steps"),
        ("spec/parameters", "x", "/spec/parameters"),
        ("spec/parameters", [1], "/spec/parameters"),
        ("apiVersion", "backstage.io/v1alpha1", "/apiVersion"),
    ],
)
def test_a_template_has_steps_with_actions(path: str, value: Any, pointer: str) -> None:
    assert validate(TEMPLATE) == []
    assert validate(changed(TEMPLATE, "spec/parameters", [{}])) == []
    assert [each.pointer for each in validate(changed(TEMPLATE, path, value))] == [pointer]


def test_a_document_that_contains_itself_is_refused() -> None:
    given = component("player")
    given["spec"]["again"] = given["spec"]
    assert "levels" in validate(given)[0].message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["owner", "type", "profile", "members", "success", "definition", "metric", "beliefs", "shares", "x"]
)


@given(kind=st.sampled_from(sorted(KINDS)), metadata=JSON, spec=JSON | st.dictionaries(KEYS, JSON))
def test_whatever_is_given_is_accepted_or_refused_with_problems(kind: str, metadata: Any, spec: Any) -> None:
    given_ = {
        "apiVersion": KINDS[kind].api_versions[0],
        "kind": kind,
        "metadata": {"name": "x", "more": metadata},
        "spec": spec,
    }
    if not validate(given_):
        plain = normalise(given_)
        assert len(etag_of(plain)) == 40
        assert title_of(plain)
        owner_of(plain)
        relations_of(plain)


def test_the_content_hash_does_not_depend_on_the_order_of_keys() -> None:
    given = component("player")
    turned = {key: given[key] for key in reversed(given)}
    assert etag_of(given) == etag_of(turned)
    assert etag_of(given) != etag_of(component("other"))


def edges(given: dict[str, Any]) -> set[tuple[str, str]]:
    """Relations from the document's own entity."""
    name = f"{given['kind'].lower()}:default/{given['metadata']['name']}"
    return {(kind, target) for source, kind, target in relations_of(given) if source == name}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            component(
                "c",
                system="s",
                subcomponentOf="d",
                providesApis=["a"],
                consumesApis=["media/b"],
                dependsOn=["resource:r"],
            ),
            {
                ("ownedBy", "group:default/discovery"),
                ("partOf", "system:default/s"),
                ("partOf", "component:default/d"),
                ("providesApi", "api:default/a"),
                ("consumesApi", "api:media/b"),
                ("dependsOn", "resource:default/r"),
            },
        ),
        (
            group("g", parent="p", children=["c"], members=["ana"]),
            {
                ("childOf", "group:default/p"),
                ("parentOf", "group:default/c"),
                ("hasMember", "user:default/ana"),
            },
        ),
        (user("ana", "g", "group:other/h"), {("memberOf", "group:default/g"), ("memberOf", "group:other/h")}),
        (
            document("System", "s", {"owner": "user:ana", "domain": "d"}),
            {("ownedBy", "user:default/ana"), ("partOf", "domain:default/d")},
        ),
        (
            bet("b", beliefs=["x"], purpose="p", success=[{"metric": "m"}], guardrails=[{"metric": "n"}]),
            {
                ("ownedBy", "group:default/discovery"),
                ("supportsBelief", "belief:default/x"),
                ("servesPurpose", "purpose:default/p"),
                ("measuredBy", "metric:default/m"),
                ("measuredBy", "metric:default/n"),
            },
        ),
        (
            EXPERIMENT,
            {
                ("ownedBy", "group:default/discovery"),
                ("testsBet", "bet:default/discover-weekly"),
                ("exposedBy", "flagset:default/default"),
                ("measuredBy", "metric:default/sessions"),
                ("measuredBy", "metric:default/crashes"),
            },
        ),
    ],
)
def test_references_make_relations(given: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert edges(given) == expected


def test_flags_name_their_bet_component_and_owner_where_that_is_a_reference() -> None:
    on = {"state": "ENABLED", "variants": {"on": True}}
    flags = {
        "weekly": on | {"metadata": {"bet": "discover-weekly", "component": "component:media/player"}},
        "odd": on | {"metadata": {"bet": "not a name", "component": 5, "owner": "playback"}},
    }
    spec = {"owner": "discovery", "definition": {"flags": flags, "metadata": {"bet": "radio"}}}
    given = document("FlagSet", "default", spec) | {"apiVersion": "counterpoint.dev/v1"}
    assert validate(given) == []
    assert edges(given) - {("ownedBy", "group:default/discovery")} == {
        ("implementsBet", "bet:default/discover-weekly"),
        ("implementsBet", "bet:default/radio"),
        ("flagOf", "component:media/player"),
        ("hasFlagsOf", "group:default/playback"),
    }


@pytest.mark.parametrize(
    ("flags", "pointer"),
    [
        ({"f": {"state": "ENABLED", "variants": {}}}, "/spec/definition/flags/f/variants"),
        ({"f": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}}}, "/spec/definition/flags/f/variants"),
        ([{"key": "f", "state": "on", "variants": {"a": 1}}], "/spec/definition/flags/0/state"),
        (5, "/spec/definition/flags"),
    ],
)
def test_a_flag_set_whose_definition_is_broken_is_no_good_descriptor(flags: Any, pointer: str) -> None:
    spec = {"owner": "discovery", "definition": {"flags": flags}}
    given = document("FlagSet", "default", spec) | {"apiVersion": "counterpoint.dev/v1"}
    assert [problem.pointer for problem in validate(given)] == [pointer]


ARMS = {
    "owner": "discovery",
    "flag": "f",
    "control": "off",
    "treatments": ["on"],
    "success": [{"metric": "m"}],
}


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"treatments": ["off"]}, "/spec/treatments/0"),
        ({"treatments": ["on", "on"]}, "/spec/treatments/1"),
        ({"shares": {"off": 1, "maybe": 1}}, "/spec/shares/maybe"),
    ],
)
def test_an_experiment_that_contradicts_itself_is_refused_where_it_does(
    changed: dict[str, Any], pointer: str
) -> None:
    good = document("Experiment", "e", ARMS) | {"apiVersion": "counterpoint.dev/v1"}
    assert validate(good) == []
    (problem,) = validate(good | {"spec": ARMS | changed})
    assert problem.pointer == pointer


def test_flags_in_a_list_name_their_bet_too() -> None:
    spec = {"owner": "discovery", "definition": {"flags": [{"key": "a", "metadata": {"bet": "radio"}}, None]}}
    given = document("FlagSet", "default", spec) | {"apiVersion": "counterpoint.dev/v1"}
    assert ("implementsBet", "bet:default/radio") in edges(given)


def test_every_relation_has_one_inverse() -> None:
    assert all(INVERSES[INVERSES[relation]] == relation for relation in INVERSES)


def test_each_relation_is_made_with_its_inverse() -> None:
    for each in (component("c", dependsOn=["api:x"]), group("g", members=["ana"]), EXPERIMENT):
        made = relations_of(each)
        assert {(target, INVERSES[kind], source) for source, kind, target in made} == made


@pytest.mark.parametrize(
    ("given", "title"),
    [
        (component("c"), "c"),
        (component("c", metadata={"title": "The C"}), "The C"),
        (group("g", profile={"displayName": "The Gs"}), "The Gs"),
        (component("c", profile="odd"), "c"),
    ],
)
def test_the_title_is_what_people_call_it(given: dict[str, Any], title: str) -> None:
    assert title_of(given) == title
