"""Kept rows as tables of one connection of DuckDB: files read and written, views and tables named; days of segments."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import ibis
from msgspec.structs import replace

from counterpoint.journal.daily import Kept, Rows, State

if TYPE_CHECKING:
    from ibis import Table

    from counterpoint.journal import Snapshot
    from counterpoint.journal.manifest import Segment

__all__ = ["DAY", "KeptTables", "Spans", "days_gone", "days_of", "spans", "united", "usable", "without"]

DAY: Final = 86_400_000_000
"""Microseconds."""
MOST_DAYS: Final = 1_000
"""Days of segments that are gone beyond which all is computed again."""

Spans = dict[str, tuple[int, int]]
"""First and last day of segments by path."""


class KeptTables:
    """Files under one key, and what is made of them, in the connection of one snapshot."""

    def __init__(self, snapshot: "Snapshot", kept: Kept) -> None:
        self.snapshot = snapshot
        self.kept = kept
        self.backend = snapshot.connection
        self.views = 0

    def _columns(self, query: str) -> "dict[str, Any]":
        return dict(self.backend.con.execute(query).fetchnumpy())

    def _rows_of(self, part: Rows) -> str:
        rows = f"FROM {self._file(part)}"
        return f'{rows} WHERE "day" NOT IN ({", ".join(map(str, part.without))})' if part.without else rows

    def _file(self, part: Rows) -> str:
        path = str(self.kept.folder / part.name).replace("'", "''")
        return f"read_parquet('{path}')"

    def _write(self, query: str) -> Rows | None:
        """Write the rows of a query into a file of their own; none where there are none."""
        path = self.kept.file()
        target = str(path).replace("'", "''")
        (rows,) = self._one(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
        return Rows(path.name, rows) if rows else None

    def _make(self, name: str, query: str) -> None:
        self.backend.con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")

    def _call(self, name: str, query: str) -> None:
        self.backend.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")

    def _one(self, query: str) -> tuple[Any, ...]:
        return tuple(self.backend.con.execute(query).fetchall()[0])

    def _view(self, query: str) -> "Table":
        self.views += 1
        name = f"daily_view{self.views}"
        self._call(name, query)
        return self.backend.table(name, database=("temp", "main"))

    def _compiled(self, table: "Table") -> str:
        return str(ibis.to_sql(table, dialect="duckdb"))


def united(sources: Sequence[str]) -> str:
    return " UNION ALL BY NAME ".join(f"({source})" for source in sources)


def spans(segments: "Sequence[Segment]", types: Sequence[str]) -> Spans:
    return {
        segment.path: (segment.first // DAY, segment.last // DAY)
        for segment in segments
        if segment.type in types
    }


def days_gone(before: Spans, now: Spans) -> frozenset[int]:
    """The days of segments that are no longer there."""
    spans = [span for path, span in before.items() if path not in now]
    return frozenset(day for span in spans for day in days_of(span))


def days_of(span: tuple[int, int]) -> range:
    return range(span[0], span[1] + 1)


def usable(state: State, exposures: Spans, events: Spans) -> State:
    """The state; an empty one where what is gone spans so many days that naming them all would not pay."""
    pairs = ((state.exposures, exposures), (state.events, events))
    days = sum(
        last - first + 1 for before, now in pairs for path, (first, last) in before.items() if path not in now
    )
    return State() if days > MOST_DAYS else state


def without(parts: tuple[Rows, ...], days: frozenset[int]) -> tuple[Rows, ...]:
    if not days:
        return parts
    return tuple(replace(part, without=tuple(sorted({*part.without, *days}))) for part in parts)
