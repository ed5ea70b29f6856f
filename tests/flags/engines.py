"""The engines that ours is held to: JavaScript itself, flagd-core of npm (v2) and flagd-core of PyPI (v3)."""

import copy
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError

CLIENTS = Path(__file__).parent / "clients"
EXAMPLES = int(os.environ.get("COUNTERPOINT_FUZZ", "400"))
"""Of each comparison of engines; more of them for a long run, which may then take as long as it takes."""
patient = pytest.mark.timeout(0 if EXAMPLES > 400 else 120)
NOW = 1_790_000_000
Context = Mapping[str, Any]
Answer: TypeAlias = tuple[Any, ...]
"""Variant, reason, error code, value and metadata."""


class Node:
    """A long-lived script that answers a line of JSON with a line of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._owed = 0
        """Answers that nobody has read, as of a test that ran out of time between question and answer."""

    def __call__(self, question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        self._owed += 1
        while self._owed:
            line = self._process.stdout.readline()
            self._owed -= 1
        return json.loads(line)


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

    def whole(
        self, definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW
    ) -> list[Answer]:
        """All that it answers for each context."""
        asked = {"definition": definition, "key": key, "contexts": contexts, "now": now, "whole": True}
        return [
            (variant, reason, error, value, metadata)
            for variant, reason, error, value, metadata in self._node(asked)
        ]


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
        return [
            error or variant for variant, _, error, _, _ in self.whole(definition, key, contexts, now=now)
        ]

    def whole(
        self, definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW
    ) -> list[Answer]:
        """All that it answers for each context; an error of Python's own comes with its name as the code."""
        module = sys.modules["openfeature.contrib.tools.flagd.core.targeting.targeting"]
        self._patch.setattr(module, "time", SimpleNamespace(time=lambda: now))
        core = FlagdCore()
        core.set_flags(copy.deepcopy(dict(definition)))
        resolve = getattr(core, f"resolve_{_kind(definition['flags'][key]['variants'].values())}_value")
        found: list[Answer] = []
        for context in contexts:
            attributes = {name: value for name, value in context.items() if name != "targetingKey"}
            subject: Any = context.get("targetingKey")
            try:
                result = resolve(key, None, EvaluationContext(subject, attributes))
            except OpenFeatureError as error:
                found.append((None, "ERROR", error.error_code.value, None, None))
            except Exception as error:
                found.append((None, "ERROR", type(error).__name__, None, None))
            else:
                code = result.error_code and result.error_code.value
                found.append((result.variant, result.reason, code, result.value, dict(result.flag_metadata)))
        self._patch.undo()
        return found


def _kind(values: Collection[Any]) -> str:
    first = next(iter(values))
    if isinstance(first, bool | str):
        return "boolean" if isinstance(first, bool) else "string"
    if isinstance(first, int | float):
        return "float" if any(isinstance(value, float) for value in values) else "integer"
    return "object"


@pytest.fixture
def pypi(monkeypatch: pytest.MonkeyPatch) -> Pypi:
    """flagd-core of PyPI, bucketing v3."""
    logging.getLogger("openfeature.contrib").setLevel(logging.CRITICAL)
    return Pypi(monkeypatch)
