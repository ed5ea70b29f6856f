"""A real server on a free port of this machine, and the flag sets that it serves."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn
from litestar import Litestar
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.flags.store import Written, write_set
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from counterpoint.server.identity.tokens import create_token
from counterpoint.settings import FlagSettings, Settings

from .engines import npm, pypi

__all__ = ["DEFINITION", "NORDIC", "Served", "npm", "pypi", "served"]

HOST = "http://counterpoint.localhost"
NORDIC = {"in": [{"var": "country"}, ["SE", "NO"]]}
DEFINITION: dict[str, Any] = {
    "metadata": {"flagSetId": "default", "version": "7"},
    "flags": {
        "yes": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": {"if": [NORDIC, "on", None]}},
        "text": {"state": "ENABLED", "variants": {"a": "x"}, "defaultVariant": "a", "metadata": {"owner": "squad-a"}},
        "whole": {"state": "ENABLED", "variants": {"few": 1, "many": 20}, "defaultVariant": "many"},
        "part": {"state": "ENABLED", "variants": {"one": 1, "half": 0.5}, "defaultVariant": "one"},
        "thing": {"state": "ENABLED", "variants": {"v": {"a": [1, {"b": None}]}}, "defaultVariant": "v"},
        "team/odd key?#%é": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"},
        "a%2Fb": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"},
        "off": {"state": "DISABLED", "variants": {"on": True}, "defaultVariant": "on"},
        "bare": {"state": "ENABLED", "variants": {"on": True}},
        "broken": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"near": [1]}},
        "lost": {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on", "targeting": {"if": [True, "blue"]}},
        "split": {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", "targeting": {"fractional": [["on", 1], ["off", 1]]}},
    },
}  # fmt: skip


class Server(uvicorn.Server):
    """Tells when it listens, and ends its streams before it waits for its connections, as ours does."""

    def __init__(self, config: uvicorn.Config, app: Litestar) -> None:
        super().__init__(config)
        self.listens = threading.Event()
        self.app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.app.state.live.close()
        await super().shutdown(sockets)


@dataclass(frozen=True)
class Served:
    """A server, and the workspace that it serves."""

    url: str
    workspace: Workspace

    def write(self, name: str, definition: dict[str, Any]) -> Written:
        return write_set(self.workspace, local_actor(), name, definition)

    def key(self, name: str, *scopes: str) -> str:
        """The secret of a new client key or token."""
        return create_token(self.workspace.graph, local_actor(), name, frozenset(scopes))[1]


def serve(workspace: Workspace, *, auth: bool, port: int = 0) -> Iterator[Served]:
    """A server in a thread, until the generator is closed."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        app = create_app(workspace, auth=auth)
        running = Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"), app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        assert running.listens.wait(30)
        try:
            yield Served(f"http://127.0.0.1:{listener.getsockname()[1]}", workspace)
        finally:
            running.should_exit = True
            thread.join(30)


@pytest.fixture
def client(ws: Workspace) -> Iterator[TestClient[Litestar]]:
    """The pages of the workspace that a module of tests has as `ws`."""
    with TestClient(create_app(ws, auth=False), base_url=HOST) as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests of a module."""
    with Workspace.create(tmp_path_factory.mktemp("served") / "workspace") as workspace:
        yield from serve(workspace, auth=False)


@pytest.fixture(scope="module")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server with sign-in for the tests of a module."""
    with Workspace.create(tmp_path_factory.mktemp("guarded") / "workspace") as workspace:
        yield from serve(workspace, auth=True)


@pytest.fixture
def guarded(guarded_server: Served) -> Served:
    """That server, with the flags above."""
    guarded_server.write("default", DEFINITION)
    return guarded_server


@pytest.fixture
def served(server: Served) -> Served:
    """That server, with only the flags above."""
    with server.workspace.graph.write(local_actor()) as writer:
        for entity in writer.all(kind="FlagSet"):
            if entity.name != "default":
                writer.delete(entity.ref)
    server.write("default", DEFINITION)
    return server


@pytest.fixture
def http(served: Served) -> Iterator[httpx2.Client]:
    """A client of that server."""
    with httpx2.Client(base_url=served.url, timeout=60) as client:
        yield client


@pytest.fixture
def make(workspace: Workspace) -> Iterator[Callable[..., TestClient]]:
    """Makes clients of applications with sign-in and settings of the flags."""
    clients: list[TestClient] = []

    def made(*, auth: bool = True, loopback: bool = False, **flags: Any) -> TestClient:
        workspace.settings = Settings(flags=FlagSettings(**flags))
        app = create_app(workspace, auth=auth, loopback=loopback)
        client = TestClient(app, base_url=HOST, raise_server_exceptions=False)
        clients.append(client.__enter__())
        return client

    yield made
    for client in clients:
        client.__exit__(None, None, None)
