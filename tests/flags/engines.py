"""The engines that ours is held to: JavaScript itself, flagd-core of npm (v2) and flagd-core of PyPI (v3)."""

import copy
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

CLIENTS = Path(__file__).parent / "clients"
NOW = 1_790_000_000
Context = Mapping[str, Any]


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


class Npm:
    """flagd-core of npm: the variant for each context, and the error code in its place where there is one."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __call__(
        self, definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW
    ) -> list[str | None]:
        asked = {"definition": definition, "key": key, "contexts": contexts, "now": now}
        return [error or variant for variant, _, error in self._node(asked)]


@pytest.fixture(scope="session")
def npm() -> Iterator[Npm]:
    """flagd-core of npm, bucketing v2."""
    with running("evaluate_many.mjs") as node:
        yield Npm(node)


class Pypi:
    """flagd-core of PyPI, whose clock can be set: answers as `Npm` does."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def __call__(
        self, definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW
    ) -> list[str | None]:
        module = sys.modules["openfeature.contrib.tools.flagd.core.targeting.targeting"]
        self._patch.setattr(module, "time", SimpleNamespace(time=lambda: now))
        core = FlagdCore()
        core.set_flags(copy.deepcopy(dict(definition)))
        value = next(iter(definition["flags"][key]["variants"].values()))
        resolve = core.resolve_boolean_value if isinstance(value, bool) else core.resolve_string_value
        found = []
        for context in contexts:
            attributes = {name: value for name, value in context.items() if name != "targetingKey"}
            try:
                result = resolve(key, None, EvaluationContext(context.get("targetingKey"), attributes))  # type: ignore[arg-type]
            except OpenFeatureError as error:
                found.append(error.error_code.value)
                continue
            found.append(result.error_code.value if result.error_code else result.variant)
        self._patch.undo()
        return found


@pytest.fixture
def pypi(monkeypatch: pytest.MonkeyPatch) -> Pypi:
    """flagd-core of PyPI, bucketing v3."""
    logging.getLogger("openfeature.contrib").setLevel(logging.CRITICAL)
    return Pypi(monkeypatch)
