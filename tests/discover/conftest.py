"""A workspace with two fitted versions: made once, copied for each test that may change it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.discover.serving import Service, service_of
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
