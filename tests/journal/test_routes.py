"""CloudEvents over HTTP, and the page of events."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.errors import OverloadedError, WorkspaceError
from counterpoint.journal import Journal
from counterpoint.journal.sought import Named
from counterpoint.server.app import create_app

from .conftest import event, exposure

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
LINES = "application/x-ndjson"


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    """A client of a server without sign-in that has the journal's doors only."""
    monkeypatch.setattr("counterpoint.server.mounting.ROOMS", ("journal",))
    app = create_app(workspace, auth=False)
    with TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False) as made:
        yield made


def send(client: TestClient[Any], content_type: str, body: Any) -> Any:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return client.post("/api/events", content=content, headers={"content-type": content_type})


def lines(*documents: Any) -> bytes:
    return b"\n".join(msgspec.json.encode(document) for document in documents)


@pytest.mark.parametrize(
    ("content_type", "body", "accepted"),
    [
        (SINGLE, event(1), 1),
        (f"{SINGLE}; charset=utf-8", event(1), 1),
        (BATCH, [event(1), event(2)], 2),
        (BATCH, [], 0),
        (LINES, lines(event(1), event(2)) + b"\n\n", 2),
        (LINES, lines(*(event(number, data={"pad": "x" * 1000}) for number in range(60))), 60),
    ],
)
def test_each_content_type_is_taken(
    client: TestClient[Any], workspace: Workspace, content_type: str, body: Any, accepted: int
) -> None:
    answer = send(client, content_type, body)
    assert (answer.status_code, answer.json()) == (
        200,
        {"accepted": accepted, "duplicates": 0, "rejected": []},
    )
    assert len(workspace.journal.recent(limit=100)) == accepted


def test_repeats_are_counted(client: TestClient[Any]) -> None:
    send(client, SINGLE, event(1))
    assert send(client, BATCH, [event(1), event(2)]).json() == {
        "accepted": 1,
        "duplicates": 1,
        "rejected": [],
    }


def test_the_good_part_of_a_batch_is_kept(client: TestClient[Any], workspace: Workspace) -> None:
    answer = send(client, BATCH, [event(1), event(2, id=...), 5, event(3)])
    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    assert [(each["index"], each["reason"].split(";")[0]) for each in answer.json()["rejected"]] == [
        (1, "id is missing"),
        (2, "an event must be a JSON object, not a number"),
    ]
    assert len(workspace.journal.recent()) == 2


def test_the_good_lines_are_kept(client: TestClient[Any]) -> None:
    answer = send(
        client, LINES, lines(event(1)) + b"\n\n{oops\n" + lines(event(2, type=...), event(3)) + b"\n\xff"
    )
    assert answer.json()["accepted"] == 2
    assert [
        (each["index"], each["reason"].partition(":")[0].split(";")[0]) for each in answer.json()["rejected"]
    ] == [
        (1, "line 3 is not valid JSON"),
        (2, "type is missing"),
        (4, "line 6 is not valid JSON"),
    ]


