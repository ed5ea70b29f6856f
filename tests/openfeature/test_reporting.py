"""Exposures: once each, in batches, and whatever the server does, never in the caller's way."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails

from counterpoint import Workspace
from counterpoint.flags import FlagSet
from counterpoint.openfeature import CounterpointProvider, reporting
from counterpoint.openfeature.pauses import Pauses
from counterpoint.openfeature.reporting import Reporter, receiver_of

from .conftest import DEADLINE, Handler, Request, Server, definition, die, garbage, hang, refuse

Make = Callable[..., CounterpointProvider]
Take = list[dict[str, Any]]


@pytest.fixture
def ready(server: Server, make: Make) -> Callable[..., CounterpointProvider]:
    """Makes providers that have the server's flags."""
    server.definition = definition(new="on", old="off")

    def provider(**options: Any) -> CounterpointProvider:
        made = make(**options)
        made.initialize(api.get_evaluation_context())
        return made

    return provider


@pytest.fixture(autouse=True)
def _in_no_hurry_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reporter.__init__, "__kwdefaults__", {"period": 0.01, "window": 3600.0})


def use(provider: CounterpointProvider, subject: str | None, key: str = "new") -> None:
    provider.resolve_boolean_details(key, False, EvaluationContext(subject))


def exports(server: Server) -> list[Request]:
    return server.asked("/v1/logs")


def subjects(server: Server) -> list[str]:
    return [each["feature_flag.context.id"] for request in exports(server) for each in request.records]


