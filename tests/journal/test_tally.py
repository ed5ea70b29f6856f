"""Counts of what arrives: they are those of the events, whatever happens, and stay small."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterpoint.journal import Journal
from counterpoint.journal.arrivals import Arrivals, Selection
from counterpoint.journal.intake import connect
from counterpoint.journal.tally import MOST, OTHER, name_of

from .conftest import event
from .test_durability import appender, lines_of, one_life, order

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVER = {"start": 0, "end": 2**40}


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def ago(**distance: float) -> str:
    return (NOON - timedelta(**distance)).isoformat()


def all_of(journal: Journal, **wanted: Any) -> Arrivals:
    """The sum over all time, checked to be one period at most."""
    periods = journal.arrivals(Selection(**EVER, **wanted))
    assert len(periods) <= 1
    return periods[0].counts if periods else Arrivals()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clocked(open_journal: Callable[..., Journal], clock: Clock) -> Journal:
    return open_journal(clock=clock)


def test_events_are_counted_by_type_source_and_how_late_they_are(clocked: Journal) -> None:
    lags = [-600, -60, 0.5, 30, 1800, 7200, 10 * 86400]
    clocked.append([event(number, time=ago(seconds=lag)) for number, lag in enumerate(lags)])
    clocked.append([event(99, type="page.seen", source="web", time=ago(seconds=2))])
    assert all_of(clocked, type="order.placed") == Arrivals(
        accepted=7, waited_ms=500 + 30_000 + 1_800_000 + 7_200_000, longest_ms=10 * 86_400_000,
        future=1, second=2, minute=1, hour=1, day=1, later=1,
    )  # fmt: skip
    assert {each.name: each.counts.accepted for each in clocked.arrivals(Selection(**EVER, by="source"))} == {
        "test": 7,
        "web": 1,
    }


def test_of_an_append_with_old_and_new_events_each_is_counted_as_what_it_is(clocked: Journal) -> None:
    clocked.append([event(1), event(2, type="page.seen")])
    clocked.append([event(1), event(2, type="page.seen"), event(3), event(3), event(4, source="web")])
    clocked.append([event(1), event(3)])
    found = {each.name: each.counts for each in clocked.arrivals(Selection(**EVER, by="type"))}
    assert {name: (each.accepted, each.duplicates) for name, each in found.items()} == {
        "order.placed": (3, 4),
        "page.seen": (1, 1),
    }


def test_a_duplicate_of_a_compacted_event_is_counted(clocked: Journal) -> None:
    clocked.append([event(1)])
    clocked.compact()
    clocked.append([event(1)])
    assert (all_of(clocked).accepted, all_of(clocked).duplicates) == (1, 1)


def test_a_minute_counts_a_limited_number_of_names_and_folds_the_rest(clocked: Journal) -> None:
    clocked.append(
        [event(number, type=f"type-{number}", source=f"source-{number}") for number in range(1000)]
    )
    clocked.append(
        [event(number, id=f"y{number}", type="one", source=f"source-{number}") for number in range(1000)]
    )
    with sqlite3.connect(clocked.folder / "intake.db") as database:
        (rows,) = database.execute("SELECT count(*) FROM tally WHERE span = 1").fetchone()
    assert rows <= 2 * MOST + 1
    assert sum(each.counts.accepted for each in clocked.arrivals(Selection(**EVER, by="type"))) == 2000
    assert any(each.name == OTHER for each in clocked.arrivals(Selection(**EVER, by="source")))


def test_long_names_are_cut_and_can_still_be_asked_for(clocked: Journal) -> None:
    long = "t" * 2000
    clocked.append([event(1, type=long)])
    (period,) = clocked.arrivals(Selection(**EVER, by="type", type=long))
    assert period.name == name_of(long)
    assert len(period.name) == 200


def test_the_strangest_times_overflow_nothing(clocked: Journal) -> None:
    strange = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    clocked.append([event(number, time=strange[number % 2]) for number in range(1000)])
    clocked.append([event(number, time=strange[number % 2]) for number in range(1000, 2000)])
    assert (all_of(clocked).future, all_of(clocked).later) == (1000, 1000)


def test_minutes_become_hours_and_hours_one_sum_and_nothing_is_lost(clocked: Journal, clock: Clock) -> None:
    for number in range(120):
        clock.now = NOON + timedelta(minutes=number)
        clocked.append([event(number, type=f"type-{number % 3}")])
    clock.now = NOON + timedelta(days=3)
    clocked.append([event(500)])
    assert clocked.arrivals(Selection(**EVER, by="type", step="minute"))[0].at == clock.now.replace(second=0)
    hours = clocked.arrivals(Selection(**EVER, step="hour"))
    assert [(each.at, each.counts.accepted) for each in hours] == [
        (NOON, 60),
        (NOON + timedelta(hours=1), 60),
        (NOON + timedelta(days=3), 1),
    ]
    clock.now = NOON + timedelta(days=120)
    clocked.append([event(501)])
    assert [each.counts.accepted for each in clocked.arrivals(Selection(**EVER, step="hour"))] == [1]
    assert {name: each.accepted for name, each in clocked.totals().items()} == {
        "order.placed": 2,
        "type-0": 40,
        "type-1": 40,
        "type-2": 40,
    }


def test_made_up_names_without_end_keep_the_table_small(
    clocked: Journal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterpoint.journal.tally.MOST", 3)
    monkeypatch.setattr("counterpoint.journal.tally.MOST_EVER", 5)
    made = 0
    for day in range(0, 400, 10):
        for minute in range(4):
            clock.now = NOON + timedelta(days=day, minutes=minute)
            events = [
                event(made + each, type=f"type-{made + each}", source=f"source-{made}") for each in range(5)
            ]
            clocked.append(
                [*events, event(made, source=f"source-{made}"), event(0, source=f"s{made}", time="never")]
            )
            made += 5
    with sqlite3.connect(clocked.folder / "intake.db") as database:
        spans = dict(database.execute("SELECT span, count(*) FROM tally GROUP BY span"))
        assert sum(dict(database.execute("SELECT span, count(*) FROM refusals GROUP BY span")).values()) < 120
    assert spans[0] <= 5 + 3
    assert spans[60] <= 9 * (3 + 1)
    assert spans[1] <= 4 * 7
    assert sum(each.accepted for each in clocked.totals().values()) == sum(
        each.count for each in clocked.counts()
    )
    assert sum(number for _, _, number, _ in clocked.refusals()) == 160
    everything, refused = clocked.ever()
    assert everything.accepted == sum(each.count for each in clocked.counts())
    assert refused == {"time": 160}


def test_what_is_refused_is_counted_by_reason_and_source(clocked: Journal) -> None:
    clocked.append(
        [event(1), event(2, time="yesterday"), event(3, id=...), "text", event(4, specversion="0.3")]
    )
    clocked.append([event(5, time="tomorrow", source="web")])
    found = {(reason, source): number for reason, source, number, _ in clocked.refusals()}
    assert found == {
        ("time", "test"): 1,
        ("time", "web"): 1,
        ("missing", "test"): 1,
        ("no-object", ""): 1,
        ("specversion", "test"): 1,
    }
    assert all_of(clocked).rejected == 5
    assert all_of(clocked).accepted == 1


def test_of_each_reason_the_last_five_samples_are_kept(clocked: Journal) -> None:
    for number in range(4):
        clocked.append([event(each, time=f"moment {number}.{each}") for each in range(3)])
        clocked.refusals()
    found = [json.loads(sample.shape)["time"] for sample in clocked.samples()["time"]]
    assert found == ["moment 3.2", "moment 3.1", "moment 3.0", "moment 2.2", "moment 2.1"]


def test_counts_outlive_the_journal_that_made_them(
    open_journal: Callable[..., Journal], clock: Clock
) -> None:
    first = open_journal(clock=clock)
    first.append([event(1), event(2, time="never")])
    first.close()
    again = open_journal(clock=clock)
    again.append([event(1), event(3)])
    assert all_of(again) == Arrivals(
        accepted=2, duplicates=1, rejected=1, waited_ms=14_400_000, longest_ms=7_200_000, day=2
    )


def test_a_killed_process_leaves_counts_that_are_those_of_its_events(tmp_path: Path) -> None:
    with appender(tmp_path) as process:
        for life, acknowledgements in enumerate([1, 5, 0, 13, 2, 21]):
            one_life(process, life, acknowledgements)
    with Journal(tmp_path) as journal:
        counts = journal.counts()
        assert counts
        assert {name: each.accepted for name, each in journal.totals().items()} == {
            each.type: each.count for each in counts
        }


def test_two_processes_count_together(tmp_path: Path) -> None:
    with appender(tmp_path) as first, appender(tmp_path) as second:
        order(first, "share 0 300")
        order(second, "share 150 450")
        for each in (first, second):
            next(line for line in lines_of(each) if line.startswith("accepted"))
    with Journal(tmp_path) as journal:
        (total,) = journal.totals().values()
    assert (total.accepted, total.duplicates) == (450, 150)


def test_a_transaction_that_fails_counts_nothing(clocked: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk is full")

    clocked.append([event(1)])
    with monkeypatch.context() as patched:
        patched.setattr("counterpoint.journal.tally._figures", fail)
        with pytest.raises(Exception, match="disk is full"):
            clocked.append([event(2)])
    clocked.append([event(2)])
    assert (all_of(clocked).accepted, all_of(clocked).duplicates) == (2, 0)


def test_an_older_journal_is_brought_forward(tmp_path: Path, open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    journal.append([event(1)])
    journal.close()
    from counterpoint.journal.schema import STEPS

    with sqlite3.connect(journal.folder / "intake.db") as database:
        for table in ("tally", "refusals", "refused"):
            database.execute(f"DROP TABLE {table}")
        database.execute(f"PRAGMA user_version = {len(STEPS) - 1}")
    again = open_journal()
    again.append([event(2)])
    assert all_of(again).accepted == 1
    connect(journal.folder / "intake.db").close()
    assert Counter(each.type for each in again.counts()) == {"order.placed": 1}
