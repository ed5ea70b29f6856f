"""Making a backup while others read and write.

The graph is copied first and the journal after it, so that every event that the graph has seen is there: what a
decision or a reading of an experiment was made from. Events that came between the two are there as well.
"""

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from counterpoint import __version__
from counterpoint.backup.archive import Advance, check_target, pack
from counterpoint.backup.manifest import FORMAT, GraphPart, JournalPart, Manifest
from counterpoint.errors import WorkspaceError
from counterpoint.journal.backups import never_made, overwritten, remember
from counterpoint.journal.copying import copy_intake, held_files
from counterpoint.workspace import JOURNAL, SETTINGS, Workspace

__all__ = ["FURTHER", "Made", "make_backup", "scratch_folder"]

FURTHER: Final = ("flag-attributes.json", "flag-references.json")
"""Files of rooms in the workspace's folder."""
OURS: Final = frozenset(
    {
        SETTINGS,
        "journal",
        "backups",
        "index",
        "discover",
        ".migration.lock",
        ".counterpoint-demo.json",
        *FURTHER,
    }
)
"""What is in the archive, or can be made anew (index; versions of recommenders), or is a backup itself."""


class Made(msgspec.Struct, frozen=True):
    """A backup that was made."""

    path: str
    id: str
    bytes: int
    """Of the archive."""
    events: int
    activity: int
    """The number of the graph's newest change."""
    files: int
    left_out: list[str]
    """What else lies in the folder, and is not the workspace's: catalog files belong to their repositories."""


def make_backup(
    workspace: Workspace, target: Path, *, force: bool = False, advance: Advance = lambda done, total: None
) -> Made:
    """Write a backup of a workspace into one file: all of it, on the disk, or nothing.

    Raises:
        ConflictError: the file exists and `force` is false.
        InputError: it is no place for a file.
        WorkspaceError: something cannot be read or written.
    """
    target = target.expanduser().absolute()
    check_target(target, force=force)
    made = datetime.now(UTC)
    journal = workspace.journal.folder
    with held_files(journal), scratch_folder(journal) as scratch:
        graph, files = _graph(workspace, scratch)
        part, segments = copy_intake(journal, scratch / "intake.db")
        files.append(("journal/intake.db", scratch / "intake.db"))
        files += [
            (f"{JOURNAL}/{segment.path}", _whole(journal, segment.path, segment.bytes))
            for segment in segments
        ]
        manifest = Manifest(
            format=FORMAT, id=uuid.uuid4().hex, made=made, counterpoint=__version__,
            name=workspace.settings.name, graph=graph, journal=JournalPart(*part),
        )  # fmt: skip
        # Known before it is there: an erasure meanwhile, or after a kill, names it as one that may hold the people.
        remember(journal, manifest.id, str(target), made, erasures=manifest.journal.erasures)
        try:
            manifest = pack(target, [*_own_files(workspace), *files], manifest, force=force, advance=advance)
        except BaseException:
            never_made(journal, manifest.id)
            raise
    overwritten(journal, manifest.id, str(target))
    return Made(
        path=str(target), id=manifest.id, bytes=target.stat().st_size, events=manifest.journal.events,
        activity=graph.activity, files=len(manifest.files), left_out=_left_out(workspace, target),
    )  # fmt: skip


@contextmanager
def scratch_folder(journal: Path) -> Iterator[Path]:
    """A folder for copies. Those of killed backups go with the next one, and with the next erasure."""
    home = journal / "scratch" / uuid.uuid4().hex
    home.mkdir(parents=True, mode=0o700)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        with suppress(OSError):
            home.parent.rmdir()


def _graph(workspace: Workspace, scratch: Path) -> tuple[GraphPart, list[tuple[str, Path]]]:
    if workspace.graph.file is None:
        from counterpoint.backup.postgresql import dump

        return dump(str(workspace.graph.address), scratch / "graph")
    copy = scratch / "graph.db"
    try:
        with (
            closing(sqlite3.connect(workspace.graph.file, timeout=60)) as source,
            closing(sqlite3.connect(copy)) as sink,
        ):
            source.backup(sink)
            # What was copied carries the mode of the source; a file in an archive has no log beside it.
            sink.execute("PRAGMA journal_mode = DELETE")
            version = sink.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            activity = sink.execute("SELECT coalesce(max(seq), 0) FROM activity").fetchone()[0]
    except sqlite3.Error as error:
        raise WorkspaceError(
            f"{workspace.graph.file} cannot be copied ({error}); `counterpoint doctor` says more."
        ) from error
    return GraphPart("sqlite", version, activity), [("graph.db", copy)]


def _whole(journal: Path, path: str, size: int) -> Path:
    file = journal / path
    try:
        found = file.stat().st_size
    except FileNotFoundError:
        found = -1
    if found != size:
        problem = "is missing" if found < 0 else f"has {found:,} bytes instead of {size:,}"
        raise WorkspaceError(
            f"{file} {problem}; a backup would not be whole. `counterpoint doctor` lists what to restore."
        )
    return file


def _own_files(workspace: Workspace) -> Iterator[tuple[str, Path]]:
    yield SETTINGS, workspace.path / SETTINGS
    for name in FURTHER:
        if (workspace.path / name).is_file():
            yield name, workspace.path / name


def _left_out(workspace: Workspace, target: Path) -> list[str]:
    return sorted(
        place.name + ("/" if place.is_dir() else "")
        for place in workspace.path.iterdir()
        if place.name not in OURS and not place.name.startswith("graph.db") and place != target
    )
