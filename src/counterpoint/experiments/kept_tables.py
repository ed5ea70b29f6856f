"""Arrays in files of one key: exposures and events of a day, and users in levels.

The users lie as a log-structured tree has them: a file with all, and smaller ones with those who have changed since,
of whom the newest counts. So a day that changes few users writes few rows; a file is merged with the next one when
that has grown to half of it, which writes each row again as often as the users double.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from counterpoint.experiments.arrays import Events, Layout, matches
from counterpoint.journal.daily import Kept, Rows, write_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = [
    "NEVER",
    "CollisionError",
    "DamagedKeptError",
    "Shown",
    "Tables",
    "Touched",
    "Users",
    "combined",
    "joined",
    "same_checks",
]

NEVER: Final = np.iinfo(np.int64).max
"""Stands for the first exposure of a user who has none in the dates."""
MOST_MERGED: Final = 4_000_000
"""Users in a file that is still merged with another; it is done in memory."""
BLOCK: Final = 500_000
"""Users whose sums are in memory at a time where all are read."""


class CollisionError(Exception):
    """Two subjects share their 64-bit hash, so that sums by hash would mix them."""


class DamagedKeptError(Exception):
    """A kept file cannot be read; the journal has all that is needed to compute it again."""


@dataclass(frozen=True)
class Shown:
    """What is known of users' exposures, in the order of `key`."""

    key: "Ints"
    check: "NDArray[np.uint32]"
    low: "NDArray[np.int32]"
    """The least variant in the dates, as a place in the state's texts; −1 where there is none."""
    high: "NDArray[np.int32]"
    first: "Ints"
    """Microseconds since 1970; NEVER without one in the dates."""

    def take(self, which: Any) -> "Shown":
        return Shown(*(part[which] for part in (self.key, self.check, self.low, self.high, self.first)))

    @staticmethod
    def nothing(key: "Ints", check: "NDArray[np.uint32]") -> "Shown":
        """Rows that say nothing of these users, and change nothing where they are combined with others."""
        none = np.full(len(key), -1, dtype=np.int32)
        return Shown(key, check, none, none.copy(), np.full(len(key), NEVER))

    @staticmethod
    def none() -> "Shown":
        """Of nobody."""
        return Shown.nothing(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint32))


@dataclass(frozen=True)
class Users:
    """Users with what counts of their exposures and the sums of their events, in the order of `shown.key`."""

    shown: Shown
    sums: "NDArray[np.float64]"
    """One row for each of the layout's columns."""

    @property
    def key(self) -> "Ints":
        return self.shown.key

    @property
    def code(self) -> "Ints":
        """The group of each: twice the least variant's place, from 1 on, and 1 more for who saw several."""
        low = self.shown.low.astype(np.int64)
        return np.asarray((low + 1) * 2 + (low != self.shown.high), dtype=np.int64)

    @property
    def alive(self) -> "NDArray[np.bool_]":
        return np.asarray(self.shown.first != NEVER)

    def take(self, which: Any) -> "Users":
        return Users(self.shown.take(which), self.sums[:, which])


def combined(parts: Sequence[Shown], texts: Sequence[str]) -> Shown:
    """One row per user out of several: the least variant and moment, and the greatest variant.

    Raises:
        CollisionError: two subjects have the same key.
    """
    if not parts:
        return Shown.none()
    whole = _united(parts) if len(parts) > 1 else parts[0]
    order = np.argsort(whole.key, kind="stable")
    whole = whole.take(order)
    starts = (
        np.flatnonzero(np.r_[True, whole.key[1:] != whole.key[:-1]]) if len(whole.key) else np.zeros(0, int)
    )
    if len(starts) == len(whole.key):
        return whole
    same_checks(whole.check, np.repeat(whole.check[starts], np.diff(np.r_[starts, len(whole.key)])))
    by_rank = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int32)
    rank = np.empty(len(texts) + 1, dtype=np.int64)
    rank[by_rank] = np.arange(len(texts))
    rank[-1] = len(texts)  # where there is none: greater than each, since the least is wanted
    low = np.minimum.reduceat(rank[whole.low], starts)
    rank[-1] = -1
    high = np.maximum.reduceat(rank[whole.high], starts)
    place = np.r_[by_rank, np.int32(-1)].astype(np.int32)
    return Shown(
        whole.key[starts], whole.check[starts], place[low], place[high], np.minimum.reduceat(whole.first, starts)
    )  # fmt: skip


