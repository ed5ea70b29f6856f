"""A workspace out of a backup: unpacked and checked beside the place, and put there by one rename.

Nobody who was forgotten comes back: what the workspace that is replaced, or a list, knows of erasures that the
backup has not seen is done again before the rename.
"""

import fcntl
import glob
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from counterpoint.backup.archive import Advance, Archive, open_archive
from counterpoint.backup.manifest import Manifest
from counterpoint.errors import ConflictError, InputError, WorkspaceError
from counterpoint.graph.actor import local_actor
from counterpoint.journal import Journal
from counterpoint.journal.backups import Backup, carry, known_backups
from counterpoint.journal.forgotten import forgotten_hashes, read_list, write_list
from counterpoint.journal.intake import connect, storage_errors
from counterpoint.journal.manifest import manifest as segments_of
from counterpoint.journal.sought import Hashed
from counterpoint.settings import Settings, load_settings
from counterpoint.syncing import sync
from counterpoint.workspace import JOURNAL, SETTINGS, Workspace

__all__ = ["Restored", "forget_again", "restore"]


ASIDE: Final = ".before-restore-"
"""Follows the name of a folder that was put aside."""


class Restored(msgspec.Struct, frozen=True):
    """A workspace that was restored."""

    path: str
    id: str
    """Of the backup."""
    made: datetime
    """When the backup was made."""
    events: int
    """That are in the journal now."""
    activity: int
    aside: str | None
    """Where the workspace that was there before is now."""
    forgotten: int
    """Events that the backup still held of people who were forgotten after it was made."""
    unasked: bool
    """Nobody said whom else the workspace of the backup has forgotten: there was no list, and none to replace."""


def restore(
    file: Path, folder: Path, *, force: bool = False, forgotten: Sequence[Path] = (),
    advance: Advance = lambda done, total: None,
) -> Restored:  # fmt: skip
    """Make the workspace of a backup in a folder that is new or empty; with `force`, what is there is put aside.

    Args:
        file: the backup.
        folder: where the workspace shall be.
        force: move what the folder holds aside, beside it.
        forgotten: lists of forgotten people (`journal/forgotten.json`), or workspaces that have one.
        advance: is told of the bytes that were unpacked.

    Raises:
        ConflictError: the folder holds something and `force` is false, or its database does.
        InputError: the backup is damaged, hostile or none.
        WorkspaceError: something cannot be read or written; nothing was put in place.
    """
    place = folder.expanduser().absolute()
    _check_place(place, force=force)
    people = _people(place, forgotten)
    known = [before / JOURNAL / "intake.db" for before in _befores(place)]
    unasked = not forgotten and not any(file.exists() for file in known)
    with open_archive(file) as archive, _beside(place) as staging, _told(place):
        archive.unpack(staging, advance)
        settings = _checked(staging, archive)
        found = archive.manifest
        gone = forget_again(staging / JOURNAL, people)
        this = Backup(found.id, str(file.expanduser().absolute()), found.made, found.journal.erasures)
        carry(staging / JOURNAL, [this, *_backups(place)], erasures=found.journal.erasures)
        _load_graph(staging, settings, found)
        events = _open_once(staging)
        aside = _put(staging, place)
    return Restored(
        path=str(place), id=found.id, made=found.made, events=events, activity=found.graph.activity,
        aside=None if aside is None else str(aside), forgotten=gone, unasked=unasked,
    )  # fmt: skip


def forget_again(journal: Path, people: Sequence[Hashed]) -> int:
    """Forget whom a restored journal does not know to be forgotten; returns the events that went."""
    known = {(person.key, person.hash, person.until) for person in forgotten_hashes(journal)}
    missing = [person for person in people if tuple(person) not in known]
    if known:
        write_list(journal, forgotten_hashes(journal))  # an erasure writes it anew
    if not missing:
        return 0
    with Journal(journal) as opened:
        return opened.forget(missing, actor=local_actor().ref).events


def _check_place(place: Path, *, force: bool) -> None:
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise ConflictError(f"{place} is no folder; name one that is new or empty.")
    if not place.parent.is_dir():
        raise InputError(f"The folder {place.parent} does not exist; make it first.")
    if place.is_dir() and any(place.iterdir()) and not force:
        raise ConflictError(
            f"{place} holds something; name a folder that is new or empty, or put what is there aside with --force"
            " (stop whatever uses it first)."
        )


