"""Whole flag sets over HTTP, the list of flags, and the pages."""

import json
from typing import Any

import httpx2
import pytest

from counterpoint.flags.listing import page_of
from counterpoint.graph.actor import local_actor

from .conftest import DEFINITION, Served

SETS = "/api/flags/sets"
ONE = {"flags": {"f": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a"}}}


def put(http: httpx2.Client, name: str, definition: Any, **options: Any) -> httpx2.Response:
    content = definition if isinstance(definition, bytes) else json.dumps(definition).encode()
    headers = {"content-type": "application/json", **options.pop("headers", {})}
    return http.put(f"{SETS}/{name}", content=content, headers=headers, **options)


def test_a_set_is_written_and_read_with_its_etag(http: httpx2.Client) -> None:
    made = put(http, "mobile", ONE)
    assert (made.status_code, made.json()["outcome"], made.json()["flags"]) == (201, "created", 1)
    tag = made.headers["etag"]
    read = http.get(f"{SETS}/mobile")
    assert (read.json(), read.headers["etag"], read.headers["content-type"]) == (ONE, tag, "application/json")
    assert http.get(f"{SETS}/mobile", headers={"If-None-Match": tag}).status_code == 304
    assert put(http, "mobile", ONE).json()["outcome"] == "unchanged"
    changed = put(http, "mobile", {"flags": {}}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["outcome"]) == (200, "updated")
    late = put(http, "mobile", ONE, headers={"If-Match": tag})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    assert put(http, "mobile", ONE, headers={"If-None-Match": "*"}).status_code == 412
    assert http.get(f"{SETS}/mobile").json() == {"flags": {}}


def test_the_bucketing_is_kept_until_it_is_set_again(http: httpx2.Client) -> None:
    assert put(http, "mobile", ONE).json()["bucketing"] == "v2"
    assert put(http, "mobile", ONE, params={"bucketing": "v3"}).json()["bucketing"] == "v3"
    assert put(http, "mobile", {"flags": {}}).json()["bucketing"] == "v3"
    assert put(http, "mobile", ONE, params={"bucketing": "v2"}).json()["bucketing"] == "v2"
    assert put(http, "mobile", ONE, params={"bucketing": "v1"}).status_code == 400


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b'{"flags": {"f": {"state": "ENABLED", "variants": {}}}}', "/flags/f/variants"),
        (
            b'{"flags": {"f": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "b"}}}',
            "/flags/f/defaultVariant",
        ),
        (b'{"flags": {"f": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}}}}', "/flags/f/variants"),
        (b"[]", ""),
        (b"{", ""),
        (b"", ""),
        (b"flags.json", ""),
    ],
)
def test_a_broken_definition_is_a_problem_with_pointers_and_changes_nothing(
    http: httpx2.Client, content: bytes, pointer: str
) -> None:
    before = http.get(f"{SETS}/default").headers["etag"]
    answer = put(http, "default", content)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert http.get(f"{SETS}/default").headers["etag"] == before


