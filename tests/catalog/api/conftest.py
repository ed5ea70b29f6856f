"""A client of the Backstage API over a small catalog, in both modes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor
from counterpoint.server.app import create_app

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: Squad-A, description: A squad, tags: [java, go], labels: {tier: '1'}}
spec: {type: squad, children: [], members: [zoe, adam]}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: tribe, title: Tribe}
spec: {type: tribe, children: [squad-a]}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: zoe}
spec: {memberOf: [tribe], profile: {displayName: Zoe}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: adam, namespace: other}
spec: {memberOf: [default/tribe]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: playback
  title: Playback_2
  description: 50% offline
  annotations: {github.com/project-slug: arp/playback}
  tags: [java, web]
spec:
  {type: Service, lifecycle: production, owner: squad-a, system: music, providesApis: [b-api, a-api],
   count: 3, ratio: 1.0, flag: true, nothing: null, empty: '', list: [1, Two, true, null, {a: b}]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: search, title: Search}
spec: {type: service, lifecycle: production, owner: squad-a, subcomponentOf: playback}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: website, tags: [web]}
spec: {type: website, lifecycle: experimental, owner: user:zoe}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: a-api}
spec: {type: openapi, lifecycle: production, owner: user:zoe, definition: 'openapi: 3.0.0'}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: music}
spec: {owner: tribe}
"""

Clients = Callable[..., TestClient]


def load(workspace: Workspace, folder: Path) -> None:
    """Import the catalog into a workspace."""
    file = folder / "catalog.yaml"
    file.write_text(CATALOG, encoding="utf-8")
    assert not import_targets(workspace.graph, local_actor(), [str(file)]).failed


def client_of(workspace: Workspace, *, strict: bool = False) -> TestClient:
    """A client below `/api/catalog`."""
    catalog = msgspec.structs.replace(workspace.settings.catalog, strict=strict, watch=False)
    workspace.settings = msgspec.structs.replace(workspace.settings, catalog=catalog)
    app = create_app(workspace, auth=False)
    return TestClient(app, base_url="http://counterpoint.localhost/api/catalog")


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Makes clients over nine entities and the location that they came from, for tests that only read."""
    folder = tmp_path_factory.mktemp("reading")
    with Workspace.create(folder / "workspace") as workspace, ExitStack() as stack:
        load(workspace, folder)
        yield lambda *, strict=False: stack.enter_context(client_of(workspace, strict=strict))


@pytest.fixture(scope="module")
def _default(clients: Clients) -> TestClient:
    return clients()


@pytest.fixture
def api(_default: TestClient) -> TestClient:
    """A client in the default mode, for tests that only read."""
    return _default


@pytest.fixture
def writable(workspace: Workspace, tmp_path: Path) -> Iterator[TestClient]:
    """A client over a catalog of the test's own, in `workspace`."""
    load(workspace, tmp_path)
    with client_of(workspace) as client:
        yield client
