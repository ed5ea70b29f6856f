"""Out of a workspace into an archive and back, on both databases, while others write."""

import json
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.backup import make_backup, restore, verify
from counterpoint.backup.postgresql import check_empty
from counterpoint.errors import ConflictError, InputError, WorkspaceError
from counterpoint.graph.actor import SYSTEM
from counterpoint.journal.backups import known_backups
from counterpoint.settings import load_settings

from .conftest import GROUP, event, events_of, graph_of

Either = tuple[Workspace, Callable[[], None]]


def test_a_restored_workspace_is_the_same_in_every_row(either: Either, tmp_path: Path) -> None:
    workspace, another = either
    before = events_of(workspace), graph_of(workspace)
    made = make_backup(workspace, tmp_path / "b.zip")
    another()
    restored = restore(tmp_path / "b.zip", tmp_path / "again")
    assert (restored.events, restored.activity, restored.forgotten) == (31, made.activity, 0)
    with Workspace.open(tmp_path / "again") as again:
        assert (events_of(again), graph_of(again)) == before
        assert [finding.level for finding in again.check() if finding.level == "error"] == []
        with again.graph.write(SYSTEM) as writer:  # numbers go on
            writer.put({**GROUP, "metadata": {"name": "another"}})
        assert again.journal.append([event(1), event(500)]).accepted == 1


