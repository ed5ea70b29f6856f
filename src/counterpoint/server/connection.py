"""What the middleware and the handlers read from an ASGI scope, in one place."""

from typing import Any

from litestar.types import HTTPScope, Scope

from counterpoint.server.identity.model import Caller

__all__ = [
    "NOBODY",
    "caller_of",
    "client_address",
    "header",
    "is_loopback",
    "method_of",
    "request_id_of",
    "set_caller",
    "wants_html",
]

NOBODY = Caller()
MACHINE_PATHS = ("/api/", "/ofrep/", "/v1/", "/mcp", "/healthz", "/readyz", "/metrics", "/static/")
"""What programs read; everything else is a page for people."""


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that lower-case name, or None."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def method_of(scope: Scope) -> str:
    """The request's method; the answer to a WebSocket is as to a GET."""
    return str(scope.get("method", "GET"))


def caller_of(scope: Scope) -> Caller:
    """Who sent the request; nobody until the sign-in middleware has run."""
    caller: Caller = state_of(scope).get("caller", NOBODY)
    return caller


def set_caller(scope: Scope, caller: Caller) -> None:
    """Say who sent the request."""
    state_of(scope)["caller"] = caller


def request_id_of(scope: Scope) -> str:
    """The request's id, which is also in the answer's `X-Request-ID`."""
    return str(state_of(scope).get("request_id", ""))


def state_of(scope: Scope) -> dict[str, Any]:
    """The values that travel with one request."""
    return scope.setdefault("state", {})


def client_address(scope: HTTPScope) -> str:
    """The address the request came from, as the ASGI server knows it."""
    client = scope.get("client")
    return client[0] if client else "unknown"


def wants_html(scope: Scope) -> bool:
    """Whether the answer is shown to a person: a page's URL, asked for by something that reads HTML."""
    if (scope["path"] + "/").startswith(MACHINE_PATHS):
        return False
    return "text/html" in (header(scope, b"accept") or "")


def is_loopback(host: str) -> bool:
    """Whether a `Host` header or an address means this machine and no other."""
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    if host.count(":") > 1 and not host.startswith("["):
        name = host
    name = name.lower().rstrip(".")
    return name in {"localhost", "::1"} or name.endswith(".localhost") or _is_127(name)


def _is_127(name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() and int(part) < 256 for part in parts)
