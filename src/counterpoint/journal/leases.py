"""Leases: readers of files that were replaced keep them until they are done, whatever becomes of the readers.

Files that are taken out of the manifest are numbered in the table `retired`. A reader holds a shared lock
on `leases/NUMBER`, the newest number when its snapshot was taken: it may still read the files of all later
numbers. The lock is the operating system's, so it ends with the reader's process.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["clean_retired", "lease", "newest_number", "retired", "retired_paths"]

FOLDER: Final = "leases"


def newest_number(database: sqlite3.Connection) -> int:
    """The number of the file that was retired last, 0 where there was none."""
    found = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'retired'").fetchone()
    return int(found[0]) if found else 0


@contextmanager
def lease(folder: Path, database: sqlite3.Connection) -> Iterator[None]:
    """While the block runs, no file that the manifest names now or later is deleted.

    Read the manifest inside the block.
    """
    descriptor = _taken(folder, database)
    try:
        yield
    finally:
        os.close(descriptor)


def _taken(folder: Path, database: sqlite3.Connection) -> int:
    (folder / FOLDER).mkdir(exist_ok=True)
    while True:
        file = folder / FOLDER / str(newest_number(database))
        descriptor = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _is_at(file, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # whoever cleans took it away before the lock was ours: begin again


def _is_at(file: Path, descriptor: int) -> bool:
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def retired(database: sqlite3.Connection) -> list[tuple[int, str, int]]:
    """Number, path and bytes of the files that were taken out of the manifest and are not deleted yet."""
    return database.execute("SELECT number, path, bytes FROM retired ORDER BY number").fetchall()


def retired_paths(database: sqlite3.Connection) -> set[str]:
    """Their paths."""
    return {path for _, path, _ in retired(database)}


def clean_retired(folder: Path, database: sqlite3.Connection) -> tuple[int, int]:
    """Delete the retired files that no reader needs: how many, and how many wait for their readers.

    Needs no lock: two that clean at once do the same.
    """
    files = retired(database)
    if not files:
        return 0, 0
    # The files were retired before this look at the leases: a reader that comes after it does not know them.
    needed_from = _oldest_lease(folder, newest_number(database))
    free = [(number, path) for number, path, _ in files if needed_from is None or number <= needed_from]
    for _, path in free:
        (folder / path).unlink(missing_ok=True)
    database.executemany("DELETE FROM retired WHERE number = ?", [(number,) for number, _ in free])
    return len(free), len(files) - len(free)


def _oldest_lease(folder: Path, newest: int) -> int | None:
    """The lowest number that a living reader holds; what nobody holds any more is taken away."""
    for number in sorted(int(name.name) for name in _lease_files(folder)):
        file = folder / FOLDER / str(number)
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return number
        else:
            if number < newest and _is_at(file, descriptor):
                file.unlink()
        finally:
            os.close(descriptor)
    return None


def _lease_files(folder: Path) -> list[Path]:
    place = folder / FOLDER
    return [file for file in place.iterdir() if file.name.isdecimal()] if place.exists() else []
