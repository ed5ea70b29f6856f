"""A process that appends, compacts, merges and lets go until it is killed. Run by test_layout_durability.

It reads one command from stdin at a time, forks, and lets the child do the work. A line `ack NAME...` means
that these events are on the disk.
"""

import os
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet

from counterpoint.journal import Journal, merging
from counterpoint.settings import JournalSettings

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BATCH = 5


def event(name: str, type_: str, days: int) -> dict[str, object]:
    """An event of so many days ago."""
    time = (NOW - timedelta(days=days)).isoformat()
    return {
        "specversion": "1.0",
        "id": name,
        "source": "tender",
        "type": type_,
        "time": time,
        "data": {"n": days},
    }


def tell(text: str) -> None:
    """Write one line; short ones are never torn."""
    os.write(1, f"{text}\n".encode())


def read(journal: Journal) -> None:
    """Count again and again, in snapshots that are taken while files are replaced."""
    while True:
        with journal.snapshot() as snapshot:
            names = snapshot.events("keep", data=False).id.to_pyarrow().to_pylist()
        if len(names) != len(set(names)):
            tell("wrong twice")


def live(folder: Path, life: int, readers: int) -> None:
    """Append without end; every few batches all is compacted, merged, and what is old let go."""
    settings = JournalSettings(compact_after=20, retention={"go": 10})
    journal = Journal(folder, settings, clock=lambda: NOW)
    for _ in range(readers):
        threading.Thread(target=read, args=(journal,), daemon=True).start()
    number = 0
    while True:
        names = [f"{life}-{os.getpid()}-{number}-{each}" for each in range(BATCH)]
        kinds = ["keep" if each % 2 else "go" for each in range(BATCH)]
        # Days far apart make files of months, which are written anew on the border.
        days = [each * 9 + number % 3 for each in range(BATCH)]
        receipt = journal.append([event(*each) for each in zip(names, kinds, days, strict=True)])
        if receipt.accepted != BATCH:
            tell(f"wrong {receipt}")
        tell(
            "ack "
            + " ".join(f"{name}/{kind}/{day}" for name, kind, day in zip(names, kinds, days, strict=True))
        )
        number += 1
        if number % 3 == 0:
            journal.compact(full=number % 2 == 0)


def main() -> None:
    """Serve commands until stdin ends."""
    folder = Path(sys.argv[1])
    pa.array([1])  # what Arrow imports at its first use
    duckdb.connect().close()
    merging.FILES = 8
    tell("ready")
    for line in sys.stdin:
        life, readers = map(int, line.split())
        child = os.fork()
        if child == 0:
            live(folder, life, readers)
        tell(f"pid {child}")
        os.waitpid(child, 0)
        tell("dead")


if __name__ == "__main__":
    main()
