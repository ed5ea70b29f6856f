"""OpenTelemetry's logs over HTTP: flag evaluations become events, once each."""

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.errors import CounterpointError, InputError, OverloadedError, TooLargeError
from counterpoint.flags.exposure_event import Exposure, event_of
from counterpoint.graph.actor import local_actor
from counterpoint.journal import Journal, logs, otlp
from counterpoint.journal.bodies import unpacked
from counterpoint.journal.logs import MAX_BODY, MAX_UNPACKED
from counterpoint.server.app import create_app
from counterpoint.server.identity import tokens

AT = 1_700_000_000_250_000_000
BASE = "http://counterpoint.localhost"


def pairs(**attributes: Any) -> list[dict[str, Any]]:
    return [
        {"key": key.replace("__", "."), "value": value if isinstance(value, dict) else {"stringValue": value}}
        for key, value in attributes.items()
        if value is not ...
    ]


def record(subject: Any = "u", **attributes: Any) -> dict[str, Any]:
    """An evaluation of the flag `f`; `__` in a name is a dot, and `...` leaves an attribute out."""
    all_of_it = {
        "feature_flag__key": "f",
        "feature_flag__set__id": "a/b",
        "feature_flag__result__variant": "on",
        "feature_flag__result__reason": "TARGETING_MATCH",
        "feature_flag__context__id": subject,
        **attributes,
    }
    return {
        "timeUnixNano": str(AT),
        "eventName": "feature_flag.evaluation",
        "attributes": pairs(**all_of_it),
    }


