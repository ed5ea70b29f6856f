"""What the journal's files cost: written, merged, and an attribute read from its column instead of from JSON.

`python benchmarks/run.py journal/layout`. The floor of writing is the same rows through Arrow and zstd alone, without
hash, attributes or sorting by us. CPU time of this process, all its threads; the best of three for reading.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from counterpoint.journal import Event, Journal, read_event
from counterpoint.journal.manifest import Segment
from counterpoint.journal.merging import merged
from counterpoint.journal.model.row import COLUMNS, row_of
from counterpoint.journal.segments import arrow_table, write_segments

EVENTS = 300_000
ROUND = 50_000
DAY = datetime(2026, 5, 4, tzinfo=UTC)


def rows(kind: str) -> list[tuple[object, ...]]:
    """Events of one day as the intake gives them: `metric` has a number, `wide` seven attributes."""
    rng = random.Random(1)
    made = []
    for number in range(EVENTS):
        data: dict[str, object] = {"value": round(rng.random() * 100, 2)}
        if kind == "wide":
            data |= {
                "country": rng.choice(["SE", "DE", "US"]),
                "page": f"/p/{rng.randrange(500)}",
                "ms": rng.randrange(5000),
                "new": rng.random() < 0.5,
                "price": rng.random() * 100,
                f"rare{rng.randrange(10_000)}": 1,
            }
        time_ = (DAY + timedelta(seconds=rng.randrange(86_400))).isoformat()
        event = read_event(
            {
                "specversion": "1.0",
                "id": f"e{number}",
                "source": "shop",
                "type": kind,
                "time": time_,
                "subject": f"user-{rng.randrange(EVENTS // 10)}",
                "data": data,
                "tenant": "acme",
            },
            received=DAY,
        )
        assert isinstance(event, Event)
        made.append(row_of(event))
    return made


def cpu(work: Callable[[], object]) -> float:
    """CPU microseconds per event."""
    start = time.process_time()
    work()
    return round((time.process_time() - start) / EVENTS * 1e6, 2)


def floor(folder: Path, part: list[tuple[object, ...]]) -> None:
    """The same rows as Parquet, as plainly as Arrow can."""
    columns = list(zip(*part, strict=True))[: len(COLUMNS)]
    table = pa.table(dict(zip(COLUMNS, map(pa.array, columns), strict=True)))
    pq.write_table(
        table.sort_by([("subject", "ascending"), ("time", "ascending")]), folder / "floor", compression="zstd"
    )


def measure() -> dict[str, object]:
    """CPU µs per event of writing and merging beside the floor, bytes per event, and CPU ms of a read both ways."""
    wide = rows("wide")
    return {"metric": written(rows("metric")), "wide": written(wide), "read": read(wide)}


def written(made: list[tuple[object, ...]]) -> dict[str, float]:
    """Files of ROUND events, then one of all of them."""
    parts = [made[start : start + ROUND] for start in range(0, EVENTS, ROUND)]
    files: list[Segment] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_segments(folder, arrow_table(made[:100]))
        plain = cpu(lambda: [floor(folder, part) for part in parts])
        each = cpu(lambda: [files.extend(write_segments(folder, arrow_table(part))) for part in parts])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = sum(file.bytes for file in files)
        again = cpu(lambda: files.append(merged(folder, files[:], lambda: None)))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "floor_us": plain,
        "written_us": each,
        "merged_us": again,
        "bytes": round(size / EVENTS, 1),
        "bytes_merged": round(files[-1].bytes / EVENTS, 1),
        "memory_of_merge_mb": (after - before) // (1024 if sys.platform == "linux" else 1024**2),
    }


def read(made: list[tuple[object, ...]]) -> dict[str, float]:
    """CPU milliseconds to count events by country: from the column, and from the JSON."""
    with tempfile.TemporaryDirectory() as name, Journal(Path(name)) as journal:
        for start in range(0, EVENTS, ROUND):
            journal.append_rows(made[start : start + ROUND])
        journal.compact(full=True)

        def column() -> None:
            with journal.snapshot() as snapshot:
                table = snapshot.events("wide", attributes={"country": "string"}, data=False)
                table.group_by("country").agg(n=table.count()).to_pyarrow()

        def json() -> None:
            with journal.snapshot() as snapshot:
                table = snapshot.events("wide")
                table = table.mutate(country=table.data.cast("json")["country"].str)
                table.group_by("country").agg(n=table.count()).to_pyarrow()

        column()
        best = [min(cpu(each) for _ in range(3)) * EVENTS / 1000 for each in (column, json)]
    return {"column_ms": round(best[0], 1), "json_ms": round(best[1], 1)}
