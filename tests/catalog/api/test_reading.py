"""The reading operations of the Backstage API over HTTP, rule by rule of its contract."""

import base64
import json
import re
import time
from itertools import chain
from typing import Any

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph import local_actor
from tests.graph.documents import component

ALL = ["a-api", "adam", "generated", "music", "playback", "search", "Squad-A", "tribe", "website", "zoe"]


def names(found: Any) -> list[str]:
    """The names of entities, in order; generated ones without their hash."""
    items = found["items"] if isinstance(found, dict) else found
    return [item and re.sub("^generated-.*", "generated", item["metadata"]["name"]) for item in items]


def message(answer: Any) -> str:
    text: str = answer.json()["error"]["message"]
    return text


def cursor_in(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(text))
    return found


def query(api: TestClient, **body: Any) -> Any:
    return api.post("/entities/by-query", json=body)


def test_a_final_entity_has_everything_that_backstage_gives_it(api: TestClient) -> None:
    found = api.get("/entities/by-name/component/default/playback").json()
    assert found["apiVersion"] == "backstage.io/v1alpha1"
    assert len(found["metadata"]["etag"]) == 40
    assert found["metadata"]["namespace"] == "default"
    assert found["spec"]["providesApis"] == ["a-api", "b-api"]
    assert found["relations"] == [
        {"type": "hasPart", "targetRef": "component:default/search"},
        {"type": "ownedBy", "targetRef": "group:default/squad-a"},
        {"type": "partOf", "targetRef": "system:default/music"},
        {"type": "providesApi", "targetRef": "api:default/a-api"},
        {"type": "providesApi", "targetRef": "api:default/b-api"},
    ]
    assert "status" not in found
    by_uid = api.get(f"/entities/by-uid/{found['metadata']['uid']}")
    assert by_uid.json() == found
    assert "etag" not in by_uid.headers
    assert by_uid.headers["content-type"] == "application/json; charset=utf-8"


def test_names_are_found_in_any_case(api: TestClient) -> None:
    assert api.get("/entities/by-name/GROUP/Default/squad-a").json()["metadata"]["name"] == "Squad-A"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/entities/by-uid/xyz", "No entity with uid xyz"),
        (
            "/entities/by-name/Component/default/a%2Fb",
            "No entity named 'a/b' found, with kind 'Component' in namespace 'default'",
        ),
        ("/entities/by-name/component/default/nope/ancestry", "No such entity component:default/nope"),
    ],
)
def test_what_is_not_there_is_a_404_in_backstages_words(api: TestClient, path: str, text: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]["name"], message(answer)) == (
        404,
        "NotFoundError",
        text,
    )


def test_all_entities_come_by_uid_without_an_etag(api: TestClient) -> None:
    answer = api.get("/entities")
    uids = [entity["metadata"]["uid"] for entity in answer.json()]
    assert uids == sorted(uids)
    assert sorted(names(answer.json()), key=str.lower) == ALL
    assert "etag" not in answer.headers
    assert api.get("/entities/").json() == answer.json()


def test_no_entities_are_an_object_answer(api: TestClient) -> None:
    answer = api.get("/entities?filter=kind=nothing")
    assert (answer.json(), answer.headers["etag"]) == ([], 'W/"2-l9Fw4VUO7kr8CvBlt4zaMCqXZ0w"')


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("filter=kind=user", ["adam", "zoe"]),
        ("filter=KIND=USER", ["adam", "zoe"]),
        ("filter=kind=component,spec.type=service", ["playback", "search"]),
        ("filter=kind=component,kind=api", ["a-api", "playback", "search", "website"]),
        ("filter=kind=user&filter=kind=api", ["a-api", "adam", "zoe"]),
        ("filter=metadata.tags=java", ["playback", "Squad-A"]),
        ("filter=metadata.tags.java", ["playback", "Squad-A"]),
        ("filter=metadata.tags.java=true", ["playback", "Squad-A"]),
        ("filter=metadata.tags.java=false", []),
        ("filter=spec.nothing", ["playback"]),
        ("filter=spec.nothing=", []),
        ("filter=spec.empty=", ["playback"]),
        ("filter=spec.count=3,spec.ratio=1,spec.flag=true", ["playback"]),
        ("filter=spec.list=two,spec.list=nope", ["playback"]),
        ("filter=spec.list.a=b", ["playback"]),
        ("filter=spec.list.two=true", ["playback"]),
        ("filter=metadata.annotations.github.com/project-slug=ARP/playback", ["playback"]),
        ("filter=relations.ownedBy=group:default/squad-a", ["playback", "search"]),
        ("filter=relations.ownedBy=user:default/zoe", ["a-api", "website"]),
        ("filter=metadata.namespace=other", ["adam"]),
        ("filter=metadata.labels.tier=1", ["Squad-A"]),
        ("filter=metadata.etag", []),
        ("filter=relations", []),
        ("filter=kind=a=b", []),
    ],
)
def test_filters_choose_by_search_keys(api: TestClient, filters: str, found: list[str]) -> None:
    listed = api.get(f"/entities/by-query?{filters}&orderField=metadata.name,asc").json()
    assert (names(listed), listed["totalItems"]) == (found, len(found))
    assert sorted(names(api.get(f"/entities?{filters}").json()), key=str.lower) == found


