"""The page on the HTTP API names every operation of the OpenAPI document, and no other."""

import re
from pathlib import Path

from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.server.app import create_app

PAGE = Path(__file__).parent.parent / "docs" / "api.md"
METHODS = {"get", "put", "post", "delete", "patch"}


def test_every_operation_is_documented_and_every_documented_one_exists(workspace: Workspace) -> None:
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
        document = client.get("/api/openapi.json").json()
    offered = {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method in METHODS
    }
    described = set(re.findall(r"^\| `([A-Z]+ /[^`]*)`", PAGE.read_text(encoding="utf-8"), re.M))
    assert described == offered


def test_every_group_of_operations_is_described(workspace: Workspace) -> None:
    with TestClient(create_app(workspace, auth=False), base_url="http://127.0.0.1") as client:
        document = client.get("/api/openapi.json").json()
    used = {
        tag
        for item in document["paths"].values()
        for method, operation in item.items()
        if method in METHODS
        for tag in operation.get("tags", ["none"])
    }
    assert used <= {tag["name"] for tag in document["tags"]}
