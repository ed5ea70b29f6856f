"""The published clients of OFREP, unmodified: npm's two, for servers and for the web; Python's also in test_ofrep.py."""

import json
import os
import queue
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from counterpoint.flags import rates
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity.tokens import revoke_token
from counterpoint.settings import FlagSettings, Settings

from .conftest import DEFINITION, Served, serve

CLIENTS = Path(__file__).parent / "clients"
DEADLINE = 30.0
SWEDE = {"targetingKey": "user-1", "country": "SE"}
TYPES = {bool: "Boolean", str: "String", int: "Number", float: "Number", dict: "Object"}


class Client:
    """A program of npm's packages: a line in, a line out."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, cwd=CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.events: list[dict[str, Any]] = []

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(json.loads(line))

    def tell(self, **asked: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()

    def line(self) -> dict[str, Any]:
        return self._lines.get(timeout=DEADLINE)

    def answer(self) -> dict[str, Any]:
        """The next line that is no event."""
        while "event" in (line := self.line()):
            self.events.append(line)
        return line

    def event(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        while True:
            line = self.events.pop(0) if self.events else self.line()
            if line.get("event") == name:
                return line

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self._reader.join()
            assert self.process.stdout
            self.process.stdout.close()


@pytest.fixture
def node() -> Iterator[Callable[..., Client]]:
    """Starts one of the drivers."""
    program = shutil.which("node")
    if program is None or not (CLIENTS / "node_modules" / "@openfeature" / "ofrep-provider").exists():
        reason = "Node with OFREP's clients is missing; install Node and run `npm ci` in tests/flags/clients."
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    started: list[Client] = []

    def start(driver: str, *arguments: str) -> Client:
        started.append(Client(program, driver, *arguments))
        return started[-1]

    yield start
    for client in started:
        client.close()


def asking(client: Client, key: str, default: Any, context: dict[str, Any] | None = None) -> dict[str, Any]:
    client.tell(
        type=TYPES[type(default)], key=key, default=default, **({"context": context} if context else {})
    )
    return client.answer()


def changed(**flags: Any) -> dict[str, Any]:
    """The flags with others in place of these."""
    return {**DEFINITION, "flags": {**DEFINITION["flags"], **flags}}


OTHER_TEXT = {"state": "ENABLED", "variants": {"b": "y"}, "defaultVariant": "b"}

# For servers


@pytest.fixture
def server_client(guarded: Served, node: Callable[..., Client]) -> Client:
    """The SDK for servers with a token."""
    token = guarded.key(f"node-{time.monotonic_ns()}", "flags:evaluate", "read")
    return node("server_client.mjs", guarded.url, json.dumps({"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize(
    ("key", "default", "value", "variant"),
    [
        ("yes", False, True, "on"),
        ("text", "d", "x", "a"),
        ("whole", 0, 20, "many"),
        ("part", 0.25, 1, "one"),
        ("thing", {}, {"a": [1, {"b": None}]}, "v"),
        ("a%2Fb", False, True, "on"),
    ],
)
def test_the_client_for_servers_gets_every_type(
    server_client: Client, key: str, default: Any, value: Any, variant: str
) -> None:
    found = asking(server_client, key, default, SWEDE)
    assert (found["value"], found["variant"], found.get("errorCode")) == (value, variant, None)
    assert found["flagMetadata"]["flagSetId"] == "default"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("broken", "PARSE_ERROR"),
        ("lost", "GENERAL"),
        ("none", "FLAG_NOT_FOUND"),
        ("text", "TYPE_MISMATCH"),
        ("off", "GENERAL"),  # this version of it takes an answer without a value for a wrong one
        ("bare", "GENERAL"),
    ],
)
def test_the_client_for_servers_falls_back_and_says_why(server_client: Client, key: str, code: str) -> None:
    found = asking(server_client, key, False, SWEDE)
    assert (found["value"], found["reason"], found["errorCode"]) == (False, "ERROR", code)
    assert "unexpected" not in found.get("errorMessage", "").lower()


def test_the_client_for_servers_finds_a_key_that_it_does_not_encode(
    guarded: Served, server_client: Client
) -> None:
    guarded.write("default", changed(**{"team/a b%é": OTHER_TEXT}))
    assert asking(server_client, "team/a b%é", "d")["value"] == "y"


def test_the_client_for_servers_sees_a_change_at_its_next_evaluation(
    guarded: Served, server_client: Client
) -> None:
    assert asking(server_client, "text", "d")["value"] == "x"
    guarded.write("default", changed(text=OTHER_TEXT))
    assert asking(server_client, "text", "d")["value"] == "y"


def test_the_client_for_servers_is_told_that_its_token_is_wrong(
    guarded: Served, node: Callable[..., Client]
) -> None:
    client = node("server_client.mjs", guarded.url, json.dumps({"Authorization": "Bearer cpt_nothing"}))
    found = asking(client, "text", "d")
    assert (found["value"], found["reason"], found["errorCode"]) == ("d", "ERROR", "GENERAL")


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server whose clients may ask once in an hour."""
    from counterpoint import Workspace

    monkeypatch.setattr(rates.Rates, "take", _once_an_hour())
    with Workspace.create(tmp_path / "limited") as workspace:
        workspace.settings = Settings(flags=FlagSettings(rate=1))
        for served in serve(workspace, auth=False):
            served.write("default", DEFINITION)
            yield served