def request(*records: Any, service: str = "shop") -> dict[str, Any]:
    resource = {"attributes": pairs(service__name=service)}
    return {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": list(records)}]}]}


def read(*records: Any) -> otlp.Logs:
    return otlp.read_logs(msgspec.json.encode(request(*records)))


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    """A client of a server without sign-in that has the journal's doors only."""
    monkeypatch.setattr("counterpoint.server.mounting.ROOMS", ("journal",))
    app = create_app(workspace, auth=False)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as made:
        yield made


def send(client: TestClient[Any], body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return client.post("/v1/logs", content=content, headers={"content-type": "application/json", **headers})


def test_a_record_is_the_event_that_remote_evaluation_writes() -> None:
    (document,) = read(record(log__record__uid="1")).documents
    assert document == event_of(Exposure("a/b", "f", "on", "u", "TARGETING_MATCH", AT / 1e9), "1")


def test_evaluations_are_in_the_journal_when_it_answers(
    client: TestClient[Any], workspace: Workspace
) -> None:
    answer = send(client, request(record("u"), record("v")))
    assert (answer.status_code, answer.json()) == (200, {})
    found = workspace.journal.recent(flag="f", variant="on")
    assert {event.subject for event in found} == {"u", "v"}
    assert {event.time for event in found} == {datetime.fromtimestamp(AT / 1e9, UTC)}


def test_a_repeated_request_changes_nothing(client: TestClient[Any], workspace: Workspace) -> None:
    for _ in range(2):
        assert send(client, request(record("u"), record("v", log__record__uid="its-own"))).json() == {}
    assert len(workspace.journal.recent()) == 2
    assert "its-own" in {event.id for event in workspace.journal.recent()}


def test_what_differs_is_another_event() -> None:
    later = record() | {"timeUnixNano": str(AT + 1_000_000)}
    others = [record(), record("v"), record(feature_flag__result__variant="off"), later]
    ids = [document["id"] for document in read(*others).documents]
    elsewhere = otlp.read_logs(msgspec.json.encode(request(record(), service="till"))).documents[0]["id"]
    assert len({*ids, elsewhere}) == 5


@pytest.mark.parametrize("time", [str(AT), AT, float(AT)])
def test_a_time_is_a_text_or_a_number(time: Any) -> None:
    (document,) = read(record() | {"timeUnixNano": time}).documents
    assert document["time"] == "2023-11-14T22:13:20.250000Z"


def test_without_a_time_it_was_when_it_was_observed_else_now() -> None:
    observed = record() | {"timeUnixNano": "0", "observedTimeUnixNano": str(AT)}
    never = {key: value for key, value in record().items() if key != "timeUnixNano"}
    first, second = read(observed, never).documents
    assert first["time"] == "2023-11-14T22:13:20.250000Z"
    assert "time" not in second


def test_the_name_may_be_an_attribute_and_older_names_are_known() -> None:
    old = record(
        event__name="feature_flag.evaluation",
        feature_flag__result__variant=...,
        feature_flag__variant="on",
        feature_flag__result__reason=...,
        feature_flag__evaluation__reason="split",
        feature_flag__provider_name="p",
    )
    del old["eventName"]
    (document,) = read(old).documents
    assert document["data"]["feature_flag.result.variant"] == "on"
    assert document["data"]["feature_flag.result.reason"] == "split"
    assert document["data"]["feature_flag.provider.name"] == "p"


def test_only_what_concerns_the_evaluation_is_kept() -> None:
    value = {"kvlistValue": {"values": pairs(a={"arrayValue": {"values": [{"intValue": "5"}, {"doubleValue": 0.5}, {"boolValue": True}]}})}}  # fmt: skip
    (document,) = read(
        record(user__email="me@x", feature_flag__result__value=value, error__type="general")
    ).documents
    assert document["data"]["feature_flag.result.value"] == {"a": [5, 0.5, True]}
    assert document["data"]["error.type"] == "general"
    assert "user.email" not in document["data"]


def test_an_evaluation_without_a_variant_or_a_subject_is_kept_as_what_it_is() -> None:
    (document,) = read(record(..., feature_flag__result__variant=..., feature_flag__set__id=...)).documents
    assert document["source"] == "/api/flags/sets/default"
    assert "subject" not in document
    assert document["data"].keys() == {
        "feature_flag.key",
        "feature_flag.set.id",
        "feature_flag.result.reason",
    }


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"body": {"stringValue": "GET /"}}, "without a name"),
        (record() | {"eventName": "exception"}, "'exception' is not kept"),
        (record(feature_flag__key=...), "feature_flag.key is missing"),
        (record(5), "no AnyValue"),
        (record({"intValue": "5"}), "feature_flag.context.id is no text"),
        (record({"intValue": "9" * 30}), "intValue is no number"),
        (record({"doubleValue": "x"}), "doubleValue is no number"),
        (record({"bytesValue": "?"}), "bytesValue is no base64"),
        (record() | {"timeUnixNano": "soon"}, "timeUnixNano is no time"),
        (record() | {"timeUnixNano": 10**30}, "timeUnixNano is no time"),
        (record() | {"timeUnixNano": -5}, "timeUnixNano is no time"),
        (record() | {"attributes": {"a": 1}}, "attributes is no list"),
        (record() | {"attributes": [5]}, "no object with a key"),
        (record("\x00"), "holds a character"),
    ],
)
def test_a_record_that_is_not_taken_is_counted_with_its_reason(
    client: TestClient[Any], workspace: Workspace, odd: Any, words: str
) -> None:
    answer = send(client, request(odd, record("good")))
    assert answer.status_code == 200
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedLogRecords"] == "1"
    assert words in partial["errorMessage"]
    assert [event.subject for event in workspace.journal.recent()] == ["good"]


def test_a_request_holds_so_many_records_and_no_more() -> None:
    body = msgspec.json.encode(request(*[{}] * (otlp.MOST + 1)))
    with pytest.raises(TooLargeError, match="50,000 log records"):
        otlp.read_logs(body)


def test_many_reasons_are_counted_and_some_told() -> None:
    partial = otlp.answer([f"reason {number}" for number in range(1005)])["partialSuccess"]
    assert partial["rejectedLogRecords"] == "1005"
    assert partial["errorMessage"] == "reason 0; reason 1; reason 2; and 1,002 more"


