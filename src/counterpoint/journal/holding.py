"""Leases: what a reader of segments holds, so that nobody deletes the files that it still needs.

A lease is a small locked file in `leases/`. The system lets the lock go when its process ends, however it
ends, so a lease outlives no reader.
"""

import fcntl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["held", "wait_for_readers"]

FOLDER: Final = "leases"
POLL: Final = 0.02


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep every file that the manifest names now while the block runs; take it before reading the manifest."""
    home = folder / FOLDER
    home.mkdir(exist_ok=True)
    while True:
        file = home / f"{uuid.uuid4().hex}.lease"
        with file.open("xb") as lease:
            fcntl.flock(lease, fcntl.LOCK_EX)
            if not file.exists():
                continue  # whoever waited took it for a dead reader's, before it was locked
            try:
                yield
            finally:
                file.unlink(missing_ok=True)
            return


def wait_for_readers(folder: Path, seconds: float) -> int:
    """How many of the readers of now still read after at most so long. Those that come later know the new manifest."""
    end = time.monotonic() + seconds
    waiting = sorted((folder / FOLDER).glob("*.lease"))
    while waiting := [file for file in waiting if _is_held(file)]:
        if time.monotonic() > end:
            break
        time.sleep(POLL)
    return len(waiting)


def _is_held(file: Path) -> bool:
    try:
        with file.open("rb") as lease:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                file.unlink()  # its reader died
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
