"""A process that serves a workspace on a disk that becomes full, and has space again. Run by test_durability.

Its arguments are the workspace's folder and how its disk is small: `mount` (a file system of its own) or `limit`
(the system lets it write no larger files). It writes one line of JSON about what it saw.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from litestar.testing import TestClient

from counterpoint import Workspace
from counterpoint.server import mounting
from counterpoint.server.app import create_app

BATCH = 200
REFUSALS = 5
LIMIT = 4_500_000
"""Bytes of one file."""
HEADERS = {"content-type": "application/cloudevents-batch+json"}


def shrink(way: str) -> Callable[[], None]:
    """Let the disk be small from now on; what is returned gives it space."""
    if way == "mount":
        folder = str(Path(sys.argv[1]).parent)
        return lambda: subprocess.run(["mount", "-o", "remount,size=100m", folder], check=True) and None
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(client: TestClient[Any]) -> tuple[list[str], list[list[dict[str, Any]]], list[Any]]:
    """Send batches until several were refused: what was acknowledged, what was refused, and the answers to that."""
    acknowledged: list[str] = []
    refused: list[list[dict[str, Any]]] = []
    answers: list[Any] = []
    for number in count():
        batch = [
            {"specversion": "1.0", "id": f"{number}-{each}", "source": "filler", "type": "tick", "data": os.urandom(100).hex()}
            for each in range(BATCH)
        ]  # fmt: skip
        answer = client.post("/api/events", content=msgspec.json.encode(batch), headers=HEADERS)
        if answer.status_code == 200:
            acknowledged += [each["id"] for each in batch]
        else:
            refused.append(batch)
            answers.append([answer.status_code, answer.json()])
            if len(refused) == REFUSALS:
                break
    return acknowledged, refused, answers


def main() -> None:
    """Fill the disk, look around, get space, and go on."""
    mounting.ROOMS = ("journal",)  # the other rooms' doors have nothing to do with it
    workspace = Workspace.create(sys.argv[1])
    app = create_app(workspace, auth=False)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        free = shrink(sys.argv[2])
        acknowledged, refused, answers = fill(client)
        readable = client.get("/api/v1/events?limit=1").status_code
        free()
        after = [
            client.post("/api/events", content=msgspec.json.encode(batch), headers=HEADERS).json()
            for batch in refused
        ]
    workspace.close()
    seen = {"acknowledged": acknowledged, "answers": answers, "readable": readable, "after": after}
    os.write(1, json.dumps(seen).encode())


if __name__ == "__main__":
    main()
