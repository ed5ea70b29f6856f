"""Retention: what is older than its type is kept goes, and nothing else does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from counterpoint.errors import WorkspaceError
from counterpoint.journal import Journal
from counterpoint.journal import retention as module

from .conftest import event

Opens = Callable[..., Journal]
NOW = datetime(2026, 5, 4, 15, tzinfo=UTC)


def files(journal: Journal) -> list[str]:
    return sorted(file.parent.name for file in (journal.folder / "segments").glob("*/*/*.parquet"))


def ids(journal: Journal) -> list[str]:
    return sorted(each.id for each in journal.recent(limit=10_000))


def at(days: int, hours: int = 0) -> str:
    """So long before the midnight that NOW's day begins with."""
    midnight = NOW.replace(hour=0)
    return (midnight - timedelta(days=days) + timedelta(hours=hours)).isoformat()


@pytest.fixture
def opens(open_journal: Opens) -> Callable[[dict[str, int]], Journal]:
    """A journal at NOW with a setting."""
    return lambda rules: open_journal(clock=lambda: NOW, retention=rules)


def test_whole_files_go_and_what_is_young_stays(opens: Callable[[dict[str, int]], Journal]) -> None:
    opens({}).append([event(number, time=at(number)) for number in range(6)])
    opens({}).compact()
    journal = opens({"order.placed": 3})
    before = journal.version()
    (gone,) = journal.compact().expired
    assert (gone.type, gone.events, gone.files, gone.rewritten) == ("order.placed", 2, 2, 0)
    assert ids(journal) == ["e0", "e1", "e2", "e3"]
    assert files(journal) == ["day=2026-05-01", "day=2026-05-02", "day=2026-05-03", "day=2026-05-04"]
    assert journal.version() != before
    assert journal.counts()[0].count == 4
    assert journal.compact().expired == ()


def test_the_border_is_a_day_of_utc(opens: Callable[[dict[str, int]], Journal]) -> None:
    journal = opens({"order.placed": 3})
    journal.append([event(1, time=at(3)), event(2, time=at(3, -1)), event(3, time=at(3, 23))])
    journal.compact()
    assert ids(journal) == ["e1", "e3"]


def test_files_on_the_border_are_written_anew_in_shorter_periods(
    opens: Callable[[dict[str, int]], Journal],
) -> None:
    spread = [event(number, time=at(number * 5), subject=f"u{number % 3}") for number in range(40)]
    opens({}).append(spread)
    opens({}).compact()
    assert "month=2026-03" in files(opens({}))
    journal = opens({"order.placed": 50})
    (gone,) = journal.compact().expired
    assert (gone.events, gone.files, gone.rewritten) == (29, 5, 1)
    assert ids(journal) == sorted(f"e{number}" for number in range(11))
    assert "day=2026-03-15" in files(journal)
    assert [finding.level for finding in journal.check()] == ["ok"]


def test_rules_are_by_type_with_a_default(opens: Callable[[dict[str, int]], Journal]) -> None:
    types = {"short": 5, "kept": 400, "other": 30}
    old = [
        event(1, id=f"{type_}-{days}", type=type_, time=at(days)) for type_ in types for days in (2, 10, 100)
    ]
    journal = opens({"short": 5, "kept": 400, "*": 30})
    journal.append(old)
    assert sorted((each.type, each.events) for each in journal.compact().expired) == [
        ("other", 1),
        ("short", 2),
    ]
    assert ids(journal) == ["kept-10", "kept-100", "kept-2", "other-10", "other-2", "short-2"]


def test_without_a_rule_nothing_goes(opens: Callable[[dict[str, int]], Journal]) -> None:
    journal = opens({"none.such": 1})
    journal.append([event(1, time="0001-01-01T00:00:00Z")])
    assert journal.compact().expired == ()
    assert ids(journal) == ["e1"]


def test_what_went_does_not_come_back_while_its_identity_is_known(
    opens: Callable[[dict[str, int]], Journal],
) -> None:
    journal = opens({"order.placed": 3})
    journal.append([event(1, time=at(10))])
    journal.compact()
    assert journal.append([event(1, time=at(10))]).duplicates == 1
    assert ids(journal) == []


def test_it_can_be_asked_before_it_is_done(opens: Callable[[dict[str, int]], Journal]) -> None:
    spread = [event(number, time=at(number * 5)) for number in range(40)]
    opens({}).append(spread)
    opens({}).compact()
    opens({}).append([event(99, time=at(99)), event(100, time=at(1))])
    journal = opens({"order.placed": 50, "odd": 3})
    found = journal.due()
    foreseen = found.expired
    assert (found.events, found.unknown) == (2, ("odd",))
    assert len(ids(journal)) == 42
    assert [(each.events, each.files, each.rewritten) for each in foreseen] == [(30, 5, 1)]
    assert journal.compact().expired == foreseen
    assert journal.due().expired == ()


def test_a_receipt_says_what_went_and_when(opens: Callable[[dict[str, int]], Journal]) -> None:
    journal = opens({"order.placed": 3})
    journal.append([event(1, time=at(10)), event(2)])
    (gone,) = journal.compact().expired
    kept = journal.kept()
    (receipt,) = kept.gone
    assert (receipt.at, receipt.what.type, receipt.what.events) == (NOW, "order.placed", gone.events)
    assert (kept.rules, kept.due, kept.unknown) == ({"order.placed": 3}, (), ())


def test_readers_keep_what_goes_meanwhile(opens: Callable[[dict[str, int]], Journal]) -> None:
    opens({}).append([event(1, time=at(10)), event(2)])
    opens({}).compact()
    journal = opens({"order.placed": 3})
    with journal.snapshot() as snapshot:
        journal.compact()
        assert sorted(snapshot.events().id.to_pyarrow().to_pylist()) == ["e1", "e2"]
    assert ids(journal) == ["e2"]
    journal.compact()
    assert files(journal) == ["day=2026-05-04"]


def test_the_first_event_of_a_day_lets_what_is_too_old_go(
    open_journal: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOW
    journal = open_journal(clock=lambda: now, retention={"order.placed": 3})
    asked: list[datetime] = []
    monkeypatch.setattr(journal._background, "ask", lambda: asked.append(now))
    journal.append([event(1)])
    assert asked == []
    now += timedelta(days=1)
    journal.append([event(2)])
    journal.append([event(3)])
    assert asked == [now]


def test_a_crash_on_the_way_takes_nothing(
    opens: Callable[[dict[str, int]], Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    opens({}).append([event(number, time=at(number * 5)) for number in range(40)])
    opens({}).compact()
    journal = opens({"order.placed": 50})

    def crash(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(module, "note_removal", crash)
        with pytest.raises(WorkspaceError):
            journal.compact()
    assert len(ids(journal)) == 40
    journal.compact()
    assert len(ids(journal)) == 11
    assert [finding.level for finding in journal.check()] == ["ok"]


def test_a_damaged_file_on_the_border_stays(opens: Callable[[dict[str, int]], Journal]) -> None:
    opens({}).append([event(number, time=at(number * 5)) for number in range(40)])
    opens({}).compact()
    border: Path = next(iter((opens({}).folder / "segments").glob("*/month=2026-03/*.parquet")))
    border.write_bytes(border.read_bytes()[:-20])
    journal = opens({"order.placed": 50})
    (gone,) = journal.compact().expired
    assert (gone.files, gone.rewritten) == (5, 0)
    assert border.exists()