def test_a_rule_that_only_breaks_the_schema_is_kept_unless_strict(http: httpx2.Client) -> None:
    odd = {"flags": {"f": {**ONE["flags"]["f"], "targeting": {"starts_with": [{"var": "x"}]}}}}
    made = put(http, "mobile", odd)
    assert (made.status_code, made.json()["warnings"][0]["pointer"]) == (
        201,
        "/flags/f/targeting/starts_with",
    )
    refused = put(http, "mobile", odd, params={"strict": "true"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
        400,
        "/flags/f/targeting/starts_with",
    )
    found = http.post("/ofrep/v1/evaluate/flags/f", json={}, headers={"Flagd-Selector": "mobile"}).json()
    assert (found["value"], found["reason"]) == ("x", "DEFAULT")


def test_a_set_that_does_not_exist_is_not_found(http: httpx2.Client) -> None:
    assert http.get(f"{SETS}/nobody").status_code == 404
    assert put(http, "no%20name", ONE).status_code == 400


def test_sets_are_listed(http: httpx2.Client) -> None:
    put(http, "mobile", ONE)
    found = http.get(SETS).json()
    assert [(item["name"], item["flags"], item["bucketing"]) for item in found["items"]] == [
        ("default", 12, "v2"),
        ("mobile", 1, "v2"),
    ]


def test_flags_are_listed_page_by_page(http: httpx2.Client) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        found = http.get(
            "/api/v1/flags", params={"limit": 5, **({"cursor": cursor} if cursor else {})}
        ).json()
        assert found["total"] == 12
        seen += [item["key"] for item in found["items"]]
        cursor = found["nextCursor"]
        if cursor is None:
            break
    assert seen == list(DEFINITION["flags"])


def test_flags_are_narrowed(http: httpx2.Client) -> None:
    assert [item["key"] for item in http.get("/api/v1/flags?state=disabled").json()["items"]] == ["off"]
    assert [item["key"] for item in http.get("/api/v1/flags?q=SPLIT&set=default").json()["items"]] == [
        "split"
    ]
    assert http.get("/api/v1/flags?set=nobody").json()["items"] == []
    assert http.get("/api/v1/flags?limit=0").status_code == 400
    assert http.get("/api/v1/flags?cursor=%21").status_code == 400
    assert page_of([], limit=1, cursor=None).total == 0


def test_a_flag_says_whom_it_belongs_to(http: httpx2.Client) -> None:
    (item,) = http.get("/api/v1/flags?q=text").json()["items"]
    assert item["owner"] == "group:default/squad-a"
    assert (item["type"], item["variants"], item["defaultVariant"], item["targeted"], item["bet"]) == (
        "string",
        {"a": "x"},
        "a",
        False,
        None,
    )


def test_remote_evaluation_is_in_the_openapi_document(http: httpx2.Client) -> None:
    paths = http.get("/api/openapi.json").json()["paths"]
    assert {
        "/ofrep/v1/evaluate/flags",
        "/ofrep/v1/evaluate/flags/{key}",
        "/api/flags/sets/{name}",
        "/api/v1/flags",
    } <= paths.keys()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/flags", ["yes", "team/odd key?#%é", "Rule cannot run", "squad-a"]),
        ("/flags?state=DISABLED", ["off"]),
        ("/flags?text=nothing+like+it", ["Nothing matches"]),
        ("/flags/default", ["Deserves a look", "near", "ETag"]),
        ("/flags/default/yes", ["If country is one of", "Everybody else", "Evaluate"]),
        ("/flags/default/split", ["50", "a split by flag and targeting key"]),
        ("/flags/default/team/odd%20key%3F%23%25%C3%A9", ["odd key?#%é"]),
        ("/flags/default/broken", ["The targeting rule cannot run"]),
        ("/flags/default/thing", ["Variants"]),
        ("/flags/default/yes?context=%7B%22country%22%3A%22SE%22%7D", ["TARGETING_MATCH"]),
        ("/flags/default/yes?context=%7B", ["This is not JSON"]),
        ("/flags/default/yes?context=%5B%5D", ["JSON object of attributes"]),
        ("/flags/default/lost?context=%7B%7D", ["GENERAL", "blue"]),
        ("/flags/default/off?context=%7B%7D", ["DISABLED"]),
    ],
)
def test_pages_show_flags(http: httpx2.Client, path: str, words: list[str]) -> None:
    answer = http.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200
    for word in words:
        assert word in answer.text


def test_pages_of_what_is_not_there_say_so(http: httpx2.Client, served: Served) -> None:
    for path in ("/flags/nobody", "/flags/default/none", "/flags/nobody/f"):
        assert http.get(path, headers={"accept": "text/html"}).status_code == 404
    put(http, "empty", {"flags": {}})
    assert "No flags in this set" in http.get("/flags/empty").text
    served.write("default", {"flags": {}})
    assert "counterpoint import flags flags.json" in http.get("/flags").text