def _united(parts: Sequence[Shown]) -> Shown:
    columns = zip(*((p.key, p.check, p.low, p.high, p.first) for p in parts), strict=True)
    return Shown(*(np.concatenate(column) for column in columns))


def same_checks(one: "NDArray[Any]", other: "NDArray[Any]") -> None:
    """
    Raises:
        CollisionError: subjects with the same key are not the same.
    """
    if not np.array_equal(one, other):
        raise CollisionError


class _Level:
    """One file of users, of which only what is looked up is read; or users in memory."""

    def __init__(self, table: "dict[str, NDArray[Any]]", layout: Layout) -> None:
        self.table = table
        self.layout = layout

    @property
    def key(self) -> "NDArray[Any]":
        return self.table["key"]

    def shown(self, which: Any) -> Shown:
        return Shown(
            *(np.asarray(self.table[name][which]) for name in ("key", "check", "low", "high", "first"))
        )

    def users(self, which: Any) -> Users:
        sums = [self.table[f"s_{name}"][which] for name in self.layout.columns]
        return Users(self.shown(which), np.array(sums, dtype=np.float64))


class Tables:
    """The files of one key, and what is added in memory for one result."""

    def __init__(self, kept: Kept, layout: Layout, levels: Sequence[Rows]) -> None:
        self.kept = kept
        self.layout = layout
        self.files = list(levels)
        self.loose: list[_Level] = []
        """Users that no file has."""

    # Exposures and events -------------------------------------------------------------------------------------

    def write_shown(self, shown: Shown) -> str:
        return self._write({name: getattr(shown, name) for name in ("key", "check", "low", "high", "first")})

    def read_shown(self, part: "str | Shown") -> Shown:
        if isinstance(part, Shown):
            return part
        table = self._read(part)
        return Shown(*(table[name] for name in ("key", "check", "low", "high", "first")))

    def write_events(self, events: Events) -> str:
        fields = {f"field{place}": field for place, field in enumerate(events.fields)}
        return self._write(
            {"key": events.key, "check": events.check, "time": events.time, "which": events.which, **fields}
        )

    def read_events(self, part: "str | Events") -> Events:
        if isinstance(part, Events):
            return part
        table = self._read(part)
        fields = tuple(table[f"field{place}"] for place in range(len(self.layout.fields)))
        return Events(table["key"], table["check"], table["time"], table["which"], fields)

    # Users ----------------------------------------------------------------------------------------------------

    @cached_property
    def _levels(self) -> list[_Level]:
        return [_Level(self._read(part.name), self.layout) for part in self.files]

    def find(self, key: "Ints", check: "NDArray[np.uint32]") -> Users:
        """What is known of some users (keys ascending, each once); a first exposure of NEVER where nothing is.

        Raises:
            CollisionError: another subject has the same key.
        """
        count = len(key)
        shown = Shown.nothing(key, check)
        sums = np.zeros((len(self.layout.columns), count))
        left = np.arange(count)
        for level in reversed([*self._levels, *self.loose]):
            place, row = matches(key[left], level.key)
            if not len(place):
                continue
            found = level.users(row)
            same_checks(found.shown.check, check[left[place]])
            for name in ("low", "high", "first"):
                getattr(shown, name)[left[place]] = getattr(found.shown, name)
            sums[:, left[place]] = found.sums
            left = np.delete(left, place)
        return Users(shown, sums)

    def all_users(self) -> Iterator[Users]:
        """Everybody who counts, some at a time."""
        levels = [*self._levels, *self.loose]
        for place, level in enumerate(levels):
            for start in range(0, len(level.key), BLOCK):
                rows = np.arange(start, min(start + BLOCK, len(level.key)))
                key = level.key[rows]
                for newer in levels[place + 1 :]:
                    # Which of the wanted the newer one has; both ascend.
                    key_, _ = matches(key, newer.key)
                    rows, key = np.delete(rows, key_), np.delete(key, key_)
                users = level.users(rows)
                yield users.take(users.alive)

    def add_users(self, users: Users, *, keep: bool) -> None:
        """Let these rows count instead of what was known of the same users."""
        table = _table_of(users, self.layout)
        if not keep:
            self.loose.append(_Level(table, self.layout))
            return
        levels = self._levels
        levels.append(_Level(table, self.layout))
        many = _mergeable([len(level.key) for level in levels])
        if many > 1:
            table = _merged([level.table for level in levels[-many:]], all_of_them=many == len(levels))
            del self.files[1 - many :]
        del levels[-many:]
        self.files.append(Rows(self._write(table, compressed=False), len(table["key"])))
        levels.append(_Level(table, self.layout))

    # Files ----------------------------------------------------------------------------------------------------

    def _write(self, columns: "dict[str, NDArray[Any]]", *, compressed: bool = True) -> str:
        import pyarrow as pa

        rows = pa.record_batch({name: pa.array(np.ascontiguousarray(c)) for name, c in columns.items()})
        return write_rows(self.kept.file(), rows, compressed=compressed)

    def _read(self, name: str) -> "dict[str, NDArray[Any]]":
        import pyarrow as pa

        try:
            return _columns(self.kept.folder / name)
        except (OSError, pa.ArrowException, IndexError) as error:
            raise DamagedKeptError(name) from error