def test_a_page_of_entities_links_to_the_next(api: TestClient) -> None:
    path = "/entities?limit=2&filter=kind%3Dcomponent&filter=kind=user&offset=1&fields=metadata.name,kind"
    first = api.get(path)
    assert first.headers["link"] == (
        "</entities?limit=2&filter=kind%3Dcomponent&filter=kind%3Duser&fields=metadata.name%2Ckind"
        '&after=eyJsaW1pdCI6Miwib2Zmc2V0IjozfQ%3D%3D>; rel="next"'
    )
    assert first.headers["etag"].startswith('W/"')
    second = api.get(first.headers["link"].partition(">")[0][1:])
    assert names(first.json()) + names(second.json()) == ["search", "website", "zoe", "adam"]
    assert "link" not in second.headers


def test_a_page_without_an_order_is_by_reference(api: TestClient) -> None:
    found = names(api.get("/entities?offset=0").json())
    assert found == [
        "a-api",
        "playback",
        "search",
        "website",
        "Squad-A",
        "tribe",
        "generated",
        "music",
        "zoe",
        "adam",
    ]


def test_a_page_with_an_order_has_what_lacks_the_field_last(api: TestClient) -> None:
    up = names(api.get("/entities?order=asc:metadata.title&limit=50").json())
    down = names(api.get("/entities?order=desc:metadata.title&limit=50").json())
    titled = [name for name in up if name in ("playback", "search", "tribe")]
    assert titled == ["playback", "search", "tribe"]
    assert [name for name in down if name in titled] == titled[::-1]
    lacking = names(api.get("/entities?limit=50&order=asc:Metadata.Title").json())  # no key is upper case
    assert len(lacking) == 10
    both = names(api.get("/entities?order=desc:kind&order=asc:metadata.name&limit=4").json())
    assert both == ["adam", "zoe", "music", "generated"]


def test_everything_with_an_order_leaves_out_what_lacks_the_field_only_in_strict(clients: Any) -> None:
    path = "/entities?order=asc:spec.lifecycle&filter=kind=component&filter=kind=user&fields=metadata.name"
    strict = names(clients(strict=True).get(path).json())
    assert (strict[0], len(strict)) == ("website", 3)
    mended = names(clients().get(path).json())
    assert (len(mended), set(mended[3:])) == (5, {"adam", "zoe"})


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "Invalid limit, must be greater than zero"),
        ("after=x", "Malformed after cursor, could not be parsed"),
        ("after=bnVsbA==", "Malformed after cursor, could not be parsed"),
        ("after=eyJsaW1pdCI6IngifQ==", "Malformed after cursor, limit was not an number"),
        ("after=eyJvZmZzZXQiOi0xfQ==", "Malformed after cursor, offset was not a number"),
        ("order=foo", 'Invalid order parameter "foo", expected "<asc or desc>:<field name>"'),
        ("order=asc:", 'Invalid order parameter "asc:", expected "<asc or desc>:<field name>"'),
        (
            "filter==x",
            "Invalid filter, '=x' is not a valid statement (expected a string on the form a=b or a= or a)",
        ),
        ("fields=a[0]", 'Invalid field "a[0]", array type fields are not supported'),
        ("&".join(["order=asc:kind"] * 21), "The request has 21 orders; 20 are the most."),
    ],
)
def test_a_list_that_is_asked_for_wrongly_is_refused(api: TestClient, query: str, text: str) -> None:
    answer = api.get(f"/entities?{query}")
    assert (answer.status_code, message(answer)) == (400, text)


