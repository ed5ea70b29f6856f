"""A workspace with two fitted versions: made once, copied for each test that may change it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.discover.serving import Service, service_of
from counterpoint.graph.actor import local_actor
from counterpoint.server.app import create_app
from counterpoint.server.identity import accounts, tokens
from tests.discover import streaming


@pytest.fixture(scope="session")
def _fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return streaming.fitted(tmp_path_factory.mktemp("discover") / "fitted")


@pytest.fixture
def songs(_fitted: Path, tmp_path: Path) -> Iterator[Workspace]:
    """The streaming workspace with two versions, the test's own."""
    shutil.copytree(_fitted, tmp_path / "songs")
    with Workspace.open(tmp_path / "songs") as opened:
        yield opened


@pytest.fixture
def service(songs: Workspace) -> Service:
    """Its service."""
    return service_of(songs)


@pytest.fixture
def clients(songs: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TestClient[Any]]]:
    """Makes clients with a token of some scopes, of a person who is signed in, or of a server without sign-in."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(accounts, "_hasher", lambda: quick)
    opened: list[TestClient[Any]] = []

    def make(*scopes: str, auth: bool = True, person: str | None = None) -> TestClient[Any]:
        app = create_app(songs, auth=auth)
        client: TestClient[Any] = TestClient(
            app, base_url="http://counterpoint.localhost", raise_server_exceptions=False
        )
        opened.append(client.__enter__())
        if scopes:
            _, secret = tokens.create_token(songs.graph, local_actor(), f"t{len(opened)}", frozenset(scopes))
            client.headers["Authorization"] = f"Bearer {secret}"
        if person:
            accounts.create_account(
                songs.graph, local_actor(), person, "correct horse battery", admin=person == "ana"
            )
            form = client.get("/login", headers={"Accept": "text/html"}).text
            data = {"account": person, "password": "correct horse battery", "_csrf_token": _csrf(form)}
            assert client.post("/login", data=data, follow_redirects=False).status_code == 303
            client.headers["X-CSRF-Token"] = _csrf(
                client.get("/settings", headers={"Accept": "text/html"}).text
            )
        return client

    yield make
    for each in opened:
        each.__exit__(None, None, None)


def _csrf(page: str) -> str:
    return page.partition('name="_csrf_token" value="')[2].partition('"')[0]
