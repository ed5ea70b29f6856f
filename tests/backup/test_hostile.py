"""Archives that are damaged, cut off or made to do harm: refused with a reason, and nothing is left behind."""

import json
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.backup import make_backup, restore, verify
from counterpoint.errors import InputError, WorkspaceError

Members = dict[str, bytes]
Manifest = dict[str, Any]
Change = Callable[[Members, Manifest], None]


@pytest.fixture
def archive(filled: Workspace, tmp_path: Path) -> Path:
    """A good archive."""
    make_backup(filled, tmp_path / "good.zip")
    return tmp_path / "good.zip"


def listed(manifest: Manifest, name: str, content: bytes) -> None:
    manifest["files"] = [part for part in manifest["files"] if part["name"] != name]
    manifest["files"].append({"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()})


def forged(archive: Path, change: Change) -> Path:
    """The archive with something changed, and its manifest as the change leaves it."""
    with zipfile.ZipFile(archive) as source:
        members = {info.filename: source.read(info) for info in source.infolist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    target = archive.with_name("forged.zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as sink:
        for name, content in members.items():
            sink.writestr(name, content)
        sink.writestr("manifest.json", json.dumps(manifest))
    return target


def refused(file: Path, match: str) -> None:
    before = sorted(each.name for each in file.parent.iterdir())
    place = file.parent / "place"
    with pytest.raises((InputError, WorkspaceError), match=match) as caught:
        restore(file, place)
    assert str(file.parent) in caught.value.message or "backup" in caught.value.message.lower()
    assert sorted(each.name for each in file.parent.iterdir()) == before


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.toml", "/etc/escaped", "journal/segments/../../../escaped/a.parquet", "journal/segments/a/b/../c.parquet",
        "journal/segments/./b/c.parquet", "journal\\intake.db", "journal/segments/a/b/c.parquet/../../d.parquet",
        "graph/../x.copy", "index/index.bin", "counterpoint.toml/", "journal/segments//b/c.parquet", "graph.db-wal",
        "C:/x.parquet", ".ssh/authorized_keys", "journal/segments/a/b/c.so",
    ],
)  # fmt: skip
def test_names_that_belong_to_no_backup_are_refused(archive: Path, name: str) -> None:
    def change(members: Members, manifest: Manifest) -> None:
        members[name] = b"harm"
        listed(manifest, name, b"harm")

    refused(forged(archive, change), "belongs to no backup")


def test_a_link_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive) as source:
        members = {info.filename: source.read(info) for info in source.infolist()}
    target = archive.with_name("link.zip")
    with zipfile.ZipFile(target, "w") as sink:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            if name == "counterpoint.toml":
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            sink.writestr(info, content)
    refused(target, "no ordinary file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(archive: Path) -> None:
    target = archive.with_name("twice.zip")
    target.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(target, "a") as sink:
        sink.writestr("counterpoint.toml", "name = 'other'")
    refused(target, "exactly the files")


@pytest.mark.parametrize("cut", [0, 10, 200, -1, -30, -400])
def test_what_was_cut_off_is_refused(archive: Path, cut: int) -> None:
    target = archive.with_name("cut.zip")
    target.write_bytes(archive.read_bytes()[:cut])
    refused(target, "cut off|no backup|damaged|cannot be read|exactly")


def test_no_changed_byte_goes_unseen(archive: Path) -> None:
    """Every 97th byte is flipped: the archive is refused, or the change lies where nothing is read (a date, a comment)."""
    content = archive.read_bytes()
    target = archive.with_name("flipped.zip")
    good = verify(archive)
    unseen = 0
    for place in range(0, len(content), 97):
        target.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            found = verify(target)
        except InputError:
            continue
        assert found.files == good.files
        unseen += 1
    assert unseen < len(content) / 97 / 10


def test_other_content_under_a_known_name_is_seen(archive: Path) -> None:
    def change(members: Members, _manifest: Manifest) -> None:
        members["counterpoint.toml"] = members["counterpoint.toml"].replace(b"Test", b"Best")

    target = forged(archive, change)
    refused(target, "not what the manifest says")
    with pytest.raises(InputError, match="not what the manifest says"):
        verify(target)


def test_a_bomb_is_not_unpacked(archive: Path) -> None:
    """A file that says that it unpacks to more than the disk has, and one that unpacks to more than it says."""

    def claims(_members: Members, manifest: Manifest) -> None:
        for part in manifest["files"]:
            part["bytes"] = 2**60

    refused(forged(archive, claims), "not of the size")

    def holds_more(members: Members, _manifest: Manifest) -> None:
        members["graph.db"] = b"\x00" * 50_000_000

    refused(forged(archive, holds_more), "not of the size")


def test_there_must_be_room(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from counterpoint.backup import archive as module

    class Full:
        f_bavail, f_frsize = 10, 4096

    monkeypatch.setattr(module.os, "statvfs", lambda _: Full)
    refused(archive, "has 40,960 left")


@pytest.mark.parametrize("name", ["graph.db", "journal/intake.db", "counterpoint.toml"])
def test_a_part_that_is_missing_is_named(archive: Path, name: str) -> None:
    def change(members: Members, manifest: Manifest) -> None:
        del members[name]
        manifest["files"] = [part for part in manifest["files"] if part["name"] != name]

    refused(forged(archive, change), f"has no {name}")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("graph.db", b"no database at all"),
        ("journal/intake.db", b"SQLite format 3\x00" + b"\xff" * 5000),
        ("counterpoint.toml", b"name = [unclosed"),
        ("counterpoint.toml", b"[graph]\nurl = 'postgresql://x/y'"),
    ],
)
def test_parts_that_are_no_such_thing_are_refused(archive: Path, name: str, content: bytes) -> None:
    def change(members: Members, manifest: Manifest) -> None:
        members[name] = content
        listed(manifest, name, content)

    refused(forged(archive, change), "no sound database|is not valid|COUNTERPOINT_GRAPH__URL")


@pytest.mark.parametrize("path", ["../../../etc/passwd", "segments/a/b/none.parquet"])
def test_a_journal_that_names_other_files_is_refused(archive: Path, path: str, tmp_path: Path) -> None:
    def change(members: Members, manifest: Manifest) -> None:
        file = tmp_path / "intake.db"
        file.write_bytes(members["journal/intake.db"])
        with closing(sqlite3.connect(file)) as database:
            database.execute(
                "UPDATE segments SET path = ? WHERE rowid = (SELECT min(rowid) FROM segments)", (path,)
            )
            database.commit()
        members["journal/intake.db"] = file.read_bytes()
        file.unlink()
        listed(manifest, "journal/intake.db", members["journal/intake.db"])

    refused(forged(archive, change), "names other files")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": 2, "counterpoint": "9.9"}, "newer Counterpoint"),
        ({"files": "all of them"}, "cannot be read"),
        ({"graph": {"database": "oracle", "version": "1", "activity": 0}}, "cannot be read"),
        ({"graph": {"database": "postgresql", "version": "1", "activity": 0, "tables": [{"name": "x", "columns": []}]}}, "has no graph/x.copy"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(archive: Path, changes: Manifest, match: str) -> None:
    refused(forged(archive, lambda _members, manifest: manifest.update(changes)), match)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"text", b"PK\x03\x04" + b"\x00" * 100):
        (tmp_path / "x.zip").write_bytes(content)
        refused(tmp_path / "x.zip", "no backup")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as sink:
        sink.writestr("hello.txt", "hello")
    refused(tmp_path / "x.zip", "no backup")
    with pytest.raises(InputError, match="does not exist"):
        restore(tmp_path / "none.zip", tmp_path / "place")
