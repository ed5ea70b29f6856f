"""What Backstage does in rare cases, and clients see: totals of bare cursors, names of JavaScript, brought etags."""

import base64
import doctest
import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog import json_faults
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor
from tests.catalog.loopback import Loopback

GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, children: []}\n"
LEADS = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: %s}\nspec: {targets: [%s]}\n"


def load(workspace: Workspace, folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    import_targets(workspace.graph, local_actor(), [str(folder / next(iter(files)))])


def test_a_cursor_that_carries_no_total_is_not_counted(catalog_api: TestClient, reading: Workspace) -> None:
    held = {"orderFields": [], "orderFieldValues": [], "isPrevious": False}
    cursor = base64.b64encode(json.dumps(held).encode()).decode()
    answer = catalog_api.get("/entities/by-query", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["totalItems"]) == (200, 0)


def test_the_total_goes_along_with_the_cursor(
    catalog_api: TestClient, reading: Workspace, tmp_path: Path
) -> None:
    load(reading, tmp_path / "files", {"a.yaml": "---\n".join(GROUP % name for name in "abc")})
    first = catalog_api.get("/entities/by-query?limit=1&filter=kind=group").json()
    assert first["totalItems"] == 3
    next_cursor = first["pageInfo"]["nextCursor"]
    assert (
        catalog_api.get("/entities/by-query", params={"limit": 1, "cursor": next_cursor}).json()["totalItems"]
        == 3
    )
    for asked in ("include", "exclude"):
        posted = catalog_api.post("/entities/by-query", json={"limit": 1, "totalItems": asked}).json()
        assert bool(posted["totalItems"]) == (asked == "include")


def test_an_object_of_javascript_has_no_prototype_as_a_key(catalog_api: TestClient) -> None:
    found = catalog_api.get("/entity-facets?facet=__proto__&facet=constructor").json()
    assert found == {"facets": {"constructor": []}}


def test_a_parent_that_leads_to_a_file_in_two_ways_is_named_twice(
    catalog_api: TestClient, reading: Workspace, tmp_path: Path
) -> None:
    files = {
        "root.yaml": LEADS % ("more", "./deep.yaml, './**/de*.yaml'"),
        "deep.yaml": GROUP % "deep",
    }
    load(reading, tmp_path / "files", files)
    found = catalog_api.get("/entities/by-name/group/default/deep/ancestry").json()["items"]
    assert found[0]["parentEntityRefs"] == ["location:default/more"] * 2
    assert [item["entity"]["metadata"]["name"] for item in found[:2]] == ["deep", "more"]
    assert len(found) == 3


def test_a_token_that_is_none_of_ours_is_refused(
    catalog_api: TestClient, reading: Workspace, tmp_path: Path
) -> None:
    load(reading, tmp_path / "files", {"a.yaml": GROUP % "a"})
    body = {"entityRef": "group:default/a"}
    assert catalog_api.post("/refresh", json=body).status_code == 200
    refused = catalog_api.post("/refresh", json=body | {"authorizationToken": "x"})
    assert (refused.status_code, refused.json()["error"]) == (
        401,
        {"name": "AuthenticationError", "message": "Illegal token"},
    )


def test_a_source_may_declare_its_own_etag_but_no_uid(
    catalog_api: TestClient, reading: Workspace, tmp_path: Path
) -> None:
    text = GROUP.replace("{name: %s}", "{name: a, etag: of-the-source, uid: of-the-source}")
    load(reading, tmp_path / "files", {"a.yaml": text})
    metadata = catalog_api.get("/entities/by-name/group/default/a").json()["metadata"]
    assert (metadata["etag"], len(metadata["uid"])) == ("of-the-source", 36)
    with reading.graph.write(local_actor()) as writer:
        writer.put({**writer.require("group:default/a").document, "metadata": metadata})
    written = catalog_api.get("/entities/by-name/group/default/a").json()["metadata"]
    assert len(written["etag"]) == 40, "what is written here has the hash of what it says"


def test_keys_that_differ_in_case_only_are_valid_until_they_are_indexed(catalog_api: TestClient) -> None:
    spec = {"type": "service", "lifecycle": "production", "owner": "me", "extra": 1, "Extra": 2}
    entity = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "n"},
        "spec": spec,
    }
    answer = catalog_api.post("/validate-entity", json={"entity": entity, "location": "url:https://a/b"})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: [", "YAML error at url:"), ("only text", "Error: Expected object at root, got string")],
)
def test_a_dry_run_of_what_is_no_descriptor_says_so(
    catalog_api: TestClient, web: Loopback, text: str, told: str
) -> None:
    web.files["/c.yaml"] = text
    answer = catalog_api.post("/locations?dryRun=true", json={"type": "url", "target": web.url("/c.yaml")})
    assert (answer.status_code, answer.json()["error"]["name"]) == (400, "InputError")
    assert told in answer.json()["error"]["message"]


