"""What the middleware and the handlers read from an ASGI scope, in one place."""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from litestar.types import HTTPScope, Scope

from counterpoint.server.identity.model import Caller

__all__ = [
    "NOBODY",
    "UNTOLD",
    "caller_of",
    "client_address",
    "header",
    "is_loopback",
    "logged_path",
    "method_of",
    "request_id_of",
    "set_caller",
    "untold",
    "wants_html",
]

NOBODY = Caller()
HOST = re.compile(
    r"\[(?P<literal>[0-9a-f:.]+)\](?::\d+)?|(?P<address>[0-9a-f]*:[0-9a-f:]*:[0-9a-f.]*)|(?P<name>[^:\[\]]+)(?::\d+)?"
)
"""An IPv6 literal in brackets, a bare IPv6 address, or a name or IPv4 address; each but the bare one with a port."""
MACHINE_PATHS = ("/api/", "/ofrep/", "/v1/", "/mcp", "/scim/", "/healthz", "/readyz", "/metrics", "/static/")
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


UNTOLD = ("/concerns", "/api/v1/concerns", "/feedback/to/", "/feedback/status/", "/discover/listen/")
"""Below these no request has a line in a log: one about concerns would tell who raised a nameless one, and addresses
of feedback and links of listeners hold secrets. One that fails is told without the rest of its path and without who sent it."""


def untold(path: str) -> str | None:
    """The beginning of a path that no log tells more of; none for all others. Routing takes //concerns for /concerns."""
    plain = f"/{path.lstrip('/')}"
    return next((beginning for beginning in UNTOLD if plain.startswith(beginning)), None)


LISTENERS = re.compile(r"/+api/+v1/+discover/+[^/]*/+listeners(?=/)")
"""Below it stands a listener's name, which belongs to the product whose listener it is, and into no log."""


def logged_path(scope: Scope) -> str:
    """The path as logs tell it: one with a listener's name without that, and with the place that it takes where that is known."""
    path = str(scope["path"])
    found = LISTENERS.match(path)
    return path if found is None else str(scope.get("path_template") or f"{found[0]}/{{listener}}")


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


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """Whether a `Host` header (with or without a port) or a bare address means this machine and no other."""
    found = HOST.fullmatch(host.lower())
    if found is None:
        return False
    name = (found["literal"] or found["address"] or found["name"]).rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
