"""Retention: events of a type go when they are older than the setting `[journal] retention` says.

Age is counted in whole days of UTC from the event's time: with 90 days, an event of 1 May stays until the
end of 30 July. Files that are too old as a whole are given up; those on the border are written anew with
what stays, in files of shorter periods, so that the next days go as whole files. The identities of what
goes stay for their own days, so that a repeat does not bring it back.
"""

import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from counterpoint.journal.daily import drop_before
from counterpoint.journal.intake import transaction
from counterpoint.journal.manifest import FOLDER, Segment, folder_name, manifest, note_removal, replace
from counterpoint.journal.model.outcome import Expired, Gone
from counterpoint.journal.model.row import identity
from counterpoint.journal.periods import DAY
from counterpoint.journal.rewriting import rewritten
from counterpoint.journal.segments import DamagedError, read_segment
from counterpoint.moments import to_datetime

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DEFAULT", "WHY", "expire", "expired", "receipts", "unknown_types"]

DEFAULT: Final = "*"
"""Stands in the setting for every type that it does not name."""
WHY: Final = "retention"


class _Old(msgspec.Struct, frozen=True):
    """What of one type is too old."""

    type: str
    before: int
    """Microseconds since 1970: what happened earlier goes."""
    whole: tuple[Segment, ...] = ()
    border: tuple[Segment, ...] = ()
    waiting: int = 0
    """Events in the intake."""


def unknown_types(database: sqlite3.Connection, rules: Mapping[str, int]) -> list[str]:
    """Types that the setting names and of which the journal holds nothing."""
    return sorted(set(rules) - {DEFAULT} - _types(database))


def expired(
    folder: Path, database: sqlite3.Connection, rules: Mapping[str, int], *, now: int
) -> list[Expired]:
    """What is too old now and would go. Reads the times in the files on the border; changes nothing."""
    return [
        Expired(
            type=old.type,
            before=old.before,
            events=sum(segment.events for segment in old.whole)
            + sum(_count_before(folder, segment, old.before) for segment in old.border)
            + old.waiting,
            files=len(old.whole),
            rewritten=len(old.border),
        )
        for old in _old(database, rules, now)
    ]


def expire(
    folder: Path, database: sqlite3.Connection, rules: Mapping[str, int], *, now: int, writing: threading.Lock,
    breathe: Callable[[], None] = lambda: None,
) -> list[Expired]:  # fmt: skip
    """Let go what is too old; hold the compaction lock. What went is told, and written down as a receipt."""
    gone = [_expire(folder, database, old, now, writing, breathe) for old in _old(database, rules, now)]
    for each in gone:
        # Sums of users would outlive what they are the sums of; what they came from may have been merged since.
        drop_before(folder, f"{FOLDER}/type={folder_name(each.type)}", each.before // DAY)
    return gone


def receipts(database: sqlite3.Connection, *, limit: int = 20) -> list[Gone]:
    """What went by retention, the newest first."""
    query = (
        "SELECT at, type, before, events, files FROM removed WHERE why = ? AND type IS NOT NULL"
        " ORDER BY number DESC LIMIT ?"
    )
    return [Gone(to_datetime(at), Expired(*what)) for at, *what in database.execute(query, (WHY, limit))]


def _types(database: sqlite3.Connection) -> set[str]:
    query = "SELECT type FROM segments UNION SELECT type FROM events"
    return {type_ for (type_,) in database.execute(query)}


def _old(database: sqlite3.Connection, rules: Mapping[str, int], now: int) -> list[_Old]:
    if not rules:
        return []
    found = []
    for type_ in sorted(_types(database)):
        days = rules.get(type_, rules.get(DEFAULT))
        if days is None:
            continue
        before = (now // DAY - days) * DAY
        segments = [segment for segment in manifest(database, [type_]) if segment.first < before]
        query = "SELECT count(*) FROM events WHERE type = ? AND time < ?"
        waiting = int(database.execute(query, (type_, before)).fetchone()[0])
        if segments or waiting:
            whole = tuple(segment for segment in segments if segment.last < before)
            border = tuple(segment for segment in segments if segment.last >= before)
            found.append(_Old(type_, before, whole, border, waiting))
    return found


def _expire(
    folder: Path, database: sqlite3.Connection, old: _Old, now: int, writing: threading.Lock,
    breathe: Callable[[], None],
) -> Expired:  # fmt: skip
    gone, made = list(old.whole), []
    for segment in old.border:
        try:
            made += rewritten(folder, segment, lambda table: _from(table, old.before), breathe)
            gone.append(segment)
        except DamagedError:  # it stays as it is, for `doctor` to tell
            continue
    files = sum(segment.events for segment in gone) - sum(segment.events for segment in made)
    with writing, transaction(database):
        if gone and not replace(database, gone, made, now=now):
            raise RuntimeError("a file was replaced although the compaction lock was held")
        waited = _leave_intake(database, old)
        if gone or waited:
            note_removal(
                database, now=now, why=WHY, events=files + waited, files=len(gone), type=old.type, before=old.before
            )  # fmt: skip
    return Expired(old.type, old.before, files + waited, len(old.whole), len(gone) - len(old.whole))


def _leave_intake(database: sqlite3.Connection, old: _Old) -> int:
    where, values = "WHERE type = ? AND time < ?", (old.type, old.before)
    rows = database.execute(f"SELECT source, id, received FROM events {where}", values).fetchall()
    database.executemany(
        "INSERT OR IGNORE INTO identities (hash, day) VALUES (?, ?)",
        sorted((identity(source, id_), received // DAY) for source, id_, received in rows),
    )
    database.execute(f"DELETE FROM events {where}", values)
    return len(rows)


def _from(table: "pa.Table", before: int) -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.greater_equal(table["time"].cast(pa.int64()), before)


def _count_before(folder: Path, segment: Segment, before: int) -> int:
    import pyarrow.compute as pc

    try:
        return sum(
            table.num_rows - int(pc.sum(_from(table, before)).as_py() or 0)
            for table in read_segment(folder, segment, columns=["time"])
        )
    except DamagedError:
        return 0