@pytest.mark.parametrize(
    ("after", "size"),
    [
        ("e30=", 10),
        ("W10=", 10),
        ("MQ==", 10),
        ("eyJsaW1pdCI6Mn0", 2),
        ("eyJvZmZzZXQiOjN9", 7),
        ("eyJsaW1pdCI6MH0=", 0),
    ],
)
def test_an_after_is_read_as_leniently_as_there(api: TestClient, after: str, size: int) -> None:
    assert len(api.get(f"/entities?after={after}").json()) == size


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("kind", {"kind": "Component"}),
        ("kind,metadata.name", {"kind": "Component", "metadata": {"name": "playback"}}),
        ("metadata.tags", {"metadata": {"tags": ["java", "web"]}}),
        (
            "metadata.annotations.github.com/project-slug",
            {"metadata": {"annotations": {"github.com/project-slug": "arp/playback"}}},
        ),
        ("spec.nothing,spec.nope", {"spec": {"nothing": None}}),
        ("metadata.tags.1", {"metadata": {"tags": [None, "web"]}}),
        ("nope", {}),
        (".kind", {}),
        ("metadata..name", {}),
        (" kind , ,kind", {"kind": "Component"}),
        ("metadata.name,metadata.name.x", {"metadata": {"name": "playback"}}),
    ],
)
def test_fields_keep_only_those_parts(api: TestClient, fields: str, found: Any) -> None:
    answer = api.get("/entities/by-query", params={"filter": "metadata.name=playback", "fields": fields})
    assert answer.json()["items"] == [found]
    assert answer.headers["etag"].startswith('W/"')
    streamed = api.get("/entities", params={"filter": "metadata.name=playback", "fields": fields})
    assert (streamed.json(), "etag" in streamed.headers) == ([found], False)


def test_whole_and_inner_fields_together(api: TestClient) -> None:
    answer = api.get(
        "/entities/by-query?filter=metadata.name=playback&fields=metadata,metadata.name,relations"
    )
    [found] = answer.json()["items"]
    assert found["metadata"]["title"] == "Playback_2"
    assert len(found["relations"]) == 5


def test_by_refs_answers_in_order_with_null_for_what_is_not_there(api: TestClient) -> None:
    refs = ["user:default/zoe", "User:default/zoe", "zoe", "component:default/nope", "user:default/zoe"]
    answer = api.post("/entities/by-refs", json={"entityRefs": refs})
    assert names(answer.json()) == ["zoe", None, None, None, "zoe"]
    assert "etag" not in answer.headers
    narrowed = api.post(
        "/entities/by-refs?filter=kind=user",
        json={
            "entityRefs": [*refs, "group:default/tribe"],
            "query": {"metadata.name": "zoe"},
            "fields": ["kind"],
        },
    )
    assert narrowed.json()["items"] == [{"kind": "User"}, None, None, None, {"kind": "User"}, None]
    assert api.post("/entities/by-refs", json={"entityRefs": []}).json() == {"items": []}


def test_by_refs_takes_thousands(api: TestClient) -> None:
    refs = [f"component:default/{'x' * 60}-{number}" for number in range(5_000)]
    answer = api.post("/entities/by-refs", json={"entityRefs": [*refs, "user:default/zoe"]})
    assert (len(answer.json()["items"]), names(answer.json())[-1]) == (5_001, "zoe")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "request/body must have required property 'entityRefs'"),
        ({"entityRefs": [1]}, "request/body/entityRefs/0 must be string"),
        ({"entityRefs": [], "query": "x"}, "request/body/query must be object"),
        (
            {"entityRefs": [], "query": {"$x": 1}},
            'Malformed request body (did you remember to specify an application/json content type?), Validation error: Invalid at "query.$x"',
        ),
    ],
)
def test_by_refs_refuses_what_is_no_list_of_references(api: TestClient, body: Any, text: str) -> None:
    answer = api.post("/entities/by-refs", json=body)
    assert (answer.status_code, message(answer)) == (400, text)


def test_by_refs_without_a_body_asks_for_one(api: TestClient) -> None:
    answer = api.post("/entities/by-refs")
    assert answer.status_code == 400
    assert message(answer).endswith('Validation error: Required at "entityRefs"')


