"""A flag set that is followed: live, without the server, and through all that can go wrong with it."""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.event import ProviderEvent
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import Reason
from openfeature.provider import ProviderStatus

from counterpoint.flags import FlagSet
from counterpoint.openfeature import CounterpointProvider
from counterpoint.openfeature.subscription import changed_flags

from .conftest import DEADLINE, HANGS, Events, Server, definition

Make = Callable[..., CounterpointProvider]
SSE = "/ofrep/v1/sse"


def ask(key: str = "new") -> bool:
    return api.get_client().get_boolean_value(key, False)


def test_it_starts_from_the_server_and_follows_it(server: Server, make: Make, events: Events) -> None:
    server.put(definition(new="off", old="on", same="on"))
    api.set_provider_and_wait(make(token="secret"))
    server.wait(lambda: server.streams)
    assert not ask()
    server.put(definition(new="on", same="on", more="off"))
    changed = events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    assert changed.flags_changed == ["more", "new", "old"]
    assert ask()
    (stream, *_), (first, *_) = server.asked(SSE), server.asked("/api/flags/sets/default")
    assert stream.path == f"{SSE}?channels=default"
    assert stream.headers["authorization"] == first.headers["authorization"] == "Bearer secret"
    assert "if-none-match" not in first.headers
    assert server.asked("/api/flags/sets/default")[-1].headers["if-none-match"] == '"2"'


def test_the_bucketing_is_the_sets(server: Server, make: Make) -> None:
    server.bucketing = "v3"
    provider = make()
    api.set_provider_and_wait(provider)
    assert provider.flags
    assert provider.flags.bucketing == "v3"


def test_after_a_broken_stream_it_comes_back_with_the_last_id_and_reads_again(
    server: Server, make: Make, events: Events
) -> None:
    api.set_provider_and_wait(make())
    server.wait(lambda: server.streams)
    server.put(definition(new="off", x="on"))
    events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    server.put(definition(new="on"), tell=False)  # nobody tells
    server.drop_streams()
    assert events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED).flags_changed == ["new", "x"]
    assert ask()
    assert server.asked(SSE)[-1].headers["last-event-id"] == "2"


@pytest.mark.parametrize("data", ["", "not json", "[]", '{"type":"somethingElse"}', "[" * 10_000])
def test_messages_of_other_kinds_are_ignored(server: Server, make: Make, events: Events, data: str) -> None:
    api.set_provider_and_wait(make())
    server.wait(lambda: server.streams)
    before = len(server.asked("/api/flags"))
    server.tell(data)
    server.tell('{"type":"refetchEvaluation"}', event="other")
    server.put(definition(new="on"))
    events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    assert len(server.asked("/api/flags")) == before + 1


def test_without_a_stream_it_asks_now_and_then(
    server: Server, make: Make, events: Events, caplog: pytest.LogCaptureFixture
) -> None:
    server.stream_status = 404
    api.set_provider_and_wait(make(poll=0.02))
    server.put(definition(new="on"), tell=False)
    events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    assert ask()
    server.wait(lambda: len(server.asked(SSE)) >= 4)
    told = [each for each in caplog.messages if "No stream of changes" in each]
    assert len(told) == 1
    assert ProviderStatus.READY is api.get_client().get_provider_status()


def test_without_server_and_copy_the_code_decides_until_it_is_there(
    unused_url: str, make: Make, events: Events, server: Server
) -> None:
    server.status = server.stream_status = 503
    with pytest.raises(ProviderNotReadyError) as caught:
        api.set_provider_and_wait(make())
    assert "answered 503" in str(caught.value.error_message)
    found = api.get_client().get_boolean_details("new", True)
    assert (found.value, found.reason, found.error_code) == (True, Reason.ERROR, ErrorCode.PROVIDER_NOT_READY)
    assert api.get_client().get_provider_status() is ProviderStatus.ERROR
    server.definition = definition(new="on")
    server.status = server.stream_status = 200
    events.next(ProviderEvent.PROVIDER_READY)
    assert ask()
    with pytest.raises(ProviderNotReadyError):
        make(url=unused_url).initialize(api.get_evaluation_context())


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_is_fatal_until_it_is_not(
    server: Server, make: Make, events: Events, status: int
) -> None:
    server.status = server.stream_status = status
    with pytest.raises(ProviderFatalError) as caught:
        api.set_provider_and_wait(make())
    assert "token" in str(caught.value.error_message)
    found = api.get_client().get_boolean_details("new", True)
    assert (found.value, found.error_code) == (True, ErrorCode.PROVIDER_FATAL)
    server.status = server.stream_status = 200
    events.next(ProviderEvent.PROVIDER_READY)
    assert api.get_client().get_boolean_details("new", True).error_code is None