@pytest.mark.parametrize("body", [b"{}", b'{"resourceLogs": []}', b'{"resourceLogs": [{"scopeLogs": null}]}'])
def test_nothing_is_taken_as_nothing(client: TestClient[Any], body: bytes) -> None:
    answer = send(client, body)
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"resourceLogs": 5}', b'{"resourceLogs": [5]}'],
)
def test_a_body_that_is_no_request_is_a_problem(client: TestClient[Any], body: bytes) -> None:
    answer = send(client, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["key", "value", "stringValue", "kvlistValue", "arrayValue", "values", "attributes", "eventName", "timeUnixNano"]), inner)))  # fmt: skip
def test_no_record_breaks_it(odd: Any) -> None:
    for body in (
        request(odd),
        odd,
        request(
            {"eventName": otlp.EXPOSURE, "attributes": pairs(feature_flag__key="f", x={"kvlistValue": odd})}
        ),
    ):
        try:
            found = otlp.read_logs(msgspec.json.encode(body))
        except InputError:
            continue
        assert len(found.documents) + len(found.rejected) <= 1


def test_gzip_is_unpacked(client: TestClient[Any], workspace: Workspace) -> None:
    content = gzip.compress(msgspec.json.encode(request(*(record(f"u{number}") for number in range(500)))))
    assert send(client, content, **{"content-encoding": "gzip"}).json() == {}
    assert len(workspace.journal.recent(limit=1000)) == 500


def test_members_of_a_gzip_follow_each_other() -> None:
    assert unpacked(gzip.compress(b"a") + gzip.compress(b"b"), 2) == b"ab"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-6], 400),
        (gzip.compress(b" " * (MAX_UNPACKED + 1), mtime=0), 413),
        (gzip.compress(b" " * MAX_UNPACKED, mtime=0) + gzip.compress(b"{}", mtime=0), 413),
    ],
)
def test_a_gzip_that_is_none_or_too_much_is_refused(
    client: TestClient[Any], body: bytes, status: int
) -> None:
    answer = send(client, body, **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_body_beyond_the_limit_is_refused(client: TestClient[Any]) -> None:
    assert send(client, b" " * (MAX_BODY + 1)).status_code == 413


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"content-type": "application/x-protobuf"}, "http/json"),
        ({"content-type": "application/cloudevents+json"}, "send application/json"),
        ({"content-encoding": "br"}, "send gzip"),
    ],
)
def test_what_is_no_json_is_refused_with_the_remedy(
    client: TestClient[Any], headers: dict[str, str], words: str
) -> None:
    answer = send(client, request(record()), **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert words in answer.json()["detail"]


def test_other_methods_and_paths_are_refused(client: TestClient[Any]) -> None:
    answer = client.get("/v1/logs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.post("/v1/logs/x", json={}).status_code == 404


def test_more_than_the_queue_holds_is_told_to_wait(
    client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OverloadedError("200,000 events are waiting for the disk.", retry_after=2)

    monkeypatch.setattr(Journal, "submit", refuse)
    answer = send(client, request(record()))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")


@pytest.fixture
def token(workspace: Workspace) -> Callable[[str], dict[str, str]]:
    """Makes a token with a scope, and the header that carries it."""

    def make(scope: str) -> dict[str, str]:
        _, secret = tokens.create_token(workspace.graph, local_actor(), "t", frozenset({scope}))
        return {"authorization": f"Bearer {secret}"}

    return make


@pytest.mark.parametrize(
    ("scope", "status"),
    [(None, 401), ("read", 403), ("flags:evaluate", 403), ("write", 403), ("events:write", 200)],
)
def test_it_needs_the_scope_of_events(
    workspace: Workspace, token: Callable[[str], dict[str, str]], scope: str | None, status: int
) -> None:
    headers = token(scope) if scope else {}
    with TestClient(create_app(workspace), base_url=BASE, raise_server_exceptions=False) as client:
        answer = send(client, request(record()), **headers)
    assert answer.status_code == status
    assert len(workspace.journal.recent()) == (status == 200)


def test_the_openapi_document_describes_it(client: TestClient[Any]) -> None:
    assert "post" in client.get("/api/openapi.json").json()["paths"][logs.PATH]


def test_errors_are_of_the_family() -> None:
    with pytest.raises(CounterpointError):
        otlp.read_logs(b"5")
