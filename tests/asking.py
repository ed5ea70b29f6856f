"""Requests of the Model Context Protocol as a program writes them."""

from collections.abc import Callable
from typing import Any

from counterpoint.server.mcp.offer import offer

__all__ = ["HEADERS", "MCP", "assisted", "call", "requested"]

MCP = "/mcp"
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


def requested(method: str, **params: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """The body of a call of a tool."""
    return requested("tools/call", name=tool, arguments=arguments)


def assisted(
    post: Callable[..., Any], word: str = "quagga", headers: dict[str, str] | None = None
) -> list[str]:
    """All that an assistant is told of the bet `weekly`, the unit `discovery` and a word, by every tool, source and prompt.

    `post` sends a request as whoever the assistant is of.
    """
    there: dict[str, Any] = {"bet": "weekly", "unit": "discovery", "q": word, "limit": 100}
    bodies = [
        call(tool.name, **{name: there[name] for name in named if name in there} | ref)
        for tool in offer().tools.values()
        for named in [[each.name for each in tool.arguments]]
        for ref in (_REFS if "ref" in named else ({},))
    ]
    bodies += [
        requested("resources/read", uri=f"{source.scheme}://default/{name}")
        for source in offer().sources
        for name in ("weekly", "discovery")
    ]
    bodies += [
        requested(
            "prompts/get", name=name, arguments={each.name: there[each.name] for each in script.arguments}
        )
        for name, script in offer().prompts.items()
    ]
    answers = [post(MCP, json=body, headers=HEADERS | (headers or {})) for body in bodies]
    assert {each.status_code for each in answers} == {200}
    told = [each.text for each in answers]
    assert sum('"isError":false' in each for each in told) >= 8, "most tools find something to tell"
    return told


_REFS = ({"ref": "bet:default/weekly"}, {"ref": "group:default/discovery"}, {"ref": "user:default/ana"})