def _people(place: Path, lists: Sequence[Path]) -> list[Hashed]:
    """Whom the workspace that is replaced has forgotten, those that were replaced before, and the lists."""
    people: list[Hashed] = []
    for before in _befores(place):
        people += forgotten_hashes(before / JOURNAL)
    for path in lists:
        if path.is_dir():
            journal = path / JOURNAL if (path / JOURNAL).is_dir() else path
            people += forgotten_hashes(journal)
        elif not path.exists():
            raise InputError(f"{path} does not exist.")
        else:
            people += read_list(path)
    return list(dict.fromkeys(people))


def _befores(place: Path) -> list[Path]:
    """Where the workspace may be that is replaced: a restore that was killed between its two renames has left it beside
    the place only."""
    return [place, *place.parent.glob(f"{glob.escape(place.name)}{ASIDE}*")]


def _backups(place: Path) -> list[Backup]:
    """The backups that the workspace that is replaced knows; none where its journal cannot be read."""
    if not (place / JOURNAL / "intake.db").exists():
        return []
    try:
        return known_backups(place / JOURNAL)
    except WorkspaceError:
        return []


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """A folder beside the place, for its owner only; what killed restores have left there is removed."""
    start = f".{place.name}.restore-"
    for left in place.parent.glob(f"{glob.escape(start)}*"):
        if left.is_dir() and not left.is_symlink():
            with _locked(left) as alone:
                if alone:
                    shutil.rmtree(left, ignore_errors=True)
    staging = place.parent / f"{start}{os.getpid()}-{os.urandom(4).hex()}"
    try:
        staging.mkdir(mode=0o700)
    except OSError as error:
        raise WorkspaceError(f"{place.parent} cannot be written ({error.strerror}).") from error
    with _locked(staging):
        try:
            yield staging
        finally:
            if staging.exists():
                shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)


def _checked(staging: Path, archive: Archive) -> Settings:
    """The settings, once the databases are sound and the manifest of the journal names the archive's segments."""
    try:
        settings = load_settings(staging / SETTINGS)
    except InputError as error:
        raise InputError(
            f"The backup's {SETTINGS} is not valid: {error.problems[0] if error.problems else error}"
        ) from error
    where = "postgresql" if settings.graph.url is not None else "sqlite"
    if where != archive.manifest.graph.database:
        raise InputError(
            f"The backup's graph is one of {archive.manifest.graph.database}, and the settings put it into {where};"
            " set COUNTERPOINT_GRAPH__URL to an empty PostgreSQL database, or unset it."
        )
    if where == "sqlite":
        _check_database(staging / "graph.db")
    _check_database(staging / JOURNAL / "intake.db")
    with storage_errors(staging), closing(connect(staging / JOURNAL / "intake.db", create=False)) as database:
        named = sorted(f"{JOURNAL}/{segment.path}" for segment in segments_of(database))
    held = sorted(
        part.name for part in archive.manifest.files if part.name.startswith(f"{JOURNAL}/segments/")
    )
    if named != held:
        raise InputError(
            f"{archive.path}: its journal names other files than the archive holds; it is no whole backup."
        )
    return settings


def _check_database(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            answer = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise InputError(f"The backup's {file.name} is no sound database ({error}).") from error
    if answer != "ok":
        raise InputError(f"The backup's {file.name} is no sound database ({answer}).")


def _load_graph(staging: Path, settings: Settings, found: Manifest) -> None:
    if settings.graph.url is None:
        return
    from counterpoint.backup.postgresql import load

    load(settings.graph.url, found.graph, staging / "graph")
    shutil.rmtree(staging / "graph")


def _open_once(staging: Path) -> int:
    """Bring the workspace forward, and see that all of it can be read; returns how many events it has."""
    (staging / "backups").mkdir(exist_ok=True)
    with Workspace.open(staging) as workspace:
        events = sum(each.count for each in workspace.journal.counts())
        wrong = [finding for finding in workspace.journal.check() if finding.level == "error"]
    if wrong:
        raise InputError(f"The backup's {wrong[0].subject} is not whole: {wrong[0].message}")
    return events


def _put(staging: Path, place: Path) -> Path | None:
    """Rename the whole workspace into its place; returns where what was there before is now."""
    aside = None
    if place.is_dir() and any(place.iterdir()):
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = place.with_name(f"{place.name}{ASIDE}{stamp}")
        place.rename(aside)
    mode = aside.stat().st_mode & 0o777 if aside else 0o700
    staging.rename(place)
    place.chmod(mode)
    sync(place.parent)
    return aside


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WorkspaceError(
            f"{place} cannot be restored ({error.strerror or error}); nothing was put in place."
        ) from error
