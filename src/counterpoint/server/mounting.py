"""Mounts the rooms: their handlers into litestar, their bare ASGI callables beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from inspect import iscoroutinefunction
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from counterpoint.server.guard import check_access, check_csrf_header
from counterpoint.server.problems import Shape
from counterpoint.web.finding import Finder
from counterpoint.workspace import Workspace

__all__ = ["ROOMS", "Mounted", "Mounts", "mount_rooms"]

ROOMS = (
    "catalog",
    "catalog.docs",
    "catalog.reuse",
    "catalog.views",
    "people",
    "bets",
    "bets.deciding",
    "bets.judgement",
    "bets.reviews",
    "bets.concerns",
    "bets.dependencies",
    "bets.feedback",
    "flags",
    "experiments",
    "experiments.metrics",
    "experiments.dashboards",
    "experiments.coordination",
    "rollouts",
    "discover",
    "journal",
    "web",
    "server",
    "server.mcp",
)
"""Every room with doors to HTTP; `routes`, `pages` and `finding` are looked for in each."""


@dataclass
class Mounted:
    """What the rooms bring."""

    handlers: list[Any] = field(default_factory=list)
    asgi_apps: dict[str, ASGIApp] = field(default_factory=dict)
    closers: list[Callable[[], None]] = field(default_factory=list)
    """What ends the streams of those callables, before the server waits for its connections to end."""
    lifespans: list[Any] = field(default_factory=list)
    """Functions that take the workspace and return an async context manager around the server's life."""
    error_shapes: dict[str, Shape] = field(default_factory=dict)
    """How errors are written below a path, where a standard says so."""
    openapi_paths: dict[str, Any] = field(default_factory=dict)
    """What the ASGI callables say of themselves in the OpenAPI document."""
    finders: list[Finder] = field(default_factory=list)
    """What finds the things of a room that are no entities, for the search."""


def mount_rooms(workspace: Workspace) -> Mounted:
    """Import the doors of every room. A room without a door is no error; one that fails to import is."""
    mounted = Mounted()
    for room in ROOMS:
        if (routes := _door(room, "routes")) is not None:
            mounted.handlers += getattr(routes, "routes", [])
            mounted.openapi_paths |= getattr(routes, "openapi_paths", {})
            mounted.error_shapes |= getattr(routes, "error_shapes", {})
            if hasattr(routes, "asgi_apps"):
                mounted.asgi_apps |= routes.asgi_apps(workspace)
            if hasattr(routes, "lifespan"):
                mounted.lifespans.append(routes.lifespan)
            mounted.lifespans += getattr(routes, "lifespans", [])
        if (pages := _door(room, "pages")) is not None:
            mounted.handlers += pages.pages
        if (finding := _door(room, "finding")) is not None:
            mounted.finders += getattr(finding, "finders", [])
    mounted.closers = [app.close for app in mounted.asgi_apps.values() if hasattr(app, "close")]
    mounted.handlers = [_in_thread(handler) for handler in mounted.handlers]
    return mounted


def _in_thread(handler: Any) -> Any:
    """Give a handler that asks for a thread one itself.

    Litestar 2.25 wraps it anew for each method that shares its path, and then answers with a
    coroutine that nobody awaits. What is a coroutine function already it leaves alone.
    """
    if (
        not isinstance(handler, HTTPRouteHandler)
        or not handler.sync_to_thread
        or iscoroutinefunction(handler.fn)
    ):
        return handler
    function = handler.fn

    @wraps(function)
    async def call(*arguments: Any, **named: Any) -> Any:
        return await sync_to_thread(function, *arguments, **named)

    handler._fn = call
    return handler


def _door(room: str, name: str) -> Any:
    address = f"counterpoint.{room}.{name}"
    return import_module(address) if find_spec(address) else None


def _anything(_: Scope) -> bool:
    return True


class Mounts:
    """Gives a request to the callable mounted at its path or above it, else to litestar.

    A callable sees the scope as it came, with the whole path. It is not reached by who may not. One with a
    method `takes` leaves to litestar the requests that it says no to.
    """

    def __init__(self, app: ASGIApp, mounts: Mapping[str, ASGIApp]) -> None:
        self.app = app
        self.mounts = sorted(mounts.items(), key=lambda item: -len(item[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        for prefix, mounted in self.mounts:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
                if not getattr(mounted, "takes", _anything)(scope):
                    break
                scope["path_template"] = prefix
                check_access(scope)
                check_csrf_header(scope, json_only=getattr(mounted, "takes_json_only", False))
                await mounted(scope, receive, send)
                return
        await self.app(scope, receive, send)
