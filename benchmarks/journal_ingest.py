"""Durable ingest in batches of 1,000 against its floor: the same rows in plain SQLite, synced as often.

The journal validates each event, derives its columns and its identity, and compacts in the background;
the floor only inserts ready rows. Both answer a batch when it is on the disk.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counterpoint.journal import Event, Journal, read_event
from counterpoint.journal.model.row import COLUMNS, row_of
from counterpoint.moments import to_datetime
from counterpoint.settings import JournalSettings

EVENTS = 100_000
BATCH = 1_000


def documents() -> list[dict[str, Any]]:
    """Metric events of as many users."""
    return [
        {
            "specversion": "1.0",
            "id": f"user-{number}:order.placed",
            "source": "benchmark",
            "type": "order.placed",
            "subject": f"user-{number}",
            "time": "2026-05-04T10:00:00Z",
            "data": {"value": number % 97},
        }
        for number in range(EVENTS)
    ]


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Events a second and CPU microseconds an event."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"events_per_second": round(EVENTS / wall), "cpu_us_per_event": round(processor / EVENTS * 1e6, 2)}


def floor(folder: Path, rows: list[tuple[Any, ...]]) -> None:
    """Insert ready rows into one table, a transaction a batch."""
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"CREATE TABLE events ({', '.join(COLUMNS)}, PRIMARY KEY (source, id))")
    insert = f"INSERT INTO events VALUES ({', '.join('?' * len(COLUMNS))})"
    for start in range(0, EVENTS, BATCH):
        database.execute("BEGIN")
        database.executemany(insert, rows[start : start + BATCH])
        database.execute("COMMIT")
    database.close()


def journal(folder: Path, events: list[dict[str, Any]], settings: JournalSettings) -> None:
    """Append the documents a batch at a time, each waited for."""
    with Journal(folder, settings) as opened:
        for start in range(0, EVENTS, BATCH):
            opened.append(events[start : start + BATCH])


def measure() -> dict[str, object]:
    """Both ways on the same disk, the floor first."""
    import pyarrow as pa

    pa.array([""])  # Arrow's imports, which a server pays once
    events = documents()
    read = [read_event(document, received=to_datetime(0)) for document in events]
    rows = [row_of(event) for event in read if isinstance(event, Event)]
    ready = [row[: len(COLUMNS)] for row in rows if isinstance(row, tuple)]
    found: dict[str, object] = {"events": EVENTS, "batch": BATCH}
    with tempfile.TemporaryDirectory() as folder:
        found["sqlite_floor"] = timed(lambda: floor(Path(folder), ready))
        never = JournalSettings(compact_after=10 * EVENTS)
        found["journal"] = timed(lambda: journal(Path(folder) / "intake", events, never))
        found["journal_compacting"] = timed(
            lambda: journal(Path(folder) / "compacting", events, JournalSettings())
        )
    return found
