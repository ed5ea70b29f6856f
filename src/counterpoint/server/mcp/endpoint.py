"""`/mcp`: the protocol over streamable HTTP, behind our own sign-in, hosts and origins."""

import asyncio
import json
from typing import Any, Final

from litestar.concurrency import sync_to_thread
from litestar.types import ASGIApp, Receive, Scope, Send

from counterpoint.server.connection import caller_of, header, is_loopback, method_of
from counterpoint.workspace import Workspace

__all__ = ["METADATA", "PATH", "Endpoint", "Metadata", "shape"]

PATH: Final = "/mcp"
METADATA: Final = f"/.well-known/oauth-protected-resource{PATH}"
"""Where RFC 9728 looks for what this resource asks of who uses it."""
MOST_BYTES: Final = 256 * 1024
"""Of a request: names and words."""


class Endpoint:
    """Answers POST and nothing else: without sessions there is nothing to listen to and nothing to end.

    The protocol's package is loaded with the first request: importing it costs most of a second, which a server that
    nobody asks like that does not pay.
    """

    takes_json_only = True

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = asyncio.Lock()
        self._manager: Any = None
        self._stop: asyncio.Event | None = None
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if method_of(scope) != "POST":
            await _answer(send, 405, {"allow": "POST"}, b"")
            return
        manager = await self._started(scope["litestar_app"])
        await manager.handle_request(scope, receive, send)

    async def _started(self, app: ASGIApp) -> Any:
        async with self._lock:
            if self._manager is None:
                manager = await sync_to_thread(self._built, app)
                ready, self._stop = asyncio.Event(), asyncio.Event()
                self._running = asyncio.create_task(_run(manager, ready, self._stop))
                await ready.wait()
                self._manager = manager
        return self._manager

    def _built(self, app: ASGIApp) -> Any:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
        from mcp.server.transport_security import TransportSecuritySettings

        from counterpoint.server.mcp.protocol import protocol_server

        return StreamableHTTPSessionManager(
            protocol_server(app, self._workspace),
            json_response=True,
            stateless=True,
            # Hosts, origins and tokens are looked at before a request comes here, as for every other.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=MOST_BYTES,
        )

    def close(self) -> None:
        """End what runs; a later request begins anew."""
        if self._stop is not None:
            self._stop.set()
        self._manager = self._stop = self._running = None


async def _run(manager: Any, ready: asyncio.Event, stop: asyncio.Event) -> None:
    async with manager.run():
        ready.set()
        await stop.wait()


class Metadata:
    """What the resource asks for (RFC 9728): a bearer token in the header, with the scope `read`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = {
            "resource": _base(scope) + PATH,
            "resource_name": "Counterpoint",
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["read"],
        }
        await _answer(send, 200, {"content-type": "application/json"}, json.dumps(told).encode())


def shape(scope: Scope, error: BaseException, status: int, detail: str) -> tuple[int, dict[str, str], bytes]:
    """An error as JSON-RPC writes it; one for who has no token says where the resource describes itself."""
    headers = {"content-type": "application/json"}
    if status == 401:
        headers["www-authenticate"] = f'Bearer resource_metadata="{_base(scope)}{METADATA}", scope="read"'
    elif status == 403 and caller_of(scope).via == "token":
        headers["www-authenticate"] = 'Bearer error="insufficient_scope", scope="read"'
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": detail}}
    return status, headers, json.dumps(body).encode()


def _base(scope: Scope) -> str:
    """The address by which the server was reached; behind a proxy that ends TLS the host is another than this machine."""
    host = header(scope, b"host") or "localhost"
    secure = scope.get("scheme") == "https" or header(scope, b"x-forwarded-proto") == "https"
    return f"{'https' if secure or not is_loopback(host) else 'http'}://{host}"


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    lines = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body, "more_body": False})
