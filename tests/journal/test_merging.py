"""Small files become larger ones: the same events, in the same order, at a cost that stays small."""

import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import WorkspaceError
from counterpoint.journal import Journal, compaction, merging, segments
from counterpoint.journal.manifest import Segment
from counterpoint.journal.segments import SORT
from counterpoint.settings import JournalSettings

from .conftest import event, exposure

Opens = Callable[..., Journal]


def files(journal: Journal) -> list[Path]:
    return sorted((journal.folder / "segments").glob("*/*/*.parquet"))


def ids(journal: Journal) -> list[str]:
    return sorted(each.id for each in journal.recent(limit=10_000))


def in_files(journal: Journal, *batches: list[dict[str, Any]]) -> None:
    """Each batch as a file of its own."""
    for batch in batches:
        journal.append(batch)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compaction, "due", lambda *_, **__: [])
            journal.compact()


def segment(events: int, period: str = "2026-05-04", **changes: Any) -> Segment:
    return Segment(
        **{
            "path": f"{period}/{events}/{changes}",
            "type": "t",
            "period": period,
            "events": events,
            "bytes": events,
            "first": 0,
            "last": 0,
        }
        | changes
    )


def sizes(groups: list[list[Segment]]) -> list[list[int]]:
    return sorted(sorted(each.events for each in group) for group in groups)


@pytest.mark.parametrize(
    ("events", "grown", "packed"),
    [
        ([5], [], []),
        ([5, 5], [], [[5, 5]]),
        ([5, 5, 5, 5], [[5, 5, 5, 5]], [[5, 5, 5, 5]]),
        ([1, 1, 1, 1, 500], [[1, 1, 1, 1]], [[1, 1, 1, 1, 500]]),
        ([100, 50, 30, 20], [], [[20, 30, 50, 100]]),
        ([5, 3_000_000], [], []),
        ([5, 5, 3_000_000], [], [[5, 5]]),
        ([1_900_000] * 3, [], [[1_900_000, 1_900_000]]),
    ],
)
def test_what_is_merged(events: list[int], grown: list[list[int]], packed: list[list[int]]) -> None:
    given = [segment(size, path=str(place)) for place, size in enumerate(events)]
    assert sizes(merging.due(given, full=False)) == grown
    assert sizes(merging.due(given, full=True)) == packed


def test_types_and_periods_are_never_mixed_and_old_layouts_are_written_anew() -> None:
    given = [segment(5), segment(5, "2026-05"), segment(5, type="u"), segment(9_000_000, layout=1)]
    for full in (False, True):
        assert sizes(merging.due(given, full=full)) == [[9_000_000]]


def test_an_event_is_written_again_a_few_times_only() -> None:
    """What the module says: log(target / first file) / log(GROWTH)."""
    held: dict[str, tuple[Segment, int]] = {}
    written = appended = 0
    for number in range(400):
        held[str(number)] = (segment(10_000, path=str(number)), 0)
        appended += 10_000
        while groups := merging.due([each for each, _ in held.values()], full=False):
            for group in groups:
                depth = max(held.pop(each.path)[1] for each in group) + 1
                events = sum(each.events for each in group)
                written += events
                held[f"m{number}-{written}"] = (segment(events, path=f"m{number}-{written}"), depth)
    assert max(depth for _, depth in held.values()) <= 5
    assert written / appended < 5
    assert len(held) < 20


def test_compact_merges_all_that_is_small(journal: Journal) -> None:
    in_files(
        journal,
        [event(number, subject=f"u{number % 7}") for number in range(30)],
        [event(30), exposure(1)],
        [event(number, subject=...) for number in range(31, 50)],
    )
    assert len(files(journal)) == 4
    before = [each.document() for each in journal.recent(limit=100)]
    version, counts = journal.version(), journal.counts()
    done = journal.compact(full=True)
    assert (done.events, done.segments, done.merged) == (0, 0, 3)
    assert len(files(journal)) == 2
    assert [each.document() for each in journal.recent(limit=100)] == before
    assert (journal.version(), journal.counts()) == (version, counts)
    assert [finding.level for finding in journal.check()] == ["ok"]
    assert journal.compact(full=True).merged == 0


def test_by_itself_it_merges_only_what_pays(journal: Journal) -> None:
    merged = []
    for number in range(6):
        journal.append([event(number)])
        merged.append(journal.compact().merged)
    assert merged == [0, 0, 0, 4, 0, 0]
    assert len(files(journal)) == 3


def test_a_late_event_makes_a_small_file_in_its_own_day(journal: Journal) -> None:
    in_files(journal, [event(1), event(2, time="2026-05-05T00:00:00Z")], [event(3)])
    assert [file.parent.name for file in files(journal)] == [
        "day=2026-05-04",
        "day=2026-05-04",
        "day=2026-05-05",
    ]
    journal.compact(full=True)
    assert [file.parent.name for file in files(journal)] == ["day=2026-05-04", "day=2026-05-05"]


