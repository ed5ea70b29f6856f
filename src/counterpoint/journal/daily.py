"""Sums that were computed from segments and are kept beside them, so that a new day costs the new day.

`daily/<key>/` holds Arrow files and `state.json`, which says what they are and from which segments they came;
a file that it does not name is an orphan of a computation that was broken off. All of it can be computed again
from the segments. The sums name users, so whoever erases a person drops what came from the files that held them.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from counterpoint.syncing import sync

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FOLDER", "Kept", "Rows", "State", "drop", "drop_before", "drop_gone", "key_of", "orphans", "size", "strip", "trim",
    "write_rows",
]  # fmt: skip

FOLDER: Final = "daily"
STATE: Final = "state.json"
LOCK: Final = "lock"


class Rows(msgspec.Struct, frozen=True):
    """One file of kept rows."""

    name: str
    rows: int


class State(msgspec.Struct, frozen=True):
    """What is kept under one key, and what it was computed from. People stand in it as hashes of their subjects."""

    exposures: dict[str, tuple[int, int]] = {}
    """First and last day (since 1970) of the segments that `shown` was computed from, by path."""
    events: dict[str, tuple[int, int]] = {}
    """The same of the segments that `happened` was computed from; those before `since` are not among them."""
    since: int | None = None
    """The first day of which events are kept: what is earlier concerns nobody."""
    shown: dict[int, tuple[str, ...]] = {}
    """Files of exposures by day, in the order of the subject's hash."""
    happened: dict[int, tuple[str, ...]] = {}
    """Files of events by day, in the same order."""
    users: tuple[Rows, ...] = ()
    """Files of users with their sums; a later one's rows count instead of an earlier one's."""
    texts: tuple[str, ...] = ()
    """The variants, which files name by their place."""
    bounds: dict[int, tuple[int | None, int | None, int]] = {}
    """Of the exposures of each day: the first and last in the dates (microseconds since 1970), and how many are outside."""
    latest: dict[int, int] = {}
    """The last moment of any exposure to the flag on each day, in or outside the dates (microseconds since 1970)."""
    last: int | None = None
    """The last moment of these exposures and of all events of the metrics; none where no window asks for it."""
    reach: int | None = None
    """The moment up to which events were known when `figures` were summed."""
    stale: tuple[int, ...] = ()
    """Days whose exposures are to be read again, since somebody was taken out of them."""
    figures: msgspec.Raw = msgspec.Raw(b"null")
    """What was summed over all users, as JSON of whoever computed it; none where it is to be summed anew."""

    @property
    def segments(self) -> set[str]:
        """Paths of all the segments that something was computed from."""
        return self.exposures.keys() | self.events.keys()

    @property
    def names(self) -> set[str]:
        """The files that belong to it."""
        by_day = (*self.shown.values(), *self.happened.values())
        return {name for names in by_day for name in names} | {part.name for part in self.users}


