"""Forgetting a person: every byte of theirs goes, and nothing of anybody else."""

import base64
import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from counterpoint.errors import ConflictError, WorkspaceError
from counterpoint.journal import Journal, erasure
from counterpoint.journal.compaction import compaction_lock
from counterpoint.journal.erasure import finish, preview
from counterpoint.journal.forgotten import forgotten_hashes, read_list
from counterpoint.journal.manifest import manifest
from counterpoint.journal.residue import search
from counterpoint.journal.sought import Hashed, Named, digest

from .conftest import event, exposure

PERSON = "ana.moreira@arpeggio.example"
OTHERS = [f"listener-{number:03}" for number in range(40)]

Opens = Callable[..., Journal]


def bytes_on_disk(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file's bytes, and of Parquet every value of every column, decompressed."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            if not file.name.startswith("intake.db"):
                yield file, file.read_bytes()
            else:  # not by this process, which has the database open: SQLite's locks would go
                yield file, subprocess.run(["cat", file], capture_output=True, check=True).stdout
            if file.suffix == ".parquet":
                table = pq.read_table(file)
                yield file, repr([column.to_pylist() for column in table.columns]).encode()


def holding(folder: Path, text: str) -> list[str]:
    return [file.name for file, content in bytes_on_disk(folder) if text.encode() in content]


def fill(journal: Journal, person: str = PERSON) -> None:
    """Compacted and new events of the person and of others, of two types and days."""
    for part in range(2):
        journal.append(
            [
                event(
                    number,
                    id=f"{who}:{part}:{number}",
                    subject=who,
                    time=f"2026-05-0{4 + number % 2}T10:00:00Z",
                )
                for number, who in enumerate([*OTHERS, person, person])
            ]
        )
        journal.append(
            [exposure(part * 100 + number, subject=who) for number, who in enumerate([*OTHERS, person])]
        )
        if part == 0:
            journal.compact()


def everything(journal: Journal) -> list[dict[str, Any]]:
    return sorted(
        (each.document() for each in journal.recent(limit=10_000)), key=lambda each: str(each["id"])
    )


def test_no_byte_of_the_person_is_left_and_everybody_else_is_untouched(journal: Journal) -> None:
    fill(journal)
    before = everything(journal)
    assert holding(journal.folder, PERSON)
    done = journal.forget([Named(PERSON)], actor="user:default/bo")
    assert (done.events, done.types) == (6, {"feature_flag.evaluation": 2, "order.placed": 4})
    assert done.finished
    assert holding(journal.folder, PERSON) == []
    assert everything(journal) == [each for each in before if each["subject"] != PERSON]
    assert [finding.level for finding in journal.check()] == ["ok"]
    assert search(journal.folder, [PERSON]).traces == ()


def test_bytes_of_events_that_compaction_moved_are_gone_from_the_database(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compaction deletes rows without overwriting them; their bytes lie on in free pages and in the log."""
    journal.append([event(number, subject=PERSON) for number in range(2000)])
    journal.compact()
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_rewrite_database", lambda *_: None)
        journal.forget([Named(PERSON)])
    assert holding(journal.folder, PERSON)
    assert sum(trace.residue for trace in search(journal.folder, [PERSON]).traces) > 0
    journal.forget([Named(PERSON)])
    assert holding(journal.folder, PERSON) == []
    assert search(journal.folder, [PERSON]).traces == ()
    assert list((journal.folder / "segments").iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"userid": PERSON}},
        {"data": {"list": [1, {"deep": [PERSON]}]}},
        {"data": {"by person": {PERSON: 3}}},
        {"data": PERSON},
        {"id": PERSON},
        {"source": PERSON},
        {"actor": PERSON},
        {"data": ..., "data_base64": base64.b64encode(json.dumps({"user": PERSON}).encode()).decode()},
        {"data": ..., "data_base64": base64.b64encode(PERSON.encode()).decode()},
    ],
)
@pytest.mark.parametrize("compacted", [False, True])
def test_an_event_that_holds_the_person_anywhere_goes(
    journal: Journal, changes: dict[str, Any], compacted: bool
) -> None:
    journal.append([event(1, **changes), event(2)])
    if compacted:
        journal.compact()
    journal.forget([Named(PERSON)])
    assert [each.id for each in journal.recent()] == ["e2"]
    assert holding(journal.folder, PERSON) == []


@pytest.mark.parametrize("person", ["Zoë/雪", 'quo"te\\', "user-7", "a", "x" * 2000, "tab\\u0061", "%_*"])
def test_any_text_can_be_a_person(journal: Journal, person: str) -> None:
    journal.append([event(1, subject=person), event(2, data={"who": person}), event(3, subject=person + "7")])
    journal.compact()
    journal.append([event(4, data={"who": person}), event(5, subject="7" + person)])
    journal.forget([Named(person)])
    assert sorted(each.id for each in journal.recent()) == ["e3", "e5"]


def test_an_escape_in_kept_json_hides_nobody(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data need not be kept in one canonical spelling: \\u0061 is an a."""
    journal.append([event(1, data={"who": "X"}), event(2)])
    with journal._reading() as database:
        database.execute("UPDATE events SET data = ? WHERE id = 'e1'", ('{"who": "\\u0061na"}',))
    journal.compact()
    journal.forget([Named("ana")])
    assert [each.id for each in journal.recent()] == ["e2"]


def test_a_person_whose_text_begins_anothers_is_told_apart(journal: Journal) -> None:
    journal.append(
        [event(number, subject=f"user-{number}", id=f"user-{number}:order") for number in range(1, 100)]
    )
    journal.compact()
    journal.append(
        [event(number, subject=f"user-{number}", id=f"user-{number}:again") for number in range(1, 100)]
    )
    journal.forget([Named("user-7")])
    left = {each.subject for each in journal.recent(limit=1000)}
    assert len(left) == 98
    assert "user-77" in left
    found = search(journal.folder, ["user-7"])
    assert [(trace.values, trace.residue) for trace in found.traces if trace.values or trace.residue] == []
    assert sum(trace.within for trace in found.traces) > 0


def test_a_short_text_in_the_midst_of_words_is_told_only_where_it_is_a_whole_value(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "graph.db")) as database:
        database.execute("CREATE TABLE words (text)")
        rows = ["banana", "an", '{"name": "an", "title": "a man"}', "ana.moreira@example"]
        database.executemany("INSERT INTO words VALUES (?)", [(row,) for row in rows])
        database.commit()
    (trace,) = search(tmp_path, ["an"], whole=True).traces
    assert (trace.values, trace.within, trace.residue) == (1, 1, 0)
    assert search(tmp_path, ["ban"], whole=True).traces == ()
    assert search(tmp_path, ["moreira"], whole=True).traces, "a long text is no chance"


@pytest.mark.parametrize("person", [PERSON, "x" * 500])
def test_counts_of_arrivals_and_samples_of_refusals_name_nobody(journal: Journal, person: str) -> None:
    journal.append([event(1, source=person), event(2, source="(other)"), event(3)])
    journal.append([event(4, source=person, time=person[:50]), event(5, time="never", source=person)])
    journal.close()  # writes what was refused
    before = [sum(each) for each in tallied(journal)]
    assert person[:150].encode() in b"".join(content for _, content in bytes_on_disk(journal.folder))
    journal.forget([Named(person)])
    assert [sum(each) for each in tallied(journal)] == before
    assert person[:150].encode() not in b"".join(content for _, content in bytes_on_disk(journal.folder))


def tallied(journal: Journal) -> list[tuple[int, ...]]:
    with journal._reading() as database:
        return list(
            zip(
                *database.execute("SELECT accepted, duplicates, second, later FROM tally").fetchall(),
                strict=True,
            )
        )


def test_several_people_go_in_one_rewrite_of_each_file(journal: Journal) -> None:
    fill(journal)
    people = [PERSON, *OTHERS[5:], *(f"nobody-{number}" for number in range(60))]
    files = len(list(journal.folder.rglob("*.parquet")))
    done = journal.forget([Named(each) for each in people])
    assert done.files == files
    assert {each.subject for each in journal.recent(limit=10_000)} == set(OTHERS[:5])
    assert search(journal.folder, people).traces == ()
    assert [receipt.people for receipt in journal.erasures()] == [len(people)]


def test_a_repeat_of_a_forgotten_event_does_not_come_back_but_new_events_are_taken(journal: Journal) -> None:
    fill(journal)
    journal.forget([Named(PERSON)])
    repeats = [event(40, id=f"{PERSON}:{part}:40", subject=PERSON) for part in range(2)]
    assert journal.append(repeats).duplicates == 2
    assert journal.append([event(1, id="new", subject=PERSON)]).accepted == 1


def test_what_would_go_is_told_and_nothing_is_changed(journal: Journal) -> None:
    fill(journal)
    before = [(file, content) for file, content in bytes_on_disk(journal.folder) if file.suffix == ".parquet"]
    told = preview(journal.folder, [Named(PERSON)])
    assert (told.events, told.in_intake, told.files, told.finished) == (6, 3, 3, False)
    assert [each for each in bytes_on_disk(journal.folder) if each[0].suffix == ".parquet"] == before
    assert journal.erasures() == []


def test_the_receipt_does_not_say_of_whom(journal: Journal) -> None:
    fill(journal)
    journal.forget([Named(PERSON)], actor="user:default/bo")
    [receipt] = journal.erasures()
    assert (receipt.actor, receipt.people, receipt.events) == ("user:default/bo", 1, 6)
    assert receipt.finished is not None
    [kept] = forgotten_hashes(journal.folder)
    assert kept.hash == digest(kept.key, PERSON)
    assert read_list(journal.folder / "forgotten.json") == [kept]
    assert (journal.folder / "forgotten.json").stat().st_mode & 0o777 == 0o600


def test_what_was_computed_before_is_known_to_be_old(journal: Journal) -> None:
    """Also where later events bring every count back to what it was."""
    journal.append([event(1), event(2)])
    journal.compact()
    journal.append([event(3)])
    version = journal.version()
    journal.forget([Named("user-1")])
    journal.compact()
    assert journal.version() != version


def test_a_keyed_hash_forgets_what_came_before_its_moment(open_journal: Opens) -> None:
    from datetime import UTC, datetime, timedelta

    from counterpoint.moments import to_micros

    start = datetime(2026, 5, 4, tzinfo=UTC)
    now = [start]
    journal = open_journal(clock=lambda: now[0])
    journal.append([event(1, subject=PERSON), event(2)])
    journal.compact()
    now[0] += timedelta(hours=2)
    journal.append([event(3, subject=PERSON)])
    key = b"k" * 32
    journal.forget([Hashed(key, digest(key, PERSON), to_micros(start + timedelta(hours=1)))])
    assert sorted(each.id for each in journal.recent()) == ["e2", "e3"]


def test_a_reader_keeps_its_files_and_the_erasure_says_that_it_waits(journal: Journal) -> None:
    fill(journal)
    with journal.snapshot() as snapshot:
        done = journal.forget([Named(PERSON)], wait=0)
        assert (done.waiting, done.finished) == (4, False)  # and the reader itself
        assert snapshot.events().count().to_pyarrow().as_py() == 166
    assert [receipt.finished for receipt in journal.erasures()] == [None]
    assert journal.recent(subject=PERSON) == []
    assert finish(journal.folder, now=1)
    assert holding(journal.folder, PERSON) == []


def test_it_waits_for_a_compaction_and_says_so_when_it_takes_too_long(journal: Journal) -> None:
    fill(journal)
    with compaction_lock(journal.folder), pytest.raises(ConflictError, match="nothing was changed"):
        journal.forget([Named(PERSON)], wait=0)
    assert len(journal.recent(subject=PERSON)) == 6


def test_a_file_that_cannot_be_read_is_named_and_nothing_is_changed(journal: Journal) -> None:
    fill(journal)
    file = sorted(journal.folder.rglob("*.parquet"))[-1]
    file.write_bytes(b"PAR1" + b"\x00" * 100)
    with pytest.raises(WorkspaceError, match=file.name):
        journal.forget([Named(PERSON)])
    names = {each.name for each in journal.folder.rglob("*.parquet")}
    assert len(names) == 3
    assert journal.erasures() == []


def test_columns_of_attributes_stay_unless_they_are_named_after_the_person(journal: Journal) -> None:
    journal.append([event(number, data={"country": "SE", PERSON: number}) for number in range(20)])
    journal.append([event(100 + number, data={"country": "NO"}) for number in range(20)])
    journal.compact()
    with journal._reading() as database:
        assert {column.name for column in manifest(database)[0].columns} == {"country", PERSON}
    journal.forget([Named(PERSON)])
    with journal._reading() as database:
        assert {column.name for column in manifest(database)[0].columns} == {"country"}
    [file] = journal.folder.rglob("*.parquet")
    assert pq.read_table(file).column("data_country").to_pylist() == ["NO"] * 20
    assert not [name for name in pq.read_schema(file).names if "moreira" in name]
    assert holding(journal.folder, PERSON) == []


def test_a_type_that_is_the_person_is_in_no_receipt(journal: Journal) -> None:
    journal.append([event(1, type=PERSON), event(2)])
    journal.compact()
    journal.forget([Named(PERSON)])
    assert journal.erasures()[0].types == {"(forgotten)": 1}
    assert holding(journal.folder, PERSON) == []
    assert [place.name for place in (journal.folder / "segments").iterdir()] == ["type=order.placed"]


def test_erasures_of_two_journals_of_one_folder_follow_each_other(open_journal: Opens) -> None:
    first, second = open_journal(), open_journal()
    fill(first)
    second.append([event(500, subject=PERSON)])
    first.forget([Named(OTHERS[0])])
    second.forget([Named(PERSON)])
    assert {each.subject for each in first.recent(limit=1000)} == set(OTHERS[1:])
    assert [receipt.number for receipt in first.erasures()] == [1, 2]


@pytest.mark.parametrize("step", ["_write_receipt", "_finish", "_tidy", "_rewrite_database"])
def test_broken_off_anywhere_the_person_is_there_entirely_or_gone_and_a_second_run_ends_it(
    journal: Journal, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(journal)
    others = [each for each in everything(journal) if each["subject"] != PERSON]

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasure, step, stop)
        with pytest.raises(KeyboardInterrupt):
            journal.forget([Named(PERSON)])
    assert len(journal.recent(subject=PERSON)) == (6 if step == "_write_receipt" else 0)
    assert [each for each in everything(journal) if each["subject"] != PERSON] == others
    assert journal.forget([Named(PERSON)]).finished
    assert everything(journal) == others
    assert holding(journal.folder, PERSON) == []
    assert all(receipt.finished for receipt in journal.erasures())
