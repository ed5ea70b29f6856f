"""The one ASGI application over a workspace."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import structlog
from litestar import Litestar
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from counterpoint.server.body import BodyRequest
from counterpoint.server.context import provide_actor, provide_page, provide_workspace
from counterpoint.server.guard import guard
from counterpoint.server.identity.attempts import Attempts
from counterpoint.server.identity.recognition import Recognition
from counterpoint.server.live import Live
from counterpoint.server.middleware.headers import SecurityHeaders
from counterpoint.server.middleware.heads import Heads
from counterpoint.server.middleware.hosts import Hosts
from counterpoint.server.middleware.logs import RequestLogs, configure_logs
from counterpoint.server.middleware.metrics import Meters, RequestMetrics
from counterpoint.server.middleware.origins import Origins, Readable
from counterpoint.server.middleware.request_ids import RequestIds
from counterpoint.server.middleware.segments import Segments
from counterpoint.server.middleware.shortcut import Quick, Shortcut
from counterpoint.server.middleware.sign_in import SignIn
from counterpoint.server.mounting import Mounted, Mounts, mount_rooms
from counterpoint.server.openapi import openapi_config
from counterpoint.server.problems import Problems, answer_error
from counterpoint.server.telling import Telling, tell
from counterpoint.workspace import Workspace

__all__ = ["create_app"]

MEBIBYTE = 1024 * 1024


def create_app(workspace: Workspace, *, auth: bool = True, loopback: bool = False) -> Litestar:
    """Build the application that serves a workspace, which stays the caller's to close.

    Without `auth` everybody who reaches the server is the local user. With `loopback`, requests that
    name another host than this machine (or one in the setting `hosts`) are refused.
    """
    if not structlog.is_configured():
        configure_logs()
    mounted = mount_rooms(workspace)
    meters = Meters(workspace)
    live = Live(workspace, mounted.closers)
    finders = tuple(mounted.finders)
    state = State(
        {
            "workspace": workspace,
            "auth": auth,
            "meters": meters,
            "live": live,
            "attempts": Attempts(),
            "error_shapes": mounted.error_shapes,
        }
    )
    app = Litestar(
        route_handlers=mounted.handlers,
        dependencies={
            "ws": Provide(provide_workspace, sync_to_thread=False),
            "actor": Provide(provide_actor, sync_to_thread=False),
            "page": Provide(provide_page, sync_to_thread=False),
            "finders": Provide(lambda: finders, sync_to_thread=False),
        },
        after_request=tell,
        exception_handlers={Exception: answer_error},
        guards=[guard],
        lifespan=[
            _shortcuts,
            _open_journal,
            live.lifespan,
            *(_bound(lifespan, workspace) for lifespan in mounted.lifespans),
        ],
        logging_config=None,
        openapi_config=openapi_config(mounted.openapi_paths, mounted.error_shapes),
        request_class=BodyRequest,
        request_max_body_size=workspace.settings.server.max_body_mb * MEBIBYTE,
        state=state,
    )
    recognition = Recognition(workspace, auth=auth)
    hosts = frozenset(name.lower() for name in workspace.settings.server.hosts) if loopback else None
    origins = frozenset(workspace.settings.flags.origins)
    handler = _wrap(workspace, app.asgi_handler, mounted, meters, recognition, hosts, origins)
    app.state.shortcuts = []
    for path, mount in mounted.asgi_apps.items():
        if isinstance(mount, Quick):
            handler = Shortcut(
                handler, path, mount, recognition=recognition, hosts=hosts, origins=origins, meters=meters
            )
            app.state.shortcuts.append(handler)
    app.asgi_handler = handler
    return app


def _wrap(
    workspace: Workspace,
    handler: ASGIApp,
    mounted: Mounted,
    meters: Meters,
    recognition: Recognition,
    hosts: frozenset[str] | None,
    origins: frozenset[str],
) -> ASGIApp:
    """Nest the middleware around litestar's own handler, so that it sees what routing refuses, too."""
    handler = Telling(handler, workspace)
    handler = Segments(handler)
    handler = Mounts(handler, mounted.asgi_apps)
    handler = Origins(handler, origins)
    handler = SignIn(handler, recognition)
    handler = Heads(handler)
    if hosts is not None:
        handler = Hosts(handler, hosts)
    handler = Problems(handler, mounted.error_shapes)
    handler = Readable(handler, origins)
    handler = RequestMetrics(handler, meters)
    handler = RequestLogs(handler)
    handler = SecurityHeaders(handler)
    return RequestIds(handler)


@asynccontextmanager
async def _shortcuts(app: Litestar) -> AsyncIterator[None]:
    """Let the shortcuts end what they have begun; the last to go, since requests in flight may still use them."""
    async with AsyncExitStack() as stack:
        for shortcut in app.state.shortcuts:
            await stack.enter_async_context(shortcut.lifespan())
        yield


@asynccontextmanager
async def _open_journal(app: Litestar) -> AsyncIterator[None]:
    """Open the journal before the first requests, which come from several threads at once."""
    await sync_to_thread(getattr, app.state.workspace, "journal")
    yield


def _bound(
    lifespan: Callable[[Workspace], AbstractAsyncContextManager[None]], workspace: Workspace
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def around(_: Litestar) -> AsyncIterator[None]:
        async with lifespan(workspace):
            yield

    return around