documents = st.builds(
    event,
    st.integers(0, 200),
    id=st.uuids().map(str),
    subject=st.sampled_from(["u1", "u2", "ü", ...]),
    type=st.sampled_from(["t", "feature_flag.evaluation"]),
    time=st.sampled_from(["2026-05-04T00:00:00Z", "2026-05-04T23:59:59.999999Z", "2026-05-04T10:00:00Z"]),
    data=st.sampled_from(
        [
            {"value": 1, "a": "x"},
            {"a": 5},
            None,
            {"feature_flag.key": "k"},
            {"feature_flag.key": "K", "a": 0.5},
        ]
    ),
    ext=st.sampled_from(["x", 3, ...]),
)


@settings(max_examples=8)
@given(st.lists(st.lists(documents, min_size=1, max_size=15), min_size=2, max_size=4), st.integers(1, 5))
def test_merged_files_are_sorted_and_whole(batches: list[list[dict[str, Any]]], rows: int) -> None:
    plain = segments.read_segment

    def pieces(*arguments: Any, **named: Any) -> Any:
        for table in plain(*arguments, **named):
            for start in range(0, table.num_rows, rows):
                yield table.slice(start, rows)

    with (
        TemporaryDirectory() as folder,
        Journal(Path(folder), JournalSettings()) as journal,
        pytest.MonkeyPatch.context() as patch,
    ):
        in_files(journal, *batches)
        with journal.snapshot() as snapshot:
            before = snapshot.events(attributes={"a": "float64", "ext": "string"}).to_pyarrow().to_pylist()
        patch.setattr(merging, "read_segment", pieces)
        journal.compact(full=True)
        with journal.snapshot() as snapshot:
            after = snapshot.events(attributes={"a": "float64", "ext": "string"}).to_pyarrow().to_pylist()
        assert sorted(map(repr, after)) == sorted(map(repr, before))
        assert len(files(journal)) == len({row["type"] for row in before})
        for file in files(journal):
            table = pq.read_table(file)
            assert table.equals(table.sort_by([(name, "ascending") for name in SORT]))


def test_readers_keep_what_is_merged_meanwhile(journal: Journal) -> None:
    in_files(journal, [event(1)], [event(2)])
    with journal.snapshot() as snapshot:
        assert journal.compact(full=True).merged == 2
        assert len(files(journal)) == 3
        assert sorted(snapshot.events().id.to_pyarrow().to_pylist()) == ["e1", "e2"]
        assert [finding.level for finding in journal.check()] == ["ok"]
    journal.compact()
    assert len(files(journal)) == 1


def test_a_damaged_file_is_left_for_the_doctor_and_the_others_are_merged(journal: Journal) -> None:
    in_files(journal, [event(1)], [event(2)], [event(3)])
    broken = files(journal)[1]
    content = bytearray(broken.read_bytes())
    content[4:60] = b"\xff" * 56
    broken.write_bytes(content)
    assert journal.compact(full=True).merged == 2
    assert broken in files(journal)
    assert len(files(journal)) == 2


def test_a_crash_between_the_new_file_and_the_manifest_changes_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_files(journal, [event(1)], [event(2)])

    def crash(*_: object, **__: object) -> None:
        raise OSError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "replace", crash)
        with pytest.raises(WorkspaceError):
            journal.compact(full=True)
    assert len(files(journal)) == 3
    assert ids(journal) == ["e1", "e2"]
    assert [finding.level for finding in journal.check()] == ["warning"]
    done = journal.compact(full=True)
    assert (done.orphans, done.merged) == (1, 2)
    assert ids(journal) == ["e1", "e2"]


def test_a_long_merge_lets_a_full_intake_through(
    open_journal: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(compact_after=5)
    in_files(journal, [event(1)], [event(2)])
    plain, seen = merging._in_order, threading.Event()

    def slowly(runs: Any) -> Any:
        monkeypatch.setattr(journal._background, "ask", lambda: None)
        journal.append([event(number) for number in range(10, 20)])
        seen.set()
        yield from plain(runs)

    monkeypatch.setattr(merging, "_in_order", slowly)
    done = journal.compact(full=True)
    assert seen.is_set()
    assert done.events == 10
    assert len(ids(journal)) == 12


def test_closing_breaks_off_a_merge_and_leaves_no_file(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_files(journal, [event(1)], [event(2)])
    before = files(journal)
    plain = merging._in_order

    def closing(runs: Any) -> Any:
        journal.close()
        yield from plain(runs)

    monkeypatch.setattr(merging, "_in_order", closing)
    assert journal.compact(full=True).merged == 0
    assert files(journal) == before


def test_large_events_make_small_row_groups(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "GROUP_BYTES", 10_000)
    in_files(journal, [event(number, data={"text": f"{number}" * 1000}) for number in range(20)], [event(30)])
    journal.compact(full=True)
    (file,) = files(journal)
    assert pq.read_metadata(file).num_row_groups > 3
    assert len(ids(journal)) == 21
