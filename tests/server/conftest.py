"""A client for each way in, and a real server process."""

import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from counterpoint.server.identity import accounts, tokens

PASSWORD = "correct horse battery"
DEADLINE = 30.0


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords hashed with little work: what is tested is not how slow argon2 is."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: quick)
    accounts._hash_of_nobody.cache_clear()
    yield
    accounts._hash_of_nobody.cache_clear()


@pytest.fixture
def make_client(workspace: Workspace) -> Iterator[Callable[..., TestClient]]:
    """Makes clients of applications over the workspace; `auth` and `loopback` as for `create_app`."""
    with ExitStack() as stack:

        def make(
            *, auth: bool = True, loopback: bool = False, base: str = "http://counterpoint.localhost"
        ) -> TestClient:
            app = create_app(workspace, auth=auth, loopback=loopback)
            return stack.enter_context(TestClient(app, base_url=base, raise_server_exceptions=False))

        yield make


@pytest.fixture
def client(make_client: Callable[..., TestClient]) -> TestClient:
    """A client of an application without sign-in."""
    return make_client(auth=False)


@pytest.fixture
def guarded(make_client: Callable[..., TestClient]) -> TestClient:
    """A client of an application with sign-in, and nobody signed in."""
    return make_client()


@pytest.fixture
def token(workspace: Workspace) -> Callable[..., dict[str, str]]:
    """Makes a token with the scopes given and returns the header that carries it."""
    made = iter(range(1000))

    def make(*scopes: str) -> dict[str, str]:
        name = f"token{next(made)}"
        _, secret = tokens.create_token(workspace.graph, local_actor(), name, frozenset(scopes))
        return {"Authorization": f"Bearer {secret}"}

    return make


def csrf_of(page: httpx2.Response) -> str:
    """The token that the forms of a page send back."""
    found = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found.group(1)


@pytest.fixture
def csrf() -> Callable[[httpx2.Response], str]:
    """Reads the CSRF token of a page."""
    return csrf_of


@pytest.fixture
def sign_in(workspace: Workspace) -> Callable[..., httpx2.Response]:
    """Makes an account where there is none, signs a client in with it, and returns the answer."""

    def enter(client: TestClient, name: str = "ana", *, admin: bool = False) -> httpx2.Response:
        with workspace.graph.read() as reader:
            known = accounts.find_account(reader, name)
        if known is None:
            accounts.create_account(workspace.graph, local_actor(), name, PASSWORD, admin=admin)
        form = client.get("/login", headers={"Accept": "text/html"})
        data = {"account": name, "password": PASSWORD, "_csrf_token": csrf_of(form)}
        return client.post("/login", data=data, follow_redirects=False)

    return enter


@dataclass
class Process:
    """A server in a process of its own."""

    child: subprocess.Popen[str]
    url: str

    def stop(self, *, signal_number: int) -> str:
        """Send a signal, wait for the end and return the rest of stderr."""
        self.child.send_signal(signal_number)
        return self.child.communicate(timeout=DEADLINE)[1]


@pytest.fixture
def running_server(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts `counterpoint serve` on a free port and waits until it says that it listens."""
    children: list[subprocess.Popen[str]] = []

    def start(folder: Path, *options: str) -> Process:
        command = [sys.executable, "-m", "counterpoint", "-w", str(folder), "serve", "--port", "0", *options]
        child = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=tmp_path
        )
        children.append(child)
        return Process(child, _announced(child))

    yield start
    for child in children:
        child.kill()
        child.communicate()


def _announced(child: subprocess.Popen[str]) -> str:
    """The URL in the line that the server writes once it listens."""
    assert child.stderr
    end = time.monotonic() + DEADLINE
    seen = b""
    os.set_blocking(child.stderr.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(child.stderr, selectors.EVENT_READ)
        while not (found := re.search(rb" at (http://\S+)", seen)):
            assert child.poll() is None, seen.decode()
            assert selector.select(end - time.monotonic()), seen.decode()
            seen += os.read(child.stderr.fileno(), 65536)
    os.set_blocking(child.stderr.fileno(), True)
    return found.group(1).decode()