def test_it_starts_from_the_copy_and_says_that_it_is_stale(
    server: Server, make: Make, events: Events, tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "flags.json"
    server.put(definition(new="on"))
    server.bucketing = "v3"
    first = make(cache=file)
    api.set_provider_and_wait(first)
    api.clear_providers()
    assert [each.name for each in file.parent.iterdir()] == ["flags.json"]
    server.status = server.stream_status = 500
    again = Events()
    api.set_provider_and_wait(second := make(cache=file))
    assert ask()
    assert second.flags
    assert second.flags.bucketing == "v3"
    assert "answered 500" in str(again.next(ProviderEvent.PROVIDER_STALE).message)
    assert api.get_client().get_provider_status() is ProviderStatus.STALE
    assert ask()
    server.status = server.stream_status = 200
    again.next(ProviderEvent.PROVIDER_READY)
    assert api.get_client().get_provider_status() is ProviderStatus.READY
    assert server.asked("/api/flags")[-1].headers["if-none-match"] == '"2"'


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"format": 1}', b"\xff" * 100, b"[" * 100_000, b'{"format":9,"url":"x","flagSet":"x","bucketing":"v2","etag":"","definition":{}}'],
)  # fmt: skip
def test_a_copy_that_is_broken_is_ignored_with_a_warning(
    server: Server, make: Make, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "flags.json"
    file.write_bytes(content)
    server.status = server.stream_status = 500
    with pytest.raises(ProviderNotReadyError):
        api.set_provider_and_wait(make(cache=file))
    assert any("is ignored" in each for each in caplog.messages)


@pytest.mark.parametrize(
    "change",
    [
        {"flagSet": "other"},
        {"url": "http://elsewhere"},
        {"bucketing": "v9"},
        {"definition": {"flags": {"f": {"state": "ENABLED"}}}},
    ],
)
def test_a_copy_of_something_else_is_ignored(
    server: Server, make: Make, tmp_path: Path, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "flags.json"
    good = {"format": 1, "url": server.url, "flagSet": "default", "bucketing": "v2", "etag": '"1"', "definition": definition(new="on")}  # fmt: skip
    file.write_text(json.dumps(good | change))
    provider = make(cache=file)
    api.set_provider_and_wait(provider)
    assert any("is ignored" in each for each in caplog.messages)
    assert "if-none-match" not in server.asked("/api/flags")[0].headers
    assert not ask()
    assert json.loads(file.read_text())["definition"] == server.definition


def test_a_copy_that_cannot_be_written_costs_nothing(
    server: Server, make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture, events: Events
) -> None:
    (tmp_path / "file").touch()
    api.set_provider_and_wait(make(cache=tmp_path / "file" / "flags.json"))
    server.wait(lambda: server.streams)
    server.put(definition(new="on"))
    events.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    assert ask()
    assert len([each for each in caplog.messages if "cannot be kept" in each]) == 1


@pytest.mark.parametrize("broken", [b"{", b"[]", {"flags": {"new": {"state": "ENABLED"}}}])
def test_a_set_that_is_broken_leaves_the_one_before(
    server: Server, make: Make, events: Events, broken: Any
) -> None:
    server.put(definition(new="on"))
    api.set_provider_and_wait(make())
    server.wait(lambda: server.streams)
    server.put(broken)
    told = events.next(ProviderEvent.PROVIDER_ERROR)
    assert "cannot be used" in str(told.message)
    assert ask()
    server.put(definition(new="off"))
    events.next(ProviderEvent.PROVIDER_READY)
    assert not ask()


def test_a_server_that_hangs_delays_neither_start_nor_end(server: Server, make: Make) -> None:
    server.status = HANGS
    provider = make(timeout=0.05)
    begun = time.monotonic()
    with pytest.raises(ProviderNotReadyError):
        provider.initialize(api.get_evaluation_context())
    provider.shutdown()
    assert time.monotonic() - begun < 5


def test_it_can_be_set_again_after_the_end(server: Server, make: Make, events: Events) -> None:
    provider = make()
    api.set_provider_and_wait(provider)
    api.clear_providers()
    api.set_provider_and_wait(provider)
    again = Events()
    server.wait(lambda: len(server.streams) >= 1)
    server.put(definition(new="on"))
    again.next(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED)
    assert ask()


def test_a_child_of_a_fork_follows_too(server: Server, make: Make) -> None:
    provider = make(poll=0.02)
    api.set_provider_and_wait(provider)
    server.wait(lambda: server.streams)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            end = time.monotonic() + DEADLINE
            while provider.resolve_boolean_details("new", False).value is not True and time.monotonic() < end:
                os.sched_yield()
            os.write(writing, b"on" if provider.resolve_boolean_details("new", False).value else b"off")
        finally:
            os._exit(0)
    os.close(writing)
    server.wait(lambda: len(server.streams) == 2)
    server.put(definition(new="on"))
    assert os.read(reading, 10) == b"on"
    os.waitpid(child, 0)
    os.close(reading)


def test_what_changed_is_told_by_what_flags_answer() -> None:
    def flags(bucketing: Any = "v2", **changes: Any) -> FlagSet:
        ruled = {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a", "targeting": {"if": [{"$ref": "swedes"}, "b"]}}  # fmt: skip
        plain = {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a"}
        document = {"flags": {"ruled": ruled, "plain": plain}, "$evaluators": {"swedes": {"==": [{"var": "c"}, "SE"]}}}  # fmt: skip
        return FlagSet.from_flagd(document | changes, bucketing)

    norwegians = {"$evaluators": {"swedes": {"==": [{"var": "c"}, "NO"]}}}
    assert changed_flags(flags(), flags()) == []
    assert changed_flags(flags(), flags(**norwegians)) == ["ruled"]
    assert changed_flags(flags(), flags("v3")) == ["ruled"]
    assert changed_flags(flags(), flags(metadata={"version": "2"})) == ["plain", "ruled"]
    assert changed_flags(None, flags()) == ["plain", "ruled"]
    one = FlagSet.from_flagd({"flags": {"f": {"state": "ENABLED", "variants": {"v": {"a": 1}}}}})
    true = FlagSet.from_flagd({"flags": {"f": {"state": "ENABLED", "variants": {"v": {"a": True}}}}})
    assert changed_flags(one, true) == ["f"]


def test_the_token_is_in_no_message(
    server: Server, make: Make, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    server.status = server.stream_status = 403
    with pytest.raises(ProviderFatalError) as caught:
        make(token="cpt_secret", cache=tmp_path / "c").initialize(api.get_evaluation_context())
    assert "cpt_secret" not in caplog.text + str(caught.value.error_message)
