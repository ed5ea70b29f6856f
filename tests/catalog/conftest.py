"""Clients of an application without sign-in, over a workspace that holds a small catalog."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor
from counterpoint.server.app import create_app
from tests.catalog.loopback import Loopback, loopback

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: player, title: Player, description: Sound that never stops.}
spec: {type: squad, children: [], profile: {email: player@arpeggio.example}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ana, description: Product owner}
spec: {memberOf: [player], profile: {displayName: Ana Moreira}}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: playback}
spec: {owner: player}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: web-player
  title: Web player
  description: The player <in> the browser.
  tags: [typescript]
  links: [{url: 'https://git.arpeggio.example/web', title: Source}]
spec: {type: website, lifecycle: production, owner: player, system: playback, dependsOn: ['resource:missing']}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: lyrics}
spec: {type: service, lifecycle: deprecated, owner: nobody}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: playback}
spec: {type: openapi, lifecycle: production, owner: player, definition: 'openapi: 3.1.0'}
"""


@pytest.fixture
def filled(workspace: Workspace, tmp_path) -> Workspace:
    """A workspace with a squad, a user, a system, two components and an API."""
    _fill(workspace, tmp_path)
    return workspace


def _fill(workspace: Workspace, folder: Path) -> None:
    path = folder / "catalog-info.yaml"
    path.write_text(CATALOG)
    import_targets(workspace.graph, local_actor(), [str(path)])


@pytest.fixture
def client(workspace: Workspace) -> Iterator[TestClient]:
    """A client whose every request is the local user's."""
    with _client(workspace) as made:
        yield made


@pytest.fixture(scope="module")
def visitor(tmp_path_factory) -> Iterator[TestClient]:
    """A client of a workspace that holds the small catalog, for tests that change nothing."""
    folder = tmp_path_factory.mktemp("visited")
    with Workspace.create(folder / "workspace", name="Test") as workspace:
        _fill(workspace, folder)
        with _client(workspace) as made:
            yield made


def _client(workspace: Workspace) -> TestClient:
    app = create_app(workspace, auth=False)
    return TestClient(app, base_url="http://counterpoint.localhost", raise_server_exceptions=False)


@pytest.fixture
def web() -> Iterator[Loopback]:
    """A web server on loopback."""
    with loopback() as place:
        yield place


@pytest.fixture
def reading(tmp_path: Path, web: Loopback, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An empty workspace that may read from the web server."""
    monkeypatch.setenv("COUNTERPOINT_CATALOG__READ_HOSTS", f'["{web.host}"]')
    with Workspace.create(tmp_path / "reading", name="Test") as made:
        yield made


@pytest.fixture
def catalog_api(reading: Workspace) -> Iterator[TestClient]:
    """A client below `/api/catalog` of a workspace that may read from the web server."""
    base = "http://counterpoint.localhost/api/catalog"
    with TestClient(create_app(reading, auth=False), base_url=base, raise_server_exceptions=False) as made:
        yield made
