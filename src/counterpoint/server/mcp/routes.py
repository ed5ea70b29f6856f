"""Where the protocol is reached over HTTP."""

from typing import Any

from counterpoint.server.mcp.endpoint import METADATA, PATH, Endpoint, Metadata, shape
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "error_shapes", "openapi_paths", "routes"]

routes: list[Any] = []
error_shapes = {PATH: shape}

_OBJECT = {"application/json": {"schema": {"type": "object"}}}
openapi_paths: dict[str, Any] = {
    PATH: {
        "post": {
            "summary": "A message of the Model Context Protocol (2026-07-28, 2025-11-25)",
            "tags": ["assistants"],
            "requestBody": {"content": _OBJECT},
            "responses": {
                "200": {"description": "The answer, as JSON-RPC", "content": _OBJECT},
                "400": {"description": "No message of the protocol", "content": _OBJECT},
                "401": {"description": "No token; the header says where the resource is described"},
                "413": {"description": "The message is too large"},
            },
        }
    },
    METADATA: {
        "get": {
            "summary": "What the Model Context Protocol asks of who uses it (RFC 9728)",
            "tags": ["assistants"],
            "responses": {"200": {"description": "The resource's description", "content": _OBJECT}},
        }
    },
}


def asgi_apps(workspace: Workspace) -> dict[str, Any]:
    """The protocol, and what it says of itself to who has no token."""
    return {PATH: Endpoint(workspace), METADATA: Metadata()}