@pytest.mark.parametrize(
    ("content_type", "body", "pointer", "words"),
    [
        (SINGLE, event(1, id=...), "/0", "id is missing"),
        (BATCH, [event(1, id=...), 5], "/1", "an event must be a JSON object"),
        (LINES, b"{oops\n{also", "/1", "line 2 is not valid JSON"),
    ],
)
def test_when_nothing_is_taken_the_answer_is_a_problem(
    client: TestClient[Any], content_type: str, body: Any, pointer: str, words: str
) -> None:
    answer = send(client, content_type, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert (problem["accepted"], problem["duplicates"]) == (0, 0)
    found = next(each for each in problem["errors"] if each["pointer"] == pointer)
    assert words in found["message"]
    assert len(problem["rejected"]) == len(problem["errors"])


@pytest.mark.parametrize(
    ("content_type", "body", "words", "line"),
    [
        (SINGLE, b"", "The body is empty", None),
        (SINGLE, b'{\n"id": }', "not valid JSON", 2),
        (SINGLE, b"[]", "send an array as application/cloudevents-batch", None),
        (BATCH, b"{}", "send one event as application/cloudevents", None),
        (BATCH, b"[" * 100_000, "not valid JSON", None),
        (BATCH, b'[{"id": "\xff"}]', "not valid JSON", None),
        (LINES, b" \n ", "The body is empty", None),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    client: TestClient[Any], content_type: str, body: bytes, words: str, line: int | None
) -> None:
    answer = send(client, content_type, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert words in answer.json()["detail"]
    if line is not None:
        assert answer.json()["errors"][0]["line"] == line


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/xml", ""])
def test_other_content_types_are_refused(client: TestClient[Any], content_type: str) -> None:
    answer = send(client, content_type, event(1))
    assert answer.status_code in (415, 403)  # a form's type without a token is a forgery first
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_refused_content_type_names_those_that_are_taken(client: TestClient[Any]) -> None:
    answer = send(client, "application/json", event(1))
    assert answer.status_code == 415
    assert LINES in answer.json()["detail"]
    assert SINGLE in answer.headers["accept-post"]


def test_more_than_the_queue_holds_is_told_to_wait(
    client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OverloadedError("200,000 events are waiting for the disk.", retry_after=2)

    monkeypatch.setattr(Journal, "submit", refuse)
    answer = send(client, SINGLE, event(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


def test_a_body_that_is_too_large_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.server.mounting.ROOMS", ("journal",))
    server = msgspec.structs.replace(workspace.settings.server, max_body_mb=1)
    workspace.settings = msgspec.structs.replace(workspace.settings, server=server)
    with TestClient(create_app(workspace, auth=False), base_url="http://counterpoint.localhost") as client:
        answer = send(client, LINES, b" " * (1024 * 1024) + msgspec.json.encode(event(1)))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert workspace.journal.recent() == []


def test_a_disk_that_refuses_is_told(client: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise WorkspaceError("The journal cannot be used: database or disk is full.")

    monkeypatch.setattr(Journal, "submit", refuse)
    assert send(client, SINGLE, event(1)).status_code == 503


def test_events_come_out_as_cloudevents_page_by_page(client: TestClient[Any]) -> None:
    send(client, BATCH, [event(number, ext="x") for number in range(5)])
    first = client.get("/api/v1/events?limit=3").json()
    second = client.get("/api/v1/events", params={"limit": 3, "cursor": first["nextCursor"]}).json()
    found = first["items"] + second["items"]
    assert [each["id"] for each in found] == ["e4", "e3", "e2", "e1", "e0"]
    assert second["nextCursor"] is None
    assert found[0].pop("recordedtime")
    assert found[0] == event(4, ext="x")


def test_events_are_filtered(client: TestClient[Any]) -> None:
    send(client, BATCH, [event(1), exposure(1), exposure(2)])
    assert [
        each["id"] for each in client.get("/api/v1/events?flag=checkout&subject=user-2").json()["items"]
    ] == ["x2"]
    assert [each["id"] for each in client.get("/api/v1/events?type=order.placed").json()["items"]] == ["e1"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "cursor=nonsense"])
def test_a_wrong_query_is_a_problem(client: TestClient[Any], query: str) -> None:
    answer = client.get(f"/api/v1/events?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_the_page_of_an_empty_journal_says_what_would_fill_it(client: TestClient[Any]) -> None:
    answer = client.get("/events", headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert "No events yet" in answer.text
    assert "counterpoint import events test.csv --mapping mapping.yaml" in answer.text


def test_the_page_shows_events_and_filters_them(client: TestClient[Any]) -> None:
    send(client, BATCH, [event(1, subject="<b>"), exposure(2), event(3, type="odd & type")])
    page = client.get("/events", headers={"accept": "text/html"}).text
    assert re.search(r'href="/flags/default/checkout">checkout</a> on', page)
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("</b>", "")
    assert "odd &amp; type" in page
    found = client.get("/events?" + urlencode({"flag": "checkout"}), headers={"accept": "text/html"}).text
    assert "user-2" in found
    assert "&lt;b&gt;" not in found
    none = client.get("/events?subject=nobody", headers={"accept": "text/html"}).text
    assert "No event matches" in none


def test_the_page_leads_to_earlier_events_with_the_same_filter(client: TestClient[Any]) -> None:
    send(client, BATCH, [event(number, type="a b") for number in range(60)])
    page = client.get("/events?type=a+b", headers={"accept": "text/html"}).text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    earlier = client.get(following.group(1).replace("&amp;", "&"), headers={"accept": "text/html"}).text
    assert "10 events on this page" in earlier
    assert 'rel="next"' not in earlier


def test_the_page_tells_a_broken_cursor(client: TestClient[Any]) -> None:
    send(client, SINGLE, event(1))
    answer = client.get("/events?cursor=nonsense", headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert "is no cursor" in answer.text


def test_the_openapi_document_describes_the_intake(client: TestClient[Any]) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert set(paths["/api/events"]["post"]["requestBody"]["content"]) == {SINGLE, BATCH, LINES}
    assert "get" in paths["/api/v1/events"]


def test_the_api_and_the_page_keep_the_exposures_of_one_set(client: TestClient[Any]) -> None:
    def of(name: str | None) -> dict[str, Any]:
        data = {"feature_flag.key": "checkout", "feature_flag.result.variant": "on"}
        return {**data, **({"feature_flag.set.id": name} if name else {})}

    sent = [{**exposure(1), "data": of(None)}, {**exposure(2), "data": of("shop")}, event(3)]
    send(client, BATCH, sent)
    for name, ids, subject in (("default", ["x1"], "user-1"), ("shop", ["x2"], "user-2"), ("no", [], "-")):
        answer = client.get("/api/v1/events", params={"set": name, "flag": "checkout"}).json()
        assert [each["id"] for each in answer["items"]] == ids
        page = client.get("/events", params={"set": name}, headers={"accept": "text/html"}).text
        assert [each for each in ("user-1", "user-2", "user-3") if each in page] == [subject] * len(ids)


def test_erasures_are_listed_without_saying_of_whom(client: TestClient[Any], workspace: Workspace) -> None:
    send(client, BATCH, [event(1), event(2, subject="user-1"), event(3)])
    workspace.journal.forget([Named("user-1")], actor="user:default/bo")
    answer = client.get("/api/v1/events/erasures")
    assert "user-1" not in answer.text
    [receipt] = answer.json()["items"]
    assert (receipt["actor"], receipt["people"], receipt["types"]) == (
        "user:default/bo",
        1,
        {"order.placed": 2},
    )
    assert receipt["finished"] is not None
    assert [each["subject"] for each in client.get("/api/v1/events").json()["items"]] == ["user-3"]
