"""The API of entities."""

import pytest

WEB = "/api/v1/entities/component/default/web-player"
BACKEND = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {"name": "backend"},
    "spec": {"type": "service", "lifecycle": "production", "owner": "player"},
}
PATH = "/api/v1/entities/component/default/backend"


def names(answer):
    return [item["name"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=component", ["lyrics", "web-player"]),
        ("kind=Component&kind=API", ["lyrics", "playback", "web-player"]),
        ("type=website", ["web-player"]),
        ("lifecycle=deprecated", ["lyrics"]),
        ("owner=group:default/player", ["playback", "playback", "web-player"]),
        ("owner=player&kind=system", ["playback"]),
        ("tag=typescript", ["web-player"]),
        ("text=brow", ["web-player"]),
        ("kind=component&text=nothing", []),
    ],
)
def test_lists_are_narrowed_by_every_filter(visitor, query, found):
    answer = visitor.get(f"/api/v1/entities?{query}")
    assert answer.status_code == 200
    assert names(answer) == found
    assert answer.json()["total"] == len(found)


def test_lists_page_by_cursor(visitor):
    seen, cursor = [], None
    while True:
        answer = visitor.get("/api/v1/entities", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        seen += [item["ref"] for item in answer.json()["items"]]
        cursor = answer.json().get("nextCursor")
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "cursor=nonsense", "at=yesterday", "order=colour"]
)
def test_requests_that_mean_nothing_are_400(visitor, query):
    answer = visitor.get(f"/api/v1/entities?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("application/problem+json")


def test_an_entity_is_read_with_its_relations_and_etag(visitor):
    answer = visitor.get(WEB)
    assert answer.headers["etag"] == f'"{answer.json()["etag"]}"'
    assert {"type": "ownedBy", "target": "group:default/player"} in answer.json()["relations"]
    assert visitor.get("/api/v1/entities/Component/default/WEB-Player").status_code == 200
    assert visitor.get("/api/v1/entities/component/default/none").status_code == 404


def test_an_entity_is_read_as_it_was(client, filled):
    before = client.get(WEB).json()
    document = before["document"] | {"spec": before["document"]["spec"] | {"lifecycle": "deprecated"}}
    assert client.put(WEB, json=document).status_code == 200
    then = client.get(WEB, params={"at": before["updatedAt"]}).json()
    assert then["document"]["spec"]["lifecycle"] == "production"
    assert client.get(WEB, params={"at": "2001-01-01"}).status_code == 404
    versions = client.get(f"{WEB}/history").json()["items"]
    assert [version["version"] for version in versions] == [2, 1]


def test_put_creates_then_updates_and_keeps_the_uid(client, filled):
    created = client.put(PATH, json=BACKEND)
    assert created.status_code == 201
    again = client.put(PATH, json=BACKEND | {"metadata": {"name": "backend", "title": "Backend"}})
    assert again.status_code == 200
    assert again.json()["uid"] == created.json()["uid"]
    assert again.json()["etag"] != created.json()["etag"]


def test_put_with_an_old_etag_changes_nothing(client, filled):
    first = client.put(PATH, json=BACKEND)
    headers = {"If-Match": first.headers["etag"]}
    changed = BACKEND | {"metadata": {"name": "backend", "title": "Backend"}}
    assert client.put(PATH, json=changed, headers=headers).status_code == 200
    assert client.put(PATH, json=BACKEND, headers=headers).status_code == 412
    assert client.get(PATH).json()["title"] == "Backend"


def test_put_for_any_version_needs_one(client, filled):
    assert client.put(PATH, json=BACKEND, headers={"If-Match": "*"}).status_code == 412


def test_bodies_that_are_not_valid_are_400_with_pointers(client, filled):
    broken = BACKEND | {"spec": {"type": "service", "lifecycle": 3}}
    answer = client.put(PATH, json=broken)
    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/spec/lifecycle", "/spec/owner"}
    assert client.get(PATH).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"kind": "Group", "spec": {"type": "squad", "children": []}}, "/kind"),
        ({"metadata": {"name": "other"}}, "/metadata/name"),
        ({"metadata": {"name": "backend", "namespace": "other"}}, "/metadata/namespace"),
    ],
)
def test_bodies_that_name_another_entity_are_400(client, filled, change, pointer):
    answer = client.put(PATH, json=BACKEND | change)
    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_delete_keeps_the_history(client, filled):
    assert client.delete(WEB).status_code == 204
    assert client.get(WEB).status_code == 404
    assert client.delete(WEB).status_code == 404
    assert client.get(f"{WEB}/history").json()["items"][0]["action"] == "deleted"


def test_search_finds_the_name_first(visitor):
    items = visitor.get("/api/v1/search", params={"q": "player"}).json()["items"]
    assert items[0]["title"] in {"Player", "Web player"}
    assert {item["ref"] for item in items} >= {"group:default/player", "component:default/web-player"}
    assert visitor.get("/api/v1/search").status_code == 400


def test_an_owner_that_does_not_exist_is_kept_and_told(client, filled):
    orphan = BACKEND | {"spec": BACKEND["spec"] | {"owner": "nobody"}}
    answer = client.put(PATH, json=orphan)
    assert answer.status_code == 201
    assert [warning["pointer"] for warning in answer.json()["warnings"]] == ["/spec/owner"]
    assert client.put(PATH, json=BACKEND).json()["warnings"] == []
