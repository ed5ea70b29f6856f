"""docs/events.md says what the code does."""

import re
from pathlib import Path

from counterpoint.errors import OverloadedError
from counterpoint.journal import Journal, mapping, wire
from counterpoint.journal.ingest import KEPT, ingest
from counterpoint.journal.logs import MAX_UNPACKED
from counterpoint.journal.mapping import load_mapping
from counterpoint.journal.model import event
from counterpoint.journal.model.plain import MAX_EVENT

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_table_of_the_page_is_imported_by_its_mapping(journal: Journal, tmp_path: Path) -> None:
    (table,), (by_user, by_event) = blocks("csv"), blocks("yaml")
    (tmp_path / "test.csv").write_text(table)
    (tmp_path / "mapping.yaml").write_text(by_user)
    done = ingest(
        journal,
        [tmp_path / "test.csv"],
        load_mapping(tmp_path / "mapping.yaml"),
        advance=lambda done, total: None,
    )
    assert (done.accepted, done.rejected) == (8, 0)
    (tmp_path / "events.yaml").write_text(by_event)
    assert load_mapping(tmp_path / "events.yaml").rules[0].kind == "event"


def test_every_key_of_a_mapping_and_every_content_type_is_on_the_page() -> None:
    for key in (*mapping.TOP, *mapping.EXPOSURE_KEYS, *mapping.EVENT_KEYS, *mapping.TERM_KEYS, *wire.TYPES):
        assert key in PAGE, key


def test_the_limits_of_the_page_are_the_codes() -> None:
    assert f"{event.MAX_ATTRIBUTE:,} characters" in PAGE
    assert f"deeper than {event.MAX_DEPTH} levels" in PAGE
    assert event.MAX_DATA == 1024 * 1024
    assert f"the first {KEPT:,}" in PAGE
    assert f"{wire.MOST:,} events" in PAGE
    assert (MAX_UNPACKED, MAX_EVENT) == (16 * 2**20, 8 * 2**20)
    assert str(OverloadedError.status) in PAGE
