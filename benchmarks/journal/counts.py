"""What counting adds to an append: microseconds of CPU for each event, beside the whole transaction that keeps them.

Batches of 1,000 events of five types from two sources, each a transaction of its own on the intake's tables; and
what one look of the live stream and one page of the health of ingest read, over two days of minutes.
"""

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from counterpoint.journal import Event, Journal, read_event
from counterpoint.journal.arrivals import Selection, arrivals
from counterpoint.journal.engine_state import Engines
from counterpoint.journal.health import health_of
from counterpoint.journal.intake import connect
from counterpoint.journal.model.row import COLUMNS, row_of
from counterpoint.journal.tally import MINUTE, count

BATCH = 1_000
ROUNDS = 40


def rows(batch: int) -> list[tuple[Any, ...]]:
    """The rows of one batch, up to a second late."""
    chance, now = random.Random(batch), datetime.now(UTC)
    found = []
    for number in range(BATCH):
        document = {
            "specversion": "1.0",
            "id": f"{batch}-{number}",
            "source": f"//shop/{number % 2}",
            "type": f"type-{number % 5}",
            "subject": f"user-{number}",
            "time": (now - timedelta(seconds=chance.random())).isoformat(),
            "data": {"value": number},
        }
        event = read_event(document, received=now)
        if isinstance(event, Event):
            found.append(row_of(event))
    return found


def least(work: Callable[[], object], times: int) -> float:
    """The least CPU seconds of several calls."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def measure_counting(database: sqlite3.Connection) -> dict[str, float]:
    """CPU of the insert with its commit, and of the counting in the same transaction."""
    insert = f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    whole, counting = [], []
    for batch in range(ROUNDS):
        made = [row[: len(COLUMNS)] for row in rows(batch)]
        begun = time.process_time()
        database.execute("BEGIN IMMEDIATE")
        database.executemany(insert, made)
        before = time.process_time()
        count(database, [made], len(made))
        counting.append(time.process_time() - before)
        database.execute("COMMIT")
        whole.append(time.process_time() - begun)
    return {
        "counting_us_per_event": round(min(counting) / BATCH * 1e6, 3),
        "insert_and_commit_us_per_event": round((min(whole) - min(counting)) / BATCH * 1e6, 2),
    }


def measure() -> dict[str, object]:
    """Cost of counting, of one look of the stream, and of what the page reads."""
    with tempfile.TemporaryDirectory() as name:
        database = connect(Path(name) / "intake.db")
        figures: dict[str, object] = dict(measure_counting(database))
        database.close()
        now = [datetime.now(UTC)]
        with Journal(Path(name) / "journal", clock=lambda: now[0]) as journal:
            end = now[0]
            for minute in range(47 * 60, 0, -1):
                now[0] = end - timedelta(minutes=minute)
                journal.append(
                    [
                        {
                            "specversion": "1.0",
                            "id": f"{minute}-{each}",
                            "source": "s",
                            "type": f"type-{each}",
                        }
                        for each in range(10)
                    ]
                )
            now[0] = end
            database = connect(journal.file)
            minute = journal.now() // MINUTE
            look = Selection(start=minute - 59, end=minute + 1)
            engine = Engines("duckdb").state()
            figures["look_of_the_stream_ms"] = round(least(lambda: arrivals(database, look), 20) * 1e3, 2)
            for range_ in ("hour", "day", "month"):
                spent = least(lambda range_=range_: health_of(journal, engine, range=range_), 10)
                figures[f"health_of_the_{range_}_ms"] = round(spent * 1e3, 1)
            database.close()
    return figures
