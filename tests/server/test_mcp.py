"""The Model Context Protocol: with the published client over HTTP and on stdio, and as hostile requests."""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from counterpoint import Workspace
from counterpoint.cli import run
from counterpoint.graph.actor import SYSTEM
from counterpoint.server.identity import tokens
from counterpoint.server.mcp.offer import offer
from tests.asking import HEADERS, MCP, call, put_beside, requested

OURS = {"apiVersion": "counterpoint.dev/v1"}
UNIT = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Group",
    "metadata": {"name": "discovery", "title": "Discovery"},
    "spec": {"type": "squad", "children": []},
}
BET = {
    **OURS,
    "kind": "Bet",
    "metadata": {"name": "weekly", "title": "Weekly"},
    "spec": {"owner": "discovery"},
}
VOCABULARY = {
    **OURS,
    "kind": "Vocabulary",
    "metadata": {"name": "words"},
    "spec": {"owner": "discovery", "nouns": {"bet": "wager"}},
}


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    with workspace.graph.write(SYSTEM) as writer:
        for document in (UNIT, BET):
            writer.put(document)
    return workspace


async def _used(client: Client) -> dict[str, Any]:
    """What a client finds that lists, calls, reads and begins a talk."""
    async with client:
        tools = (await client.list_tools()).tools
        bet = await client.call_tool("get_bet", {"bet": "weekly"})
        nothing = await client.call_tool("get_bet", {"bet": "nothing"})
        wrong = await client.call_tool("get_bet", {"bett": "weekly"})
        templates = (await client.list_resource_templates()).resource_templates
        read = await client.read_resource("bet://default/weekly")
        prompt = await client.get_prompt("weekly_review", {"unit": "discovery"})
        with pytest.raises(MCPError, match="There is nothing at"):
            await client.read_resource("bet://weekly")
        with pytest.raises(MCPError, match="There is no tool 'drop'; there are search"):
            await client.call_tool("drop", {})
        with pytest.raises(MCPError, match="`unit` is missing"):
            await client.get_prompt("weekly_review", {})
        return {
            "version": client.protocol_version,
            "tools": [each.name for each in tools],
            "schemas": [each.input_schema for each in tools],
            "reads": all(each.annotations and each.annotations.read_only_hint for each in tools),
            "bet": bet.structured_content["bet"]["ref"],
            "failed": [(each.is_error, each.content[0].text) for each in (nothing, wrong)],
            "templates": [each.uri_template for each in templates],
            "read": json.loads(read.contents[0].text)["bet"]["ref"],
            "prompt": prompt.messages[0].content.text,
        }


def _is_whole(found: dict[str, Any]) -> None:
    assert found["tools"] == list(offer().tools)
    assert len(found["tools"]) <= 10
    assert found["reads"]
    assert all(schema["additionalProperties"] is False for schema in found["schemas"])
    assert found["bet"] == found["read"] == "bet:default/weekly"
    (missing, said), (wrong, meant) = found["failed"]
    assert (missing, said) == (True, "There is no bet default/nothing.")
    assert wrong
    assert "takes no argument `bett`; did you mean bet?" in meant
    assert "bet://{namespace}/{name}" in found["templates"]
    assert "bet review of discovery" in found["prompt"]


def test_the_published_client_uses_everything_in_both_eras(
    filled: Workspace, running_server: Callable[..., Any]
) -> None:
    served = running_server(filled.path, "--no-auth")

    async def scenario() -> list[dict[str, Any]]:
        return [await _used(Client(f"{served.url}{MCP}", mode=mode)) for mode in ("auto", "legacy")]

    now, before = asyncio.run(scenario())
    assert (now["version"], before["version"]) == ("2026-07-28", "2025-11-25")
    _is_whole(now)
    _is_whole(before)
    log = served.stop(signal_number=signal.SIGTERM)
    assert "Traceback" not in log
    assert '"path": "/api/v1/bets/default/weekly"' in log, (
        "what is read is in the log as a request of its own"
    )


