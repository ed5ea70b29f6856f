"""Appending and reading back."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from counterpoint.errors import InputError, OverloadedError, WorkspaceError
from counterpoint.journal import Event, Journal, Receipt, cursor_after, recent
from counterpoint.journal import intake as intake_module
from counterpoint.settings import JournalSettings

from .conftest import event, exposure

Opens = Callable[..., Journal]


def ids(journal: Journal) -> set[str]:
    return {each.id for each in journal.recent(limit=10_000)}


def test_what_was_appended_is_read_back_after_reopening(open_journal: Opens) -> None:
    first = open_journal()
    assert first.append([event(1), exposure(2)]) == Receipt(accepted=2)
    first.close()
    found = open_journal().recent()
    assert {each.id for each in found} == {"e1", "x2"}
    assert all(isinstance(each, Event) for each in found)


def test_appending_again_changes_nothing(journal: Journal) -> None:
    journal.append([event(1), event(2)])
    assert journal.append([event(2), event(3), event(3)]) == Receipt(accepted=1, duplicates=2)
    assert ids(journal) == {"e1", "e2", "e3"}


def test_the_same_id_of_another_source_is_another_event(journal: Journal) -> None:
    assert journal.append([event(1), event(1, source="other")]).accepted == 2


def test_an_event_without_id_costs_the_others_nothing(journal: Journal) -> None:
    receipt = journal.append([event(1), event(2, id=...), "text", event(3)])  # type: ignore[list-item]
    assert (receipt.accepted, receipt.duplicates) == (2, 0)
    assert [(each.index, each.reason.split(";")[0]) for each in receipt.rejected] == [
        (1, "id is missing"),
        (2, "an event must be a JSON object, not text"),
    ]


def test_an_event_that_was_read_can_be_appended_elsewhere(
    journal: Journal, open_journal: Opens, tmp_path: Path
) -> None:
    journal.append([exposure(1)])
    other = open_journal(tmp_path / "other")
    assert other.append(journal.recent()).accepted == 1
    assert other.recent()[0].variant == "on"


def test_nothing_to_append_is_no_work(journal: Journal) -> None:
    assert journal.append([]) == Receipt()


def test_threads_share_a_journal(journal: Journal) -> None:
    def work(start: int) -> None:
        for number in range(start, start + 20):
            assert journal.append([event(number)]).accepted == 1

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 160, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids(journal)) == 160


def test_more_than_the_queue_holds_is_refused_for_now(open_journal: Opens) -> None:
    journal = open_journal(queue=10)
    with journal._intake.writing:  # the disk is busy
        first = journal.submit([event(number) for number in range(3)])
        while journal._intake._waiting:
            pass  # until the writer has taken it and waits for the disk
        second = journal.submit([event(number) for number in range(3, 12)])
        with pytest.raises(OverloadedError, match=r"the limit is 10 \(\[journal\] queue\)"):
            journal.submit([event(number) for number in range(20, 23)])
    assert first.result().accepted + second.result().accepted == 12
    assert journal.append([event(20)]).accepted == 1


def test_one_append_may_be_larger_than_the_queue(open_journal: Opens) -> None:
    assert open_journal(queue=10).append([event(number) for number in range(50)]).accepted == 50


def test_giant_events_are_bounded_by_their_bytes(open_journal: Opens) -> None:
    journal = open_journal(buffer_mb=1)
    with journal._intake.writing:
        taken = [journal.submit([event(0)])]
        while journal.queue()[0]:  # until the thread holds the first one
            pass
        taken.append(journal.submit([event(1, data="x" * 900_000)]))
        with pytest.raises(OverloadedError, match="bytes of events are waiting"):
            journal.submit([event(2, data="x" * 200_000)])
        taken.append(journal.submit([event(3, data="x" * 100_000)]))
    assert [each.result().accepted for each in taken] == [1, 1, 1]
    assert journal.append([event(4, data="x" * 200_000)]).accepted == 1, "what was written makes room"


def test_many_small_appends_share_one_commit(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    commit = journal._intake._commit

    def counted(database: Any, group: Any) -> Any:
        sizes.append(len(group))
        return commit(database, group)

    monkeypatch.setattr(journal._intake, "_commit", counted)
    with journal._intake.writing:  # as if the disk were busy with a sync
        taken = [journal.submit([event(number)]) for number in range(100)]
    assert [each.result().accepted for each in taken] == [1] * 100
    assert sum(sizes) == 100
    assert len(sizes) <= 2, "what came while the first was held up is written at once"


def test_who_stops_waiting_for_an_append_keeps_nobody_from_appending(journal: Journal) -> None:
    given_up = journal.submit([event(1)])
    assert not given_up.cancel()
    assert journal.submit([event(2)]).result(timeout=30) == Receipt(accepted=1)
    assert ids(journal) == {"e1", "e2"}


def test_of_repeats_in_one_commit_the_first_wins(journal: Journal) -> None:
    with journal._intake.writing:
        taken = [journal.submit([event(0)])]
        while journal.queue()[0]:
            pass
        taken += [journal.submit([event(1, data=number), event(2 + number)]) for number in range(3)]
        taken.append(journal.submit([event(9, data="first"), event(9, data="second")]))
    found = [(each.result().accepted, each.result().duplicates) for each in taken]
    assert found == [(1, 0), (2, 0), (1, 1), (1, 1), (1, 1)]
    assert [each.data for each in journal.recent(limit=20) if each.id in ("e1", "e9")] == ["first", 0]
    journal.compact()
    assert journal.append([event(1, data="later"), event(9)]).duplicates == 2


def test_events_of_wrong_clocks_are_taken_and_counted(open_journal: Opens) -> None:
    journal = open_journal(clock=lambda: datetime(2026, 5, 4, 12, tzinfo=UTC))
    times = {
        0: "2026-05-04T12:04:00Z",
        1: "2036-05-04T12:00:00Z",
        2: "1970-01-01T00:00:00Z",
        3: "2001-01-01T00:00:00Z",
    }
    receipt = journal.append([event(number, time=time) for number, time in times.items()])
    assert receipt == Receipt(accepted=4, future=1, late=1)
    journal.compact()
    found = {each.id: each.clockskew for each in journal.recent()}
    assert {name for name, skew in found.items() if skew is not None} == {"e1", "e2"}
    days = {path.parent.name for path in (journal.folder / "segments").glob("*/*/*.parquet")}
    assert {"day=2026-05-04", "day=2036-05-04", "day=1970-01-01", "day=2001-01-01"} == days


def test_closing_writes_what_is_queued(open_journal: Opens) -> None:
    journal = open_journal()
    future = journal.submit([event(1)])
    journal.close()
    assert future.result().accepted == 1
    with pytest.raises(WorkspaceError, match="closed"):
        journal.append([event(2)])


def test_a_full_disk_is_told_and_what_was_accepted_stays(
    open_journal: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal.append([event(1)])
    plain = intake_module.connect

    def small(file: Path, *, create: bool = True) -> sqlite3.Connection:
        database = plain(file, create=create)
        database.execute("PRAGMA max_page_count = 20")
        return database

    journal.close()
    monkeypatch.setattr(intake_module, "connect", small)
    journal = open_journal()
    with pytest.raises(WorkspaceError, match=r"disk is full \(free some space"):
        journal.append([event(number, data={"value": 1, "pad": "x" * 1000}) for number in range(2, 200)])
    monkeypatch.setattr(intake_module, "connect", plain)
    assert ids(journal) == {"e1"}
    assert journal.append([event(2)]).accepted == 1  # there is space again


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("not a folder")
    with pytest.raises(WorkspaceError, match=r"The journal cannot be used: .*journal"):
        Journal(tmp_path / "journal")


def test_a_damaged_intake_is_told(tmp_path: Path) -> None:
    (tmp_path / "intake.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(WorkspaceError, match="restore the file from a backup"):
        Journal(tmp_path)


def test_a_journal_of_a_newer_version_is_not_touched(open_journal: Opens, tmp_path: Path) -> None:
    open_journal().close()
    with sqlite3.connect(tmp_path / "journal" / "intake.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(WorkspaceError, match="newer Counterpoint"):
        Journal(tmp_path / "journal", JournalSettings())


def test_counts_are_by_type_with_first_and_last_time(journal: Journal) -> None:
    journal.append([event(1, time="2026-05-04T10:00:00Z"), event(2, time="2026-05-01T00:00:00Z")])
    journal.compact()
    journal.append([event(3, time="2026-05-09T00:00:00Z"), exposure(1)])
    placed, exposed = sorted(journal.counts(), key=lambda each: -each.count)
    assert (placed.type, placed.count) == ("order.placed", 3)
    assert (placed.first, placed.last) == (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 9, tzinfo=UTC))
    assert (exposed.type, exposed.count) == ("feature_flag.evaluation", 1)


@pytest.mark.parametrize("compact_at", [(), (0,), (3,), (0, 1, 2, 3, 4)])
def test_recent_pages_through_intake_and_segments_once(journal: Journal, compact_at: tuple[int, ...]) -> None:
    for part in range(5):
        journal.append(
            [
                event(number, time=f"2026-05-{1 + number % 3:02}T10:00:00Z")
                for number in range(part * 7, part * 7 + 7)
            ]
        )
        if part in compact_at:
            journal.compact()
    seen: list[Event] = []
    while page := journal.recent(limit=4, before=cursor_after(seen[-1]) if seen else None):
        seen += page
    assert sorted(each.id for each in seen) == sorted(f"e{number}" for number in range(35))
    order = [(each.time, each.source, each.id) for each in seen]
    assert order == sorted(order, reverse=True)


def test_recent_reads_only_the_files_that_a_page_can_lie_in(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 9):
        journal.append([event(day * 10 + each, time=f"2026-05-0{day}T1{each}:00:00Z") for each in range(5)])
        journal.append([event(day, type="page.seen", time=f"2026-05-0{day}T23:00:00Z")])
    journal.compact()
    read: list[int] = []
    original = recent._Page.read

    def counting(page: Any, segments: Any, *rest: Any) -> Any:
        read.append(len(segments))
        return original(page, segments, *rest)

    monkeypatch.setattr(recent._Page, "read", counting)
    assert [each.id for each in journal.recent(limit=3)] == ["e8", "e84", "e83"]
    assert read == [2]
    page = journal.recent(limit=4, type="order.placed", before=cursor_after(journal.recent(limit=4)[-1]))
    assert [each.id for each in page] == ["e81", "e80", "e74", "e73"]
    assert len(journal.recent(limit=1000)) == 48
    assert [each.id for each in journal.recent(subject="user-10", limit=2)] == ["e10"]


def test_recent_filters_by_type_subject_and_flag(journal: Journal) -> None:
    journal.append([event(1), exposure(1), exposure(2)])
    journal.compact()
    journal.append([event(2), exposure(3), event(4, type="it's 100% [odd]*?/..")])
    assert {each.id for each in journal.recent(type="order.placed")} == {"e1", "e2"}
    assert {each.id for each in journal.recent(subject="user-2")} == {"x2", "e2"}
    assert {each.id for each in journal.recent(flag="checkout", subject="user-3")} == {"x3"}
    assert {each.id for each in journal.recent(type="it's 100% [odd]*?/..")} == {"e4"}
    assert journal.recent(type="none such") == []


@pytest.mark.parametrize("cursor", ["x", "é", "bm9uZQ", "WzEsMl0", "=" * 9])
def test_what_is_no_cursor_is_refused(journal: Journal, cursor: str) -> None:
    with pytest.raises(InputError, match="is no cursor"):
        journal.recent(before=cursor)


def test_exposures_are_found_by_the_variant_that_was_given(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    journal.append([event(1), exposure(2, "on"), exposure(3, "off")])
    for _ in range(2):  # in the intake, then in segments
        assert [each.id for each in journal.recent(variant="off")] == ["x3"]
        assert journal.recent(flag="other", variant="on") == []
        journal.compact()


SETS = (None, "default", "shop", "it's 100% [odd]")


def exposure_of(name: str | None, number: int, key: str = "checkout") -> dict[str, Any]:
    """An exposure of a flag in a set, perhaps one that does not say which."""
    data = {"feature_flag.key": key, "feature_flag.result.variant": "on"}
    named = {"feature_flag.set.id": name} if name is not None else {}
    return {**exposure(number), "data": {**data, **named}}


def test_exposures_are_found_by_their_flag_set_and_no_set_is_the_default_one(
    open_journal: Callable[..., Journal],
) -> None:
    journal = open_journal()
    journal.append([event(1), *(exposure_of(name, number) for number, name in enumerate(SETS))])
    journal.append([exposure_of("shop", 8, "checkout/2"), exposure_of("shop", 9)])
    for _ in range(2):  # in the intake, then in segments
        assert [each.id for each in journal.recent(flag_set="default")] == ["x1", "x0"]
        assert [each.id for each in journal.recent(flag_set="shop")] == ["x9", "x8", "x2"]
        assert [each.id for each in journal.recent(flag_set="shop", flag="checkout/2")] == ["x8"]
        assert [each.id for each in journal.recent(flag_set="it's 100% [odd]")] == ["x3"]
        assert [each.id for each in journal.recent(flag_set="")] == []
        assert journal.recent(flag_set="shop", type="order.placed") == []
        page = journal.recent(flag_set="shop", limit=2)
        rest = journal.recent(flag_set="shop", limit=2, before=cursor_after(page[-1]))
        assert [each.id for each in (*page, *rest)] == ["x9", "x8", "x2"]
        journal.compact()


def test_an_event_dated_ahead_stands_where_it_arrived(open_journal: Opens) -> None:
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    journal = open_journal(clock=lambda: now)
    journal.append([event(1, time="2026-05-04T11:00:00Z"), event(2, time="2099-01-01T00:00:00Z")])
    for moved in (False, True):
        if moved:
            journal.compact()
        journal.append([event(3 + moved, time=f"2026-05-04T12:00:0{1 + moved}Z")])
        found = [each.id for each in journal.recent()]
        assert found.index("e2") == len(found) - 2, (
            "after those that happened since, before that of an hour ago"
        )
        pages: list[str] = []
        cursor = None
        while page := journal.recent(limit=1, before=cursor):
            pages += [each.id for each in page]
            cursor = cursor_after(page[-1], journal.now())
        assert pages == found


def test_what_is_wrong_in_a_batch_that_is_to_come_again_is_not_counted_yet(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OverloadedError("full")

    documents = [event(1), {"specversion": "1.0"}]
    with monkeypatch.context() as patch:
        patch.setattr(intake_module.Intake, "submit", full)
        with pytest.raises(OverloadedError):
            journal.submit(documents)
    assert journal.refusals() == []
    journal.submit(documents).result()
    assert [number for _, _, number, _ in journal.refusals()] == [1]
