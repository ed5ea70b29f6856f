"""The router of the catalog API: paths, checks, errors, answers; with operations of the tests' own."""

from collections.abc import Callable, Iterator

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog import routes
from counterpoint.catalog.api.call import Answer, Call, empty, json_answer, raw_answer
from counterpoint.catalog.api.checks import Parameter
from counterpoint.catalog.api.router import CatalogApi, Operation
from counterpoint.errors import ConflictError, InputError, NotFoundError, Problem
from counterpoint.server.app import create_app

BODY = {
    "type": "object",
    "required": ["a"],
    "properties": {
        "a": {"type": "array", "items": {"type": "string"}},
        "n": {"type": "number"},
        "way": {"type": "string", "enum": ["asc", "desc"]},
        "inner": {
            "type": "object",
            "required": ["x"],
            "additionalProperties": False,
            "properties": {"x": {}},
        },
    },
}


def _echo(call: Call) -> Answer:
    return json_answer(
        {"path": dict(call.path), "query": dict(call.query), "body": call.body, "url": call.url}
    )


def _raise(error: Exception) -> Callable[[Call], Answer]:
    def run(_: Call) -> Answer:
        raise error

    return run


PARAMETERS = (
    Parameter("filter", "texts"),
    Parameter("fields", "list"),
    Parameter("limit", "count"),
    Parameter("way", choices=("up", "down")),
    Parameter("f", "texts"),
)
OPERATIONS = (
    Operation("GET", "/things", _echo, "Things", PARAMETERS, quick=lambda _: True),
    Operation("GET", "/things/{id}", _echo, "A thing"),
    Operation("GET", "/things/special", lambda _: raw_answer(b"[]"), "The special one"),
    Operation("DELETE", "/things/{id}", lambda _: empty(204), "Delete"),
    Operation("POST", "/things", _echo, "New", body=BODY),
    Operation("POST", "/optional", _echo, "Perhaps", body=BODY, body_required=False),
    Operation("GET", "/required", _echo, "Needs", (Parameter("facet", "texts", required=True),)),
    Operation("GET", "/parts", lambda _: raw_answer(iter([b"[", b"1", b"]"])), "Streamed"),
    Operation("GET", "/bad", _raise(InputError("no", [Problem("wrong", "/a")])), "Bad"),
    Operation("GET", "/gone", _raise(NotFoundError("none")), "Gone"),
    Operation("GET", "/taken", _raise(ConflictError("taken")), "Taken"),
    Operation("GET", "/broken", _raise(ZeroDivisionError("secret")), "Broken"),
)


