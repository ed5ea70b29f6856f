"""Requests of the Model Context Protocol as a program writes them."""

from collections.abc import Callable
from typing import Any

from counterpoint.graph import Graph
from counterpoint.graph.actor import SYSTEM
from counterpoint.server.mcp.offer import offer

__all__ = ["HEADERS", "MCP", "assisted", "call", "put_beside", "requested"]

MCP = "/mcp"
HEADERS = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}


def requested(method: str, **params: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """The body of a call of a tool."""
    return requested("tools/call", name=tool, arguments=arguments)


def put_beside(graph: Graph) -> None:
    """Put a metric, flags, an experiment and a rollout of the bet `weekly` beside it, for what tells of those."""
    flag = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False, "control": False},
        "defaultVariant": "off",
    }
    metric = {"owner": "discovery", "direction": "increase", "event": "play", "aggregation": "any"}
    tested = {"owner": "discovery", "bet": "weekly", "flag": "list"}
    experiment = {"control": "off", "treatments": ["on"], "success": [{"metric": "weekly"}]}
    specs = {
        "Metric": ("weekly", metric),
        "FlagSet": ("default", {"owner": "discovery", "definition": {"flags": {"list": flag}}}),
        "Experiment": ("weekly", tested | experiment),
        "Rollout": ("weekly", tested | {"steps": [{"percent": 100}]}),
    }
    with graph.write(SYSTEM) as writer:
        for kind, (name, spec) in specs.items():
            document = {
                "apiVersion": "counterpoint.dev/v1",
                "kind": kind,
                "metadata": {"name": name},
                "spec": spec,
            }
            writer.put(document)


def assisted(
    post: Callable[..., Any], word: str = "quagga", headers: dict[str, str] | None = None
) -> list[str]:
    """All that an assistant is told of the bet `weekly`, the unit `discovery` and a word, by every tool, source and prompt.

    `post` sends a request as whoever the assistant is of.
    """
    there: dict[str, Any] = {"bet": "weekly", "unit": "discovery", "q": word, "limit": 100}
    there |= {"experiment": "weekly", "rollout": "weekly"}
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
    calls = [each for body, each in zip(bodies, told, strict=True) if body["method"] == "tools/call"]
    failed = [each for each in calls if '"isError":false' not in each]
    assert not failed, "every tool finds something to tell"
    for source in offer().sources:
        assert any(f'"uri":"{source.scheme}://default/' in each for each in told), source.scheme
    return told


_REFS = ({"ref": "bet:default/weekly"}, {"ref": "group:default/discovery"}, {"ref": "user:default/ana"})
