"""From the intake into segments, and what a crash on the way leaves behind."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from counterpoint.errors import WorkspaceError
from counterpoint.journal import Compacted, Journal, compaction
from counterpoint.journal.segments import folder_name

from .conftest import event, exposure

Opens = Callable[..., Journal]


def files(journal: Journal) -> list[Path]:
    return sorted((journal.folder / "segments").glob("*/*/*.parquet"))


def ids(journal: Journal) -> list[str]:
    return sorted(each.id for each in journal.recent(limit=1000))


def test_each_type_and_day_has_a_file_of_its_own(journal: Journal) -> None:
    journal.append([event(1), event(2), event(3, time="2026-05-05T00:00:00Z"), exposure(1)])
    assert journal.compact() == Compacted(events=4, segments=3)
    assert [file.parent.relative_to(journal.folder / "segments").as_posix() for file in files(journal)] == [
        "type=feature_flag.evaluation/day=2026-05-04",
        "type=order.placed/day=2026-05-04",
        "type=order.placed/day=2026-05-05",
    ]


@pytest.mark.parametrize(
    ("step", "count", "folders"),
    [
        (timedelta(days=1), 32, 32),
        (timedelta(days=1), 60, 2),
        (timedelta(days=40), 60, 7),
        (timedelta(days=400), 60, 1),
    ],
)
def test_events_that_spread_over_years_do_not_make_a_file_a_day(
    journal: Journal, step: timedelta, count: int, folders: int
) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    journal.append([event(number, time=(start + number * step).isoformat()) for number in range(count)])
    assert journal.compact() == Compacted(events=count, segments=folders)
    assert len(ids(journal)) == count


def test_files_are_sorted_by_flag_subject_and_time(journal: Journal) -> None:
    journal.append(
        [
            exposure(number, time=f"2026-05-04T{number:02}:00:00Z", subject=f"u{number % 2}")
            for number in (5, 3, 4, 2, 1)
        ]
    )
    journal.compact()
    table = pq.read_table(files(journal)[0])
    assert [(row["subject"], row["id"]) for row in table.to_pylist()] == [
        ("u0", "x2"),
        ("u0", "x4"),
        ("u1", "x1"),
        ("u1", "x3"),
        ("u1", "x5"),
    ]


def test_nothing_to_compact_is_no_work(journal: Journal) -> None:
    assert journal.compact() == Compacted()


def test_a_late_repeat_is_known_after_compaction(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    receipt = journal.append([event(1), event(2)])
    assert (receipt.accepted, receipt.duplicates) == (1, 1)
    journal.compact()
    assert ids(journal) == ["e1", "e2"]


def test_identities_are_forgotten_after_their_days(open_journal: Opens) -> None:
    now = datetime(2026, 5, 4, tzinfo=UTC)
    journal = open_journal(clock=lambda: now, identity_days=30)
    journal.append([event(1)])
    journal.compact()
    now += timedelta(days=30)
    journal.compact()
    assert journal.append([event(1)]).duplicates == 1
    now += timedelta(days=1)
    journal.compact()
    assert journal.append([event(1)]).accepted == 1


def test_a_crash_between_file_and_manifest_loses_and_doubles_nothing(
    open_journal: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    journal.append([event(1), event(2)])

    def crash(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "adopt", crash)
        with pytest.raises(WorkspaceError):
            journal.compact()
    assert len(files(journal)) == 1
    assert ids(journal) == ["e1", "e2"]
    (finding,) = journal.check()
    assert (finding.level, finding.subject) == (
        "warning",
        f"journal/{files(journal)[0].relative_to(journal.folder)}",
    )
    assert [each.level for each in journal.check(mend=True)] == ["ok"]
    assert files(journal) == []
    assert journal.compact() == Compacted(events=2, segments=1)
    assert ids(journal) == ["e1", "e2"]


def test_a_compaction_removes_orphans(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    (file,) = files(journal)
    file.with_name("orphan.parquet").write_bytes(b"half a fi")
    assert journal.compact() == Compacted(orphans=1)
    assert files(journal) == [file]


def test_only_one_process_compacts(journal: Journal) -> None:
    journal.append([event(1)])
    with compaction.compaction_lock(journal.folder) as alone:
        assert alone
        assert journal.compact() == Compacted(busy=True)
        assert [finding.level for finding in journal.check(mend=True)] == ["ok"]
    assert journal.compact().events == 1


def test_a_full_intake_is_compacted_by_itself(open_journal: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    plain = compaction.compact

    def noted(*arguments: Any, **named: Any) -> Compacted:
        found = plain(*arguments, **named)
        done.set()
        return found

    monkeypatch.setattr("counterpoint.journal.journal.compact", noted)
    journal = open_journal(compact_after=10)
    journal.append([event(number) for number in range(10)])
    assert not files(journal)
    journal.append([event(10)])
    assert done.wait(30)
    assert len(files(journal)) == 1
    assert len(ids(journal)) == 11


def test_moving_in_several_rounds_moves_everything(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROUND", 4)
    journal.append([event(number) for number in range(10)])
    assert journal.compact() == Compacted(events=10, segments=3)
    assert len(ids(journal)) == 10


def test_damage_is_found(journal: Journal) -> None:
    journal.append([event(1), event(2, type="b"), event(3, type="c")])
    journal.compact()
    gone, cut, other = files(journal)
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-10])
    raw = bytearray(other.read_bytes())
    raw[-8:] = b"\0" * 8
    other.write_bytes(raw)
    findings = journal.check()
    assert [finding.level for finding in findings] == ["error"] * 3
    assert {
        finding.message.split(".")[0].split(";")[0].split(":")[0].split(" has ")[0] for finding in findings
    } == {
        "The file is missing",
        "The file",
        "The file cannot be read",
    }


@pytest.mark.parametrize("name", ["..", "a/b", "*", "x" * 2000, "ü" * 500, "CON", "a\\b", " "])
def test_any_type_has_a_folder(journal: Journal, name: str) -> None:
    assert len(f"type={folder_name(name)}".encode()) < 200
    assert "/" not in folder_name(name)
    journal.append([event(1, type=name)])
    assert journal.compact() == Compacted(events=1, segments=1)
    assert files(journal)[0].is_relative_to(journal.folder / "segments")


def test_types_that_are_cut_stay_apart() -> None:
    assert folder_name("x" * 500 + "a") != folder_name("x" * 500 + "b")