@pytest.fixture
def api(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client below `/api/catalog` of an application with the operations above."""
    monkeypatch.setattr(routes, "asgi_apps", lambda ws: {"/api/catalog": CatalogApi(ws, OPERATIONS)})
    app = create_app(workspace, auth=False)
    base = "http://counterpoint.localhost/api/catalog"
    with TestClient(app, base_url=base, raise_server_exceptions=False) as client:
        yield client


def _message(answer: object) -> str:
    return answer.json()["error"]["message"]  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("", {}),
        ("filter=a&filter=b,c", {"filter": ["a", "b,c"]}),
        ("filter[]=a", {"filter": ["a"]}),
        ("filter=&filter=b", {"filter": ["", "b"]}),
        ("filter=kind%3Duser", {"filter": ["kind=user"]}),
        ("fields=a,b", {"fields": ["a", "b"]}),
        ("fields=a&fields=b", {"fields": ["a", "b"]}),
        ("limit=1e3", {"limit": 1000}),
        ("limit=%201", {"limit": 1}),
        ("limit=99999999999999999999", {"limit": 2**53 - 1}),
        ("way=up", {"way": "up"}),
    ],
)
def test_parameters_come_in_their_shapes(api: TestClient, query: str, given: dict[str, object]) -> None:
    assert api.get(f"/things?{query}").json()["query"] == given


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("foo=1", "Unknown query parameter 'foo'"),
        ("foo=1&limit=x", "Unknown query parameter 'foo'"),
        ("limit=", "Empty value found for query parameter 'limit'"),
        ("filter", "Empty value found for query parameter 'filter'"),
        ("limit=-1", "request/query/limit must be >= 0"),
        ("limit=1.5", "request/query/limit must be integer"),
        ("limit=abc", "request/query/limit must be integer"),
        ("limit=inf", "request/query/limit must be integer"),
        ("limit=1&limit=2", "request/query/limit must be integer"),
        ("way=x", "request/query/way must be equal to one of the allowed values: up, down"),
    ],
)
def test_a_parameter_that_is_wrong_is_refused_in_backstages_words(
    api: TestClient, query: str, message: str
) -> None:
    answer = api.get(f"/things?{query}")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": {"name": "InputError", "message": message},
        "request": {"method": "GET", "url": f"/things?{query}"},
        "response": {"statusCode": 400},
    }


def test_a_required_parameter_is_asked_for(api: TestClient) -> None:
    assert _message(api.get("/required")) == "request/query must have required property 'facet'"


def test_more_parameters_than_anybody_sends_are_refused(api: TestClient) -> None:
    answer = api.get("/things?" + "&".join(["f=a"] * 12_001))
    assert answer.status_code == 400
    assert "more than 12000 parameters" in _message(answer)


@pytest.mark.parametrize(
    ("content", "content_type", "message"),
    [
        (b"{}", "application/json", "request/body must have required property 'a'"),
        (b"[]", "application/json", "request/body must be object"),
        (b'{"a": "x"}', "application/json", "request/body/a must be array"),
        (b'{"a": [1]}', "application/json", "request/body/a/0 must be string"),
        (b'{"a": [], "n": "x"}', "application/json", "request/body/n must be number"),
        (b'{"a": [], "n": true}', "application/json", "request/body/n must be number"),
        (b'{"a": [], "n": null}', "application/json", "request/body/n must be number"),
        (
            b'{"a": [], "way": "up"}',
            "application/json",
            "request/body/way must be equal to one of the allowed values: asc, desc",
        ),
        (b'{"a": [], "inner": {}}', "application/json", "request/body/inner must have required property 'x'"),
        (
            b'{"a": [], "inner": {"x": 1, "y": 2}}',
            "application/json",
            "request/body/inner must NOT have additional properties",
        ),
        (b"{}", "application/yaml", "unsupported media type application/yaml"),
        (b"{}", "application/vnd.x+json", "unsupported media type application/vnd.x+json"),
        (b"{}", "application/json; charset=latin1", 'unsupported charset "LATIN1"'),
    ],
)
def test_a_body_that_is_wrong_is_refused_in_backstages_words(
    api: TestClient, content: bytes, content_type: str, message: str
) -> None:
    answer = api.post("/things", content=content, headers={"content-type": content_type})
    assert (answer.status_code, _message(answer)) == (400, message)


@pytest.mark.parametrize(
    "content", [b"{", b"null", b"3", b'"x"', b'{"a": "\xff"}', b'{"a":' + b"[" * 100_000, b""]
)
def test_what_is_no_json_object_is_a_400(api: TestClient, content: bytes) -> None:
    answer = api.post("/things", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["name"]) == (400, "InputError")


def test_a_body_that_may_be_left_out_may_be_empty(api: TestClient) -> None:
    assert api.post("/optional").json()["body"] is None
    empty = api.post("/optional", content=b"", headers={"content-type": "application/json"})
    assert _message(empty).startswith("request/body must have required property"), "express reads {} there"
    assert (
        api.post("/optional", content=b"{}", headers={"content-type": "application/yaml"}).status_code == 400
    )
    assert _message(api.post("/things")) == "unsupported media type undefined"


def test_a_charset_of_utf_8_is_taken(api: TestClient) -> None:
    headers = {"content-type": "application/json; charset=UTF-8"}
    assert api.post("/things", content=b'{"a": []}', headers=headers).json()["body"] == {"a": []}


@pytest.mark.parametrize("path", ["/", "", "/nope", "/things/a/b", "/things//", "/thingss"])
def test_an_unknown_path_is_an_empty_404(api: TestClient, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_wrong_method_is_an_empty_404(api: TestClient) -> None:
    answer = api.put("/things")
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_written_segment_wins_over_a_name_and_a_slash_may_end_the_path(api: TestClient) -> None:
    assert api.get("/things/special").json() == []
    assert api.get("/things/other/").json()["path"] == {"id": "other"}
    assert api.get("/things/?limit=1").json()["query"] == {"limit": 1}
    assert api.get("/Things/Other").json()["path"] == {"id": "Other"}


def test_a_segment_is_decoded_once_and_may_hold_a_slash(api: TestClient) -> None:
    assert api.get("/things/a%2Fb%25").json()["path"] == {"id": "a/b%"}
    assert api.get("/things/%E0%A4%A").status_code == 400
    assert api.get("/things/%FF").status_code == 400


def test_objects_have_a_weak_etag_and_are_not_sent_twice(api: TestClient) -> None:
    first = api.get("/things")
    assert first.headers["etag"].startswith(f'W/"{len(first.content):x}-')
    assert first.headers["content-type"] == "application/json; charset=utf-8"
    assert first.headers["vary"] == "Accept-Encoding"
    again = api.get("/things", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = api.get("/things", headers={"if-none-match": 'W/"1-x"'})
    assert other.status_code == 200
    forced = {"if-none-match": first.headers["etag"], "cache-control": "no-cache"}
    assert api.get("/things", headers=forced).status_code == 200


def test_serialised_answers_have_no_etag(api: TestClient) -> None:
    assert "etag" not in api.get("/things/special").headers
    assert api.get("/parts").json() == [1]


def test_head_and_options_answer_as_express_does(api: TestClient) -> None:
    head = api.head("/things")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == api.get("/things").headers["etag"]
    options = api.options("/things")
    assert (options.status_code, options.text, options.headers["allow"]) == (
        200,
        "GET,HEAD,POST",
        "GET,HEAD,POST",
    )
    assert api.options("/nope").status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "name", "message"),
    [
        ("/bad", 400, "InputError", "no /a: wrong"),
        ("/gone", 404, "NotFoundError", "none"),
        ("/taken", 409, "ConflictError", "taken"),
    ],
)
def test_errors_have_backstages_names(
    api: TestClient, path: str, status: int, name: str, message: str
) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["error"]) == (status, {"name": name, "message": message})
    assert answer.headers["etag"].startswith('W/"')


def test_a_failure_says_nothing_about_our_insides(api: TestClient) -> None:
    answer = api.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_a_body_over_the_limit_is_refused_while_it_is_read(workspace: Workspace, api: TestClient) -> None:
    most = workspace.settings.server.max_body_mb
    headers = {"content-type": "application/json"}
    answer = api.post("/things", content=b" " * (most * 2**20 + 1), headers=headers)
    assert (answer.status_code, answer.json()["error"]["name"]) == (413, "PayloadTooLargeError")


def test_who_is_not_signed_in_is_refused_in_backstages_shape(workspace: Workspace) -> None:
    with TestClient(create_app(workspace), base_url="http://counterpoint.localhost") as client:
        answer = client.get("/api/catalog/entities?limit=1")
        wrong = client.get("/api/catalog/entities", headers={"authorization": "Bearer cpt_nope"})
        page = client.get("/api/v1/entities")
    assert (answer.status_code, answer.json()["error"]["name"]) == (401, "AuthenticationError")
    assert answer.json()["request"] == {"method": "GET", "url": "/entities?limit=1"}
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (wrong.status_code, wrong.json()["error"]["name"]) == (401, "AuthenticationError")
    assert page.json()["title"] == "Sign in first"
