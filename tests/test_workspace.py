"""A workspace is made, opened, brought forward and checked; what is wrong is said in one line."""

import os
import shutil
import sqlite3
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from counterpoint import Workspace
from counterpoint.errors import ConflictError, CounterpointError, InputError, WorkspaceError
from counterpoint.graph import SYSTEM, schema
from counterpoint.settings import Settings
from tests.graph.documents import component, group

PROBE = """
import sqlalchemy as sa
from alembic import op

revision = "9999_probe"
down_revision = "{before}"


def upgrade() -> None:
    op.create_table("probe", sa.Column("text", sa.Text()))
"""


@pytest.fixture
def newer_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program as it will be one migration later."""
    folder = tmp_path / "migrations"
    before = schema.newest_version()
    shutil.copytree(schema.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_probe.py").write_text(PROBE.format(before=before))
    monkeypatch.setattr(schema, "FOLDER", folder)


def test_a_new_workspace_is_empty_sound_and_named_after_its_folder(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "arpeggio") as made:
        assert made.settings == Settings(name="arpeggio")
        assert [finding.level for finding in made.check()] == ["ok", "ok", "ok"]
        with made.graph.read() as reader:
            assert reader.find().total == 0
    assert sorted(os.listdir(tmp_path / "arpeggio"))[:4] == [
        ".migration.lock",
        "backups",
        "counterpoint.toml",
        "graph.db",
    ]


@pytest.mark.parametrize("name", ['The "Best" \\ of', "Ünïcode 🎵", "a\nb\tc", "x = 1"])
def test_a_name_may_hold_anything(tmp_path: Path, name: str) -> None:
    Workspace.create(tmp_path / "w", name=name).close()
    with Workspace.open(tmp_path / "w") as opened:
        assert opened.settings.name == name


def test_an_existing_empty_folder_is_used(tmp_path: Path) -> None:
    Workspace.create(tmp_path).close()
    Workspace.open(str(tmp_path)).close()


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "w") as made, made.graph.write(SYSTEM) as writer:
        uid = writer.put(component("player")).entity.uid
    with Workspace.open(tmp_path / "w") as opened, opened.graph.read() as reader:
        assert reader.require("component:player").uid == uid


def test_a_workspace_is_not_made_over_anything(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "w").close()
    with pytest.raises(ConflictError, match="is a workspace already"):
        Workspace.create(tmp_path / "w")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.doc").touch()
    with pytest.raises(ConflictError, match=r"such as thesis\.doc"):
        Workspace.create(tmp_path / "full")
    with pytest.raises(CounterpointError, match="is a file"):
        Workspace.create(tmp_path / "full" / "thesis.doc")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        Workspace.create(tmp_path / "full" / "thesis.doc" / "w")


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Workspace.create(tmp_path / "w").close()
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    with pytest.raises(WorkspaceError, match="read-only"):
        Workspace.create(tmp_path / "other")
    with pytest.raises(WorkspaceError, match="cannot be written"):
        Workspace.open(tmp_path / "w")


def test_a_failure_while_making_leaves_the_folder_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", "mysql://x/y")
    with pytest.raises(InputError, match="cannot live in mysql"):
        Workspace.create(tmp_path / "w")
    assert list((tmp_path / "w").iterdir()) == []
    monkeypatch.delenv("COUNTERPOINT_GRAPH__URL")
    Workspace.create(tmp_path / "w").close()


def test_a_folder_that_is_no_workspace_is_answered_with_the_command_that_makes_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(WorkspaceError, match=f"counterpoint init {folder}"):
            Workspace.open(folder)


def test_wrong_settings_are_named_with_file_and_pointer(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "w").close()
    (tmp_path / "w" / "counterpoint.toml").write_text("[journal]\nqueue = 'many'\n")
    with pytest.raises(InputError) as caught:
        Workspace.open(tmp_path / "w")
    assert caught.value.problems[0].pointer == "/journal/queue"


def test_a_missing_or_damaged_graph_is_said_so(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "w").close()
    file = tmp_path / "w" / "graph.db"
    file.write_bytes(b"This is no database, whatever it is called." * 100)
    with pytest.raises(WorkspaceError, match="damaged"):
        Workspace.open(tmp_path / "w")
    file.unlink()
    with pytest.raises(WorkspaceError, match="missing"):
        Workspace.open(tmp_path / "w")


def test_an_older_workspace_is_brought_forward_after_a_backup(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = schema.newest_version()
    with Workspace.create(tmp_path / "w") as made, made.graph.write(SYSTEM) as writer:
        writer.put(component("player"))
    request.getfixturevalue("newer_program")
    with Workspace.open(tmp_path / "w") as opened:
        assert opened.graph.version() == "9999_probe"
        with opened.graph.read() as reader:
            assert reader.get("component:player") is not None
    [backup] = (tmp_path / "w" / "backups").iterdir()
    assert backup.name.startswith(f"graph-{before}-")
    with sqlite3.connect(backup) as copy:
        assert copy.execute("SELECT ref FROM revision").fetchall() == [("component:default/player",)]
    copy.close()
    Workspace.open(tmp_path / "w").close()
    assert len(list((tmp_path / "w" / "backups").iterdir())) == 1


def test_a_newer_workspace_is_refused(
    tmp_path: Path, newer_program: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.create(tmp_path / "w").close()
    monkeypatch.undo()
    with pytest.raises(WorkspaceError, match="newer version"):
        Workspace.open(tmp_path / "w")


def test_opening_a_current_workspace_does_not_need_alembic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.create(tmp_path / "w").close()
    monkeypatch.setitem(__import__("sys").modules, "alembic", None)
    Workspace.open(tmp_path / "w").close()


def test_an_owner_that_does_not_exist_is_a_warning(workspace: Workspace) -> None:
    with workspace.graph.write(SYSTEM) as writer:
        writer.put(component("a"))
        writer.put(component("b", owner="ops"))
        writer.put(group("ops"))
    [warning] = [finding for finding in workspace.check() if finding.level != "ok"]
    assert warning.level == "warning"
    assert warning.message == "group:default/discovery owns 1 entity and does not exist."


@pytest.mark.postgresql
def test_the_graph_can_live_in_postgresql(
    tmp_path: Path, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", postgresql_database)
    with Workspace.create(tmp_path / "w") as made, made.graph.write(SYSTEM) as writer:
        writer.put(component("player"))
    assert not (tmp_path / "w" / "graph.db").exists()
    with Workspace.open(tmp_path / "w") as opened, opened.graph.read() as reader:
        assert reader.get("component:player") is not None


def test_a_database_that_cannot_be_reached_is_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERPOINT_GRAPH__URL", f"postgresql:///x?host={tmp_path}")
    with pytest.raises(WorkspaceError, match="The graph cannot be used"):
        Workspace.create(tmp_path / "w")


def test_threads_that_ask_at_once_share_one_journal_and_what_a_room_keeps(workspace: Workspace) -> None:
    with ThreadPoolExecutor(8) as threads:
        journals = set(threads.map(lambda _: id(workspace.journal), range(64)))
        kept = set(threads.map(lambda _: id(workspace.keep(list, lambda of: [of])), range(64)))
    assert (len(journals), len(kept)) == (1, 1)
    assert workspace.keep(list, lambda of: []) == [workspace]


def test_the_settings_file_of_a_new_workspace_shows_every_setting(workspace: Workspace) -> None:
    text = (workspace.path / "counterpoint.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(
        "\n".join(line.removeprefix("# ") for line in text.splitlines() if " = " in line or line[:1] == "[")
    )
    for name, value in msgspec.to_builtins(workspace.settings).items():
        assert name in shown
        # Where names are free, as those of warehouses, an example is shown.
        assert not value or not isinstance(value, dict) or shown[name].keys() == value.keys()


def test_a_nearly_full_disk_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterpoint.journal.check.LEAST_FREE", 1 << 62)
    [warning] = [finding for finding in workspace.check() if finding.level != "ok"]
    assert warning.level == "warning"
    assert "free on the disk" in warning.message
