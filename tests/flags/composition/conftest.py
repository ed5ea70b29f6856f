"""The three engines that must answer alike: ours, flagd-core of npm (v2) and flagd-core of PyPI (v3)."""

import copy
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from counterpoint.flags import FlagSet
from counterpoint.flags.composition import compiled, read_composition

CLIENTS = Path(__file__).parent.parent / "clients"
NOW = 1_790_000_000
Context = Mapping[str, Any]


def users(count: int, **attributes: Any) -> list[dict[str, Any]]:
    """Contexts of so many users."""
    return [{"targetingKey": f"user-{number}", **attributes} for number in range(count)]


def compile_plans(
    plans: Mapping[str, Any], bucketing: Any = "v2", definition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What plans, written as a document, compile to."""
    return compiled(definition or {"flags": {}}, read_composition(plans), bucketing)


def ours(
    definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW, v: Any = "v2"
) -> list[str | None]:
    """The variant of each context by our own evaluation, and the error code in its place where there is one."""
    flags = FlagSet.from_flagd(definition, v)
    found = (flags.evaluate(key, context, now=now) for context in contexts)
    return [each.error_code or each.variant for each in found]


class Npm:
    """One long-lived process of Node."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(
        self, definition: Mapping[str, Any], key: str, contexts: Sequence[Context], *, now: int = NOW
    ) -> list[str | None]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"definition": definition, "key": key, "contexts": contexts, "now": now}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return [error or variant for variant, _, error in json.loads(self._process.stdout.readline())]


@pytest.fixture(scope="session")
def npm() -> Iterator[Npm]:
    """flagd-core of npm, bucketing v2."""
    node = shutil.which("node")
    if node is None or not (CLIENTS / "node_modules" / "@openfeature" / "flagd-core").exists():
        reason = "Node with flagd-core is missing; install Node and run `npm ci` in tests/flags/clients."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    process = subprocess.Popen(
        [node, "evaluate_many.mjs"], cwd=CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Npm(process)
        assert process.stdin is not None
        process.stdin.close()


class Pypi:
    """flagd-core of PyPI, whose clock can be set."""

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
            result = resolve(key, None, EvaluationContext(context.get("targetingKey"), attributes))  # type: ignore[arg-type]
            found.append(result.error_code.value if result.error_code else result.variant)
        self._patch.undo()
        return found


@pytest.fixture
def pypi(monkeypatch: pytest.MonkeyPatch) -> Pypi:
    """flagd-core of PyPI, bucketing v3."""
    logging.getLogger("openfeature.contrib").setLevel(logging.CRITICAL)
    return Pypi(monkeypatch)
