"""Exposures: once each, in batches, and never in the way."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.errors import WorkspaceError
from counterpoint.flags import exposure as room
from counterpoint.flags.exposure import Exposures
from counterpoint.flags.exposure_event import SUBJECT, Exposure, event_of
from counterpoint.journal.journal import Journal
from counterpoint.journal.model import row
from counterpoint.journal.model.alike import AlikeEvents
from counterpoint.journal.model.event import Event, read_event
from counterpoint.journal.model.row import Row
from counterpoint.moments import to_micros


class Log:
    """A journal that may be away."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.batches: list[int] = []
        self.away = False
        self.written = threading.Event()

    def append_rows(self, rows: Sequence[Row]) -> None:
        if self.away:
            raise WorkspaceError("away")
        self.events += map(row.event_of, rows)
        self.batches.append(len(rows))
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
    assert len({event.id for event in log.events}) == 5


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
    assert len({event.id for event in log.events}) == 2


def test_what_is_forgotten_keeps_its_id(
    log: Log, exposures: Exposures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_SEEN", 1)
    for subject in ("u", "v", "u"):
        exposures.note(exposure(subject))
    exposures.flush()
    assert [event.subject for event in log.events] == ["u", "v", "u"]
    assert log.events[0].id == log.events[2].id


def test_a_journal_that_is_away_costs_nothing_and_gets_them_later(log: Log, exposures: Exposures) -> None:
    log.away = True
    exposures.note(exposure("u"))
    assert not exposures.flush()
    exposures.note(exposure("v"))
    log.away = False
    assert exposures.flush()
    assert [event.subject for event in log.events] == ["u", "v"]


def test_what_waits_is_bounded(log: Log, exposures: Exposures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_WAITING", 3)
    for number in range(5):
        exposures.note(exposure(f"u{number}"))
    assert exposures.dropped == 2
    exposures.flush()
    exposures.note(exposure("u4"))
    exposures.flush()
    assert [event.subject for event in log.events] == ["u0", "u1", "u2", "u4"]


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
    for subject in ("\ud800", "\x00", "a" * 2_049, "\u00e5" * 2_048):
        exposures.note(exposure(subject))
    assert exposures.flush()
    assert [event.subject for event in log.events] == ["\u00e5" * 2_048]
    assert exposures.dropped == 3


def test_long_subjects_are_told_apart(log: Log, exposures: Exposures) -> None:
    for subject in ("a" * 2_000, "a" * 1_999 + "b", "a" * 2_000):
        exposures.note(exposure(subject))
    exposures.flush()
    assert log.batches == [2]


def test_one_who_comes_again_and_again_stays_known(
    log: Log, exposures: Exposures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_SEEN", 2)
    for number in range(10):
        exposures.note(exposure("often"))
        exposures.note(exposure(f"u{number}"))
    exposures.flush()
    assert [event.subject for event in log.events].count("often") == 1


TEXTS = st.text(max_size=12) | st.text(alphabet='"\\/\x00\x7f\ud800\u2028\ufdd0é😀', max_size=4)


@given(
    shared=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
    different=st.lists(
        st.tuples(TEXTS | st.text("å", min_size=2_047, max_size=2_049), st.floats(0, 4e9)),
        min_size=1,
        max_size=3,
    ),
)
def test_rows_are_those_that_the_documents_would_become(
    shared: tuple[str, str, str, str], different: list[tuple[str, float]]
) -> None:
    flag_set, flag, variant, reason = shared
    made = [Exposure(flag_set, flag, variant, subject, reason, at) for subject, at in different]
    alike = AlikeEvents(event_of(made[0], "x"), subject_key=SUBJECT)
    received = datetime(2026, 11, 26, 12, 0, 0, 1, UTC)
    for number, each in enumerate(made):
        found = read_event(event_of(each, str(number)), received=received)
        expected = row.row_of(found) if isinstance(found, Event) else None
        given_ = alike.row(
            str(number), each.subject, time=room.micros_of(each.at), received=to_micros(received)
        )
        assert given_ == expected


def test_what_is_noted_is_read_back_from_a_journal(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        exposures = Exposures(lambda: journal)
        for _ in range(2):
            exposures.note(exposure('u"1'))
            assert exposures.flush()
        (event,) = journal.recent()
    expected = event_of(exposure('u"1'), event.id)
    assert {name: value for name, value in event.document().items() if name != "recordedtime"} == expected


def test_what_could_not_be_written_is_written_once_in_a_journal(tmp_path: Path) -> None:
    class Broken:
        def append_rows(self, rows: Sequence[Row]) -> None:
            journal.append_rows(rows)
            raise WorkspaceError("the answer was lost")

    with Journal(tmp_path) as journal:
        logs: list[Any] = [Broken(), journal]
        exposures = Exposures(lambda: logs.pop(0))
        exposures.note(exposure())
        assert not exposures.flush()
        assert exposures.flush()
        assert len(journal.recent()) == 1
