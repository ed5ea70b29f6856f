"""`kill -9` anywhere in an erasure, and others who write meanwhile."""

import os
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from counterpoint.journal import Journal
from counterpoint.journal.erasure import finish
from counterpoint.journal.residue import search
from counterpoint.journal.sought import Named
from tests.dying import told_to_die

from .conftest import event
from .test_erasure import bytes_on_disk, holding

FORGETTER = Path(__file__).with_name("forgetter.py")
KILLS = int(os.environ.get("COUNTERPOINT_FUZZ", "0")) or 20
LINES = {"forget": 600, "_replace": 160}
"""About as many as an erasure runs up to its decisive step, and from there to its end."""

Opens = Callable[..., Journal]


def test_killed_at_any_line_nobody_is_half_there(open_journal: Opens) -> None:
    journal = open_journal()
    randomness = random.Random(20260504)  # noqa: S311 - when to kill
    places = [
        (function, line)
        for function, most in LINES.items()
        for line in sorted({randomness.randrange(1, most) for _ in range(KILLS // 2)})
    ]
    people = [f"person-{number:04}@example" for number in range(len(places))]
    kept = 0
    seen = set()
    with told_to_die([sys.executable, str(FORGETTER), str(journal.folder)]) as call:
        for person, place in zip(people, places, strict=True):
            documents = [
                event(
                    number,
                    id=f"{place}/{number}",
                    subject=who,
                    time=f"2026-05-{1 + number % 2:02}T00:00:00Z",
                )
                for number, who in enumerate([person, "other", "another", person, "other", person])
            ]
            journal.append(documents[:4])
            journal.compact()
            journal.append(documents[4:])
            kept += 3
            ended = call(f"{person} {place[0]} {place[1]}")
            there = len(journal.recent(subject=person))
            assert there in (0, 3), place
            seen.add((ended, there))
            assert len(journal.recent(limit=10_000)) == kept + there
            if randomness.random() < 0.5:
                journal.compact()
            if there == 0 and randomness.random() < 0.5:
                assert finish(journal.folder, now=1)
            else:
                assert journal.forget([Named(person)]).finished
            assert holding(journal.folder, person) == [], (place, ended)
        assert call(f"{people[0]} forget {10**9}") == "ended 0"
    assert {("killed", 3), ("killed", 0)} <= seen, (
        "no child was killed before or none after the decisive step"
    )
    assert len(journal.recent(limit=10_000)) == kept
    assert all(receipt.finished for receipt in journal.erasures())
    assert [finding.level for finding in journal.check()] == ["ok"]


def test_ingest_and_compaction_go_on_meanwhile(open_journal: Opens) -> None:
    journal, other = open_journal(), open_journal()
    people = [f"person-{number:02}@example" for number in range(8)]
    accepted: list[str] = []
    ended = threading.Event()

    def ingest() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            batch = [
                event(number, id=f"{number}/{who}", subject=f"{who}{number % 50}", data={"n": number})
                for who in ("left-", "right-")
            ]
            assert other.append(batch).accepted == 2
            accepted.extend(str(each["id"]) for each in batch)
            if number % 40 == 0:
                other.compact()

    for person in people:
        journal.append([event(number, id=f"{person}{number}", subject=person) for number in range(200)])
    writer = threading.Thread(target=ingest)
    writer.start()
    try:
        for person in people:
            done = journal.forget([Named(person)])
            assert (done.events, done.finished) == (200, True)
    finally:
        ended.set()
        writer.join()
    assert sorted(each.id for each in journal.recent(limit=1_000_000)) == sorted(accepted)
    for person in people:
        assert holding(journal.folder, person) == []
    assert search(journal.folder, people).traces == ()


def test_two_processes_forget_at_once(open_journal: Opens) -> None:
    journal = open_journal()
    journal.append([event(number, subject=f"person-{number % 4}@example") for number in range(400)])
    journal.compact()
    with told_to_die([sys.executable, str(FORGETTER), str(journal.folder)]) as call:
        results: list[str] = []
        thread = threading.Thread(target=lambda: results.append(call(f"person-1@example forget {10**9}")))
        thread.start()
        assert journal.forget([Named("person-2@example")]).events == 100
        thread.join()
    # Whoever comes second waits; the child waits for nobody, so that it may be told to come back.
    [ended] = results
    assert len(journal.recent(limit=1000)) == (200 if ended == "ended 0" else 300)


@pytest.mark.parametrize("text", ["person-1@example"])
def test_the_test_itself_sees_compressed_bytes(open_journal: Opens, text: str) -> None:
    """Zstandard hides the text from whoever reads raw bytes only."""
    journal = open_journal()
    journal.append([event(number, id=f"{number}", subject=text) for number in range(10)])
    journal.compact()
    assert any(
        text.encode() in content
        for file, content in bytes_on_disk(journal.folder)
        if file.suffix == ".parquet"
    )
