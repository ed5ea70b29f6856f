"""The protocol's server: it lists what rooms offer, and asks our own API for what is called."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import mcp_types as types
import msgspec
from litestar.types import ASGIApp
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from counterpoint import __version__
from counterpoint.errors import InputError
from counterpoint.server.context import customs_of
from counterpoint.server.mcp.asking import Answer, ask
from counterpoint.server.mcp.offer import Offer, offer
from counterpoint.workspace import Workspace

__all__ = ["protocol_server"]

INSTRUCTIONS = (
    "Counterpoint knows what exists in this organisation, who owns it, and what its units try. Everything here reads; "
    "nothing changes anything. Answers are those of its API for whoever asks: what they may not see is not there. "
    "Name where a statement comes from by the entity's reference. Compare or rank no people, and no units."
)
LASTING = 3_600_000
"""Milliseconds for which a list may be kept: it changes only with a new version of the server."""
JSON = "application/json"
Context: TypeAlias = ServerRequestContext[Any, Any]
Tell: TypeAlias = Callable[[str], str]


def protocol_server(app: ASGIApp, workspace: Workspace) -> Server[Any]:
    """The server over an application; what it says of itself is in the words of the workspace's organisation."""

    def tell(text: str) -> str:
        return str(customs_of(workspace).of().words.tell(text))

    return Server(
        "counterpoint",
        version=__version__,
        title="Counterpoint",
        instructions=tell(INSTRUCTIONS),
        cache_hints={
            name: CacheHint(ttl_ms=LASTING, scope="private")
            for name in ("tools/list", "prompts/list", "resources/templates/list")
        },
        **_listing(offer(), tell),
        **_answering(app, offer(), tell),
    )


def _tools(found: Offer, tell: Tell) -> list[types.Tool]:
    return [
        types.Tool(
            name=each.name,
            title=tell(each.title),
            description=tell(each.meaning),
            input_schema=_told(each.schema, tell),
            annotations=types.ToolAnnotations(
                read_only_hint=True, idempotent_hint=True, open_world_hint=False, destructive_hint=False
            ),
        )
        for each in found.tools.values()
    ]


def _templates(found: Offer, tell: Tell) -> list[types.ResourceTemplate]:
    return [
        types.ResourceTemplate(
            name=each.scheme,
            title=tell(each.title),
            description=tell(each.meaning),
            uri_template=each.template,
            mime_type=JSON,
        )
        for each in found.sources
    ]


def _prompts(found: Offer, tell: Tell) -> list[types.Prompt]:
    return [
        types.Prompt(
            name=each.name,
            title=tell(each.title),
            description=tell(each.meaning),
            arguments=[
                types.PromptArgument(
                    name=argument.name, description=tell(argument.meaning), required=argument.required
                )
                for argument in each.arguments
            ],
        )
        for each in found.prompts.values()
    ]


def _listing(found: Offer, tell: Tell) -> dict[str, Any]:
    async def list_tools(_: Context, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=_tools(found, tell))

    async def list_resources(_: Context, __: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])

    async def list_templates(_: Context, __: Any) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(resource_templates=_templates(found, tell))

    async def list_prompts(_: Context, __: Any) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=_prompts(found, tell))

    return {
        "on_list_tools": list_tools,
        "on_list_resources": list_resources,
        "on_list_resource_templates": list_templates,
        "on_list_prompts": list_prompts,
    }


def _answering(app: ASGIApp, found: Offer, tell: Tell) -> dict[str, Any]:
    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = found.tools.get(params.name)
        if tool is None:
            names = ", ".join(found.tools)
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name[:60]!r}; there are {names}.")
        try:
            read = tool.read(params.arguments or {})
        except InputError as error:
            return _failed(tell(_whole(error)))
        answer = await ask(app, read, context.request)
        if answer.status != 200:
            return _failed(_detail(answer))
        text = answer.body.decode()
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=text)], structured_content=msgspec.json.decode(text)
        )

    async def read_resource(
        context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        read = found.at(uri)
        if read is None:
            forms = ", ".join(each.template for each in found.sources)
            raise MCPError(types.INVALID_PARAMS, f"There is nothing at {uri[:200]!r}; addresses are {forms}.")
        answer = await ask(app, read, context.request)
        if answer.status != 200:
            raise MCPError(types.INVALID_PARAMS, _detail(answer))
        text = answer.body.decode()
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=JSON, text=text)]
        )

    async def get_prompt(_: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        script = found.prompts.get(params.name)
        if script is None:
            names = ", ".join(found.prompts)
            raise MCPError(
                types.INVALID_PARAMS, f"There is no prompt {params.name[:60]!r}; there are {names}."
            )
        try:
            text = tell(script.filled(params.arguments or {}))
        except InputError as error:
            raise MCPError(types.INVALID_PARAMS, tell(_whole(error))) from None
        message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
        return types.GetPromptResult(description=tell(script.meaning), messages=[message])

    return {"on_call_tool": call_tool, "on_read_resource": read_resource, "on_get_prompt": get_prompt}


def _told(schema: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """The schema with its descriptions in the organisation's words."""
    arguments = {
        name: told | {"description": tell(told["description"])} for name, told in schema["properties"].items()
    }
    return {**schema, "properties": arguments}


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def _whole(error: InputError) -> str:
    return " ".join([error.message, *(each.message for each in error.problems)])


def _detail(answer: Answer) -> str:
    """What the API said of a failure, with the problems that it named."""
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return f"The server answered {answer.status}."
    problems = [str(each.get("message", "")) for each in told.get("errors") or ()]
    return " ".join(dict.fromkeys([str(told.get("detail") or answer.status), *problems]))
