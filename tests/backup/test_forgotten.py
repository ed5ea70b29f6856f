"""Who was forgotten does not come back from a backup."""

import json
import shutil
from pathlib import Path

import pytest

from counterpoint import Workspace
from counterpoint.backup import make_backup, restore, verify
from counterpoint.backup.purging import purge_backups
from counterpoint.cli import run
from counterpoint.errors import WorkspaceError
from counterpoint.journal.backups import known_backups
from counterpoint.journal.residue import search
from counterpoint.journal.sought import Named

from .conftest import PERSON, event, events_of


def is_there(folder: Path, person: str = PERSON) -> bool:
    return bool(search(folder, [person]).traces)


def test_a_workspace_that_is_replaced_keeps_its_people_forgotten(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    filled.journal.forget([Named(PERSON)])
    filled.close()
    restored = restore(tmp_path / "b.zip", filled.path, force=True)
    assert (restored.forgotten, restored.events) == (6, 25)
    assert not is_there(filled.path)
    assert restored.aside is not None
    with Workspace.open(filled.path) as again:
        assert again.journal.append([event(100, subject=PERSON)]).duplicates == 1
        # and once more, from the same backup
    shutil.rmtree(restored.aside)
    assert restore(tmp_path / "b.zip", filled.path, force=True).forgotten == 6
    assert not is_there(filled.path)


def test_a_restore_that_was_killed_between_its_renames_forgets_nobody_less(
    filled: Workspace, tmp_path: Path
) -> None:
    make_backup(filled, tmp_path / "b.zip")
    filled.journal.forget([Named(PERSON)])
    filled.close()
    filled.path.rename(tmp_path / f"{filled.path.name}.before-restore-20260504T000000Z")
    assert restore(tmp_path / "b.zip", filled.path).forgotten == 6


@pytest.mark.parametrize("what", ["forgotten.json", "journal", "workspace"])
def test_a_new_place_is_told_by_a_list_or_a_workspace(filled: Workspace, tmp_path: Path, what: str) -> None:
    make_backup(filled, tmp_path / "b.zip")
    filled.journal.forget([Named(PERSON)])
    journal = filled.path / "journal"
    given = {"forgotten.json": journal / "forgotten.json", "journal": journal, "workspace": filled.path}[what]
    restored = restore(tmp_path / "b.zip", tmp_path / "again", forgotten=[given])
    assert restored.forgotten == 6
    assert not is_there(tmp_path / "again")


def test_the_list_speaks_where_the_journals_database_is_lost(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    filled.journal.forget([Named(PERSON)])
    filled.close()
    (filled.path / "journal" / "intake.db").write_bytes(b"damaged" * 1000)
    assert restore(tmp_path / "b.zip", filled.path, force=True).forgotten == 6
    assert not is_there(filled.path)


def test_a_list_that_is_none_is_refused(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(WorkspaceError, match="no list of forgotten people"):
        restore(tmp_path / "b.zip", tmp_path / "again", forgotten=[tmp_path / "list.json"])
    assert not (tmp_path / "again").exists()


def test_events_that_came_after_the_person_was_forgotten_stay(filled: Workspace, tmp_path: Path) -> None:
    filled.journal.forget([Named(PERSON)])
    filled.journal.append([event(900, subject=PERSON)])
    make_backup(filled, tmp_path / "b.zip")
    filled.close()
    assert restore(tmp_path / "b.zip", filled.path, force=True).forgotten == 0
    with Workspace.open(filled.path) as again:
        assert [each["id"] for each in events_of(again) if each["subject"] == PERSON] == ["e900"]


def test_a_backup_can_be_purged_and_stays_sound(filled: Workspace, tmp_path: Path) -> None:
    made = make_backup(filled, tmp_path / "b.zip")
    shutil.copy(tmp_path / "b.zip", tmp_path / "copy.zip")
    number = filled.journal.forget([Named(PERSON)]).number
    assert [each.path for each in known_backups(filled.journal.folder, before=number)] == [
        str(tmp_path / "b.zip")
    ]
    [purged] = purge_backups(filled.journal.folder, [Named(PERSON)], erasures=number)
    assert (purged.events, purged.outstanding, purged.id) == (6, "", made.id)
    assert known_backups(filled.journal.folder, before=number) == []
    assert verify(tmp_path / "b.zip").journal.events == 25
    restore(tmp_path / "b.zip", tmp_path / "again")
    assert not is_there(tmp_path / "again")
    restore(tmp_path / "copy.zip", tmp_path / "unpurged")
    assert is_there(tmp_path / "unpurged")  # the test can see it
    assert not is_there(filled.path)


def test_a_backup_that_could_not_be_reached_is_purged_of_everybody_the_next_time(
    filled: Workspace, tmp_path: Path
) -> None:
    make_backup(filled, tmp_path / "b.zip")
    journal = filled.journal.folder
    (tmp_path / "b.zip").rename(tmp_path / "offline.zip")
    first = filled.journal.forget([Named(PERSON)]).number
    assert purge_backups(journal, [Named(PERSON)], erasures=first)[0].outstanding
    (tmp_path / "offline.zip").rename(tmp_path / "b.zip")
    second = filled.journal.forget([Named("user-1")]).number
    assert [each.outstanding for each in purge_backups(journal, [Named("user-1")], erasures=second)] == [""]
    assert known_backups(journal, before=second) == []
    restore(tmp_path / "b.zip", tmp_path / "again")
    assert not is_there(tmp_path / "again")
    traces = search(tmp_path / "again", ["user-1"]).traces  # others hold it within a longer text
    assert not any(trace.values or trace.residue for trace in traces)


def test_backups_that_cannot_be_reached_are_named(
    filled: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_backup(filled, tmp_path / "first.zip")
    make_backup(filled, tmp_path / "second.zip")
    (tmp_path / "first.zip").rename(tmp_path / "offline.zip")
    filled.close()
    assert run(["-w", str(filled.path), "--json", "events", "forget", PERSON, "--backups", "--yes"]) == 0
    backups = {Path(each["path"]).name: each for each in json.loads(capsys.readouterr().out)["backups"]}
    assert (backups["second.zip"]["events"], backups["second.zip"]["outstanding"]) == (6, "")
    assert "does not exist" in backups["first.zip"]["outstanding"]
    assert run(["-w", str(filled.path), "events", "forget", "user-1", "--yes"]) == 0
    told = capsys.readouterr().out
    assert first.id in told
    assert "may still hold" in told


def test_a_restored_workspace_knows_its_backup_and_those_of_the_one_before(
    filled: Workspace, tmp_path: Path
) -> None:
    make_backup(filled, tmp_path / "first.zip")
    make_backup(filled, tmp_path / "second.zip")
    filled.close()
    restore(tmp_path / "first.zip", filled.path, force=True)
    with Workspace.open(filled.path) as again:
        number = again.journal.forget([Named(PERSON)]).number
        known = known_backups(again.journal.folder, before=number)
    assert sorted(Path(each.path).name for each in known) == ["first.zip", "second.zip"]


def test_commands_make_check_and_restore_a_backup(
    filled: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.close()
    file = str(tmp_path / "b.zip")
    assert run(["-w", str(filled.path), "backup", file]) == 0
    assert "31 events" in capsys.readouterr().out
    assert run(["-w", str(filled.path), "backup", file]) == 1
    assert "--force" in capsys.readouterr().err
    assert run(["backup", "--verify", file]) == 0
    assert "is sound" in capsys.readouterr().out
    assert run(["--json", "restore", file, str(tmp_path / "again")]) == 0
    assert json.loads(capsys.readouterr().out)["events"] == 31
    assert run(["restore", file, str(tmp_path / "again")]) == 1
    assert "--force" in capsys.readouterr().err
    (tmp_path / "b.zip").write_bytes((tmp_path / "b.zip").read_bytes()[:-100])
    assert run(["backup", "--verify", file]) == 1
    assert "cut off" in capsys.readouterr().err
    assert run(["backup", "--verify", "--force", file]) == 2
