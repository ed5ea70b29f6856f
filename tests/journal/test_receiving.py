"""What may come to `POST /api/events`: every form, hostile bodies, and who may send them."""

import asyncio
import gzip
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.errors import InputError, OverloadedError, TooLargeError
from counterpoint.graph.actor import local_actor
from counterpoint.journal import Journal, wire
from counterpoint.journal.bodies import Room, received
from counterpoint.journal.logs import MAX_UNPACKED
from counterpoint.journal.model.json import decode_json, items_of
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.wire import BATCH, LINES, MOST, SINGLE, completed, read_binary, read_body
from counterpoint.server.app import create_app
from counterpoint.server.identity import tokens

from .conftest import event

BASE = "http://127.0.0.1"


@pytest.fixture
def client(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient[Any]]:
    """A client of a server without sign-in that has the journal's doors only."""
    monkeypatch.setattr("counterpoint.server.mounting.ROOMS", ("journal",))
    app = create_app(workspace, auth=False)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as made:
        yield made


def send(client: TestClient[Any], content_type: str, body: bytes, **headers: str) -> Any:
    return client.post("/api/events", content=body, headers={"content-type": content_type, **headers})


def taken(journal: Journal, content_type: str, body: bytes) -> Receipt:
    """What becomes of a body, without a server around it."""
    sent = read_body(content_type, body)
    return completed(journal.submit(sent.items).result(), sent)


def raw(number: int, **changes: Any) -> bytes:
    return msgspec.json.encode(event(number, **changes))


HOSTILE = {
    "invalid UTF-8": (raw(2).replace(b"e2", b"\xff\xfe"), "it is not UTF-8 text"),
    "invalid UTF-8 in the data": (raw(2, data="@").replace(b"@", b"\xff"), "it is not UTF-8 text"),
    "a number beyond all": (raw(2, data=5).replace(b":5", b":1e400"), "Number out of range"),
    "2**64": (raw(2, data=5).replace(b":5", b":18446744073709551616"), "an integer outside 64 bits"),
    "a giant integer": (raw(2, data=5).replace(b":5", b":" + b"9" * 5000), ""),
    "deep nesting": (raw(2, data=5).replace(b":5", b":" + b"[" * 10_000 + b"]" * 10_000), "nests too deep"),
    "65 levels": (raw(2, data=5).replace(b":5", b":" + b"[" * 65 + b"]" * 65), "deeper than 64 levels"),
    "half of a pair": (raw(2, subject="@").replace(b"@", b"\\ud83d"), "half of a surrogate pair"),
    "NUL": (raw(2, subject="a\0b"), "a character that CloudEvents does not allow"),
    "a huge id": (raw(2, id="x" * 100_000), "id has 100,000 characters"),
    "65 extensions": (raw(2, **{f"ext{number}": "x" for number in range(65)}), "64 extension attributes"),
    "too much data": (raw(2, data="x" * 1_048_577), "data is larger than"),
    "nothing at all": (b"{}", "specversion is missing"),
    "no event": (b"5", "an event must be a JSON object"),
    "broken": (b'{"id": }', "is not valid JSON"),
}
"""Events that are none, and what is said of them."""


@pytest.mark.parametrize("content_type", [BATCH, LINES])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_event_costs_only_itself(journal: Journal, content_type: str, name: str) -> None:
    bad, words = HOSTILE[name]
    parts = [raw(1), bad, raw(3)]
    body = b"[" + b", ".join(parts) + b"]" if content_type == BATCH else b"\n".join(parts)
    receipt = taken(journal, content_type, body)
    assert receipt.accepted == 2
    assert [each.index for each in receipt.rejected] == [1]
    assert words in receipt.rejected[0].reason
    assert sorted(each.id for each in journal.recent()) == ["e1", "e3"]