def test_what_a_definition_holds_is_text_on_a_page(http: httpx2.Client) -> None:
    evil = "<script>alert(1)</script>"
    put(
        http,
        "mobile",
        {
            "flags": {
                evil: {
                    "state": "ENABLED",
                    "variants": {evil: evil},
                    "defaultVariant": evil,
                    "metadata": {"description": evil},
                }
            }
        },
    )
    for path in ("/flags", "/flags/mobile", "/flags/mobile/%3Cscript%3Ealert(1)%3C/script%3E"):
        answer = http.get(path)
        assert answer.status_code == 200
        assert evil not in answer.text


def test_a_set_that_an_older_version_let_in_broken_is_shown_as_such_and_harms_no_other(
    served: Served, http: httpx2.Client
) -> None:
    assert put(http, "sound", ONE).status_code == 201
    broken = {"flags": {"f": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}, "defaultVariant": "a"}}}
    descriptor = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "FlagSet",
        "metadata": {"name": "torn"},
        "spec": {"owner": "squad", "definition": broken},
    }
    with served.workspace.graph.write(local_actor()) as writer:
        writer.put(descriptor, validated=True)
    sets = {each["name"]: each for each in http.get(SETS).json()["items"]}
    assert [problem["pointer"] for problem in sets["torn"]["problems"]] == ["/flags/f/variants"]
    assert sets["sound"]["problems"] == []
    assert [item["set"] for item in http.get("/api/v1/flags").json()["items"]].count("torn") == 0
    for page in ("/flags", "/flags/torn"):
        answer = http.get(page)
        assert (answer.status_code, "The flag set torn cannot be used" in answer.text) == (200, True)
    assert http.get(f"{SETS}/torn").json() == broken
    headers = {"Flagd-Selector": "flagSetId=torn"}
    answer = http.post("/ofrep/v1/evaluate/flags/f", json={"context": {}}, headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "PARSE_ERROR")
    assert put(http, "torn", ONE).status_code == 200
    assert http.post("/ofrep/v1/evaluate/flags/f", json={"context": {}}, headers=headers).status_code == 200


def test_the_document_says_that_a_set_is_an_object(http: httpx2.Client) -> None:
    answers = http.get("/api/openapi.json").json()["paths"]["/api/flags/sets/{name}"]["get"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"]["type"] == "object"


def test_a_broken_definition_is_refused_at_every_door(http: httpx2.Client) -> None:
    broken = {"flags": {"f": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}}}}
    descriptor = {
        "apiVersion": "counterpoint.dev/v1",
        "kind": "FlagSet",
        "metadata": {"name": "torn"},
        "spec": {"owner": "squad", "definition": broken},
    }
    answer = http.put("/api/v1/entities/flagset/default/torn", json=descriptor)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/spec/definition/flags/f/variants"]
    asked = {"entity": descriptor, "location": "url:https://example.com/catalog-info.yaml"}
    assert http.post("/api/catalog/validate-entity", json=asked).status_code == 400
    assert put(http, "torn", broken).status_code == 400
    assert http.get(f"{SETS}/torn").status_code == 404


def test_a_set_is_read_without_being_sent_again(http: httpx2.Client) -> None:
    tag = put(http, "mobile", ONE).headers["etag"]
    for held in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = http.get(f"{SETS}/mobile", headers={"If-None-Match": held})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert http.get(f"{SETS}/mobile", headers={"If-None-Match": '"other"'}).status_code == 200
    assert http.get(f"{SETS}/nobody", headers={"If-None-Match": "*"}).status_code == 404


def test_a_dry_run_tells_what_would_change_and_checks_what_a_write_checks(http: httpx2.Client) -> None:
    tag = put(http, "mobile", ONE).headers["etag"]
    off = {"flags": {"f": {**ONE["flags"]["f"], "state": "DISABLED"}}}
    tried = put(http, "mobile", off, params={"dryRun": "true"})
    body = tried.json()
    assert (tried.status_code, body["outcome"], body["etag"]) == (200, "checked", None)
    assert body["changes"]["said"] == "turned 'f' off"
    assert body["changes"]["flags"][0]["parts"] == [
        {"part": "state", "before": "ENABLED", "after": "DISABLED"}
    ]
    assert http.get(f"{SETS}/mobile").headers["etag"] == tag
    late = put(http, "mobile", off, params={"dryRun": "true"}, headers={"If-Match": '"other"'})
    assert late.status_code == 412
    assert put(http, "no%20name", off, params={"dryRun": "true"}).status_code == 400


