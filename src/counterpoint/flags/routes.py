"""HTTP of the flags room: remote evaluation here, flag sets and their versions in modules of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar.concurrency import sync_to_thread

from counterpoint.flags.care_routes import routes as care_routes
from counterpoint.flags.composition_routes import routes as composition_routes
from counterpoint.flags.exposure import exposures_of
from counterpoint.flags.ofrep import BASE, PATH, Ofrep, refusal
from counterpoint.flags.seen import SeenAttributes
from counterpoint.flags.set_routes import routes as set_routes
from counterpoint.flags.store import flag_sets
from counterpoint.flags.stream import Streams
from counterpoint.flags.tickets import STREAM
from counterpoint.flags.version_routes import routes as version_routes
from counterpoint.workspace import Workspace

__all__ = ["asgi_apps", "error_shapes", "lifespan", "openapi_paths", "routes"]


def asgi_apps(workspace: Workspace) -> dict[str, Any]:
    """Remote evaluation, beside the framework, since services ask at every request of their own."""
    sets = flag_sets(workspace)
    seen = workspace.keep(SeenAttributes, lambda kept: SeenAttributes(kept.path))
    return {
        PATH: Ofrep(sets, exposures_of(workspace), workspace.settings.flags, seen),
        STREAM: Streams(sets, workspace.graph.last_activity),
    }


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Write exposures while the server runs, and the last of them when it stops."""
    exposures = exposures_of(workspace)
    exposures.start()
    try:
        yield
    finally:
        await sync_to_thread(exposures.stop)


error_shapes: dict[str, Any] = {BASE: refusal}
"""How remote evaluation refuses, also in the name of what stands in front of it."""

routes: list[Any] = [*set_routes, *version_routes, *composition_routes, *care_routes]

_ERROR = {
    "description": "An error in OFREP's shape",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "key": {"type": "string"},
                    "errorCode": {"type": "string"},
                    "errorDetails": {"type": "string"},
                },
            }
        }
    },
}
_CONTEXT = {
    "content": {
        "application/json": {"schema": {"type": "object", "properties": {"context": {"type": "object"}}}}
    }
}
_SUCCESS = {"content": {"application/json": {"schema": {"type": "object"}}}}

openapi_paths: dict[str, Any] = {
    PATH: {
        "post": {
            "summary": "Evaluate all flags (OFREP 0.3)",
            "tags": ["flags"],
            "requestBody": _CONTEXT,
            "responses": {
                "200": {"description": "Every flag's answer, with an ETag of the answers", **_SUCCESS},
                "304": {"description": "The answers are those of `If-None-Match`"},
                "400": _ERROR,
                "413": _ERROR,
                "429": _ERROR,
            },
        }
    },
    PATH + "/{key}": {
        "post": {
            "summary": "Evaluate one flag (OFREP 0.3)",
            "tags": ["flags"],
            "parameters": [{"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": _CONTEXT,
            "responses": {
                "200": {"description": "The flag's answer", **_SUCCESS},
                "400": _ERROR,
                "404": _ERROR,
                "413": _ERROR,
                "429": _ERROR,
            },
        }
    },
    STREAM: {
        "get": {
            "summary": "Be told when to evaluate again (OFREP 0.3 event stream)",
            "tags": ["flags"],
            "parameters": [
                {"name": "channels", "in": "query", "schema": {"type": "string"}},
                {"name": "ticket", "in": "query", "schema": {"type": "string"}},
                {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}},
            ],
            "responses": {
                "200": {
                    "description": "Messages of the type `refetchEvaluation`",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}},
                },
                "403": _ERROR,
                "404": _ERROR,
                "429": _ERROR,
            },
        }
    },
}
"""What the bare ASGI callable says of itself in the OpenAPI document."""