def test_hostile_events_are_answered_one_by_one(client: TestClient[Any]) -> None:
    bodies = [bad for bad, _ in HOSTILE.values()]
    for content_type, body in (
        (BATCH, b"[" + b",".join([raw(1), *bodies]) + b"]"),
        (LINES, b"\n".join(bodies)),
    ):
        answer = send(client, content_type, body)
        assert answer.status_code == (200 if content_type == BATCH else 400)
        assert len(answer.json()["rejected"]) == len(HOSTILE)
    for body in bodies:
        answer = send(client, SINGLE, body)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"-0", 0),
        (b"-0.0", -0.0),
        (b"9223372036854775808", 2**63),
        (b"18446744073709551615", 2**64 - 1),
        (b"1e308", 1e308),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"a\\u0000b"', "a\0b"),
        (b'"' + b"\\u00e4" * 1000 + b'"', "ä" * 1000),
        (b"[" * 64 + b"]" * 64, None),
    ],
)
def test_data_at_the_edges_is_kept(journal: Journal, data: bytes, kept: Any) -> None:
    body = raw(1, data=5).replace(b":5", b":" + data)
    for content_type, sent in ((BATCH, b"[" + body + b"]"), (SINGLE, body), (LINES, body)):
        assert taken(journal, content_type, sent).rejected == ()
    (found,) = journal.recent()
    assert found.data == kept or kept is None


def test_ten_thousand_names_of_attributes_are_kept_and_found(
    client: TestClient[Any], workspace: Workspace
) -> None:
    events = [event(number, **{f"name{number}": "x"}) for number in range(10_000)]
    answer = send(client, BATCH, msgspec.json.encode(events))
    assert answer.json() == {"accepted": 10_000, "duplicates": 0, "rejected": []}
    workspace.journal.compact()
    assert [each.attributes for each in workspace.journal.recent(subject="user-77")] == [{"name77": "x"}]


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + raw(1) + b"\r\n" + raw(2) + b"\r\n",
        b"\n\n" + raw(1) + b"\n\n  \n" + raw(2) + b"\n\n",
        b"\r\n" + raw(1) + b" \r\n\t" + raw(2),
    ],
)
def test_lines_may_have_a_mark_other_ends_and_nothing_on_them(journal: Journal, body: bytes) -> None:
    assert taken(journal, LINES, body).accepted == 2


@pytest.mark.parametrize(
    ("body", "places"),
    [
        (raw(1) + b"\n" + raw(2) + raw(3), [(1, 2)]),
        (raw(1) + b"\n\n" + raw(2).replace(b",", b",\n", 1), [(1, 3), (2, 4)]),
        (b"\n\n" + raw(1, data=5).replace(b":5", b":1e400") + b"\n" + raw(2), [(0, 3)]),
        (raw(1) + b",\n" + raw(2), [(0, 1)]),
        (raw(1) + b"\n{" + raw(2)[1:-1] + b"\n}", [(1, 2), (2, 3)]),
    ],
)
def test_a_line_is_one_event_and_a_broken_one_is_named(
    journal: Journal, body: bytes, places: list[tuple[int, int]]
) -> None:
    found = taken(journal, LINES, body).rejected
    assert [each.index for each in found] == [index for index, _ in places]
    for each, (_, line) in zip(found, places, strict=True):
        assert each.reason.startswith(f"line {line} is not valid JSON: ")


pieces = st.sampled_from([raw(1), raw(2), b"{", b"}", b"{}", b"[]", b'"}', b'{"', b" ", b"\r", b"x", b","])


@given(st.lists(pieces, max_size=5).map(b"".join), st.lists(st.lists(pieces, max_size=3).map(b"".join)))
def test_lines_are_read_one_by_one_or_as_if(first: bytes, further: list[bytes]) -> None:
    body = b"\n".join([first, *further])
    try:
        sent = read_body(LINES, body)
    except InputError:
        assert not body.strip()
        return
    expected = [number for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    assert list(sent.lines or ()) == expected
    for number, item in zip(expected, sent.items, strict=True):
        if not isinstance(item, msgspec.Raw):
            assert decode_json(body.split(b"\n")[number - 1])["id"] == item.id


values = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.lists(values), st.sampled_from([b"", b" ", b"\n"]))
def test_items_of_an_array_are_told_apart_by_brackets_and_strings(items: list[Any], space: bytes) -> None:
    text = space + b"[" + (space + b"," + space).join(map(msgspec.json.encode, items)) + b"]" + space
    assert [decode_json(item) for item in items_of(text)] == items


@pytest.mark.parametrize(
    "array", [b"", b"{}", b"[1", b"[1]]", b"[1] 2", b"[}", b"[{]}", b'["', b"[" * 10_000]
)
def test_an_array_whose_items_cannot_be_told_apart_is_refused(array: bytes) -> None:
    with pytest.raises(ValueError, match=r"it|there"):
        list(items_of(array))


@pytest.mark.parametrize("body", [b"[" + raw(1) + b",", b"[" + raw(1) + b', {"id": "2"', b"[" + raw(1)[:-3]])
def test_half_a_batch_is_no_batch(body: bytes) -> None:
    with pytest.raises(InputError):
        read_body(BATCH, body)


