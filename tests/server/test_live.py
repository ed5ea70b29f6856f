"""The activity log over HTTP: pages of it, and the stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from litestar.response.sse import ServerSentEventMessage
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from counterpoint.server.live import Live

PATIENCE = 20.0


def note(workspace: Workspace, *subjects: str) -> None:
    for subject in subjects:
        with workspace.graph.write(local_actor()) as writer:
            writer.record("thing.changed", subject, reason="a test")


def test_the_log_pages_newest_first_and_ends(workspace: Workspace, client: TestClient) -> None:
    note(workspace, *"abcde")
    seen, cursor = [], ""
    for _ in range(3):
        page = client.get("/api/v1/activity", params={"limit": 2, "cursor": cursor}).json()
        seen += [item["subject"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert "".join(seen) == "edcba"
    assert cursor is None


def test_the_log_is_narrowed_by_subject_action_and_actor(workspace: Workspace, client: TestClient) -> None:
    note(workspace, "a", "b")
    found = client.get(
        "/api/v1/activity", params={"subject": "a", "action": "thing.changed", "by": local_actor().ref}
    )
    (item,) = found.json()["items"]
    assert item["subject"] == "a"
    assert item["reason"] == "a test"
    assert item["at"].endswith("Z")
    assert client.get("/api/v1/activity", params={"by": "user:default/nobody"}).json()["items"] == []


async def take(stream: AsyncIterator[ServerSentEventMessage], count: int) -> list[ServerSentEventMessage]:
    """The next events of a stream, without its comments."""
    taken: list[ServerSentEventMessage] = []
    async with asyncio.timeout(PATIENCE):
        while len(taken) < count:
            message = await anext(stream)
            if message.event:
                taken.append(message)
    return taken


def test_a_client_that_comes_back_gets_what_it_missed_and_then_what_happens(workspace: Workspace) -> None:
    note(workspace, "a", "b", "c")

    workspace.graph.follower.period = 0.01

    async def scenario() -> list[int | str | None]:
        live = Live(workspace)
        async with live.lifespan(create_app(workspace, auth=False)), aclosing(live.stream(1)) as stream:
            missed = await take(stream, 2)
            await asyncio.to_thread(note, workspace, "d")
            return [message.id for message in missed + await take(stream, 1)]

    assert asyncio.run(scenario()) == [2, 3, 4]


def test_a_client_that_was_away_for_long_gets_all_it_missed_in_order(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterpoint.server.live.BATCH", 2)
    note(workspace, *"abcde")

    workspace.graph.follower.period = 0.01

    async def scenario() -> list[int | str | None]:
        live = Live(workspace)
        async with live.lifespan(create_app(workspace, auth=False)), aclosing(live.stream(0)) as stream:
            return [message.id for message in await take(stream, 5)]

    assert asyncio.run(scenario()) == [1, 2, 3, 4, 5]


def test_a_new_client_gets_only_what_happens_from_now_on(workspace: Workspace) -> None:
    note(workspace, "a")

    workspace.graph.follower.period = 0.01

    async def scenario() -> int | str | None:
        live = Live(workspace)
        async with live.lifespan(create_app(workspace, auth=False)), aclosing(live.stream(None)) as stream:
            await anext(stream)
            await asyncio.to_thread(note, workspace, "b")
            return (await take(stream, 1))[0].id

    assert asyncio.run(scenario()) == 2


def test_streams_end_when_the_server_stops(workspace: Workspace) -> None:
    async def scenario() -> list[ServerSentEventMessage]:
        live = Live(workspace)
        async with live.lifespan(create_app(workspace, auth=False)), aclosing(live.stream(None)) as stream:
            await anext(stream)
            live.close()
            async with asyncio.timeout(PATIENCE):
                return [message async for message in stream]

    assert [message.event for message in asyncio.run(scenario())] in ([], [None])


def test_a_server_at_rest_reads_nothing_but_the_number_of_the_newest_change(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    monkeypatch.setattr(workspace.graph, "read", lambda: reads.append(1))

    async def scenario() -> None:
        live = Live(workspace)
        async with live.lifespan(create_app(workspace, auth=False)):
            async with asyncio.timeout(PATIENCE):
                await live._moved.wait()

    asyncio.run(scenario())
    assert reads == []