def test_a_query_is_by_uid_and_two_hundred_at_most_unless_asked_otherwise(
    workspace: Workspace, writable: TestClient
) -> None:
    with workspace.graph.write(local_actor()) as writer:
        for number in range(250):
            writer.put(component(f"c{number:03}"))
    found = writable.get("/entities/by-query").json()
    uids = [item["metadata"]["uid"] for item in found["items"]]
    assert (len(uids), found["totalItems"], uids) == (200, 260, sorted(uids))
    assert list(found["pageInfo"]) == ["nextCursor"]
    everything = writable.get("/entities/by-query?limit=100000").json()
    assert (len(everything["items"]), everything["pageInfo"]) == (260, {})


def test_no_items_may_be_asked_for(api: TestClient) -> None:
    assert api.get("/entities/by-query?limit=0").json() == {"items": [], "totalItems": 10, "pageInfo": {}}
    none = {"items": [], "totalItems": 0, "pageInfo": {}}
    assert api.get("/entities/by-query?limit=0&totalItems=exclude").json() == none


@pytest.mark.parametrize("by", ["get", "post"])
@pytest.mark.parametrize(
    "order", [None, ("metadata.name", "asc"), ("metadata.name", "desc"), ("metadata.tags", "desc")]
)
def test_cursors_walk_to_the_end_and_back(api: TestClient, by: str, order: tuple[str, str] | None) -> None:
    """A cursor of GET works in POST and the reverse."""
    fields = [] if order is None else [{"field": order[0], "order": order[1]}]
    body = {"limit": 3, "orderBy": fields, "query": {"$not": {"kind": "location"}}}
    whole = query(api, **{**body, "limit": 100}).json()
    pages, answer = [], query(api, **body).json()
    while True:
        pages.append(answer["items"])
        following = answer["pageInfo"].get("nextCursor")
        if following is None:
            break
        answer = _ask(api, by, following)
    assert list(chain(*pages)) == whole["items"]
    assert answer["totalItems"] == whole["totalItems"]
    by = "post" if by == "get" else "get"
    for page in pages[-2::-1]:
        answer = _ask(api, by, answer["pageInfo"]["prevCursor"])
        assert answer["items"] == page
        assert "nextCursor" in answer["pageInfo"]
    assert "prevCursor" not in answer["pageInfo"]


def _ask(api: TestClient, by: str, cursor: str) -> Any:
    if by == "post":
        return query(api, cursor=cursor, limit=3).json()
    return api.get("/entities/by-query", params={"cursor": cursor, "limit": 3}).json()


def test_a_cursor_holds_what_the_npm_client_reads_in_it(api: TestClient) -> None:
    plain = api.get("/entities/by-query?limit=1&orderField=metadata.name,desc").json()
    cursor = cursor_in(plain["pageInfo"]["nextCursor"])
    uid = plain["items"][0]["metadata"]["uid"]
    assert "query" not in cursor
    assert cursor["orderFields"] == [{"field": "metadata.name", "order": "desc"}]
    assert (cursor["orderFieldValues"], cursor["firstSortFieldValues"]) == (["zoe", uid], ["zoe", uid])
    assert (cursor["isPrevious"], cursor["totalItems"]) == (False, 10)
    filtered = api.get("/entities/by-query?limit=1&filter=kind=user").json()
    held = cursor_in(filtered["pageInfo"]["nextCursor"])
    assert (held["query"], len(held["orderFieldValues"])) == ({"kind": "user"}, 1)


def test_entities_that_come_and_go_between_pages_disturb_no_others(
    workspace: Workspace, writable: TestClient
) -> None:
    first = writable.get(
        "/entities/by-query?limit=4&orderField=metadata.name,asc&fields=metadata.name"
    ).json()
    with workspace.graph.write(local_actor()) as writer:
        writer.put(component("aaa"))
        writer.put(component("zzz"))
        writer.delete("system:default/music")  # the last that the first page showed
    second = _ask(writable, "get", first["pageInfo"]["nextCursor"])
    assert names(second) == ["playback", "search", "Squad-A"]
    assert second["totalItems"] == 10