def key_of(subject: str) -> tuple[int, int]:
    """The 64 bits by which kept rows name a subject, and 32 more to check: of the MD5 as DuckDB reads it."""
    digest = md5(subject.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little", signed=True), int.from_bytes(digest[8:12], "little")


class Kept:
    """What is kept under one key; for use by whoever holds its lock."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder / FOLDER / key
        self._saved: set[str] = set()
        """Files that are on the disk for sure."""

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
        if not state.names.issubset(os.listdir(self.folder)):
            return State()
        self._saved = state.names
        return state

    def file(self) -> Path:
        """A path for new rows."""
        return self.folder / f"{uuid.uuid4().hex}.arrow"

    def save(self, state: State) -> None:
        """Make the state the one that counts, after its files are on the disk, and remove the others."""
        for name in state.names - self._saved:
            sync(self.folder / name)
        fresh = self.folder / f"{STATE}.new"
        fresh.write_bytes(msgspec.json.encode(state))
        sync(fresh)
        fresh.replace(self.folder / STATE)
        sync(self.folder)
        self._saved = state.names
        self.tidy(state)

    def tidy(self, state: State) -> None:
        """Remove files that the state does not name."""
        for file in _unnamed(self.folder, state):
            file.unlink(missing_ok=True)

    def without(self, name: str, keys: Sequence[tuple[int, int]]) -> tuple[str, int] | None:
        """A file without some people's rows, and how many it has: the same file where it has none of them; none where
        nothing is left."""
        import numpy as np
        import pyarrow as pa

        with pa.memory_map(str(self.folder / name)) as file:
            reader = pa.ipc.open_file(file)
            batch = reader.get_batch(0)
            found = batch.column("key").to_numpy(), batch.column("check").to_numpy()
            gone = np.zeros(batch.num_rows, dtype=bool)
            for key, check in keys:
                gone |= (found[0] == key) & (found[1] == check)
            if not gone.any():
                return name, batch.num_rows
            left = batch.filter(pa.array(~gone))
        return (write_rows(self.file(), left), left.num_rows) if left.num_rows else None

    def touch(self) -> None:
        """Note that it was used: `trim` removes first what was not used for longest."""
        state = self.folder / STATE
        if state.exists():
            os.utime(state)

    def clear(self) -> None:
        """Forget all that is kept."""
        shutil.rmtree(self.folder, ignore_errors=True)


def write_rows(path: Path, rows: "pa.RecordBatch", *, compressed: bool = True) -> str:
    """Write a file of kept rows; gives its name."""
    import pyarrow as pa

    options = pa.ipc.IpcWriteOptions(compression="zstd" if compressed else None, use_threads=False)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, rows.schema, options=options) as writer:
        writer.write_batch(rows)
    return path.name


def drop(folder: Path, paths: Collection[str]) -> int:
    """Remove every sum that came from one of these segments; says how many keys had some.

    Call it after the manifest has ceased to name them: a computation that is under way looks there before
    it keeps what it has. What is removed is computed again, in full, when it is next asked for.
    """
    return _drop(folder, lambda state: not state.segments.isdisjoint(paths))


def drop_gone(folder: Path, named: Collection[str]) -> int:
    """As `drop`, of all segments but these, which the manifest names: those that are gone may have held anybody."""
    return _drop(folder, lambda state: not state.segments.issubset(named))


def drop_before(folder: Path, home: str, day: int) -> int:
    """As `drop`, of segments under `home` (a folder in the journal's) with events before a day since 1970."""
    return _drop(
        folder,
        lambda state: any(
            first < day and path.startswith(f"{home}/")
            for path, (first, _) in (*state.exposures.items(), *state.events.items())
        ),
    )


def strip(
    folder: Path, subjects: Collection[str], replaced: Mapping[str, Mapping[str, tuple[int, int]]],
    *, mixed: Collection[str], named: Collection[str],
) -> None:  # fmt: skip
    """Take some people out of all that is kept, after the manifest has ceased to name the files that held them.

    Args:
        folder: The journal's.
        subjects: Whose rows go.
        replaced: The new segments, each with its first and last day, by the old one that they came from.
        mixed: Old segments that also lost events of other subjects, which only a new computation leaves out.
        named: The segments that the manifest names now.
    """
    keys = [key_of(subject) for subject in subjects]
    for home in _homes(folder):
        kept = Kept(folder, home.name)
        with kept.alone():
            state = kept.load()
            known = state.segments
            unsure = mixed and not known.issubset(set(named) | replaced.keys())
            if any(_unnamed(home, state)) or not known.isdisjoint(mixed) or unsure:
                kept.clear()
            elif known:
                kept.save(_stripped(kept, state, keys, replaced))


def _stripped(
    kept: Kept, state: State, keys: Sequence[tuple[int, int]], replaced: Mapping[str, Mapping[str, tuple[int, int]]]
) -> State:  # fmt: skip
    new = {name: kept.without(name, keys) for name in state.names}

    def files(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(found[0] for name in names if (found := new[name]))

    def spans(before: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
        return {
            path: span for old, its in before.items() for path, span in replaced.get(old, {old: its}).items()
        }

    touched = {name for name, found in new.items() if found is None or found[0] != name}
    return msgspec.structs.replace(
        state,
        exposures=spans(state.exposures),
        events=spans(state.events),
        shown={day: files(names) for day, names in state.shown.items() if files(names)},
        happened={day: files(names) for day, names in state.happened.items() if files(names)},
        users=tuple(Rows(*found) for part in state.users if (found := new[part.name])),
        stale=tuple(
            sorted({*state.stale, *(day for day, names in state.shown.items() if touched & set(names))})
        ),
        figures=msgspec.Raw(b"null") if touched else state.figures,
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