def _once_an_hour() -> Callable[..., int]:
    asked: list[str] = []

    def take(_: rates.Rates, client: str, __: float) -> int:
        asked.append(client)
        return 0 if len(asked) == 1 else 3600

    take.asked = asked  # type: ignore[attr-defined]
    return take


def test_the_client_for_servers_pauses_when_it_is_told_to(
    limited: Served, node: Callable[..., Client]
) -> None:
    client = node("server_client.mjs", limited.url, "{}")
    found = [asking(client, "text", "d") for _ in range(4)]
    assert [each["value"] for each in found] == ["x", "d", "d", "d"]
    assert "paused" in found[-1]["errorMessage"]
    assert len(rates.Rates.take.asked) == 2, "the last two have not asked"  # type: ignore[attr-defined]


def test_pythons_client_pauses_when_it_is_told_to(limited: Served) -> None:
    api.set_provider(OFREPProvider(limited.url))
    try:
        found = [api.get_client().get_string_details("text", "d") for _ in range(4)]
    finally:
        api.clear_providers()
    assert [each.value for each in found] == ["x", "d", "d", "d"]
    assert "paused" in (found[-1].error_message or "")
    assert len(rates.Rates.take.asked) == 2  # type: ignore[attr-defined]


def test_pythons_client_sees_a_change_at_its_next_evaluation_and_is_told_of_a_wrong_token(
    guarded: Served,
) -> None:
    secret = guarded.key("python", "flags:evaluate")
    api.set_provider(
        OFREPProvider(guarded.url, headers_factory=lambda: {"Authorization": f"Bearer {secret}"})
    )
    try:
        client = api.get_client()
        assert client.get_string_value("text", "d", EvaluationContext("u")) == "x"
        guarded.write("default", changed(text=OTHER_TEXT))
        assert client.get_string_value("text", "d", EvaluationContext("u")) == "y"
        revoke_token(guarded.workspace.graph, local_actor(), "python")
        refused = client.get_string_details("text", "d", EvaluationContext("u"))
        assert (refused.value, refused.error_message) == ("d", "unauthorized")
    finally:
        api.clear_providers()


# For the web


@pytest.fixture
def web(guarded: Served, node: Callable[..., Client]) -> Client:
    """The SDK for the web with a client key, ready."""
    key = guarded.key(f"web-{time.monotonic_ns()}", "flags:evaluate")
    client = node("web_client.mjs", guarded.url, json.dumps({"X-API-Key": key}), json.dumps(SWEDE))
    client.event("PROVIDER_READY")
    return client