@pytest.mark.parametrize("content_type", [BATCH, LINES])
@pytest.mark.parametrize("item", [raw(1), b"0", b'{"\\u0073pecversion":"1.0"}'])
def test_a_request_holds_so_many_events_and_no_more(content_type: str, item: bytes) -> None:
    many = [item] * (MOST + 1)
    body = b"[" + b",".join(many) + b"]" if content_type == BATCH else b"\n".join(many)
    with pytest.raises(TooLargeError, match=f"{MOST:,} events"):
        read_body(content_type, body)


def test_items_are_counted_as_they_are_read_where_there_may_be_millions(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "FEW_COMMAS", 3)
    body = b"[" + b",".join(raw(number) for number in range(9)) + b"]"
    assert taken(journal, BATCH, body).accepted == 9
    with pytest.raises(TooLargeError):
        read_body(BATCH, b"[" + b"0," * MOST + b"0]")


@pytest.mark.parametrize("content_type", [SINGLE, BATCH, LINES])
def test_gzip_is_unpacked(client: TestClient[Any], content_type: str) -> None:
    body = b"[" + raw(1) + b"]" if content_type == BATCH else raw(1)
    answer = send(client, content_type, gzip.compress(body), **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"no gzip", "gzip", 400),
        (gzip.compress(raw(1))[:-9], "gzip", 400),
        (gzip.compress(b" " * (MAX_UNPACKED + 1)), "gzip", 413),
        (raw(1), "br", 415),
        (raw(1), "gzip, gzip", 415),
    ],
)
def test_what_does_not_unpack_is_refused(
    client: TestClient[Any], workspace: Workspace, body: bytes, encoding: str, status: int
) -> None:
    answer = send(client, SINGLE, body, **{"content-encoding": encoding})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert workspace.journal.recent() == []


CE = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop",
    "ce-type": "order.placed",
    "ce-time": "2026-05-04T10:00:00Z",
    "ce-subject": "user-1",
}


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("application/json", b'{"value": 3}', {"data": {"value": 3}}),
        ("application/vnd.shop+json; charset=utf-8", b"[1]", {"data": [1]}),
        ("text/csv", "a,ä".encode(), {"data": "a,ä"}),
        ("text/csv", b"\xff", {"data_base64": "/w=="}),
        ("application/octet-stream", b"\x00\x01", {"data_base64": "AAE="}),
        ("application/json", b"", {}),
    ],
)
def test_one_event_may_come_in_headers(
    client: TestClient[Any], workspace: Workspace, content_type: str, body: bytes, expected: dict[str, Any]
) -> None:
    headers = {**CE, "ce-extra": "caf%C3%A9%20%22x%22"}
    answer = send(client, content_type, body, **headers)
    assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    (found,) = workspace.journal.recent()
    document = found.document()
    assert document.pop("recordedtime")
    assert document == {
        "specversion": "1.0", "id": "1", "source": "/shop", "type": "order.placed", "subject": "user-1",
        "time": "2026-05-04T10:00:00Z", "datacontenttype": content_type, "extra": 'café "x"', **expected,
    }  # fmt: skip


def test_an_event_without_data_needs_no_content_type(client: TestClient[Any]) -> None:
    assert client.post("/api/events", headers=CE).json()["accepted"] == 1


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({"ce-id": ""}, b"{}", "id is empty"),
        ({"ce-specversion": "0.3"}, b"{}", 'it must be "1.0"'),
        ({"ce-source": "%FF"}, b"{}", "not UTF-8"),
        ({"ce-data": "x"}, b"{}", "Data goes into the body"),
        ({}, b"{", "not valid JSON"),
    ],
)
def test_an_event_in_headers_that_is_none_is_refused(
    client: TestClient[Any], workspace: Workspace, headers: dict[str, str], body: bytes, words: str
) -> None:
    answer = send(client, "application/json", body, **{**CE, **headers})
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert workspace.journal.recent() == []


def test_a_header_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InputError, match="twice"):
        read_binary([(b"ce-id", "1"), (b"ce-id", "2")], b"")


def test_wrong_clocks_are_told_in_the_receipt_and_on_the_page(client: TestClient[Any]) -> None:
    body = raw(1, time="2999-01-01T00:00:00Z") + b"\n" + raw(2, time="1970-01-01T00:00:00Z") + b"\n" + raw(3)
    assert send(client, LINES, body).json() == {
        "accepted": 3, "duplicates": 0, "rejected": [], "future": 1, "late": 1,
    }  # fmt: skip
    shown = client.get("/events", headers={"accept": "text/html"}).text
    assert shown.count("A clock that is ahead") == shown.count("A clock that was not set") == 1


