"""Whom an erasure removes may be named by the counts of arrivals too, where a source or a type is the person's text."""

import sqlite3
from collections.abc import Callable
from typing import Final

from counterpoint.journal.sought import Named, Sought, texts_in
from counterpoint.journal.tally import OTHER, adding, name_of

__all__ = ["remove_names"]

_KEYS: Final = {
    "tally": ("span", "start", "type", "source"),
    "refusals": ("span", "start", "reason", "source"),
}


def remove_names(database: sqlite3.Connection, sought: Sought) -> None:
    """Count what came from these people with `(other)`, and drop samples that name them; within a transaction.

    The numbers of what has arrived stay, as they name nobody.
    """
    cut = {name_of(person.text) for person in sought.people if isinstance(person, Named)}

    def is_named(text: str) -> bool:
        return text in cut or bool(sought.places(text))

    for table, keys in _KEYS.items():
        _rename(database, table, keys, is_named)
    for number, source, sample in database.execute("SELECT number, source, sample FROM refused").fetchall():
        if is_named(source) or any(map(is_named, texts_in(sample))):
            database.execute("DELETE FROM refused WHERE number = ?", (number,))


def _rename(
    database: sqlite3.Connection, table: str, keys: tuple[str, ...], is_named: Callable[[str], bool]
) -> None:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    figures = [name for name in columns if name not in keys]
    kind = keys[2]
    for first, second in database.execute(f"SELECT DISTINCT {kind}, source FROM {table}").fetchall():
        new = (OTHER if is_named(first) else first, OTHER if is_named(second) else second)
        if new == (first, second):
            continue
        database.execute(
            f"INSERT INTO {table} ({', '.join([*keys, *figures])})"
            f" SELECT span, start, ?, ?, {', '.join(figures)} FROM {table} WHERE {kind} = ? AND source = ?"
            f" ON CONFLICT DO UPDATE SET {adding(figures)}",
            (*new, first, second),
        )
        database.execute(f"DELETE FROM {table} WHERE {kind} = ? AND source = ?", (first, second))
