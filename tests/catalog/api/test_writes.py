"""The operations that change something: what is read, kept, refused and taken back, and that it shows at once."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.catalog.repositories import repository_of
from counterpoint.errors import InputError
from counterpoint.graph import local_actor
from tests.catalog.loopback import Loopback

GROUP = "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %s}\nspec: {type: squad, children: []}\n"
LEADING = (
    "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: all}\nspec: {targets: [%s]}\n---\n"
)
NAMED = "generated-%s"


def refs(workspace: Workspace) -> list[str]:
    with workspace.graph.read() as reader:
        return [entity.ref for entity in reader.all()]


def own(target: str) -> str:
    digest = hashlib.sha1(f"url:{target}".encode(), usedforsecurity=False).hexdigest()
    return f"location:default/generated-{digest}"


def register(api: TestClient, target: str, query: str = "") -> Any:
    return api.post(f"/locations{query}", json={"type": "url", "target": target})


def test_what_a_registered_location_declares_is_there_when_the_answer_comes(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    web.files |= {"/c.yaml": LEADING % "./more/d.yaml" + GROUP % "a", "/more/d.yaml": GROUP % "d"}
    target = web.url("/c.yaml")
    answer = register(catalog_api, target)
    assert answer.status_code == 201
    location = answer.json()["location"]
    assert answer.json() == {"location": location, "entities": []}
    assert location == {"id": location["id"], "type": "url", "target": target, "entityRef": own(target)}
    assert refs(reading) == ["group:default/a", "group:default/d", "location:default/all", own(target)]
    with reading.graph.read() as reader:
        annotations = reader.require("group:default/d").metadata["annotations"]
    assert annotations == {
        "backstage.io/managed-by-location": f"url:{web.url('/more/d.yaml')}",
        "backstage.io/managed-by-origin-location": f"url:{target}",
        "backstage.io/view-url": web.url("/more/d.yaml"),
    }


def test_registered_locations_are_listed_and_found(catalog_api: TestClient, web: Loopback) -> None:
    web.files["/c.yaml"] = GROUP % "a"
    made = register(catalog_api, web.url("/c.yaml")).json()["location"]
    assert catalog_api.get("/locations").json() == [{"data": made}]
    assert catalog_api.get(f"/locations/{made['id']}").json() == made
    assert catalog_api.get("/locations/by-entity/Group/default/A").json() == made


@pytest.mark.parametrize("path", ["/locations/none", "/locations/by-entity/group/default/none"])
def test_what_is_not_registered_is_not_found(catalog_api: TestClient, path: str) -> None:
    answer = catalog_api.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["name"] == "NotFoundError"
    assert catalog_api.delete("/locations/none").status_code == 404
    assert catalog_api.put("/locations/none", json={"type": "url", "target": "https://a"}).status_code == 404


def test_an_imported_file_is_no_registered_location(
    catalog_api: TestClient, reading: Workspace, tmp_path: Any
) -> None:
    (tmp_path / "c.yaml").write_text(GROUP % "a")
    import_targets(reading.graph, local_actor(), [str(tmp_path / "c.yaml")])
    assert catalog_api.get("/locations").json() == []
    assert catalog_api.get("/locations/by-entity/group/default/a").status_code == 404


def test_a_location_is_registered_once(catalog_api: TestClient, reading: Workspace, web: Loopback) -> None:
    web.files["/c.yaml"] = GROUP % "a"
    first = register(catalog_api, web.url("/c.yaml")).json()["location"]
    again = register(catalog_api, web.url("/c.yaml"))
    assert again.status_code == 409
    assert again.json()["error"] == {
        "name": "ConflictError",
        "message": f"Location url:{web.url('/c.yaml')} already exists",
    }
    web.files["/c.yaml"] = GROUP % "b"
    refreshed = register(catalog_api, web.url("/c.yaml"), "?onConflict=refresh")
    assert (refreshed.status_code, refreshed.json()["location"]) == (201, first)
    assert "group:default/b" in refs(reading)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"type": "file", "target": "/etc/passwd"}, "allowed type"),
        ({"type": "url"}, "target"),
        ({"type": "url", "target": "https://a", "more": 1}, "Unrecognized key(s)"),
        ({"type": "url", "target": " "}, "target"),
    ],
)
def test_what_is_no_location_is_refused(
    catalog_api: TestClient, reading: Workspace, body: Any, said: str
) -> None:
    answer = catalog_api.post("/locations", json=body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert refs(reading) == []


def test_a_location_that_cannot_be_read_is_kept_with_what_is_wrong(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    for target in (web.url("/none.yaml"), "https://elsewhere.example/c.yaml"):
        assert register(catalog_api, target).status_code == 201
        with reading.graph.read() as reader:
            assert reader.get(own(target)) is not None
    assert len(catalog_api.get("/locations").json()) == 2
    assert web.asked == ["/none.yaml"]


def test_a_dry_run_says_what_would_come_and_keeps_nothing(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    web.files |= {"/c.yaml": LEADING % "./d.yaml" + GROUP % "a", "/d.yaml": GROUP % "d"}
    target = web.url("/c.yaml")
    answer = register(catalog_api, target, "?dryRun=true")
    assert answer.status_code == 201
    body = answer.json()
    assert body["exists"] is False
    assert body["location"] == {
        "id": f"url:{target}",
        "type": "url",
        "target": target,
        "entityRef": own(target),
    }
    assert [entity["metadata"]["name"] for entity in body["entities"]] == [
        own(target).rpartition("/")[2],
        "a",  # Backstage takes them from a stack: the newest first, and what it leads to before its siblings
        "all",
        "d",
    ]
    assert refs(reading) == []
    assert catalog_api.get("/locations").json() == []


def test_a_dry_run_of_something_broken_is_refused_with_the_reason(
    catalog_api: TestClient, web: Loopback
) -> None:
    web.files["/c.yaml"] = GROUP % "-bad-"
    answer = register(catalog_api, web.url("/c.yaml"), "?dryRun=true")
    assert answer.status_code == 400
    assert "c.yaml:3:18 /metadata/name" in answer.json()["error"]["message"]
    missing = register(catalog_api, web.url("/none"), "?dryRun=true").json()["error"]["message"]
    assert missing == f"NotFoundError: Unable to read url, no matching files found for {web.url('/none')}"


def test_removing_a_location_removes_what_came_from_it(
    catalog_api: TestClient, reading: Workspace, web: Loopback, tmp_path: Any
) -> None:
    (tmp_path / "c.yaml").write_text(GROUP % "mine")
    import_targets(reading.graph, local_actor(), [str(tmp_path / "c.yaml")])
    before = refs(reading)
    web.files |= {"/c.yaml": LEADING % "./d.yaml" + GROUP % "a", "/d.yaml": GROUP % "d"}
    made = register(catalog_api, web.url("/c.yaml")).json()["location"]
    assert catalog_api.delete(f"/locations/{made['id']}").status_code == 204
    assert refs(reading) == before
    assert catalog_api.get("/locations").json() == []


def test_a_location_that_is_pointed_elsewhere_keeps_its_entity(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    web.files |= {"/c.yaml": GROUP % "a", "/d.yaml": GROUP % "d", "/e.yaml": GROUP % "e"}
    made = register(catalog_api, web.url("/c.yaml")).json()["location"]
    other = register(catalog_api, web.url("/e.yaml")).json()["location"]
    body = {"type": "url", "target": web.url("/d.yaml")}
    answer = catalog_api.put(f"/locations/{made['id']}", json=body)
    assert (answer.status_code, answer.json()) == (200, made | {"target": web.url("/d.yaml")})
    assert "group:default/a" not in refs(reading)
    assert "group:default/d" in refs(reading)
    with reading.graph.read() as reader:
        assert reader.require(made["entityRef"]).spec["target"] == web.url("/d.yaml")
        assert reader.get(own(web.url("/d.yaml"))) is None
    assert catalog_api.put(f"/locations/{other['id']}", json=body).status_code == 409
    assert catalog_api.put(f"/locations/{other['id']}", json=body | {"type": "file"}).status_code == 400


def test_a_read_only_catalog_takes_dry_runs_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, web: Loopback
) -> None:
    from counterpoint.server.app import create_app

    monkeypatch.setenv("COUNTERPOINT_CATALOG__READ_HOSTS", f'["{web.host}"]')
    monkeypatch.setenv("COUNTERPOINT_CATALOG__READONLY", "true")
    web.files["/c.yaml"] = GROUP % "a"
    with Workspace.create(tmp_path / "w", name="Test") as workspace:
        base = "http://counterpoint.localhost/api/catalog"
        with TestClient(create_app(workspace, auth=False), base_url=base) as api:
            for answer in (
                register(api, web.url("/c.yaml")),
                api.put("/locations/x", json={"type": "url", "target": "https://a"}),
                api.delete("/locations/x"),
            ):
                assert answer.status_code == 403
                assert answer.json()["error"]["name"] == "NotAllowedError"
            assert register(api, web.url("/c.yaml"), "?dryRun=true").status_code == 201


def ask(api: TestClient, **body: Any) -> Any:
    answer = api.post("/locations/by-query", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_locations_are_asked_for_by_predicate_and_page_by_page(
    catalog_api: TestClient, web: Loopback
) -> None:
    for name in "abc":
        web.files[f"/{name}.yaml"] = GROUP % name
        register(catalog_api, web.url(f"/{name}.yaml"))
    every = ask(catalog_api)
    assert every["totalItems"] == 3
    assert every["pageInfo"] == {}
    ids = [item["id"] for item in every["items"]]
    assert ids == sorted(ids)
    first = ask(catalog_api, limit=2)
    rest = ask(catalog_api, cursor=first["pageInfo"]["nextCursor"])
    assert [item["id"] for item in first["items"] + rest["items"]] == ids
    assert (rest["totalItems"], rest["pageInfo"]) == (3, {})
    a = web.url("/a.yaml")
    for query, count in (
        ({"target": a.upper()}, 1),
        ({"type": "url"}, 3),
        ({"target": {"$in": [a, "x"]}}, 1),
        ({"target": {"$hasPrefix": web.url("/").upper()}}, 3),
        ({"entityRef": own(a)}, 1),
        ({"$not": {"target": a}}, 2),
        ({"$any": [{"target": a}, {"id": ids[0]}, {"id": ids[1]}, {"id": ids[2]}]}, 3),
        ({"$all": [{"type": "url"}, {"target": a}]}, 1),
        ({"$all": []}, 0),
        ({"target": {"$exists": False}}, 0),
        ({"target": {"$contains": a}}, 0),
        ({}, 3),
    ):
        assert ask(catalog_api, query=query)["totalItems"] == count, query
    assert catalog_api.post("/locations/by-query").json()["totalItems"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"limit": 1.5},
        {"limit": -1},
        {"cursor": ""},
        {"cursor": "!"},
        {"cursor": "e30="},
        {"query": []},
        {"query": {"size": 1}},
        {"query": {"$all": [], "type": "url"}},
        {"query": {"type": {"$like": "x"}}},
        {"query": {"type": None}},
    ],
)
def test_queries_that_are_none_are_400(catalog_api: TestClient, body: Any) -> None:
    answer = catalog_api.post("/locations/by-query", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["name"] == "InputError"


def test_refreshing_reads_the_entity_and_what_led_to_it(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    web.files |= {"/c.yaml": LEADING % "./d.yaml", "/d.yaml": GROUP % "d"}
    register(catalog_api, web.url("/c.yaml"))
    web.files |= {"/c.yaml": LEADING % "./d.yaml" + GROUP % "a", "/d.yaml": GROUP % "d" + "  title: D\n"}
    web.files["/d.yaml"] = (GROUP % "d").replace("squad", "tribe")
    answer = catalog_api.post("/refresh", json={"entityRef": "group:default/d"})
    assert (answer.status_code, answer.content) == (200, b"")
    with reading.graph.read() as reader:
        assert reader.require("group:default/d").spec["type"] == "tribe"
        assert reader.get("group:default/a") is not None
    missing = catalog_api.post("/refresh", json={"entityRef": "group:default/none"})
    assert missing.status_code == 404
    assert catalog_api.post("/refresh", json={"entityRef": "no reference"}).status_code == 404
    assert catalog_api.post("/refresh", json={"entityRef": 1}).status_code == 400


def test_deleting_by_uid_is_204_also_for_an_unknown_one(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    web.files["/c.yaml"] = GROUP % "a"
    register(catalog_api, web.url("/c.yaml"))
    with reading.graph.read() as reader:
        uid = reader.require("group:default/a").uid
    for _ in range(2):
        assert catalog_api.delete(f"/entities/by-uid/{uid}").status_code == 204
    with reading.graph.read() as reader:
        assert reader.require("group:default/a").uid != uid  # its file still declares it, so it is there anew
    assert catalog_api.get(f"/entities/by-uid/{uid}").status_code == 404


def test_deleting_what_no_file_declares_any_more_is_for_good(
    catalog_api: TestClient, reading: Workspace, web: Loopback
) -> None:
    web.files["/c.yaml"] = GROUP % "a"
    register(catalog_api, web.url("/c.yaml"))
    web.files["/c.yaml"] = GROUP % "b"
    with reading.graph.read() as reader:
        uid = reader.require("group:default/a").uid
    catalog_api.delete(f"/entities/by-uid/{uid}")
    assert "group:default/a" not in refs(reading)
    assert "group:default/b" in refs(reading)


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n"])
def test_a_dry_run_of_an_empty_file_brings_its_location_alone(
    catalog_api: TestClient, web: Loopback, text: str
) -> None:
    web.files["/c.yaml"] = text
    answer = register(catalog_api, web.url("/c.yaml"), "?dryRun=true")
    assert answer.status_code == 201
    assert [entity["kind"] for entity in answer.json()["entities"]] == ["Location"]


def test_a_dry_run_shows_an_entity_whose_name_another_file_has(
    catalog_api: TestClient, reading: Workspace, web: Loopback, tmp_path: Any
) -> None:
    (tmp_path / "c.yaml").write_text(GROUP % "a")
    import_targets(reading.graph, local_actor(), [str(tmp_path / "c.yaml")])
    web.files["/c.yaml"] = (GROUP % "a").replace("squad", "tribe")
    body = register(catalog_api, web.url("/c.yaml"), "?dryRun=true").json()
    assert body["entities"][1]["spec"]["type"] == "tribe"
    with reading.graph.read() as reader:
        assert reader.require("group:default/a").spec["type"] == "squad"


def test_a_script_is_no_location(catalog_api: TestClient) -> None:
    for query in ("", "?dryRun=true"):
        answer = register(catalog_api, "javascript:alert(1)", query)
        assert answer.status_code == 400
        assert "javascript: URL" in answer.json()["error"]["message"]


def test_a_body_that_is_no_json_is_refused_by_the_api_where_nothing_could_be_forged(
    catalog_api: TestClient,
) -> None:
    answer = catalog_api.post("/refresh", content=b"x", headers={"content-type": "text/plain"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "unsupported media type text/plain"
    forged = {"content-type": "text/plain", "origin": "https://elsewhere.example"}
    assert catalog_api.post("/refresh", content=b"x", headers=forged).status_code == 403


ENTITY = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {"name": "c"},
    "spec": {"type": "service", "lifecycle": "production", "owner": "o"},
}


@pytest.mark.parametrize(
    ("change", "location", "name", "said"),
    [
        (lambda entity: entity.pop("kind"), "url:https://a/b", "TypeError", "missingProperty: kind"),
        (lambda entity: entity.pop("metadata"), "url:https://a/b", "TypeError", "missingProperty: metadata"),
        (lambda entity: entity["metadata"].pop("name"), "url:https://a/b", "TypeError", "'name'"),
        (lambda entity: entity["metadata"].update(name=""), "url:https://a/b", "TypeError", "fewer than 1"),
        (
            lambda entity: entity["metadata"].update(name="-"),
            "url:https://a/b",
            "InputError",
            "metadata.name",
        ),
        (lambda entity: entity["metadata"].update(labels=None), "url:https://a/b", "InputError", "labels"),
        (
            lambda entity: entity["spec"].pop("owner"),
            "url:https://a/b",
            "InputError",
            "/spec must have required property 'owner'",
        ),
        (lambda entity: None, "file:/a", "TypeError", "only 'url:<target>' is supported"),
        (lambda entity: None, "https://a", "TypeError", "prefix it with 'url:'"),
        (lambda entity: None, "url:javascript:alert(1)", "TypeError", "javascript"),
        (lambda entity: None, "nowhere", "TypeError", "expected '<type>:<target>'"),
    ],
)
def test_a_wrong_entity_is_told_in_backstages_own_body(
    catalog_api: TestClient, change: Callable[[Any], Any], location: str, name: str, said: str
) -> None:
    entity = {**ENTITY, "metadata": dict(ENTITY["metadata"]), "spec": dict(ENTITY["spec"])}  # type: ignore[call-overload]
    change(entity)
    answer = catalog_api.post("/validate-entity", json={"entity": entity, "location": location})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["name"] == name
    assert said in error["message"]


def test_a_good_entity_is_an_empty_200(catalog_api: TestClient, reading: Workspace) -> None:
    given = ENTITY | {"metadata": {"name": "c", "annotations": None}}
    answer = catalog_api.post("/validate-entity", json={"entity": given, "location": "url:https://a/b"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert refs(reading) == []


def test_trying_a_location_reads_its_targets(catalog_api: TestClient, web: Loopback) -> None:
    location = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Location",
        "metadata": {"name": "l"},
        "spec": {"targets": ["./good.yaml", "./none.yaml", "./bad.yaml"]},
    }
    web.files |= {"/good.yaml": GROUP % "a", "/bad.yaml": "kind: ["}
    answer = catalog_api.post(
        "/validate-entity", json={"entity": location, "location": f"url:{web.url('/l.yaml')}"}
    )
    errors = answer.json()["errors"]
    assert [error["name"] for error in errors] == ["NotFoundError", "Error"]
    optional = {**location, "spec": {"targets": ["./none.yaml"], "presence": "optional"}}
    body = {"entity": optional, "location": f"url:{web.url('/l.yaml')}"}
    assert catalog_api.post("/validate-entity", json=body).status_code == 200


def test_an_address_is_analysed(catalog_api: TestClient, web: Loopback) -> None:
    def analyse(target: str) -> Any:
        return catalog_api.post("/analyze-location", json={"location": {"type": "url", "target": target}})

    answer = analyse("https://github.com/arpeggio/player/blob/main/catalog-info.yaml").json()
    assert answer == {
        "existingEntityFiles": [],
        "generateEntities": [
            {
                "entity": {
                    "apiVersion": "backstage.io/v1alpha1",
                    "kind": "Component",
                    "metadata": {
                        "name": "player",
                        "annotations": {"github.com/project-slug": "arpeggio/player"},
                    },
                    "spec": {"type": "other", "lifecycle": "unknown"},
                },
                "fields": [],
            }
        ],
    }
    assert analyse("not an address").status_code == 400
    web.files["/c.yaml"] = GROUP % "a"
    (found,) = analyse(web.url("/c.yaml")).json()["existingEntityFiles"]
    assert found["entity"]["metadata"]["name"] == "a"
    assert found["isRegistered"] is False


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://github.com/a/b", ("github.com", "a", "b")),
        ("https://github.com/a/b.git", ("github.com", "a", "b")),
        ("git@github.com:a/b.git", ("github.com", "a", "b")),
        ("https://gitlab.com/g/sub/p/-/blob/main/x.yaml", ("gitlab.com", "g/sub", "p")),
        ("https://bitbucket.org/w/r/src/master/x.yaml", ("bitbucket.org", "w", "r")),
        ("https://dev.azure.com/org/project/_git/repo", ("dev.azure.com", "project", "repo")),
        ("http://127.0.0.1:8000/a/b/c.yaml", ("127.0.0.1", "a/b", "c.yaml")),
        ("https://host/", ("host", "", "")),
        ("a/b", ("github.com", "a", "b")),
    ],
)
def test_the_repository_of_an_address(address: str, found: tuple[str, str, str]) -> None:
    assert repository_of(address) == found


@pytest.mark.parametrize("address", ["", "not a url", "github.com/a/b", "/a/b"])
def test_what_is_no_address_has_no_repository(address: str) -> None:
    with pytest.raises(InputError):
        repository_of(address)


@pytest.mark.parametrize("query", ["", "?dryRun=true"])
def test_an_address_with_a_password_is_refused_and_kept_nowhere(catalog_api: TestClient, query: str) -> None:
    answer = register(catalog_api, "http://ana:hunter2@127.0.0.1:9/catalog-info.yaml", query)
    assert answer.status_code == 400
    assert "without them" in answer.json()["error"]["message"]
    assert "hunter2" not in answer.json()["error"]["message"]
    assert catalog_api.get("/locations").json() == []
