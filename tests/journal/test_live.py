"""Counts over HTTP and as they arrive: current state first, changes after it, and no client left hanging."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.journal import Journal
from counterpoint.journal.live import LIVE, LiveCounts
from counterpoint.server.app import create_app
from counterpoint.server.identity.tokens import create_token
from tests.flags.conftest import Served, serve
from tests.listening import DEADLINE, Listener

from .conftest import event

NOW = datetime(2026, 5, 4, 12, 30, 30, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(open_journal: Callable[..., Journal], clock: Clock) -> Journal:
    return open_journal(clock=clock)


class Counts(Listener):
    """A client of the stream of counts."""

    def __init__(self, counts: LiveCounts, query: str = "", last: str | None = None) -> None:
        super().__init__(counts, LIVE, query, last)

    async def accepted(self) -> dict[str, int]:
        """The minutes of the next message with what was accepted in each."""
        minutes = json.loads((await self.message()).data)["minutes"]
        return {each["at"][11:16]: each["accepted"] for each in minutes}


@asynccontextmanager
async def listening(journal: Journal) -> AsyncIterator[LiveCounts]:
    counts = LiveCounts(lambda: journal, period=0.02)
    try:
        yield counts
    finally:
        counts.close()
        async with asyncio.timeout(DEADLINE):
            while counts._task is not None:
                await asyncio.sleep(0)


def test_the_state_comes_first_and_then_the_minutes_that_change(clocked: Journal, clock: Clock) -> None:
    async def scenario() -> None:
        clocked.append([event(1), event(2)])
        async with listening(clocked) as counts:
            listener = Counts(counts)
            assert await listener.accepted() == {"12:30": 2}
            await asyncio.to_thread(clocked.append, [event(3)])
            assert await listener.accepted() == {"12:30": 3}
            clock.now = NOW + timedelta(minutes=1)
            await asyncio.to_thread(clocked.append, [event(4)])
            assert await listener.accepted() == {"12:31": 1}

    asyncio.run(scenario())


def test_what_another_process_writes_is_told_as_well(
    clocked: Journal, clock: Clock, open_journal: Callable[..., Journal]
) -> None:
    other = open_journal(clock=clock)

    async def scenario() -> None:
        async with listening(clocked) as counts:
            listener = Counts(counts)
            assert await listener.accepted() == {}
            await asyncio.to_thread(other.append, [event(1), event(2)])
            assert await listener.accepted() == {"12:30": 2}

    asyncio.run(scenario())


def test_an_empty_journal_has_an_empty_first_message(clocked: Journal) -> None:
    async def scenario() -> None:
        async with listening(clocked) as counts:
            assert await Counts(counts).accepted() == {}

    asyncio.run(scenario())


def test_a_stream_of_one_type_or_source_is_told_of_no_other(clocked: Journal) -> None:
    async def scenario() -> None:
        async with listening(clocked) as counts:
            orders, web = Counts(counts, "type=order.placed"), Counts(counts, "source=web&type=")
            assert (await orders.accepted(), await web.accepted()) == ({}, {})
            await asyncio.to_thread(clocked.append, [event(1, type="page.seen", source="web")])
            assert await web.accepted() == {"12:30": 1}
            await asyncio.to_thread(clocked.append, [event(2)])
            assert await orders.accepted() == {"12:30": 1}

    asyncio.run(scenario())


def test_one_stream_tells_every_type_or_source(clocked: Journal) -> None:
    async def scenario() -> None:
        clocked.append([event(1), event(2), event(3, type="page.seen", source="web")])
        async with listening(clocked) as counts:
            by_type, by_source = Counts(counts, "by=type"), Counts(counts, "by=source&type=page.seen")
            first = json.loads((await by_type.message()).data)["minutes"]
            assert [(each["type"], each["accepted"]) for each in first] == [
                ("order.placed", 2),
                ("page.seen", 1),
            ]
            (only,) = json.loads((await by_source.message()).data)["minutes"]
            assert (only["source"], only["accepted"]) == ("web", 1)
            await asyncio.to_thread(clocked.append, [event(4)])
            (changed,) = json.loads((await by_type.message()).data)["minutes"]
            assert (changed["type"], changed["accepted"]) == ("order.placed", 3)

    asyncio.run(scenario())


def test_rejected_and_repeated_events_are_told_too(clocked: Journal) -> None:
    async def scenario() -> dict[str, Any]:
        clocked.append([event(1), event(1), event(2, time="never")])
        await asyncio.to_thread(clocked.refusals)  # writes what waits
        async with listening(clocked) as counts:
            (minute,) = json.loads((await Counts(counts).message()).data)["minutes"]
            return minute

    minute = asyncio.run(scenario())
    assert (minute["accepted"], minute["duplicates"], minute["rejected"]) == (1, 1, 1)


def test_a_client_that_comes_back_gets_what_changed_meanwhile_and_nothing_else(
    clocked: Journal, clock: Clock
) -> None:
    async def scenario() -> None:
        clocked.append([event(1)])
        clock.now = NOW + timedelta(minutes=10)
        clocked.append([event(2)])
        async with listening(clocked) as counts:
            first = Counts(counts)
            message = await first.message()
            first.leave()
            await first.served
            clock.now = NOW + timedelta(minutes=11)
            await asyncio.to_thread(clocked.append, [event(3)])
            back = Counts(counts, last=message.id)
            changed = await back.message()
            assert [each["at"][11:16] for each in json.loads(changed.data)["minutes"]] == ["12:40", "12:41"]
            same = Counts(counts, last=changed.id)
            await same.opened()
            await asyncio.to_thread(clocked.append, [event(4)])
            assert await same.accepted() == {"12:41": 2}
            odd = Counts(counts, last="no\x00thing.of-ours")
            assert await odd.accepted() == {"12:30": 1, "12:40": 1, "12:41": 2}

    asyncio.run(scenario())


def test_a_slow_client_gets_the_newest_state_and_not_each_on_the_way(clocked: Journal) -> None:
    async def scenario() -> None:
        async with listening(clocked) as counts:
            slow, quick = Counts(counts), Counts(counts)
            assert (await slow.accepted(), await quick.accepted()) == ({}, {})
            slow.reading.clear()
            for number in range(5):
                await asyncio.to_thread(clocked.append, [event(number)])
                await quick.message()
            slow.reading.set()
            seen = [await slow.accepted()]
            while seen[-1] != {"12:30": 5}:
                seen.append(await slow.accepted())
            assert len(seen) <= 2, seen

    asyncio.run(scenario())


def test_nothing_is_read_while_nobody_listens(clocked: Journal) -> None:
    async def scenario() -> None:
        async with listening(clocked) as counts:
            listener = Counts(counts)
            await listener.message()
            listener.leave()
            await listener.served
            async with asyncio.timeout(DEADLINE):
                while counts._task is not None:
                    await asyncio.sleep(0)
            assert (counts.open, counts._states) == (0, {})
            assert await Counts(counts).accepted() == {}

    asyncio.run(scenario())


def test_who_comes_while_the_server_stops_is_answered_so_that_they_come_again(clocked: Journal) -> None:
    async def scenario() -> list[dict[str, Any]]:
        counts = LiveCounts(lambda: clocked)
        counts.close()
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"method": "GET", "path": LIVE, "query_string": b"", "headers": []}
        await counts(scope, lambda: None, send)
        return sent

    start, body = asyncio.run(scenario())
    assert start["status"] == 200
    assert body["body"].startswith(b"retry: ")


@pytest.fixture
def server(workspace: Workspace) -> Iterator[Served]:
    yield from serve(workspace, auth=True)


def test_a_real_server_streams_to_who_may_read_and_ends_when_it_stops(workspace: Workspace) -> None:
    serving = serve(workspace, auth=True)
    served = next(serving)
    headers = {
        "authorization": f"Bearer {create_token(workspace.graph, local_actor(), 'r', frozenset({'read'}))[1]}"
    }
    sender = create_token(workspace.graph, local_actor(), "w", frozenset({"events:write"}))[1]
    with httpx2.Client(base_url=served.url, timeout=DEADLINE) as client:
        assert client.get(LIVE).status_code == 401
        assert client.get(LIVE, headers={"authorization": f"Bearer {sender}"}).status_code == 403
        with client.stream("GET", LIVE, headers=headers) as stream:
            assert stream.status_code == 200
            lines = stream.iter_lines()
            first = next(line for line in lines if line.startswith("data:"))
            assert json.loads(first[5:]) == {"minutes": []}
            with httpx2.Client(base_url=served.url, timeout=DEADLINE) as other:
                sent = other.post(
                    "/api/events",
                    json=[event(1), event(2, time="never")],
                    headers={
                        "authorization": f"Bearer {sender}",
                        "content-type": "application/cloudevents-batch+json",
                    },
                )
            assert sent.json()["accepted"] == 1
            second = next(line for line in lines if line.startswith("data:"))
            assert json.loads(second[5:])["minutes"][0]["accepted"] == 1
            stopping = threading.Thread(target=lambda: next(serving, None))
            stopping.start()
            for _ in lines:
                pass  # ends, or the client's deadline fails the test
            stopping.join(DEADLINE)


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient[Any]]:
    app = create_app(workspace, auth=False)
    with TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False) as made:
        yield made


def test_counts_can_be_asked_for_by_type_source_and_reason(
    client: TestClient[Any], workspace: Workspace
) -> None:
    workspace.journal.append(
        [event(1), event(2, source="web"), event(3, type="page.seen"), event(4, time="never")]
    )

    def asked(**query: str) -> dict[str, tuple[int, int]]:
        answer = client.get("/api/v1/events/counts", params=query)
        assert answer.status_code == 200, answer.text
        return {
            each["name"]: (each["counts"]["accepted"], each["counts"]["rejected"])
            for each in answer.json()["items"]
        }

    assert asked() == {"": (3, 1)}
    assert asked(by="type") == {"order.placed": (2, 0), "page.seen": (1, 0)}
    assert asked(by="source", step="hour") == {"test": (2, 1), "web": (1, 0)}
    assert asked(by="reason") == {"time": (0, 1)}
    assert asked(type="page.seen") == {"": (1, 0)}
    assert asked(**{"from": "2001-01-01T00:00:00Z", "to": "2001-01-01T01:00:00Z"}) == {}


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-05-04T12:00:00"},
        {"from": "2026-05-04T12:00:00Z", "to": "2026-05-04T11:00:00Z"},
        {"from": "2020-05-04T12:00:00Z"},
        {"by": "subject"},
        {"step": "second"},
    ],
)
def test_what_cannot_be_counted_is_refused_with_a_reason(
    client: TestClient[Any], query: dict[str, str]
) -> None:
    answer = client.get("/api/v1/events/counts", params=query)
    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_whole_requests_that_are_refused_are_counted_once_and_by_reason(
    client: TestClient[Any], workspace: Workspace
) -> None:
    single = "application/cloudevents+json"

    def post(content: bytes, kind: str, path: str = "/api/events", **headers: str) -> int:
        return client.post(path, content=content, headers={"content-type": kind, **headers}).status_code

    assert post(b"{", single) == 400
    assert post(b"{}", single) == 400  # an event that is rejected, and no request
    assert post(b"x", "text/csv") == 415
    assert post(b"x", "application/x-protobuf", "/v1/logs") == 415
    assert post(b"{", "application/json", "/v1/logs") == 400
    assert post(b" " * (60 * 1024 * 1024), single) == 413
    found = {reason: number for reason, _, number, _ in workspace.journal.refusals()}
    assert found == {"request-json": 2, "request-content-type": 2, "request-size": 1, "specversion": 1}


def test_prometheus_gets_what_was_counted(client: TestClient[Any], workspace: Workspace) -> None:
    workspace.journal.append([event(1), event(1), event(2, time="never"), event(3, type="page.seen")])
    text = client.get("/metrics").text
    for line in (
        "counterpoint_journal_accepted_total 2.0",
        "counterpoint_journal_duplicates_total 1.0",
        'counterpoint_journal_rejected_total{reason="time"} 1.0',
        'counterpoint_journal_lag_seconds_bucket{le="+Inf"} 2.0',
        "counterpoint_journal_lag_seconds_count 2.0",
        "counterpoint_journal_queue_events 0.0",
    ):
        assert f"\n{line}\n" in text, line
    assert "order.placed" not in text  # it is open to everybody
