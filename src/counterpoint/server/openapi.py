"""The OpenAPI document: what litestar derives from the handlers, completed by what it does not know."""

from collections.abc import Collection
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme, Tag

from counterpoint import __version__
from counterpoint.server.identity.model import SCOPES

__all__ = ["openapi_config"]

PROBLEM_TYPE = "application/problem+json"
PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "requestId": {"type": "string", "description": "Also in the header X-Request-ID and in the log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901 pointer into what was sent."},
                    "message": {"type": "string"},
                    "file": {"type": "string"},
                    "line": {"type": "integer"},
                    "column": {"type": "integer"},
                },
            },
        },
    },
}
OURS = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
STANDARDS = {"/scim/": "application/scim+json"}
"""The media type of errors below a path, where another standard has one of its own; else it is plain JSON."""
TAGS = (
    Tag(
        name="catalog",
        description="What exists: entities, relations, history. Wire-compatible with Backstage.",
    ),
    Tag(name="entities", description="The same entities in our own words, as of any date, and the search."),
    Tag(name="documentation", description="Documentation of entities: navigation, pages, files, search."),
    Tag(name="scorecards", description="Checks of what the catalog says, facts, and what to do next."),
    Tag(name="reuse", description="What exists already and is like something, and likely twins."),
    Tag(name="views", description="Lists that people have saved."),
    Tag(name="people", description="People, units, memberships at any date, ownership."),
    Tag(name="scim", description="SCIM 2.0: people and groups from an identity provider, in its own format."),
    Tag(name="flags", description="Flag sets and their evaluation, in flagd's and OFREP's formats."),
    Tag(name="events", description="What happened: CloudEvents in, and out again."),
    Tag(name="experiments", description="Results and the shipping recommendation."),
    Tag(
        name="metrics",
        description="What is measured: definitions, figures, and what the events say against them.",
    ),
    Tag(name="dashboards", description="Metrics side by side, made by units and open to all."),
    Tag(name="bets", description="Bets, their evidence and decisions."),
    Tag(
        name="concerns",
        description="Concerns about bets and their answers, as far as the caller may see them.",
    ),
    Tag(name="assistants", description="Reading all this over the Model Context Protocol."),
    Tag(name="dependencies", description="What units wait for from each other."),
    Tag(name="feedback", description="What people outside say, and what became of it."),
    Tag(
        name="rollouts",
        description="Steps of a flag against guardrails: where they stand, and what people do.",
    ),
    Tag(
        name="discover",
        description="What listeners are recommended and why, their week and their profile; versions, evaluations, creators' audiences.",
    ),
    Tag(name="activity", description="The log of every change, and its live stream."),
    Tag(name="operation", description="Liveness, readiness, figures."),
)
DESCRIPTION = """\
Errors are `application/problem+json` (RFC 9457), apart from those of the Backstage APIs, SCIM and OFREP, which
follow their standards. Lists page by an opaque `cursor`. Times are RFC 3339 in UTC.
"""


class OpenAPIDocument(JsonRenderPlugin):
    """Renders the document once, with the mounted callables and the problem details in it."""

    def __init__(self, further_paths: dict[str, Any], foreign: Collection[str]) -> None:
        super().__init__(path="/")
        self.further_paths = further_paths
        self.foreign = foreign
        self._rendered: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The whole document as JSON."""
        if self._rendered is None:
            self._rendered = msgspec.json.encode(complete(openapi_schema, self.further_paths, self.foreign))
        return self._rendered


def complete(
    document: dict[str, Any], further_paths: dict[str, Any], foreign: Collection[str] = ()
) -> dict[str, Any]:
    """The document with further paths, and with errors declared as what they are.

    Below the paths in `foreign` they follow the standard of somebody else.
    """
    paths = document.get("paths", {})
    merged = {
        path: {**paths.get(path, {}), **further_paths.get(path, {})}
        for path in sorted({*paths, *further_paths})
    }
    components = document.get("components", {})
    schemas = {**components.get("schemas", {}), "Problem": PROBLEM}
    for path, item in merged.items():
        content = _foreign(path) if path.startswith(tuple(f"{each}/" for each in foreign)) else OURS
        for operation in item.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"] = _with_errors(operation["responses"], content)
    return {**document, "paths": merged, "components": {**components, "schemas": schemas}}


def _foreign(path: str) -> dict[str, Any]:
    """How errors of another standard are declared."""
    media = next((media for start, media in STANDARDS.items() if path.startswith(start)), "application/json")
    return {media: {"schema": {"type": "object"}}}


def _with_errors(responses: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    # Litestar declares its own error body, which is never sent.
    own = {status: response for status, response in responses.items() if not _is_litestars(response)}
    replaced = {
        status: {"description": response["description"], "content": content}
        for status, response in responses.items()
        if _is_litestars(response)
    }
    return {"default": {"description": "What went wrong", "content": content}} | own | replaced


def _is_litestars(response: dict[str, Any]) -> bool:
    content = response.get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    return {"status_code", "detail"} <= set(schema.get("properties", {}))


def openapi_config(further_paths: dict[str, Any], foreign: Collection[str] = ()) -> OpenAPIConfig:
    """What litestar needs in order to serve `/api/openapi.json`."""
    scopes = "; ".join(f"`{name}`: {meaning}" for name, meaning in SCOPES.items())
    schemes: dict[str, SecurityScheme | Reference] = {
        "token": SecurityScheme(
            type="http",
            scheme="bearer",
            description=f"An API token `cpt_...` or client key `cpk_...`. Scopes: {scopes}.",
        ),
        "apiKey": SecurityScheme(
            type="apiKey", name="X-API-Key", security_scheme_in="header", description="The same token."
        ),
        "session": SecurityScheme(
            type="apiKey",
            name="counterpoint_session",
            security_scheme_in="cookie",
            description="Of a person who signed in; changes need the header X-CSRF-Token too.",
        ),
    }
    return OpenAPIConfig(
        title="Counterpoint",
        version=__version__,
        description=DESCRIPTION,
        path="/api/openapi.json",  # not /api: litestar answers every unknown path below it by itself
        tags=list(TAGS),
        components=Components(security_schemes=schemes),
        security=[{"token": []}, {"apiKey": []}, {"session": []}],
        render_plugins=[OpenAPIDocument(further_paths, foreign)],
        use_handler_docstrings=True,
    )