def test_standard_tools_read_it_and_only_its_owner(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        assert {part["name"] for part in manifest["files"]} | {"manifest.json"} == set(archive.namelist())
        stored = {info.compress_type for info in archive.infolist() if info.filename.endswith(".parquet")}
    assert stored == {zipfile.ZIP_STORED}
    assert manifest["graph"]["activity"] == filled.graph.last_activity()
    assert manifest["journal"]["events"] == 31


def test_nothing_is_overwritten_unless_asked(filled: Workspace, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    with pytest.raises(ConflictError, match="--force"):
        make_backup(filled, tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "mine"
    make_backup(filled, tmp_path / "b.zip", force=True)
    assert verify(tmp_path / "b.zip").journal.events == 31
    with pytest.raises(InputError, match="is a folder"):
        make_backup(filled, tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        make_backup(filled, tmp_path / "none" / "b.zip")


def test_a_backup_that_fails_leaves_nothing(filled: Workspace, tmp_path: Path) -> None:
    file = next(filled.journal.folder.rglob("*.parquet"))
    file.write_bytes(b"cut off")
    target = tmp_path / "backups"
    target.mkdir()
    with pytest.raises(WorkspaceError, match="would not be whole"):
        make_backup(filled, target / "b.zip")
    assert list(target.iterdir()) == []
    assert not (filled.journal.folder / "scratch").exists()


def test_two_backups_to_one_file_do_not_mix(filled: Workspace, tmp_path: Path) -> None:
    failures: list[Exception] = []

    def one() -> None:
        try:
            make_backup(filled, tmp_path / "b.zip", force=True)
        except ConflictError as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures) < 4
    verify(tmp_path / "b.zip")
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")] == []


def test_what_the_graph_has_seen_is_in_the_journal_while_both_are_written(
    either: Either, tmp_path: Path
) -> None:
    """Each entity is named after an event that was appended before it; whole batches are there or not."""
    workspace, another = either
    ended = threading.Event()
    begun = threading.Event()

    def write() -> None:
        number = 1000
        while not ended.is_set():
            batch = [event(number + each, id=f"n{number}-{each}") for each in range(3)]
            assert workspace.journal.append(batch).accepted == 3
            with workspace.graph.write(SYSTEM) as writer:
                writer.put({**GROUP, "metadata": {"name": f"n{number}"}})
            if number % 7 == 0:
                workspace.journal.compact()
            number += 1
            if number == 1010:
                begun.set()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        begun.wait()
        for number in range(3):
            make_backup(workspace, tmp_path / f"{number}.zip")
    finally:
        ended.set()
        thread.join()
    for number in range(3):
        another()
        restore(tmp_path / f"{number}.zip", tmp_path / f"r{number}")
        with Workspace.open(tmp_path / f"r{number}") as again:
            with again.graph.read() as reader:
                named = {entity.name for entity in reader.all() if entity.name.startswith("n")}
            ids = [str(each["id"]) for each in events_of(again)]
        assert len(ids) == len(set(ids))
        batches = [each.partition("-")[0] for each in ids if each.startswith("n")]
        assert named
        assert named <= set(batches)
        assert all(batches.count(each) == 3 for each in set(batches))


def test_files_that_are_not_the_workspaces_are_named(filled: Workspace, tmp_path: Path) -> None:
    (filled.path / "catalog").mkdir()
    (filled.path / "notes.txt").write_text("mine")
    (filled.path / "flag-attributes.json").write_text("{}")
    made = make_backup(filled, filled.path / "b.zip")
    assert made.left_out == ["catalog/", "notes.txt"]
    restore(filled.path / "b.zip", tmp_path / "again")
    assert (tmp_path / "again" / "flag-attributes.json").read_text() == "{}"


def test_a_folder_that_holds_something_is_refused_or_put_aside(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    place = tmp_path / "place"
    place.mkdir()
    restore(tmp_path / "b.zip", place)  # an empty folder is one
    (place / "mine.txt").write_text("mine")
    with pytest.raises(ConflictError, match="--force"):
        restore(tmp_path / "b.zip", place)
    restored = restore(tmp_path / "b.zip", place, force=True)
    assert restored.aside is not None
    assert (Path(restored.aside) / "mine.txt").read_text() == "mine"
    assert not (place / "mine.txt").exists()
    with Workspace.open(place) as again:
        assert len(events_of(again)) == 31
    (tmp_path / "file").write_text("")
    with pytest.raises(ConflictError, match="no folder"):
        restore(tmp_path / "b.zip", tmp_path / "file", force=True)


def test_a_restore_that_fails_leaves_nothing(
    filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from counterpoint.backup import restoring

    make_backup(filled, tmp_path / "b.zip")
    names = sorted(file.name for file in tmp_path.iterdir())

    def fail(_staging: Path) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(restoring, "_open_once", fail)
    with pytest.raises(WorkspaceError, match="No space left"):
        restore(tmp_path / "b.zip", tmp_path / "again")
    assert sorted(file.name for file in tmp_path.iterdir()) == names


def test_what_a_killed_restore_left_is_removed_by_the_next(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    left = tmp_path / ".again.restore-1-00000000"
    (left / "journal").mkdir(parents=True)
    restore(tmp_path / "b.zip", tmp_path / "again")
    assert not left.exists()


@pytest.mark.postgresql
def test_a_database_that_holds_tables_is_refused(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", new_database())
    with Workspace.create(tmp_path / "ws") as workspace:
        make_backup(workspace, tmp_path / "b.zip")
    with pytest.raises(ConflictError, match="needs an empty one"):
        restore(tmp_path / "b.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    monkeypatch.delenv("COUNTERPOINT_GRAPH__URL")
    with pytest.raises(InputError, match="COUNTERPOINT_GRAPH__URL"):
        restore(tmp_path / "b.zip", tmp_path / "again")


@pytest.mark.postgresql
def test_a_dump_that_does_not_fit_changes_no_database(
    new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from counterpoint.backup.manifest import Table
    from counterpoint.backup.postgresql import dump, load

    monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", new_database())
    with Workspace.create(tmp_path / "ws") as workspace, workspace.graph.write(SYSTEM) as writer:
        writer.put(GROUP)
    address = load_settings(tmp_path / "ws" / "counterpoint.toml").graph.url
    assert address
    part, _files = dump(address, tmp_path / "dump")
    with (tmp_path / "dump" / f"{part.tables[-1].name}.copy").open("ab") as sink:
        sink.write(b"too\tfew\n")
    target = new_database()
    with pytest.raises(WorkspaceError, match="refused"):
        load(target, part, tmp_path / "dump")
    check_empty(target)
    part.tables.append(Table("pg_authid", ["rolname"]))
    with pytest.raises(InputError, match="does not fit"):
        load(target, part, tmp_path / "dump")
    check_empty(target)


def test_a_backup_is_known_before_it_is_there(
    filled: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = filled.journal.folder
    first = make_backup(filled, tmp_path / "b.zip")
    seen: list[list[str]] = []

    def packed(*_: object, **__: object) -> None:
        seen.append([backup.path for backup in known_backups(journal)])
        raise WorkspaceError("full")

    with monkeypatch.context() as patch:
        patch.setattr("counterpoint.backup.making.pack", packed)
        with pytest.raises(WorkspaceError):
            make_backup(filled, tmp_path / "b.zip", force=True)
    assert seen == [[str(tmp_path / "b.zip")] * 2]
    assert [backup.id for backup in known_backups(journal)] == [first.id]
    second = make_backup(filled, tmp_path / "b.zip", force=True)
    assert [backup.id for backup in known_backups(journal)] == [second.id]


def test_a_restore_elsewhere_says_that_nobody_said_who_was_forgotten(
    filled: Workspace, tmp_path: Path
) -> None:
    make_backup(filled, tmp_path / "b.zip")
    assert restore(tmp_path / "b.zip", tmp_path / "alone").unasked
    assert not restore(tmp_path / "b.zip", tmp_path / "told", forgotten=[filled.path]).unasked
    assert not restore(tmp_path / "b.zip", tmp_path / "alone", force=True).unasked
