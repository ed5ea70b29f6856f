"""Sums that were computed from segments and are kept beside them, so that a new day costs the new day.

`daily/<key>/` holds Parquet files and `state.json`, which says what they are and from which segments they came;
a file that it does not name is an orphan of a computation that was broken off. All of it can be computed again
from the segments. The sums name users, so whoever erases a person drops what came from the files that held them.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from counterpoint.syncing import sync

__all__ = ["FOLDER", "Kept", "Rows", "State", "drop", "drop_before", "drop_gone", "orphans", "size", "trim"]

FOLDER: Final = "daily"
STATE: Final = "state.json"
LOCK: Final = "lock"


class Rows(msgspec.Struct, frozen=True):
    """One file of kept rows."""

    name: str
    rows: int
    without: tuple[int, ...] = ()
    """Days since 1970 whose rows no longer count, since the segments that they came from are gone."""


class State(msgspec.Struct, frozen=True):
    """What is kept under one key, and what it was computed from."""

    exposures: dict[str, tuple[int, int]] = {}
    """First and last day (since 1970) of the segments that `shown` was computed from, by path."""
    events: dict[str, tuple[int, int]] = {}
    """The same of the segments that `sums` were computed from."""
    next_uid: int = 0
    """The next number that a user can have; a number stands for a subject and a first exposure, for ever."""
    shown: tuple[Rows, ...] = ()
    """Exposures by subject and day."""
    users: Rows | None = None
    """One row per user."""
    changed: Rows | None = None
    """Users that are other than in `users`, with the number of the row that they replace."""
    sums: tuple[Rows, ...] = ()
    """Sums by number of the user and day."""
    merged: Rows | None = None
    """Sums by number of the user: of the first `merged_parts` of `sums`, of the days up to `merged_to`."""
    merged_parts: int = 0
    merged_to: int = 0

    @property
    def segments(self) -> set[str]:
        """Paths of all the segments that something was computed from."""
        return self.exposures.keys() | self.events.keys()

    @property
    def has_gone(self) -> bool:
        """Whether a file holds rows that came from segments that are gone."""
        return any(part.without for part in (*self.shown, *self.sums))

    @property
    def names(self) -> set[str]:
        """The files that belong to it."""
        parts = (*self.shown, *self.sums, self.users, self.changed, self.merged)
        return {part.name for part in parts if part is not None}


class Kept:
    """What is kept under one key; for use by whoever holds its lock."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / FOLDER / key

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other thread or process uses the key, and keep them out during the block."""
        while True:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                file = (self.folder / LOCK).open("ab")
            except FileNotFoundError:
                continue  # it was dropped between the two
            with file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if not self._is_locked_by(file.fileno()):
                    continue  # it was dropped while we waited
                yield
                return

    def _is_locked_by(self, descriptor: int) -> bool:
        try:
            return os.fstat(descriptor).st_ino == (self.folder / LOCK).stat().st_ino
        except FileNotFoundError:
            return False

    def load(self) -> State:
        """The state; an empty one where there is none, or where it cannot be read or a file of it is missing."""
        try:
            state = msgspec.json.decode((self.folder / STATE).read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return State()
        return state if all((self.folder / name).exists() for name in state.names) else State()

    def file(self) -> Path:
        """A path for new rows."""
        return self.folder / f"{uuid.uuid4().hex}.parquet"

    def save(self, state: State) -> None:
        """Make the state the one that counts, after its files are on the disk, and remove the others."""
        for name in state.names:
            sync(self.folder / name)
        fresh = self.folder / f"{STATE}.new"
        fresh.write_bytes(msgspec.json.encode(state))
        sync(fresh)
        fresh.replace(self.folder / STATE)
        sync(self.folder)
        self.tidy(state)

    def tidy(self, state: State) -> None:
        """Remove files that the state does not name."""
        for file in _unnamed(self.folder, state):
            file.unlink(missing_ok=True)

    def touch(self) -> None:
        """Note that it was used: `trim` removes first what was not used for longest."""
        state = self.folder / STATE
        if state.exists():
            os.utime(state)

    def clear(self) -> None:
        """Forget all that is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)


def drop(folder: Path, paths: Collection[str]) -> int:
    """Remove every sum that came from one of these segments; says how many keys had some.

    Call it after the manifest has ceased to name them: a computation that is under way looks there before
    it keeps what it has. What is removed is computed again, in full, when it is next asked for.
    """
    return _drop(folder, lambda state: not state.segments.isdisjoint(paths))


def drop_gone(folder: Path, named: Collection[str]) -> int:
    """As `drop`, of all segments but these, which the manifest names; also what holds rows that no longer count,
    since the segments that they came from may have held anybody."""
    return _drop(folder, lambda state: state.has_gone or not state.segments.issubset(named))


def drop_before(folder: Path, home: str, day: int) -> int:
    """As `drop`, of segments under `home` (a folder in the journal's) with events before a day since 1970."""
    return _drop(
        folder,
        lambda state: any(
            first < day and path.startswith(f"{home}/")
            for path, (first, _) in (*state.exposures.items(), *state.events.items())
        ),
    )


def _drop(folder: Path, stale: Callable[[State], bool]) -> int:
    dropped = 0
    for home in _homes(folder):
        kept = Kept(folder, home.name)
        with kept.alone():
            state = kept.load()
            # Rows of a computation that was broken off came from who knows where.
            if stale(state) or any(_unnamed(home, state)):
                kept.clear()
                dropped += 1
    return dropped


def trim(folder: Path, most: int) -> None:
    """Remove what was not used for longest until at most `most` bytes are kept."""
    homes = sorted(_homes(folder), key=_used)
    total = sum(size(home) for home in homes)
    for home in homes:
        if total <= most:
            return
        with _free(home) as free:
            if free:  # what is in use now was not the first to be given up
                total -= size(home)
                Kept(folder, home.name).clear()


def orphans(folder: Path, *, mend: bool = False) -> list[Path]:
    """Files of computations that were broken off, under keys that nobody uses now; with `mend` they are removed."""
    found: list[Path] = []
    for home in _homes(folder):
        with _free(home) as free:
            if free:
                unnamed = list(_unnamed(home, Kept(folder, home.name).load()))
                found += unnamed
                for file in unnamed if mend else ():
                    file.unlink(missing_ok=True)
    return found


@contextmanager
def _free(home: Path) -> Iterator[bool]:
    """Whether nobody uses a key; if so, nobody does during the block."""
    try:
        file = (home / LOCK).open("ab")
    except FileNotFoundError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def size(home: Path) -> int:
    """Bytes of the files under a folder."""
    total = 0
    for file in home.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def _homes(folder: Path) -> list[Path]:
    return sorted(home for home in (folder / FOLDER).glob("*") if home.is_dir())


def _used(home: Path) -> float:
    try:
        return (home / STATE).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _unnamed(home: Path, state: State) -> Iterator[Path]:
    for file in sorted(home.glob("*")):
        if file.name not in (STATE, LOCK) and file.name not in state.names:
            yield file
