"""What came since a version, and the pulse that says cheaply whether anything did."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from counterpoint.errors import WorkspaceError
from counterpoint.journal import Journal
from counterpoint.journal.pulse import Pulse
from counterpoint.journal.sought import Named


def event(number: int, subject: str = "ana", kind: str = "played") -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "test",
        "type": kind,
        "subject": subject,
        "time": "2026-05-01T00:00:00Z",
    }


def test_what_came_since_is_told_also_of_another_process(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as one, Journal(tmp_path / "journal") as other:
        assert one.since(None)[1] is None
        other.append([event(0)])
        start, _ = one.since(None)
        assert one.since(start) == (start, [])
        other.append([event(1), event(2, "bo"), event(1)])
        version, came = one.since(start)
        assert came is not None
        assert [each.id for each in came] == ["1", "2"]
        assert one.since(version) == (version, [])
        _, some = one.since(start, wanted=lambda kind, subject: (kind, subject) == ("played", "bo"))
        assert some is not None
        assert [each.id for each in some] == ["2"]
        other.append([event(1), event(2), event(3)])  # duplicates use up numbers
        version, came = one.since(version)
        assert came is not None
        assert [each.id for each in came] == ["3"]
        other.append([event(3)])
        assert one.since(version)[1] == []


def test_where_it_cannot_be_told_nothing_is_said(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        start, _ = journal.since(None)
        journal.append([event(1)])
        journal.compact(full=True)
        version, came = journal.since(start)
        assert came is None  # it has left the intake
        journal.append([event(2)])
        version, came = journal.since(version)
        assert came is not None
        assert [each.id for each in came] == ["2"]
        assert journal.last_erasure() == 0
        journal.forget([Named("ana")])
        gone, came = journal.since(version)
        assert came is None  # something that was known is there no more
        assert gone != version
        assert journal.last_erasure() == 1


def test_a_pulse_notices_that_the_file_is_another_or_gone(tmp_path: Path) -> None:
    for number in (1, 2):
        with Journal(tmp_path / str(number)) as journal:
            journal.append([event(each) for each in range(number)])
    pulse = Pulse(tmp_path / "1" / "intake.db")
    assert pulse.beat().newest == 1
    (tmp_path / "1" / "intake.db").unlink()
    with pytest.raises(WorkspaceError):
        pulse.beat()
    shutil.copy(tmp_path / "2" / "intake.db", tmp_path / "1" / "intake.db")
    assert pulse.beat().newest == 2
    pulse.close()
    assert pulse.beat().newest == 2
    pulse.close()


def test_events_that_are_nobodys_but_a_persons_are_listed_for_who_acts_for_them(tmp_path: Path) -> None:
    personal = "dev.counterpoint.discover.explored"
    with Journal(tmp_path / "journal") as journal:
        for compacted in (False, True):
            journal.append(
                [event(each + 10 * compacted, kind=personal if each % 2 else "played") for each in range(6)]
            )
            if compacted:
                journal.compact(full=True)
            count = 6 if compacted else 3
            assert {each.type for each in journal.recent(limit=50)} == {"played"}
            assert len(journal.recent(limit=50)) == count
            assert len(journal.recent(limit=2)) == 2
            assert journal.recent(type=personal) == journal.recent(type=personal, subject="ana") == []
            assert len(journal.recent(type=personal, personal=True)) == count
            assert len(journal.recent(limit=50, personal=True)) == 2 * count