def test_a_query_orders_by_values_and_leaves_out_what_lacks_the_field(api: TestClient) -> None:
    units = "filter=kind=component,kind=group"
    found = api.get(f"/entities/by-query?orderField=metadata.title,desc&{units}").json()
    assert (names(found), found["totalItems"]) == (["tribe", "search", "playback"], 3)
    tagged = api.get("/entities/by-query?orderField=metadata.tags").json()
    assert (len(tagged["items"]), tagged["totalItems"]) == (5, 3)  # once for each tag
    ignored = api.get("/entities/by-query?orderField=kind,asc&orderField=nope,asc").json()
    assert ignored["totalItems"] == 10


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"fullTextFilterTerm": "PLAY", "fullTextFilterFields": "metadata.name"}, ["playback"]),
        (
            {"fullTextFilterTerm": " play ", "fullTextFilterFields": "metadata.name,metadata.title"},
            ["playback"],
        ),
        (
            {"fullTextFilterTerm": "a", "fullTextFilterFields": "Metadata.Name", "filter": "kind=user"},
            ["adam"],
        ),
        ({"fullTextFilterTerm": "ebs", "orderField": "metadata.name,asc"}, ["website"]),
        ({"fullTextFilterTerm": "eb", "orderField": "metadata.tags,asc"}, ["playback", "website"]),
        ({"fullTextFilterTerm": "playback"}, []),
        ({"fullTextFilterTerm": "  "}, ALL),
        ({"fullTextFilterTerm": "50% off", "fullTextFilterFields": "metadata.description"}, ["playback"]),
    ],
)
def test_full_text_finds_values_that_hold_it(
    api: TestClient, parameters: dict[str, str], found: list[str]
) -> None:
    answer = api.get("/entities/by-query", params=parameters).json()
    assert sorted(names(answer), key=str.lower) == found
    assert answer["totalItems"] == len(found)


def test_percent_and_underscore_are_wildcards_only_in_strict(clients: Any) -> None:
    path = "/entities/by-query?fullTextFilterTerm=p%25b_ck&fullTextFilterFields=metadata.name"
    assert names(clients(strict=True).get(path).json()) == ["playback"]
    assert names(clients().get(path).json()) == []
    literal = "/entities/by-query?fullTextFilterTerm=k_2&fullTextFilterFields=metadata.title"
    assert names(clients().get(literal).json()) == ["playback"]


def test_full_text_in_a_body(api: TestClient) -> None:
    found = query(api, fullTextFilter={"term": "z", "fields": ["metadata.name"]}).json()
    assert names(found) == ["zoe"]
    assert names(query(api, fullTextFilter={"term": "z", "fields": []}).json()) == []
    assert len(query(api, fullTextFilter={}).json()["items"]) == 10


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"limit": -1}, "request/body/limit must be >= 0"),
        ({"offset": -1}, "request/body/offset must be >= 0"),
        ({"limit": "x"}, "request/body/limit must be number"),
        ({"orderBy": [{"field": "x"}]}, "request/body/orderBy/0 must have required property 'order'"),
        (
            {"orderBy": [{"field": "x", "order": "up"}]},
            "request/body/orderBy/0/order must be equal to one of the allowed values: asc, desc",
        ),
        ({"fullTextFilter": {"term": 3}}, "request/body/fullTextFilter/term must be string"),
        ({"fields": "x"}, "request/body/fields must be array"),
        ({"query": []}, "request/body/query must be object"),
        ({"cursor": ""}, "Cursor cannot be empty"),
        ({"cursor": 3}, "request/body/cursor must be string"),
        ({"query": {"$foo": 1}}, 'Invalid query: Validation error: Invalid at "$foo"'),
    ],
)
def test_a_query_that_is_wrong_is_refused(api: TestClient, body: Any, text: str) -> None:
    answer = query(api, **body)
    assert (answer.status_code, message(answer)) == (400, text)


@pytest.mark.parametrize(
    "cursor",
    [
        "zzz",
        "e30=",
        base64.b64encode(b'{"orderFields":[],"orderFieldValues":["a","b"],"isPrevious":false}').decode(),
        base64.b64encode(
            b'{"orderFields":[{"field":"a","order":"up"}],"orderFieldValues":["a","b"],"isPrevious":false}'
        ).decode(),
        base64.b64encode(b'{"orderFields":3}').decode(),
        base64.b64encode(b"[" * 100_000).decode(),
    ],
)
def test_a_cursor_that_is_none_is_refused(api: TestClient, cursor: str) -> None:
    answer = query(api, cursor=cursor)
    assert answer.status_code == 400
    assert message(answer).startswith("Malformed cursor: ")


