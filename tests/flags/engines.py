"""Node as it is, for the tests that ask JavaScript itself or the flag packages of npm."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parent / "clients"


class Node:
    """A long-lived script that answers a line of JSON with a line of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def running(script: str, *, packages: bool = True) -> Iterator[Node]:
    """A script of `clients`; a skip where Node or its packages are missing, a failure under CI."""
    node = shutil.which("node")
    if node is None or (packages and not (CLIENTS / "node_modules" / "@openfeature" / "flagd-core").exists()):
        reason = "Node with flagd-core is missing; install Node and run `npm ci` in tests/flags/clients."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    process = subprocess.Popen(
        [node, script], cwd=CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Node(process)
        assert process.stdin is not None
        process.stdin.close()