def _columns(path: Path) -> "dict[str, NDArray[Any]]":
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.memory_map(str(path)) as file:
        batch = pa.ipc.open_file(file, options=options).get_batch(0)
        return {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}


def _mergeable(rows: Sequence[int]) -> int:
    """How many of the files, counted from the last, become one: as long as what follows one has half of its rows."""
    many, total = 1, rows[-1]
    for older in reversed(rows[:-1]):
        if older > 2 * total or older + total > MOST_MERGED:
            break
        many, total = many + 1, total + older
    return many


def _merged(tables: "Sequence[dict[str, NDArray[Any]]]", *, all_of_them: bool) -> "dict[str, NDArray[Any]]":
    """The last row of each user; without those who do not count where no older row of them is left."""
    key = np.concatenate([table["key"] for table in tables])
    order = np.argsort(key, kind="stable")
    ascending = key[order]
    order = order[np.r_[ascending[1:] != ascending[:-1], True]]
    if all_of_them:
        first = np.concatenate([table["first"] for table in tables])
        order = order[first[order] != NEVER]
    return {name: np.concatenate([table[name] for table in tables])[order] for name in tables[0]}


def _table_of(users: Users, layout: Layout) -> "dict[str, NDArray[Any]]":
    shown = users.shown
    table: dict[str, NDArray[Any]] = {
        "key": shown.key, "check": shown.check, "low": shown.low, "high": shown.high, "first": shown.first
    }  # fmt: skip
    for name, column in zip(layout.columns, users.sums, strict=True):
        table[f"s_{name}"] = column if name.startswith("sum") else _narrow(column)
    return table


def _narrow(counts: "NDArray[np.float64]") -> "NDArray[Any]":
    """Whole numbers in as few bytes as they need."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def joined(one: Users, other: Users) -> "tuple[Users, Ints]":
    """The users of both, of whom none is in the other; and the place that each had in one after the other."""
    shown = _united([one.shown, other.shown])
    order = np.argsort(shown.key, kind="stable")
    return Users(shown.take(order), np.concatenate([one.sums, other.sums], axis=1)[:, order]), order


class Touched:
    """The users whose rows change, in the order of `users.key`."""

    def __init__(self, columns: int) -> None:
        self.users = Users(Shown.none(), np.zeros((columns, 0)))
        self.afresh = np.zeros(0, dtype=bool)
        """Whose sums are computed anew, out of all the events."""

    def add(self, users: Users, afresh: "NDArray[np.bool_]") -> None:
        """Add users who are not among them."""
        self.users, order = joined(self.users, users)
        self.afresh = np.concatenate([self.afresh, afresh])[order]