def test_blanks_around_a_target_do_not_keep_it_from_being_read(
    catalog_api: TestClient, web: Loopback
) -> None:
    web.files["/c.yaml"] = GROUP % "a"
    body: dict[str, Any] = {"type": "url", "target": f" {web.url('/c.yaml')} "}
    answer = catalog_api.post("/locations?dryRun=true", json=body)
    assert answer.status_code == 201
    assert answer.json()["location"]["target"] == body["target"]
    assert [each["metadata"]["name"] for each in answer.json()["entities"]][1:] == ["a"]


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("/refresh", b'"x"', 'Unexpected token \'"\', ""x"" is not valid JSON'),
        ("/refresh", b"{", "Expected property name or '}' in JSON at position 1"),
        ("/refresh", b'{"a": 1} x', "Unexpected non-whitespace character after JSON at position 9"),
        ("/refresh", b"", "request/body must have required property 'entityRef'"),
        ("/locations", b"", "request/body must have required property 'target'"),
        ("/entities/by-refs", b"null", "Unexpected token 'n', \"null\" is not valid JSON"),
        ("/entities/by-refs", b"\xff\xfe", "Unexpected token '\ufffd', \"\ufffd\ufffd\" is not valid JSON"),
    ],
)
def test_a_body_that_is_no_json_is_refused_in_the_words_of_node(
    catalog_api: TestClient, path: str, content: bytes, told: str
) -> None:
    answer = catalog_api.post(path, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, told)


def test_a_cursor_that_lacks_fields_is_told_as_a_list_of_issues(catalog_api: TestClient) -> None:
    def told(text: str) -> str:
        cursor = base64.b64encode(text.encode()).decode()
        answer = catalog_api.get("/entities/by-query", params={"cursor": cursor})
        assert answer.status_code == 400
        return str(answer.json()["error"]["message"])

    start = "Malformed cursor: InputError: Malformed cursor: "
    issues = json.loads(told('{"orderFields": []}').removeprefix(start))
    assert [(issue["path"], issue["message"]) for issue in issues] == [
        (["orderFieldValues"], "Required"),
        (["isPrevious"], "Required"),
    ]
    assert json.loads(told("1").removeprefix(start))[0]["message"] == "Expected object, received number"
    assert told("{") == "Malformed cursor: SyntaxError: Expected property name or '}' in JSON at position 1"


def test_a_location_with_other_keys_is_told_as_a_list_of_issues(catalog_api: TestClient) -> None:
    body = {"type": "url", "target": "http://a.example/x.yaml", "presence": "maybe", "more": 1}
    message = catalog_api.post("/locations", json=body).json()["error"]["message"]
    issues = json.loads(message.removeprefix("Malformed request: "))
    assert [issue["code"] for issue in issues] == ["invalid_union", "unrecognized_keys"]


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(json_faults).failed == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a":1,"b" 1}', "Unexpected number in JSON at position 11"),
        ('{"b" 1}', "Expected ':' after property name in JSON at position 5"),
        ("[1 x]", "Expected ',' or ']' after array element in JSON at position 3"),
        ('n"ull', "Unexpected string in JSON at position 1"),
        ("[1, 2, 3, 4, 5, 6, 7, bad]", "Unexpected token 'b', ...\" 5, 6, 7, bad]\" is not valid JSON"),
        ("abcdefghijklmnopqrstuvwxyz", "Unexpected token 'a', \"abcdefghij\"... is not valid JSON"),
        ('["\\x"]', "Bad escaped character in JSON at position 3"),
        ('["\\u12"]', "Bad Unicode escape in JSON at position 6"),
        ('["a\nb"]', "Bad control character in string literal in JSON at position 3"),
        ('["a', "Unterminated string in JSON at position 3"),
        ("[-]", "No number after minus sign in JSON at position 2"),
        ("[01]", "Unexpected number in JSON at position 2"),
        ("[1.]", "Unterminated fractional number in JSON at position 3"),
        ("[1e]", "Exponent part is missing a number in JSON at position 3"),
        ("[" * 100_000, "Unexpected end of JSON input"),
        ('{"a": [1, 2.5e-3, null, true, "\\u00e9\U0001f600"]} ', None),
    ],
)
def test_the_fault_of_a_text_is_the_one_that_node_finds(text: str, told: str | None) -> None:
    assert json_faults.json_fault(text) == told
