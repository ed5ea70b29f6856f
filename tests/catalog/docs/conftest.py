"""A folder with a descriptor and documentation, imported."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.catalog.docs.library import Library, library_of
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.docs.source import Missing
from counterpoint.catalog.importer import import_targets
from counterpoint.graph import local_actor

Documented = Callable[..., Path]


def descriptor(name: str, annotations: Mapping[str, str]) -> str:
    """A component as JSON, which is YAML."""
    return json.dumps(
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": name, "title": name.title(), "annotations": dict(annotations)},
            "spec": {"type": "service", "lifecycle": "production", "owner": "player"},
        }
    )


@pytest.fixture
def documented(workspace: Workspace, tmp_path: Path) -> Documented:
    """Imports a component with files beside its descriptor; gives its folder.

    `documented("shop", {"docs/index.md": "# Shop"})`
    """

    def make(
        name: str = "shop",
        files: Mapping[str, str | bytes] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Path:
        folder = tmp_path / "code" / name
        folder.mkdir(parents=True, exist_ok=True)
        noted = {"backstage.io/techdocs-ref": "dir:."} if annotations is None else annotations
        write(folder, {"catalog-info.yaml": descriptor(name, noted), **(files or {})})
        import_targets(workspace.graph, local_actor(), [str(folder / "catalog-info.yaml")])
        return folder

    return make


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            file.write_text(content, encoding="utf-8")
        else:
            file.write_bytes(content)


@pytest.fixture
def library(workspace: Workspace) -> Library:
    """The library of the workspace."""
    return library_of(workspace)


@pytest.fixture
def opened(workspace: Workspace, library: Library) -> Callable[..., Any]:
    """The documentation of a component, which must be there."""

    def open_(name: str = "shop") -> Site:
        with workspace.graph.read() as reader:
            found = library.open(reader, reader.require(f"component:default/{name}"))
        assert isinstance(found, Site), found
        return found

    return open_


@pytest.fixture
def missing(workspace: Workspace, library: Library) -> Callable[..., Missing]:
    """Why the documentation of a component cannot be read."""

    def open_(name: str = "shop") -> Missing:
        with workspace.graph.read() as reader:
            found = library.open(reader, reader.require(f"component:default/{name}"))
        assert isinstance(found, Missing), found
        return found

    return open_