def test_a_subject_is_reported_once_for_a_flag_and_variant(
    server: Server, ready: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = ready(token="secret", service="shop")
    for _ in range(3):
        use(provider, "u")
        use(provider, "v")
        use(provider, "u", "old")
    assert provider.flush(DEADLINE)
    use(provider, "u")
    assert provider.flush(DEADLINE)
    assert sorted(subjects(server)) == ["u", "u", "v"]
    (export, *_) = exports(server)
    assert export.headers["authorization"] == "Bearer secret"
    record = export.records[0]
    assert len(record.pop("log.record.uid")) == 32
    assert record == {
        "feature_flag.key": "new",
        "feature_flag.set.id": "default",
        "feature_flag.result.variant": "on",
        "feature_flag.result.reason": "static",
        "feature_flag.context.id": "u",
        "feature_flag.provider.name": "Counterpoint",
    }
    assert provider.exposures == (3, 0, 0, 0)


def test_what_is_no_exposure_is_not_reported(server: Server, ready: Make) -> None:
    provider = ready()
    use(provider, None)
    use(provider, "")
    use(provider, "u", "unknown")
    provider.resolve_string_details("new", "", EvaluationContext("u"))  # gave the code's default
    assert provider.flush(DEADLINE)
    assert exports(server) == []


def test_it_can_be_switched_off(server: Server, ready: Make) -> None:
    provider = ready(exposures=False)
    use(provider, "u")
    provider.track("bought")
    assert provider.flush(DEADLINE)
    assert provider.exposures == (0, 0, 0, 0)
    assert exports(server) == []


@pytest.mark.parametrize(
    "bad",
    [refuse(500), refuse(503), refuse(401), refuse(429, retry_after="0"), refuse(302, location="/"), die, garbage],
    ids=["500", "503", "401", "429", "302", "dies", "garbage"],
)  # fmt: skip
def test_what_is_refused_is_sent_again_as_it_was(
    server: Server, ready: Make, bad: Callable[[Handler], None]
) -> None:
    server.logs += [bad, bad]
    provider = ready()
    use(provider, "u")
    server.wait(lambda: len(exports(server)) == 3)
    assert provider.flush(DEADLINE)
    assert len({request.body for request in exports(server)}) == 1
    assert provider.exposures == (1, 0, 0, 0)


@pytest.mark.parametrize("status", [400, 404, 413, 415])
def test_what_can_never_be_taken_is_dropped_and_counted(
    server: Server, ready: Make, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.logs += [refuse(status)]
    provider = ready()
    use(provider, "u")
    assert provider.flush(DEADLINE)
    use(provider, "v")
    assert provider.flush(DEADLINE)
    assert provider.exposures == (1, 0, 1, 0)
    assert sum("are lost" in each for each in caplog.messages) == 1


def test_a_server_says_when_to_come_again(
    server: Server, ready: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes: list[float | None] = []
    original = Pauses.after_failure

    def noting(self: Pauses, wish: float | None = None) -> float:
        wishes.append(wish)
        return original(self)

    provider = ready()
    monkeypatch.setattr(Pauses, "after_failure", noting)
    server.logs += [refuse(429, retry_after="7"), refuse(503, retry_after="Thu, 01 Jan 1970 00:00:00 GMT"), refuse(429, retry_after="soon")]  # fmt: skip
    use(provider, "u")
    server.wait(lambda: len(exports(server)) == 4)
    assert wishes[:3] == [7.0, 0.0, None]


def test_what_the_server_rejects_in_part_is_counted(server: Server, ready: Make) -> None:
    server.logs += [lambda handler: handler.answer(200, b'{"partialSuccess":{"rejectedLogRecords":"1"}}')]
    provider = ready()
    use(provider, "u")
    use(provider, "v")
    assert provider.flush(DEADLINE)
    assert provider.exposures == (1, 0, 1, 0)


@pytest.mark.parametrize(
    "answer", [b"", b"not json", b"[]", b'{"partialSuccess": 5}', b'{"partialSuccess":{"rejectedLogRecords":"x"}}']
)  # fmt: skip
def test_a_strange_answer_is_no_trouble(server: Server, ready: Make, answer: bytes) -> None:
    server.logs += [lambda handler: handler.answer(200, answer)]
    provider = ready()
    use(provider, "u")
    assert provider.flush(DEADLINE)
    assert provider.exposures == (1, 0, 0, 0)


@pytest.mark.parametrize("bad", [hang, die, garbage, refuse(500)], ids=["hangs", "dies", "garbage", "500"])
def test_a_bad_server_does_not_slow_evaluation(
    server: Server, ready: Make, bad: Callable[[Handler], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "MOST_WAITING", 1000)
    server.logs += [bad] * 10_000
    provider = ready()
    use(provider, "first")
    server.wait(lambda: exports(server))  # it is at it
    contexts = [EvaluationContext(f"u{number}") for number in range(5000)]
    slowest, begun = 0.0, time.thread_time()
    for context in contexts:
        at = time.perf_counter()
        provider.resolve_boolean_details("new", False, context)
        slowest = max(slowest, time.perf_counter() - at)
    # Waiting for the server even once would take as long as its time limit of five seconds.
    assert slowest < 1
    assert (time.thread_time() - begun) / len(contexts) < 0.001
    counts = provider.exposures
    assert counts.dropped >= 5000 - 1000 - 1
    assert counts.waiting <= 1000 + reporting.BATCH
    begun = time.monotonic()
    provider.shutdown()
    assert time.monotonic() - begun < 4


def test_what_was_dropped_is_reported_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "MOST_WAITING", 1)
    reporter = Reporter(receiver_of(taken := Taking()), pauses=Pauses(1, 1))
    for subject in ("u", "v", "v"):
        reporter.note("s", "f", "on", subject, "STATIC", None)
    assert reporter.counts == (0, 2, 0, 1)
    reporter.start()
    assert reporter.flush(DEADLINE)
    reporter.note("s", "f", "on", "v", "STATIC", None)
    assert reporter.flush(DEADLINE)
    reporter.stop(1)
    assert [event["subject"] for event in taken.events] == ["u", "v"]


class Taking:
    """Takes events, unless it is told to fail."""

    def __init__(self) -> None:
        self.events: Take = []
        self.failures = 0

    def __call__(self, events: Take) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("away")
        self.events += events


def reporter(taking: Any, **options: Any) -> Reporter:
    return Reporter(receiver_of(taking), pauses=Pauses(0.01, 0.01), **options)


def test_what_is_remembered_is_bounded_and_what_is_forgotten_keeps_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reporting, "MOST_SEEN", 2)
    mine = reporter(taking := Taking())
    mine.start()
    for subject in ("a", "b", "c", "a", "d", "e", "f", "a"):
        mine.note("s", "f", "on", subject, "STATIC", None)
        assert len(mine.seen) <= 2
    mine.stop(DEADLINE)
    ids = [event["id"] for event in taking.events if event["subject"] == "a"]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_new_window_reports_anew_with_other_ids() -> None:
    mine = reporter(taking := Taking(), window=0.02)
    mine.start()
    mine.note("s", "f", "on", "u", "STATIC", None)
    first = mine.seen
    end = time.monotonic() + DEADLINE
    while mine.seen is first and time.monotonic() < end:
        mine.flush(0.01)
        os.sched_yield()
    mine.note("s", "f", "on", "u", "STATIC", None)
    mine.stop(DEADLINE)
    assert len({event["id"] for event in taking.events}) == 2


def test_a_function_that_fails_gets_the_same_again() -> None:
    mine = reporter(taking := Taking())
    taking.failures = 2
    mine.note("s", "f", "on", "u", "SPLIT", "7")
    mine.start()
    end = time.monotonic() + DEADLINE
    while not mine.flush(1) and time.monotonic() < end:
        pass
    mine.stop(1)
    (event,) = taking.events
    assert event["data"] == {
        "feature_flag.key": "f",
        "feature_flag.set.id": "s",
        "feature_flag.result.variant": "on",
        "feature_flag.result.reason": "split",
        "feature_flag.context.id": "u",
    }


def test_a_workspace_takes_exposures_without_a_server(workspace: Workspace, flags: FlagSet) -> None:
    provider = CounterpointProvider(flags, exposures=workspace, flag_set="mine")
    api.set_provider_and_wait(provider)
    client = api.get_client()
    client.get_string_value("text", "", EvaluationContext("u\ud800"))
    client.track("bought", EvaluationContext("u"), TrackingEventDetails(9.5, {"currency": "SEK"}))
    assert provider.flush(DEADLINE)
    bought, shown = sorted(workspace.journal.recent(), key=lambda event: event.type)
    assert (shown.subject, shown.source, shown.flag) == ("u?", "/api/flags/sets/mine", "text")
    assert (bought.type, bought.subject, bought.data) == ("bought", "u", {"currency": "SEK", "value": 9.5})


def test_tracked_events_go_to_the_journal_with_the_exposures(server: Server, ready: Make) -> None:
    provider = ready(service="the shop")
    use(provider, "u")
    provider.track("bought", EvaluationContext("u"), TrackingEventDetails(2))
    provider.track("seen", None, None)
    provider.track("odd", None, TrackingEventDetails(None, {"x": object()}))  # type: ignore[dict-item]
    assert provider.flush(DEADLINE)
    (tracked,) = server.asked("/api/events")
    first, second = json.loads(tracked.body)
    assert tracked.headers["content-type"] == "application/cloudevents-batch+json"
    assert (first["type"], first["subject"], first["data"]) == ("bought", "u", {"value": 2})
    assert first["source"] == second["source"] == "/openfeature/the%20shop"
    assert first["id"] != second["id"]
    assert "subject" not in second
    assert provider.exposures.sent == 3


def test_the_last_exposures_are_sent_at_the_end(server: Server, ready: Make) -> None:
    provider = ready()
    for number in range(1200):
        use(provider, f"u{number}")
    provider.shutdown()
    assert len(set(subjects(server))) == 1200
    assert all(len(request.records) <= reporting.BATCH for request in exports(server))


def test_a_process_that_ends_sends_them_too(server: Server) -> None:
    program = (
        "import sys\n"
        "from openfeature import api\n"
        "from openfeature.evaluation_context import EvaluationContext\n"
        "from counterpoint.openfeature import CounterpointProvider\n"
        "api.set_provider_and_wait(CounterpointProvider(url=sys.argv[1]))\n"
        "api.get_client().get_boolean_value('new', True, EvaluationContext('last'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert subjects(server) == ["last"]


@pytest.mark.parametrize("bad", [hang, refuse(500)], ids=["hangs", "500"])
def test_a_process_ends_although_the_server_does_not_answer(server: Server, bad: Any) -> None:
    server.logs += [bad] * 100
    program = (
        "import sys\n"
        "from openfeature import api\n"
        "from openfeature.evaluation_context import EvaluationContext\n"
        "from counterpoint.openfeature import CounterpointProvider\n"
        "api.set_provider_and_wait(CounterpointProvider(url=sys.argv[1]))\n"
        "api.get_client().get_boolean_value('new', True, EvaluationContext('last'))\n"
        "import time; print(time.monotonic())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, server.url], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0
    assert time.monotonic() - float(done.stdout) < 4


def test_a_child_of_a_fork_reports_its_own_and_not_the_parents(server: Server, ready: Make) -> None:
    server.logs += [refuse(500)] * 3
    provider = ready(shortest_pause=0.3, longest_pause=0.3)
    use(provider, "parents")
    server.wait(lambda: exports(server))
    child = os.fork()
    if child == 0:
        try:
            use(provider, "childs")
            provider.flush(DEADLINE)
            provider.flush(DEADLINE)
            provider.flush(DEADLINE)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    end = time.monotonic() + DEADLINE
    while not provider.flush(1) and time.monotonic() < end:
        pass
    bodies: dict[str, set[bytes]] = {"childs": set(), "parents": set()}
    for request in exports(server):
        (record,) = request.records
        bodies[record["feature_flag.context.id"]].add(request.body)
    assert len(bodies["childs"]) == len(bodies["parents"]) == 1
    assert provider.exposures.sent == 1