def test_a_cursor_of_the_older_form_is_understood(api: TestClient) -> None:
    older = {
        "orderFields": [],
        "orderFieldValues": ["0"],
        "isPrevious": False,
        "filter": {
            "allOf": [
                {"key": "kind", "values": ["user"]},
                {"not": {"key": "metadata.name", "values": ["zoe"]}},
            ]
        },
    }
    cursor = base64.b64encode(json.dumps(older).encode()).decode()
    assert names(query(api, cursor=cursor).json()) == ["adam"]


def test_facets_count_values_as_they_are_written(api: TestClient) -> None:
    answer = api.get("/entity-facets?facet=Spec.Type&facet=metadata.tags&facet=nope&filter=kind=component")
    assert answer.json() == {
        "facets": {
            "Spec.Type": [
                {"value": "Service", "count": 1},
                {"value": "service", "count": 1},
                {"value": "website", "count": 1},
            ],
            "metadata.tags": [{"value": "java", "count": 1}, {"value": "web", "count": 2}],
            "nope": [],
        }
    }
    owned = api.get("/entity-facets?facet=relations.ownedBy").json()["facets"]["relations.ownedBy"]
    assert owned[0] == {"value": "group:default/squad-a", "count": 2}
    by_post = api.post("/entity-facets", json={"facets": ["", "kind"], "query": {"kind": "user"}})
    assert by_post.json() == {"facets": {"kind": [{"value": "User", "count": 2}]}}


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("GET", "/entity-facets", None, "request/query must have required property 'facet'"),
        ("GET", "/entity-facets?facet=", None, "Empty value found for query parameter 'facet'"),
        ("POST", "/entity-facets", {}, "request/body must have required property 'facets'"),
        ("POST", "/entity-facets", {"facets": []}, "Missing or empty facets parameter"),
        (
            "POST",
            "/entity-facets",
            {"facets": ["x"], "query": {"$x": 1}},
            'Invalid query: Validation error: Invalid at "$x"',
        ),
        (
            "POST",
            "/entity-facets",
            {"facets": [f"f{n}" for n in range(501)]},
            "The request has 501 facets; 500 are the most.",
        ),
    ],
)
def test_facets_that_are_asked_for_wrongly_are_refused(
    api: TestClient, method: str, path: str, body: Any, text: str
) -> None:
    answer = api.request(method, path, json=body)
    assert (answer.status_code, message(answer)) == (400, text)


def test_ancestry_leads_to_the_location_that_was_named(api: TestClient) -> None:
    found = api.get("/entities/by-name/component/default/playback/ancestry").json()
    assert found["rootEntityRef"] == "component:default/playback"
    [own, root] = found["items"]
    assert own["entity"]["metadata"]["name"] == "playback"
    assert own["parentEntityRefs"][0].startswith("location:default/generated-")
    assert (root["entity"]["kind"], root["parentEntityRefs"]) == ("Location", [])


def test_a_write_is_in_the_next_answer(workspace: Workspace, writable: TestClient) -> None:
    assert writable.get("/entities/by-name/component/default/new").status_code == 404
    with Workspace.open(workspace.path) as other, other.graph.write(local_actor()) as writer:
        writer.put(component("new"))
    assert writable.get("/entities/by-name/component/default/new").status_code == 200
    assert writable.get("/entities/by-query?filter=metadata.name=new").json()["totalItems"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {"fields": [f"f{number}" for number in range(100_000)]},
        {"fields": ["a." * 50_000]},
        {"query": {"$any": [{"kind": str(number)} for number in range(100_000)]}},
        {"query": {"kind": {"$in": ["x"] * 100_000}}},
        {"fullTextFilter": {"term": "x", "fields": [f"f{number}" for number in range(100_000)]}},
        {"cursor": base64.b64encode(b"x" * 1_000_000).decode()},
    ],
)
def test_hostile_sizes_are_refused_at_once(api: TestClient, body: Any) -> None:
    started = time.process_time()
    answer = query(api, **body)
    assert answer.status_code == 400
    assert len(answer.content) < 2_000
    assert time.process_time() - started < 5


def test_a_predicate_that_nests_without_end_is_refused(api: TestClient) -> None:
    for deep in (1_000, 100_000):
        content = b'{"query":' + b'{"$not":' * deep + b'{"kind":"x"}' + b"}" * (deep + 1)
        answer = api.post("/entities/by-query", content=content, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["error"]["name"]) == (400, "InputError")