def test_the_client_for_the_web_gets_every_type_and_every_outcome(web: Client) -> None:
    def found(key: str, default: Any) -> tuple[Any, str, str | None]:
        details = asking(web, key, default)["details"]
        return details["value"], details["reason"], details.get("errorCode")

    assert found("yes", False) == (True, "TARGETING_MATCH", None)
    assert found("text", "d") == ("x", "STATIC", None)
    assert found("whole", 0) == (20, "STATIC", None)
    assert found("part", 0.25) == (1, "STATIC", None)
    assert found("thing", {}) == ({"a": [1, {"b": None}]}, "STATIC", None)
    assert found("team/odd key?#%é", False) == (True, "STATIC", None)
    assert found("off", False) == (False, "DISABLED", None)
    assert found("bare", False) == (False, "DEFAULT", None)
    assert found("broken", False) == (False, "ERROR", "PARSE_ERROR")
    assert found("lost", False) == (False, "ERROR", "GENERAL")
    assert found("none", False) == (False, "ERROR", "FLAG_NOT_FOUND")
    assert asking(web, "yes", False)["details"]["flagMetadata"]["flagSetId"] == "default"


def test_the_client_for_the_web_is_told_of_a_change(guarded: Served, web: Client) -> None:
    assert asking(web, "text", "d")["details"]["value"] == "x"
    guarded.write("default", changed(text=OTHER_TEXT))
    assert web.event("PROVIDER_CONFIGURATION_CHANGED")["flags"] == ["text"]
    assert asking(web, "text", "d")["details"]["value"] == "y"
    guarded.write("default", DEFINITION)
    assert web.event("PROVIDER_CONFIGURATION_CHANGED")["flags"] == ["text"]
    assert asking(web, "text", "d")["details"]["value"] == "x"


def test_the_client_for_the_web_gets_other_answers_for_another_context(web: Client) -> None:
    assert asking(web, "yes", False)["details"]["value"] is True
    web.tell(context={"targetingKey": "user-1", "country": "FI"})
    assert web.answer()["context"]["country"] == "FI"
    # It begins with what it has stored for the user, and asks meanwhile: with the ETag of Sweden's answers.
    assert web.event("PROVIDER_CONFIGURATION_CHANGED")["flags"] == ["yes"]
    assert asking(web, "yes", False)["details"]["value"] is False


def test_the_client_for_the_web_is_told_for_good_that_its_key_is_wrong(
    guarded: Served, node: Callable[..., Client]
) -> None:
    client = node("web_client.mjs", guarded.url, json.dumps({"X-API-Key": "cpk_nothing"}), "{}")
    assert client.answer()["failed"] == "PROVIDER_FATAL"
    found = asking(client, "text", "d")["details"]
    assert (found["value"], found["errorCode"]) == ("d", "PROVIDER_FATAL")


def test_the_client_for_the_web_is_told_after_the_server_was_away(
    tmp_path: Path, node: Callable[..., Client]
) -> None:
    from counterpoint import Workspace

    with Workspace.create(tmp_path / "restarted") as workspace:
        first = serve(workspace, auth=True)
        served = next(first)
        served.write("default", DEFINITION)
        key = served.key("web", "flags:evaluate")
        client = node("web_client.mjs", served.url, json.dumps({"X-API-Key": key}), "{}")
        client.event("PROVIDER_READY")
        first.close()
        client.event("PROVIDER_STALE")
        served.write("default", changed(text=OTHER_TEXT))
        second = serve(workspace, auth=True, port=int(served.url.rpartition(":")[2]))
        next(second)
        assert client.event("PROVIDER_CONFIGURATION_CHANGED")["flags"] == ["text"]
        second.close()
