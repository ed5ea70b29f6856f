"""A copy of the journal at one moment, for a backup."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from counterpoint.journal.intake import connect, count, storage_errors
from counterpoint.journal.leases import lease
from counterpoint.journal.manifest import Segment, manifest

__all__ = ["copy_intake", "held_files"]


@contextmanager
def held_files(folder: Path) -> Iterator[None]:
    """Keep the segments of every manifest that is copied while the block runs."""
    file = folder / "intake.db"
    with storage_errors(file), closing(connect(file, create=False)) as database, lease(folder, database):
        yield


def copy_intake(folder: Path, target: Path) -> tuple[tuple[int, int, int, int], list[Segment]]:
    """Copy the intake as it is at one moment, without the remains of deleted rows.

    Returns its layout, newest number, events and last erasure, and the segments that it names.

    Raises:
        WorkspaceError: it cannot be read, or the copy cannot be written.
    """
    file = folder / "intake.db"
    with storage_errors(file):
        with closing(connect(file, create=False)) as database:
            database.execute("VACUUM INTO ?", (str(target),))
        with closing(connect(target, create=False)) as copy:
            layout = copy.execute("PRAGMA user_version").fetchone()[0]
            row = copy.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
            last = copy.execute("SELECT coalesce(max(number), 0) FROM erasures").fetchone()[0]
            segments = manifest(copy)
            events = count(copy) + sum(segment.events for segment in segments)
            copy.execute("DELETE FROM retired")  # files that are not copied
            copy.execute("PRAGMA journal_mode = DELETE")
    return (layout, row[0] if row else 0, events, last), segments
