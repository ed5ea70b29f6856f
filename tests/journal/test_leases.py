"""Files that were replaced stay until the last reader that may need them is done, or dead."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from counterpoint.journal import Journal
from counterpoint.journal.intake import connect, transaction
from counterpoint.journal.leases import clean_retired, lease, retired
from counterpoint.journal.manifest import manifest, replace
from counterpoint.journal.segments import arrow_table, write_segments

from .conftest import event


@contextmanager
def database_of(journal: Journal) -> Iterator[sqlite3.Connection]:
    database = connect(journal.folder / "intake.db", create=False)
    try:
        yield database
    finally:
        database.close()


def written_anew(journal: Journal, database: sqlite3.Connection) -> Path:
    """Replace the journal's only file by one like it; the old one's place."""
    (old,) = manifest(database)
    row = (
        "test",
        "e1",
        "order.placed",
        "user-1",
        1_777_888_800_000_000,
        0,
        None,
        None,
        None,
        1.0,
        None,
        None,
    )
    with transaction(database):
        assert replace(database, [old], write_segments(journal.folder, arrow_table([row])), now=1)
    return journal.folder / old.path


def test_a_replaced_file_stays_for_its_readers_and_goes_after_them(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    with database_of(journal) as database, ExitStack() as first, ExitStack() as second:
        first.enter_context(lease(journal.folder, database))
        snapshot = second.enter_context(journal.snapshot())
        old = written_anew(journal, database)
        with lease(journal.folder, database):  # this one came after the replacement
            assert clean_retired(journal.folder, database) == (0, 1)
        assert snapshot.events().id.to_pyarrow().to_pylist() == ["e1"]
        first.close()
        assert clean_retired(journal.folder, database) == (0, 1)
        assert [path for _, path, _ in retired(database)] == [old.relative_to(journal.folder).as_posix()]
        (finding,) = journal.check()
        assert finding.level == "ok"
        assert "Replaced files that wait for their readers: 1" in finding.message
        second.close()
        with lease(journal.folder, database):
            assert clean_retired(journal.folder, database) == (1, 0)
        assert not old.exists()
        assert [finding.level for finding in journal.check()] == ["ok"]
    assert len(journal.recent()) == 1


def test_a_reader_that_is_killed_holds_nothing(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with database_of(journal) as database, lease(journal.folder, database):
            os.write(tell, b"!")
            signal.pause()
    assert os.read(ready, 1) == b"!"
    with database_of(journal) as database:
        old = written_anew(journal, database)
        assert clean_retired(journal.folder, database) == (0, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert clean_retired(journal.folder, database) == (1, 0)
    assert not old.exists()
    os.close(ready)
    os.close(tell)


def test_leases_leave_no_files_behind(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    with database_of(journal) as database:
        for _ in range(5):
            with lease(journal.folder, database):
                written_anew(journal, database)
            clean_retired(journal.folder, database)
    assert len(list((journal.folder / "leases").iterdir())) <= 2


def test_a_file_that_somebody_else_replaced_is_not_replaced_again(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    with database_of(journal) as database:
        (old,) = manifest(database)
        written_anew(journal, database)
        before = manifest(database)
        with transaction(database):
            assert replace(database, [old], [], now=2) is False
        assert manifest(database) == before


def test_what_waits_goes_when_the_journal_is_closed(journal: Journal) -> None:
    journal.append([event(1)])
    journal.compact()
    with database_of(journal) as database, lease(journal.folder, database):
        old = written_anew(journal, database)
    assert old.exists()
    journal.close()
    assert not old.exists()
