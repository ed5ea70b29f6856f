"""Event streams: who is told, of what, and when a stream ends."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from counterpoint import Workspace
from counterpoint.flags.store import FlagSets, delete_set, flag_sets, write_set
from counterpoint.flags.stream import Streams
from counterpoint.flags.tickets import STREAM, WEEK, Asked, asked_for, issue, read_ticket
from counterpoint.graph import Graph
from counterpoint.graph.actor import local_actor
from counterpoint.openfeature.stream import Message, Messages
from counterpoint.server.identity.model import hash_secret
from counterpoint.server.identity.tokens import revoke_token
from counterpoint.settings import Settings
from tests.listening import DEADLINE, Listener

from .conftest import DEFINITION, Served

BULK = "/ofrep/v1/evaluate/flags"


def definition(default: str) -> dict[str, Any]:
    return {
        "flags": {
            "f": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default}
        }
    }


def put(workspace: Workspace, default: str, name: str = "default") -> str:
    stored = write_set(workspace, local_actor(), name, definition(default)).stored
    assert stored
    return stored.etag


@asynccontextmanager
async def streams_of(
    workspace: Workspace, **options: Any
) -> AsyncIterator[tuple[Streams, Callable[..., Listener]]]:
    """The streams of a workspace, and what opens one."""
    streams = Streams(flag_sets(workspace), workspace.graph.last_activity, **options)
    opened: list[Listener] = []

    def listen(query: str = "channels=default", last_id: str | None = None) -> Listener:
        opened.append(Listener(streams, STREAM, query, last_id))
        return opened[-1]

    yield streams, listen
    streams.close()
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*(each.served for each in opened), return_exceptions=True)
        while streams._task is not None and not streams._task.done():
            await streams._task


@pytest.fixture
def stored(graph: Graph, tmp_path: Path) -> Workspace:
    """A workspace on each database, with one set."""
    made = Workspace(tmp_path, Settings(), graph)
    put(made, "off")
    return made


def test_a_change_is_told_with_its_etag_and_the_time_of_the_change(stored: Workspace) -> None:
    async def run() -> None:
        async with streams_of(stored) as (_, listen):
            before = flag_sets(stored).get("default")
            assert before
            client = listen(last_id=before.etag)
            assert b"retry: " in await client.opened()
            etag = await asyncio.to_thread(put, stored, "on")
            told = await client.message()
            assert (told.event, told.id) == ("message", etag)
            data = json.loads(told.data)
            assert data.pop("lastModified") > 1_700_000_000
            assert data == {"type": "refetchEvaluation", "etag": etag}

    asyncio.run(run())


def test_a_change_by_another_process_is_told(stored: Workspace, tmp_path: Path) -> None:
    async def run() -> None:
        with Graph(stored.graph.address) as elsewhere:
            other = Workspace(tmp_path, Settings(), elsewhere)
            async with streams_of(stored) as (_, listen):
                client = listen()
                await client.message()
                etag = await asyncio.to_thread(put, other, "on")
                assert (await client.message()).id == etag

    asyncio.run(run())


def test_who_comes_back_is_told_once_if_anything_changed_and_not_otherwise(workspace: Workspace) -> None:
    old = put(workspace, "off")
    new = put(workspace, "on")

    async def first_part(last_id: str | None) -> bytes:
        async with streams_of(workspace) as (_, listen):  # another one each time, as after a restart
            return await listen(last_id=last_id).opened()

    assert asyncio.run(first_part(old)).count(b"refetchEvaluation") == 1
    assert b"refetchEvaluation" not in asyncio.run(first_part(new))
    # Without an id nobody knows what it has seen: between its answer and the stream there may be a change.
    assert asyncio.run(first_part(None)).count(b"refetchEvaluation") == 1
    put(workspace, "off")
    assert b"refetchEvaluation" not in asyncio.run(first_part(old)), "it is again as it was"


def test_a_slow_reader_gets_the_newest_state_and_no_queue(workspace: Workspace) -> None:
    async def run() -> None:
        put(workspace, "off")
        async with streams_of(workspace) as (streams, listen):
            slow, quick = listen(), listen()
            await slow.message()
            await quick.message()
            slow.reading.clear()
            for default in ("on", "off", "on", "off", "on"):
                etag = await asyncio.to_thread(put, workspace, default)
                assert (await quick.message()).id == etag
            slow.reading.set()
            seen = [(await slow.message()).id]
            if seen[-1] != etag:  # what it was being sent as it stopped reading
                seen.append((await slow.message()).id)
            assert seen[-1] == etag
            assert slow._parts.empty()
            assert streams.open == 2

    asyncio.run(run())


def test_a_quiet_stream_shows_that_it_lives(workspace: Workspace) -> None:
    async def run() -> None:
        etag = put(workspace, "off")
        async with streams_of(workspace, quiet=0.001) as (_, listen):
            client = listen(last_id=etag)
            await client.opened()
            assert [await client.part() for _ in range(3)] == [b": quiet\n\n"] * 3

    asyncio.run(run())


def test_only_streams_of_the_set_that_changed_are_told(workspace: Workspace) -> None:
    async def run() -> None:
        put(workspace, "off")
        put(workspace, "off", "shop")
        async with streams_of(workspace) as (_, listen):
            default, both = listen(), listen("channels=default,shop")
            await default.message()
            await both.message()
            shop = await asyncio.to_thread(put, workspace, "on", "shop")
            assert shop in (await both.message()).id
            new = await asyncio.to_thread(put, workspace, "on")
            assert (await default.message()).id == new
            assert (await both.message()).id == f"{new}.{shop}"

    asyncio.run(run())


def test_a_set_that_goes_and_comes_is_told(workspace: Workspace) -> None:
    async def run() -> None:
        async with streams_of(workspace) as (_, listen):
            client = listen()
            assert (await client.message()).id == "none"
            etag = await asyncio.to_thread(put, workspace, "on")
            assert (await client.message()).id == etag
            await asyncio.to_thread(delete_set, workspace, local_actor(), "default")
            assert (await client.message()).id == "none"

    asyncio.run(run())


def test_a_part_of_a_file_in_the_array_form_has_a_stream(workspace: Workspace) -> None:
    flag = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}

    async def run() -> None:
        document: dict[str, Any] = {"flags": [{"key": "f", "metadata": {"flagSetId": "part"}, **flag}]}
        write_set(workspace, local_actor(), "default", document)
        async with streams_of(workspace) as (_, listen):
            client = listen("channels=part")
            first = (await client.message()).id
            document["flags"].append({"key": "g", **flag})
            await asyncio.to_thread(write_set, workspace, local_actor(), "default", document)
            assert (await client.message()).id != first

    asyncio.run(run())


def test_while_nobody_listens_nothing_is_looked_at_and_nothing_is_kept(workspace: Workspace) -> None:
    async def run() -> None:
        put(workspace, "off")
        async with streams_of(workspace) as (streams, listen):
            client = listen()
            await client.message()
            task = streams._task
            assert task
            client.leave()
            await client.served
            await task
            assert (streams.open, streams._channels, streams._listening) == (0, {}, {})
            assert not flag_sets(workspace)._told
            assert (await listen().message()).id, "and the next client begins it anew"

    asyncio.run(run())


def test_there_is_a_most_number_of_streams(workspace: Workspace) -> None:
    async def run() -> None:
        put(workspace, "off")
        async with streams_of(workspace, most=1) as (_, listen):
            await listen().message()
            with pytest.raises(Exception, match="Too many streams"):
                await listen().message()

    asyncio.run(run())


def test_a_graph_that_cannot_be_read_ends_no_stream(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from counterpoint.errors import WorkspaceError

    async def run() -> None:
        put(workspace, "off")
        async with streams_of(workspace) as (_, listen):
            client = listen()
            await client.message()
            right = FlagSets.get
            failed = asyncio.Event()
            loop = asyncio.get_running_loop()

            def fail(_: FlagSets, __: str) -> None:
                loop.call_soon_threadsafe(failed.set)
                raise WorkspaceError("away")

            monkeypatch.setattr(FlagSets, "get", fail)
            etag = await asyncio.to_thread(put, workspace, "on")
            await failed.wait()
            monkeypatch.setattr(FlagSets, "get", right)
            flag_sets(workspace).forget()
            assert (await client.message()).id == etag

    asyncio.run(run())


# Tickets


def test_a_ticket_opens_its_channels_for_its_key_until_the_end_of_the_next_week() -> None:
    now = 100 * WEEK + 5.0
    ticket = read_ticket(issue("cpk_a", "shop", now=now))
    assert ticket
    assert ticket.is_of(hash_secret("cpk_a"), "shop", now=now)
    assert ticket.is_of(hash_secret("cpk_a"), "shop", now=102 * WEEK - 1.0)
    assert not ticket.is_of(hash_secret("cpk_a"), "shop", now=102 * WEEK)
    assert not ticket.is_of(hash_secret("cpk_a"), "other", now=now)
    assert not ticket.is_of(hash_secret("cpk_b"), "shop", now=now)
    assert not ticket._replace(week=500).is_of(hash_secret("cpk_a"), "shop", now=now)
    assert issue("cpk_a", "shop", now=now) == issue("cpk_a", "shop", now=101 * WEEK - 1.0)
    assert issue("cpk_a", "shop", now=now) != issue("cpk_a", "shop", now=101 * WEEK)


@pytest.mark.parametrize(
    "text",
    ["", "x", "a.b.c", "%" * 16 + ".9.x", "é" * 16 + ".9.x", "a" * 16 + ".².x", "a" * 16 + ".9999999.x"],
)
def test_what_looks_like_no_ticket_is_none(text: str) -> None:
    assert read_ticket(text) is None


def test_of_a_name_that_stands_twice_in_the_address_nothing_is_taken() -> None:
    assert asked_for(b"channels=a&channels=b&ticket=t") == Asked("", "t")
    assert asked_for(b"channels=a%2Cb&ticket=t&ticket=u") == Asked("a,b", None)
    assert asked_for(b"&".join([b"a=1"] * 100)) == Asked()


# Over a real server


@contextmanager
def listening(url: str, **headers: str) -> Iterator[tuple[httpx2.Response, Iterator[Message]]]:
    """An open stream and its messages."""
    with httpx2.stream("GET", url, headers=headers, timeout=DEADLINE) as response:
        messages = Messages()
        yield response, (found for part in response.iter_bytes() for found in messages.feed(part))


def address(served: Served, key: str, set_name: str | None = None) -> str:
    """The stream that a bulk answer names."""
    headers = {"X-API-Key": key} | ({"Flagd-Selector": set_name} if set_name else {})
    (stream,) = httpx2.post(served.url + BULK, headers=headers).json()["eventStreams"]
    assert (stream["type"], stream["inactivityDelaySec"]) == ("sse", 120)
    return f"{served.url}{stream['endpoint']['requestUri']}"


def status(url: str, **headers: str) -> int:
    with httpx2.stream("GET", url, headers=headers, timeout=DEADLINE) as response:
        return response.status_code


def test_the_address_in_an_answer_suffices_and_tells_of_a_change(guarded: Served) -> None:
    url = address(guarded, guarded.key("suffices", "flags:evaluate"))
    with listening(url, Origin="https://shop.example") as (response, messages):
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["access-control-allow-origin"] == "*"
        next(messages)
        stored = guarded.write("default", {**DEFINITION, "metadata": {"version": "8"}}).stored
        assert stored
        assert next(messages).id == stored.etag


def test_tokens_and_keys_open_a_stream_by_header(guarded: Served) -> None:
    key, token = guarded.key("by-header", "flags:evaluate"), guarded.key("by-token", "read", "flags:evaluate")
    url = f"{guarded.url}{STREAM}?channels=default"
    assert status(url, Authorization=f"Bearer {token}") == 200
    assert status(url, **{"X-API-Key": key}) == 200
    assert status(url) == 401
    assert status(url, Authorization="Bearer cpk_nothing") == 401
    assert status(url, Authorization=f"Bearer {guarded.key('reads', 'read')}") == 403


def test_a_ticket_opens_that_stream_and_nothing_else(guarded: Served) -> None:
    guarded.write("shop", definition("on"))
    url = address(guarded, guarded.key("narrow", "flags:evaluate"))
    assert status(url) == 200
    assert status(url.replace("channels=default", "channels=shop")) == 401
    assert status(url.replace("channels=default&", "")) == 401
    ticket = url.partition("ticket=")[2]
    assert status(url.replace(ticket, ticket[:-1] + ("A" if ticket[-1] != "A" else "B"))) == 401
    assert httpx2.post(f"{guarded.url}{BULK}?ticket={ticket}").status_code == 401
    assert httpx2.get(f"{guarded.url}/api/v1/activity?channels=default&ticket={ticket}").status_code == 401


def test_a_key_for_one_set_opens_the_stream_of_that_set(guarded: Served) -> None:
    guarded.write("shop", definition("on"))
    key = guarded.key("one-set", "flags:evaluate:shop")
    assert "channels=shop&" in (url := address(guarded, key))
    assert status(url) == 200
    plain = guarded.url + STREAM
    assert status(plain, **{"X-API-Key": key}) == 200
    refused = httpx2.get(f"{plain}?channels=default", headers={"X-API-Key": key})
    assert refused.status_code == 403
    assert refused.json().keys() == {"key", "errorCode", "errorDetails"}


def test_a_stream_ends_when_its_key_is_revoked_and_opens_no_more(guarded: Served) -> None:
    key = guarded.key("short-lived", "flags:evaluate")
    by_ticket = address(guarded, key)
    with (
        listening(by_ticket) as (_, first),
        listening(f"{guarded.url}{STREAM}", **{"X-API-Key": key}) as (_, second),
        listening(address(guarded, guarded.key("stays", "flags:evaluate"))) as (_, third),
    ):
        assert [next(each).event for each in (first, second, third)] == ["message"] * 3
        revoke_token(guarded.workspace.graph, local_actor(), "short-lived")
        assert list(first) == []
        assert list(second) == []
        stored = guarded.write("default", definition("on")).stored
        assert stored
        assert next(third).id == stored.etag
    assert status(by_ticket) == 401
    guarded.key("short-lived", "flags:evaluate")  # another key of that name is another key
    assert status(by_ticket) == 401


def test_no_ticket_is_written_anywhere(guarded: Served, capfd: pytest.CaptureFixture[str]) -> None:
    url = address(guarded, guarded.key("secretive", "flags:evaluate"))
    ticket = url.partition("ticket=")[2]
    with listening(url) as (_, messages):
        next(messages)
    refused = httpx2.get(url.replace("channels=default", "channels=no"), headers={"Accept": "text/html"})
    assert refused.status_code == 401
    assert httpx2.post(url).status_code == 405
    metrics = httpx2.get(f"{guarded.url}/metrics").text
    assert 'route="/ofrep/v1/sse"' in metrics
    logged = capfd.readouterr()
    assert STREAM in logged.out + logged.err
    for text in (metrics, logged.out, logged.err, refused.text, str(refused.headers)):
        assert ticket not in text
        assert ticket.rpartition(".")[2] not in text


def test_refusals_of_streams_have_the_shape_of_remote_evaluation(served: Served) -> None:
    missing = httpx2.get(f"{served.url}{STREAM}?channels=nothing")
    posted = httpx2.post(f"{served.url}{STREAM}?channels=default", json={})
    below = httpx2.get(f"{served.url}{STREAM}/more")
    assert [each.status_code for each in (missing, posted, below)] == [404, 405, 404]
    assert posted.headers["allow"] == "GET"
    for each in (missing, posted, below):
        assert each.json().keys() == {"key", "errorCode", "errorDetails"}
    assert "'nothing'" in missing.json()["errorDetails"]
    many = ",".join(map(str, range(21)))
    assert httpx2.get(f"{served.url}{STREAM}?channels={many}").status_code == 403


def test_without_sign_in_pages_of_this_machine_may_listen_and_others_may_not(served: Served) -> None:
    url = f"{served.url}{STREAM}?channels=default"
    assert status(url) == 200
    assert status(url, Origin="http://localhost:3000") == 200
    assert status(url, Origin="https://evil.example") == 403


def test_head_of_a_stream_ends(served: Served) -> None:
    response = httpx2.head(f"{served.url}{STREAM}", timeout=DEADLINE)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")


def test_who_comes_while_the_server_stops_is_let_come_again(workspace: Workspace) -> None:
    # After an answer other than 200, an EventSource never comes back.
    async def run() -> None:
        put(workspace, "off")
        async with streams_of(workspace) as (streams, listen):
            streams.close()
            late = listen()
            assert (await late.opened()).startswith(b"retry: ")
            assert await late.part() == b"", "it has ended"

    asyncio.run(run())
