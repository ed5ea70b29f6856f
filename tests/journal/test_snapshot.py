"""Snapshots: one moment, whatever is compacted or appended."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.errors import WorkspaceError
from counterpoint.journal import Journal
from counterpoint.settings import JournalSettings

from .conftest import event, exposure


def rows(journal: Journal, *types: str) -> list[dict[str, Any]]:
    with journal.snapshot() as snapshot:
        found: list[dict[str, Any]] = snapshot.events(*types).to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: (row["source"], row["id"]))


def test_an_empty_journal_has_the_columns_and_no_rows(journal: Journal) -> None:
    with journal.snapshot() as snapshot:
        table = snapshot.events("order.placed")
        assert {
            "source",
            "id",
            "type",
            "subject",
            "time",
            "received",
            "flag_set",
            "flag",
            "variant",
            "value",
            "data",
        } <= set(table.columns)
        assert table.to_pyarrow().num_rows == 0


def test_the_typed_columns_hold_what_exposures_and_metrics_say(journal: Journal) -> None:
    journal.append(
        [
            event(5),
            exposure(6, "off"),
            event(7, data={"value": True}),
            event(8, data={"value": "8"}),
            event(9, data=...),
        ]
    )
    found = {row["id"]: row for row in rows(journal)}
    assert (found["e5"]["value"], found["e5"]["data"]) == (5.0, '{"value":5}')
    assert (found["x6"]["flag"], found["x6"]["variant"], found["x6"]["flag_set"]) == (
        "checkout",
        "off",
        "default",
    )
    assert [found[name]["value"] for name in ("e7", "e8", "e9")] == [1.0, None, None]
    assert found["e9"]["data"] is None


def test_types_are_chosen_in_segments_and_tail(journal: Journal) -> None:
    journal.append([event(1), exposure(1)])
    journal.compact()
    journal.append([event(2), exposure(2), event(3, type="other")])
    assert [row["id"] for row in rows(journal, "order.placed")] == ["e1", "e2"]
    assert len(rows(journal, "order.placed", "other")) == 3
    assert len(rows(journal)) == 5
    assert rows(journal, "none such") == []


def test_a_snapshot_does_not_see_what_comes_later(journal: Journal) -> None:
    journal.append([event(1), event(2)])
    with journal.snapshot() as snapshot:
        journal.append([event(3)])
        journal.compact()
        assert sorted(snapshot.events().id.to_pyarrow().to_pylist()) == ["e1", "e2"]
    assert len(rows(journal)) == 3


events = st.lists(
    st.builds(
        event,
        st.integers(0, 30),
        type=st.sampled_from(["a", "A", "b/../c", "feature_flag.evaluation", "ü"]),
        subject=st.sampled_from(["u1", "u2", ...]),
        time=st.sampled_from(
            [
                "2026-05-04T23:59:59.999999Z",
                "2026-05-05T00:00:00Z",
                "1969-12-31T23:59:59Z",
                "0001-01-01T00:00:00Z",
            ]
        ),
        data=st.sampled_from([{"value": 0.1}, {"value": 3}, None, {"feature_flag.key": "k"}, ["text ✓"]]),
        ext=st.sampled_from(["x", ...]),
    ),
    max_size=12,
)


@settings(max_examples=12)
@given(st.lists(events, min_size=1, max_size=3))
def test_compaction_changes_no_row(batches: list[list[dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder, Journal(Path(folder), JournalSettings()) as journal:
        for batch in batches[:-1]:
            journal.append(batch)
            journal.compact()
        journal.append(batches[-1])
        before, listed = rows(journal), journal.recent()
        counted = journal.counts()
        journal.compact()
        assert rows(journal) == before
        assert journal.recent() == listed
        assert journal.counts() == counted
        assert all(journal.append(batch).accepted == 0 for batch in batches)


def test_a_file_of_an_older_layout_is_united_by_name(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    journal.append([event(2)])
    (file,) = (journal.folder / "segments").glob("*/*/*.parquet")
    pq.write_table(pq.read_table(file).drop_columns(["flag_set", "attributes"]), file)
    assert [(row["id"], row["flag_set"]) for row in rows(journal)] == [("e1", None), ("e2", None)]


@pytest.mark.parametrize("content", [b"", b"junk", b"PAR1" + bytes(200) + b"PAR1"])
def test_a_damaged_file_is_told_with_the_remedy(journal: Journal, content: bytes) -> None:
    journal.append([event(1)])
    journal.compact()
    (file,) = (journal.folder / "segments").glob("*/*/*.parquet")
    file.write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"cannot be read .*counterpoint doctor"):
        rows(journal)


def test_a_query_that_is_wrong_is_not_blamed_on_a_file(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    with pytest.raises(duckdb.Error), journal.snapshot() as snapshot:
        snapshot.connection.raw_sql("SELECT nonsense")


def test_a_missing_file_is_told(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    (file,) = (journal.folder / "segments").glob("*/*/*.parquet")
    file.unlink()
    with (
        journal.snapshot() as snapshot,
        pytest.raises(WorkspaceError, match="is missing; restore it from a backup"),
    ):
        snapshot.events()


def test_a_folder_whose_name_looks_like_a_pattern_is_read(
    open_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    journal = open_journal(tmp_path / "it's [a] *?" / "journal")
    journal.append([event(1)])
    journal.compact()
    assert len(rows(journal)) == 1
    assert len(journal.recent()) == 1