def test_the_versions_of_a_set_are_read_compared_and_restored(http: httpx2.Client) -> None:
    put(http, "versioned", ONE, params={"reason": "a start"})
    tag = put(http, "versioned", {"flags": {}}, params={"reason": "too slow"}).headers["etag"]
    base = "/api/v1/flags/sets/versioned"
    found = http.get(f"{base}/versions").json()
    assert found["total"] == 2
    assert [(item["version"], item["reason"], item["said"]) for item in found["items"]] == [
        (2, "too slow", "removed 'f'"),
        (1, "a start", "added 'f'"),
    ]
    first = http.get(f"{base}/versions", params={"limit": 1}).json()
    rest = http.get(f"{base}/versions", params={"limit": 1, "cursor": first["nextCursor"]}).json()
    assert ([item["version"] for item in rest["items"]], rest["nextCursor"]) == ([1], None)
    assert http.get(f"{base}/versions/1").json()["definition"] == ONE
    assert http.get(f"{base}/diff", params={"from": 2, "to": 1}).json()["changes"]["said"] == "added 'f'"
    restored = {"version": 1, "reason": "it was faster"}
    late = http.post(f"{base}/restore", json=restored, headers={"If-Match": '"other"'})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    assert http.post(f"{base}/restore", json=restored | {"dryRun": True}).json()["outcome"] == "checked"
    done = http.post(f"{base}/restore", json=restored, headers={"If-Match": tag}).json()
    assert (done["outcome"], done["version"], done["changes"]["said"]) == ("updated", 3, "added 'f'")
    assert http.get(f"{SETS}/versioned").json() == ONE


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/flags/sets/nobody/versions", 404),
        ("/api/v1/flags/sets/default/versions/99999", 404),
        ("/api/v1/flags/sets/default/versions/x", 404),
        ("/api/v1/flags/sets/default/versions?limit=0", 400),
        ("/api/v1/flags/sets/default/versions?cursor=zz", 400),
        ("/api/v1/flags/sets/default/diff?from=1&to=99999", 404),
        ("/api/v1/flags/sets/default/diff?from=x", 400),
        ("/api/v1/flags/sets/nobody/environments", 404),
    ],
)
def test_what_does_not_exist_of_a_set_is_a_problem(http: httpx2.Client, path: str, status: int) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_set_is_deleted_with_what_it_was_joined_to(http: httpx2.Client) -> None:
    named = {"flags": {"f": {**ONE["flags"]["f"], "metadata": {"bet": "weekly"}}}}
    tag = put(http, "mobile", named).headers["etag"]
    assert http.delete(f"{SETS}/mobile", headers={"If-Match": '"other"'}).status_code == 412
    links = [{"relation": "implementsBet", "ref": "bet:default/weekly"}]
    assert http.delete(f"{SETS}/mobile", params={"dryRun": "true"}).json()["links"] == links
    gone = http.delete(f"{SETS}/mobile", params={"reason": "moved"}, headers={"If-Match": tag})
    assert (gone.status_code, gone.json()["links"]) == (200, links)
    assert http.get(f"{SETS}/mobile").status_code == 404
    assert http.delete(f"{SETS}/mobile").status_code == 404
    back = http.post("/api/v1/flags/sets/mobile/restore", json={"version": gone.json()["version"]})
    assert (back.status_code, http.get(f"{SETS}/mobile").json()) == (201, named)