@pytest.fixture
def token(workspace: Workspace) -> Callable[[str], dict[str, str]]:
    """Makes a token with a scope, and the header that carries it."""

    def make(scope: str) -> dict[str, str]:
        _, secret = tokens.create_token(workspace.graph, local_actor(), "t", frozenset({scope}))
        return {"authorization": f"Bearer {secret}"}

    return make


REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "plain": ("POST", "", {}),
    "slash": ("POST", "/", {}),
    "cross-site": ("POST", "", {"origin": "http://evil.example"}),
    "fetch": ("POST", "", {"sec-fetch-site": "cross-site"}),
    "same origin": ("POST", "", {"origin": BASE}),
    "form": ("POST", "", {"content-type": "application/x-www-form-urlencoded"}),
    "text": ("POST", "", {"content-type": "text/plain"}),
    "other host": ("POST", "", {"host": "evil.example"}),
    "get": ("GET", "", {}),
    "put": ("PUT", "", {}),
    "options": ("OPTIONS", "", {}),
    "below": ("POST", "/x", {}),
}
"""Requests whose answers were recorded while the framework took the events itself."""
ANSWERS = {
    "local user": [200, 200, 403, 403, 403, 403, 403, 421, 405, 405, 204, 404],
    "nobody": [401, 401, 403, 403, 401, 401, 401, 401, 405, 405, 401, 404],
    "events:write": [200, 200, 200, 200, 200, 415, 415, 200, 405, 405, 403, 404],
    "read": [403, 403, 403, 403, 403, 403, 403, 403, 405, 405, 204, 404],
}


@pytest.mark.parametrize("who", ANSWERS)
def test_who_may_send_what_is_as_for_every_other_address(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, token: Callable[[str], dict[str, str]], who: str
) -> None:
    monkeypatch.setattr("counterpoint.server.mounting.ROOMS", ("journal",))
    local = who == "local user"
    identity = token(who) if who in ("events:write", "read") else {}
    app = create_app(workspace, auth=not local, loopback=local)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        found = []
        for method, path, headers in REQUESTS.values():
            sent = {"content-type": SINGLE, **identity, **headers}
            answer = client.request(method, f"/api/events{path}", headers=sent, content=raw(1))
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
            found.append(answer.status_code)
    assert dict(zip(REQUESTS, found, strict=True)) == dict(zip(REQUESTS, ANSWERS[who], strict=True))


def parts(*bodies: bytes) -> Callable[[], Any]:
    """What an ASGI server hands over: the parts of one body."""
    left = list(bodies)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


def test_bodies_on_their_way_share_their_room() -> None:
    room = Room(10)

    async def check() -> None:
        async with received(parts(b"12345", b"678"), {}, limit=100, room=room) as first:
            assert (first, room.taken) == (b"12345678", 8)
            with pytest.raises(OverloadedError):
                async with received(parts(b"1", b"23", b"4"), {}, limit=100, room=room):
                    pass
            assert room.taken == 8
        async with received(parts(b"x" * 50), {}, limit=100, room=room) as alone:
            assert len(alone) == 50, "one is let in, whatever its size"
        assert room.taken == 0

    asyncio.run(check())


def test_of_many_bodies_that_come_together_some_get_in() -> None:
    room = Room(10)

    async def check() -> None:
        async def one() -> bool:
            async def receive() -> dict[str, Any]:
                await asyncio.sleep(0)  # lets the others come in between
                return {"type": "http.request", "body": b"123", "more_body": next(left) > 0}

            left = iter(range(2, -1, -1))
            try:
                async with received(receive, {}, limit=100, room=room):
                    return True
            except OverloadedError:
                return False

        let_in = await asyncio.gather(*(one() for _ in range(8)))
        assert 0 < sum(let_in) < 8

    asyncio.run(check())
    assert room.taken == 0


def test_a_body_whose_end_does_not_come_leaves_its_room() -> None:
    room = Room(10)

    async def receive() -> dict[str, Any]:
        if room.taken:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"123", "more_body": True}

    async def check() -> None:
        with pytest.raises(InputError):
            async with received(receive, {}, limit=100, room=room):
                pass

    asyncio.run(check())
    assert room.taken == 0
