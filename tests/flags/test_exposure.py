"""Exposures: once each, in batches, and never in the way."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from counterpoint.errors import WorkspaceError
from counterpoint.flags import exposure as room
from counterpoint.flags.exposure import Exposure, Exposures, event_of


class Log:
    """A journal that may be away."""

    def __init__(self) -> None:
        self.events: list[Mapping[str, Any]] = []
        self.batches: list[int] = []
        self.away = False
        self.written = threading.Event()

    def append(self, events: Sequence[Mapping[str, Any]]) -> None:
        if self.away:
            raise WorkspaceError("away")
        self.events += events
        self.batches.append(len(events))
        self.written.set()


def exposure(subject: str = "u", variant: str = "on", flag: str = "f", flag_set: str = "default") -> Exposure:
    return Exposure(flag_set, flag, variant, subject, "TARGETING_MATCH", 1_700_000_000.25)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def exposures(log: Log) -> Exposures:
    return Exposures(lambda: log)


def test_an_exposure_is_a_cloud_event_in_opentelemetrys_words() -> None:
    assert event_of(exposure(flag_set="a/b"), "1") == {
        "specversion": "1.0",
        "id": "1",
        "source": "/api/flags/sets/a%2Fb",
        "type": "feature_flag.evaluation",
        "subject": "u",
        "time": "2023-11-14T22:13:20.250000Z",
        "data": {
            "feature_flag.key": "f",
            "feature_flag.set.id": "a/b",
            "feature_flag.result.variant": "on",
            "feature_flag.result.reason": "targeting_match",
            "feature_flag.context.id": "u",
        },
    }


def test_each_is_written_once_a_run(log: Log, exposures: Exposures) -> None:
    different = [
        exposure(),
        exposure("v"),
        exposure(variant="off"),
        exposure(flag="g"),
        exposure(flag_set="s"),
    ]
    for one in different * 3:
        exposures.note(one)
    assert exposures.flush()
    exposures.note(exposure())
    assert exposures.flush()
    assert log.batches == [5]
    assert len({event["id"] for event in log.events}) == 5


def test_texts_that_run_together_are_told_apart(log: Log, exposures: Exposures) -> None:
    exposures.note(exposure("ab", flag="c"))
    exposures.note(exposure("b", flag="ca"))
    exposures.flush()
    assert log.batches == [2]


def test_another_run_has_other_ids(log: Log) -> None:
    for _ in range(2):
        run = Exposures(lambda: log)
        run.note(exposure())
        run.flush()
    assert len({event["id"] for event in log.events}) == 2


def test_what_is_forgotten_keeps_its_id(
    log: Log, exposures: Exposures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_SEEN", 1)
    for subject in ("u", "v", "u"):
        exposures.note(exposure(subject))
    exposures.flush()
    assert [event["subject"] for event in log.events] == ["u", "v", "u"]
    assert log.events[0]["id"] == log.events[2]["id"]


def test_a_journal_that_is_away_costs_nothing_and_gets_them_later(log: Log, exposures: Exposures) -> None:
    log.away = True
    exposures.note(exposure("u"))
    assert not exposures.flush()
    exposures.note(exposure("v"))
    log.away = False
    assert exposures.flush()
    assert [event["subject"] for event in log.events] == ["u", "v"]


def test_what_waits_is_bounded(log: Log, exposures: Exposures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 3)
    for number in range(5):
        exposures.note(exposure(f"u{number}"))
    assert exposures.dropped == 2
    exposures.flush()
    exposures.note(exposure("u4"))
    exposures.flush()
    assert [event["subject"] for event in log.events] == ["u0", "u1", "u2", "u4"]


def test_a_full_batch_is_written_at_once(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BATCH", 2)
    exposures = Exposures(lambda: log, period=3600)
    exposures.start()
    for subject in ("u", "v"):
        exposures.note(exposure(subject))
    assert log.written.wait(20)
    exposures.stop()
    assert log.batches == [2]


def test_the_rest_is_written_when_it_stops(log: Log) -> None:
    exposures = Exposures(lambda: log, period=3600)
    exposures.start()
    exposures.note(exposure())
    exposures.stop()
    assert log.batches == [1]
    exposures.stop()
    exposures.start()
    exposures.note(exposure("later"))
    exposures.stop()
    assert log.batches == [1, 1]


def test_a_strange_subject_is_no_trouble(log: Log, exposures: Exposures) -> None:
    exposures.note(exposure("\ud800"))
    assert exposures.flush()