def test_the_published_client_uses_everything_on_stdio(filled: Workspace, tmp_path: Path) -> None:
    arguments = ["-m", "counterpoint", "-w", str(filled.path), "mcp"]

    async def scenario(log: Any) -> dict[str, Any]:
        server = StdioServerParameters(
            command=sys.executable, args=arguments, cwd=tmp_path, env=dict(os.environ)
        )
        return await _used(Client(stdio_client(server, errlog=log)))

    with (tmp_path / "log").open("w") as log:
        _is_whole(asyncio.run(scenario(log)))
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_reading_on_stdio_starts_nothing_that_writes(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the controller of rollouts nor the watch of files, nor anything else that a server does by itself."""
    begun: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: begun.append(thread.name))
    monkeypatch.setattr(Litestar, "lifespan", lambda app: begun.append("lifespan"))

    async def served(read: Any, write: Any, options: Any) -> None:
        assert begun == []

    @asynccontextmanager
    async def nothing() -> AsyncIterator[tuple[None, None]]:
        yield None, None

    monkeypatch.setattr("mcp.server.stdio.stdio_server", nothing)
    monkeypatch.setattr("mcp.server.lowlevel.Server.run", lambda _, *given: served(*given))
    assert run(["-w", str(filled.path), "mcp"]) == 0
    assert begun == []


def test_who_has_no_token_is_told_where_the_resource_describes_itself(guarded: TestClient[Any]) -> None:
    refused = guarded.post(MCP, json=requested("tools/list"), headers=HEADERS)
    assert refused.status_code == 401
    described = "http://counterpoint.localhost/.well-known/oauth-protected-resource/mcp"
    assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{described}", scope="read"'
    assert refused.json()["error"]["message"].startswith("Sign in, or send an API token")
    told = guarded.get(described).json()
    assert told["resource"] == "http://counterpoint.localhost/mcp"
    assert told["scopes_supported"] == ["read"]
    secure = guarded.get(described, headers={"host": "acme.example", "x-forwarded-proto": "https"}).json()
    assert secure["resource"] == "https://acme.example/mcp"


def test_a_token_reads_with_its_scope_and_no_longer_than_it_lives(
    filled: Workspace, guarded: TestClient[Any], token: Callable[..., dict[str, str]]
) -> None:
    body = call("get_bet", bet="weekly")
    for scope in ("write", "events:write", "flags:evaluate"):
        refused = guarded.post(MCP, json=body, headers=HEADERS | token(scope))
        assert refused.status_code == (200 if scope == "write" else 403), scope
        if refused.status_code == 403:
            assert "insufficient_scope" in refused.headers["www-authenticate"]
    held = token("read")
    told = guarded.post(MCP, json=body, headers=HEADERS | held).json()
    assert told["result"]["structuredContent"]["bet"]["ref"] == "bet:default/weekly"
    with filled.graph.read() as reader:
        secret = held["Authorization"].removeprefix("Bearer ")
        found = tokens.find_token(reader, secret, now=datetime.now(UTC))
    assert found
    tokens.revoke_token(filled.graph, SYSTEM, found.name)
    assert guarded.post(MCP, json=body, headers=HEADERS | held).status_code == 401


def test_a_page_of_another_site_reads_nothing_on_a_session(
    filled: Workspace, guarded: TestClient[Any], sign_in: Callable[..., Any]
) -> None:
    sign_in(guarded)
    body = requested("tools/list")
    assert guarded.post(MCP, json=body, headers=HEADERS).status_code == 200
    evil = HEADERS | {"origin": "https://evil.example"}
    refused = guarded.post(MCP, json=body, headers=evil)
    assert (refused.status_code, "www-authenticate" in refused.headers) == (403, False)
    form = HEADERS | {"content-type": "text/plain"}
    assert guarded.post(MCP, content=json.dumps(body), headers=form).status_code >= 400


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 7}}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "no/such", "params": {}}', 200),
        (b"[" * 100_000, 400),
        (b'"' + b"x" * 300_000 + b'"', 413),
    ],
)
def test_what_is_no_request_is_told_so(client: TestClient[Any], content: bytes, status: int) -> None:
    headers = HEADERS | {"content-type": "application/json"}
    answer = client.post(MCP, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    assert status == 413 or "error" in answer.json()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_there_is_nothing_but_posting(client: TestClient[Any], method: str) -> None:
    answer = client.request(method, MCP, headers=HEADERS)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("get_bet", {}, "`bet` is missing"),
        ("get_bet", {"bet": ""}, "`bet` is empty"),
        ("get_bet", {"bet": 7}, "`bet` is a text"),
        ("get_bet", {"bet": "group:discovery"}, "`bet` is a Bet; 'group:discovery' is a group"),
        ("get_bet", {"bet": "../../people/export"}, "no name holds a slash"),
        ("get_bet", {"bet": "a/b\x00"}, "NUL"),
        ("search", {"q": "weekly", "limit": "9"}, "`limit` is a whole number"),
        ("search", {"q": "weekly", "limit": True}, "`limit` is a whole number"),
        ("search", {"q": "weekly", "limit": 10_000}, "limit"),
        ("get_entity", {"ref": "weekly"}, "names no kind"),
        ("line_of_sight", {"ref": "bet:default/nothing"}, "nothing"),
    ],
)
def test_wrong_arguments_are_told_by_name(
    filled: Workspace, client: TestClient[Any], tool: str, arguments: dict[str, Any], said: str
) -> None:
    told = client.post(MCP, json=call(tool, **arguments), headers=HEADERS).json()["result"]
    assert told["isError"], told
    assert said in told["content"][0]["text"]


def test_every_tool_and_source_answers_for_a_thing_that_is_there(
    filled: Workspace, client: TestClient[Any]
) -> None:
    put_beside(filled.graph)
    asked = dict.fromkeys(("bet", "experiment", "rollout", "q"), "weekly")
    asked |= {"ref": "bet:default/weekly", "unit": "discovery"}
    for tool in offer().tools.values():
        given = {each.name: asked[each.name] for each in tool.arguments if each.name in asked}
        told = client.post(MCP, json=call(tool.name, **given), headers=HEADERS).json()["result"]
        assert not told.get("isError"), (tool.name, told)
        assert told["structuredContent"]
    for source in offer().sources:
        uri = f"{source.scheme}://default/{'discovery' if source.scheme == 'squad' else 'weekly'}"
        told = client.post(MCP, json=requested("resources/read", uri=uri), headers=HEADERS).json()
        assert told["result"]["contents"][0]["uri"] == uri, told


def test_an_organisation_reads_its_own_words(filled: Workspace, client: TestClient[Any]) -> None:
    with filled.graph.write(SYSTEM) as writer:
        writer.put(VOCABULARY)
    told = client.post(MCP, json=requested("tools/list"), headers=HEADERS).json()["result"]["tools"]
    titles = {each["name"]: each["title"] for each in told}
    assert titles["get_bet"] == "A wager"
    assert all("bet" not in each["description"].lower().replace("between", "").split() for each in told)
