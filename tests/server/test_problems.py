"""Errors have one shape over HTTP, whichever door they come through."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from litestar.exceptions import HTTPException, NotAuthorizedException, ServiceUnavailableException
from litestar.testing import TestClient

from counterpoint import Workspace, errors
from counterpoint.errors import Problem
from counterpoint.server.app import create_app
from counterpoint.server.problems import describe

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InputError("no"), 400),
        (errors.UnauthenticatedError("no"), 401),
        (errors.NotAllowedError("no"), 403),
        (errors.NotFoundError("no"), 404),
        (errors.ConflictError("no"), 409),
        (errors.PreconditionError("no"), 412),
        (errors.TooLargeError("no"), 413),
        (errors.OverloadedError("no", retry_after=7), 429),
        (errors.WorkspaceError("no"), 503),
        (msgspec.ValidationError("Expected `int`, got `str` - at `$.spec.items[0].size`"), 400),
        (msgspec.DecodeError("truncated"), 400),
        (NotAuthorizedException("no"), 401),
        (ServiceUnavailableException("no"), 503),
        (HTTPException("secret", status_code=500), 500),
        (ZeroDivisionError("secret"), 500),
    ],
)
def test_each_error_has_its_status(error: Exception, status: int) -> None:
    failure = describe(error)
    assert failure.status == status
    assert failure.title
    assert failure.type.startswith("urn:counterpoint:problem:")
    assert "secret" not in failure.detail


def test_a_validation_error_points_into_the_document() -> None:
    failure = describe(msgspec.ValidationError("Expected `int`, got `str` - at `$.spec.items[0].size`"))
    assert failure.problems == (Problem("Expected `int`, got `str`", "/spec/items/0/size"),)


def test_who_must_wait_is_told_how_long_and_who_must_sign_in_is_told_how() -> None:
    assert describe(errors.OverloadedError("no", retry_after=7)).headers == {"retry-after": "7"}
    assert "Bearer" in describe(errors.UnauthenticatedError("no")).headers["www-authenticate"]


def check_problem(response: Any, status: int, path: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert body["instance"] == path
    assert body["requestId"] == response.headers["x-request-id"]
    for item in body.get("errors", []):
        assert {"pointer", "message"} <= item.keys()
    return body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/bets/default/nothing", 404),
        ("GET", "/api/v1/activity?limit=many", 400),
        ("GET", "/api/v1/activity?limit=0", 400),
        ("GET", "/api/v1/activity?cursor=back", 400),
        ("GET", "/api/v1/activity/stream", 400),
        ("DELETE", "/api/v1/activity", 405),
        ("POST", "/api/v1/bets", 400),
        ("GET", "/static/nothing.css", 404),
        ("POST", "/static/base.css", 404),
        ("GET", "/static/%2e%2e/app.py", 404),
    ],
)
def test_every_route_family_answers_errors_as_problem_details(
    client: TestClient, method: str, path: str, status: int
) -> None:
    headers = {"Last-Event-ID": "x", "Content-Type": "application/json"}
    response = client.request(method, path, headers=headers, content=b"{" if method == "POST" else None)
    check_problem(response, status, unquote(path.partition("?")[0]))


@pytest.mark.parametrize(
    ("path", "pointer", "says"),
    [
        ("/api/v1/search", "/q", "the query parameter 'q' is missing; give it"),
        ("/api/v1/activity?limit=many", "/limit", "'limit' is 'many'; write a whole number"),
        (
            "/api/v1/problems?level=eror",
            "/level",
            "'eror'; did you mean error?; write one of 'error', 'warning'",
        ),
        ("/api/v1/problems?level=x", "/level", "is 'x'; write one of 'error', 'warning', 'note'"),
        ("/api/v1/ownership?nested=perhaps", "/nested", "'nested' is 'perhaps'; write true or false"),
        ("/api/v1/memberships?all=perhaps", "/all", "'all' is 'perhaps'; write true or false"),
    ],
)
def test_a_parameter_that_is_wrong_is_named_with_what_may_be_written(
    client: TestClient, path: str, pointer: str, says: str
) -> None:
    body = check_problem(client.get(path), 400, path.partition("?")[0])
    (error,) = body["errors"]
    assert error["pointer"] == pointer
    assert says in error["message"]
    assert says in body["detail"]
    assert "Validation failed" not in json.dumps(body)


def test_without_sign_in_every_route_family_answers_401_as_problem_details(guarded: TestClient) -> None:
    for path in ("/api/v1/activity", "/api/nothing"):
        response = guarded.get(path)
        if response.status_code == 404:  # an unknown address needs nobody
            continue
        check_problem(response, 401, path)
        assert "Bearer" in response.headers["www-authenticate"]


def test_a_page_answers_errors_as_a_page(client: TestClient) -> None:
    response = client.get("/nothing", headers=HTML)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "<h1>" in response.text
    assert response.headers["x-request-id"] in response.text


def test_a_page_that_needs_somebody_leads_to_the_sign_in_and_back(guarded: TestClient) -> None:
    response = guarded.get("/activity?by=user:default/ana", headers=HTML, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == "/login?next=/activity%3Fby%3Duser%3Adefault/ana"


def test_the_way_back_keeps_what_was_encoded_in_the_path(guarded: TestClient) -> None:
    response = guarded.get("/flags/default/a%3Fb", headers=HTML, follow_redirects=False)
    assert response.headers["location"] == "/login?next=/flags/default/a%253Fb"


def test_an_unexpected_error_says_nothing_of_our_insides_and_is_logged_with_its_id(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr("counterpoint.graph.reader.Reader.activity", fail)
    response = client.get("/api/v1/activity", headers={"X-Request-ID": "request-0001"})
    body = check_problem(response, 500, "/api/v1/activity")
    assert "secret" not in json.dumps(body)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    failed = next(line for line in lines if line["event"] == "request_failed")
    assert failed["request_id"] == "request-0001"
    assert "ZeroDivisionError: a secret of ours" in failed["exception"]


def test_the_error_page_that_fails_itself_still_says_what_happened(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("counterpoint.web.render", fail)
    response = client.get("/<nothing>", headers=HTML)
    assert response.status_code == 404
    assert "Not found" in response.text


def test_a_body_over_the_limit_is_refused(workspace: Workspace, client: TestClient) -> None:
    big = b" " * (workspace.settings.server.max_body_mb * 1024 * 1024 + 1)
    response = client.post("/api/v1/bets", content=big, headers={"Content-Type": "application/json"})
    check_problem(response, 413, "/api/v1/bets")


@pytest.mark.parametrize(
    ("content", "headers", "status", "words"),
    [
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}, 400, "nests too deeply"),
        (b'{"a":"\xff"}', {}, 400, "not UTF-8"),
        (b"\x1f\x8b", {"Content-Encoding": "gzip"}, 415, "without Content-Encoding"),
    ],
    ids=["too deep", "not UTF-8", "compressed"],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_reason(
    client: TestClient, content: bytes, headers: dict[str, str], status: int, words: str
) -> None:
    given = {"Content-Type": "application/json"} | headers
    response = client.post("/api/v1/bets", content=content, headers=given)
    assert words in check_problem(response, status, "/api/v1/bets")["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/entities?text=" + "+".join(f"word{number}" for number in range(2000)),
        "/activity?before=99999999999999999999999",
        "/activity?before=-99999999999999999999999",
    ],
    ids=["words", "high", "low"],
)
def test_a_query_beyond_what_the_database_takes_finds_what_there_is(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_a_filter_has_so_many_values_and_no_more(client: TestClient) -> None:
    many = "&".join(["kind=API"] * 1000)
    check_problem(client.get(f"/api/v1/entities?{many}"), 400, "/api/v1/entities")


def test_a_cursor_that_was_made_up_is_refused(client: TestClient) -> None:
    forged = base64.urlsafe_b64encode(json.dumps(["updated", 2**63, "a"]).encode()).decode()
    response = client.get("/api/v1/entities", params={"order": "updated", "cursor": forged})
    check_problem(response, 400, "/api/v1/entities")


def test_a_client_that_goes_away_before_the_end_of_its_body_is_no_failure_of_ours(
    workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    app = create_app(workspace, auth=False)
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/events",
        "raw_path": b"/api/events",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/x-ndjson")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 7700),
        "extensions": {},
        "app": app,
    }
    sent: list[dict[str, Any]] = []
    parts = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(parts)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 400
    assert "request_failed" not in capfd.readouterr().err


def test_foreseen_errors_keep_their_words(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise errors.WorkspaceError("The disk is full.", [Problem("free some space", file="journal")])

    monkeypatch.setattr("counterpoint.graph.reader.Reader.activity", fail)
    body = check_problem(client.get("/api/v1/activity"), 503, "/api/v1/activity")
    assert body["detail"] == "The disk is full."
    assert body["errors"] == [{"pointer": "", "message": "free some space", "file": "journal"}]


@pytest.mark.parametrize("content", [b'{"title": "a",\n  "owner"', b'{"title": "a",\n  owner: 1}'])
def test_broken_json_is_told_with_line_and_column(client: TestClient[Any], content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/v1/bets", content=content, headers=headers)
    problem = check_problem(answer, 400, "/api/v1/bets")
    assert problem["errors"][0]["line"] == 2
    assert problem["errors"][0]["column"] > 1