def test_flags_are_promoted_and_answer_in_their_environment(http: httpx2.Client) -> None:
    two = {"flags": {"f": {**ONE["flags"]["f"], "variants": {"a": "new"}}, "g": ONE["flags"]["f"]}}
    tag = put(http, "mobile", ONE).headers["etag"]
    put(http, "mobile.staging", two)
    base = "/api/v1/flags/sets/mobile"

    def value(name: str) -> object:
        headers = {"Flagd-Selector": f"flagSetId={name}"}
        return http.post("/ofrep/v1/evaluate/flags/f", json={}, headers=headers).json()["value"]

    assert (value("mobile"), value("mobile.staging")) == ("x", "new")
    shown = http.get(f"{base}/environments").json()
    assert [(item["environment"], item["exists"]) for item in shown["items"]] == [
        ("development", False),
        ("staging", True),
        ("production", True),
    ]
    assert shown["items"][1]["pending"]["said"] == "changed the variants of 'f', added 'g'"
    wanted = {"from": "staging", "to": "production", "flags": ["f"], "reason": "tested"}
    tried = http.post(f"{base}/promotion", json=wanted | {"dryRun": True}).json()
    assert (tried["outcome"], tried["changes"]["said"]) == ("checked", "changed the variants of 'f'")
    assert http.post(f"{base}/promotion", json=wanted, headers={"If-Match": '"other"'}).status_code == 412
    done = http.post(f"{base}/promotion", json=wanted, headers={"If-Match": tag})
    assert (done.status_code, done.json()["name"], done.json()["flags"]) == (200, "mobile", 1)
    assert value("mobile") == "new"
    last = http.get(f"{base}/versions").json()["items"][0]
    assert last["reason"] == "Promoted from staging, version 1: tested"
    for wrong, status in (
        ({"from": "prod"}, 400),
        ({"from": "development"}, 404),
        ({"from": "staging", "flags": ["none"]}, 404),
        ({}, 400),
        ({"from": "staging", "flags": []}, 400),
        ({"form": "staging"}, 400),
    ):
        answer = http.post(f"{base}/promotion", json=wrong)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_activity_page_says_what_became_of_flags_and_why(http: httpx2.Client) -> None:
    put(http, "mobile", ONE)
    off = {"flags": {"f": {**ONE["flags"]["f"], "state": "DISABLED"}}}
    put(http, "mobile", off, params={"reason": "errors rose"})
    page = http.get("/activity?subject=flagset:default/mobile").text
    assert "turned &#39;f&#39; off" in page
    assert "errors rose" in page


def test_components_owners_and_bets_that_do_not_exist_are_warnings(http: httpx2.Client) -> None:
    named = {
        "metadata": {"component": "none", "owner": "squad-x"},
        "flags": {"f": {**ONE["flags"]["f"], "metadata": {"bet": "lost", "owner": "squad-y"}}},
    }
    warnings = put(http, "mobile", named).json()["warnings"]
    assert {warning["pointer"] for warning in warnings} == {
        "/metadata/component",
        "/metadata/owner",
        "/flags/f/metadata/bet",
        "/flags/f/metadata/owner",
        "/spec/owner",
    }
    read = http.get("/api/v1/entities/flagset/default/mobile").json()
    assert {(edge["type"], edge["target"]) for edge in read["relations"]} == {
        ("ownedBy", "group:default/squad-x"),
        ("hasFlagsOf", "group:default/squad-x"),
        ("hasFlagsOf", "group:default/squad-y"),
        ("flagOf", "component:default/none"),
        ("implementsBet", "bet:default/lost"),
    }


def test_a_thousand_flags_are_written_read_and_listed(http: httpx2.Client) -> None:
    rule = {"if": [{"in": [{"var": "country"}, ["SE", "NO"]]}, "a", {"fractional": [["a", 1], ["a", 9]]}]}
    many = {"flags": {f"f{number}": {**ONE["flags"]["f"], "targeting": rule} for number in range(1000)}}
    assert put(http, "mobile", many).json()["flags"] == 1000
    many["flags"]["f7"] = {**many["flags"]["f7"], "state": "DISABLED"}
    assert put(http, "mobile", many).json()["changes"]["said"] == "turned 'f7' off"
    assert len(http.get(f"{SETS}/mobile").json()["flags"]) == 1000
    listed = http.get("/api/v1/flags", params={"set": "mobile", "limit": 1000}).json()
    assert (listed["total"], len(listed["items"])) == (1000, 1000)
    assert http.get("/api/v1/flags/sets/mobile/diff").json()["changes"]["said"] == "turned 'f7' off"
