"""A process that appends until it is killed. Run by test_durability.

It reads one command from stdin at a time, forks, and lets the child do the work, so that each life
costs no new interpreter. A line `ack ROUND NUMBER` means that the batch's events are on the disk.
"""

import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from counterpoint.journal import Journal, readers
from counterpoint.journal.ingest import ingest
from counterpoint.settings import JournalSettings

BATCH = 5


def event(name: str, number: int) -> dict[str, object]:
    """An event of a batch."""
    time = f"2026-05-{1 + number % 2:02}T10:00:00Z"
    return {
        "specversion": "1.0",
        "id": name,
        "source": "appender",
        "type": "tick",
        "time": time,
        "data": {"value": number},
    }


def tell(text: str) -> None:
    """Write one line; short ones are never torn."""
    os.write(1, f"{text}\n".encode())


def live(folder: Path, life: int) -> None:
    """Append batches without end, compacting on the way."""
    journal = Journal(folder, JournalSettings(compact_after=60))
    number = 0
    while True:
        receipt = journal.append([event(f"{life}-{number}-{each}", each) for each in range(BATCH)])
        if receipt.accepted != BATCH:
            tell(f"wrong {receipt}")
        tell(f"ack {life} {number}")
        number += 1


def share(folder: Path, start: int, end: int) -> None:
    """Append the events of a range, a few at a time, and say how many were new."""
    accepted = 0
    with Journal(folder, JournalSettings(compact_after=100)) as journal:
        for number in range(start, end, BATCH):
            accepted += journal.append(
                [event(f"shared-{each}", each) for each in range(number, number + BATCH)]
            ).accepted
    tell(f"accepted {accepted}")


def bring(folder: Path, file: Path) -> None:
    """Import a file of NDJSON, a few lines at a time, and say so after each batch."""
    readers.ROWS = 20  # type: ignore[misc]
    with Journal(folder, JournalSettings(compact_after=300)) as journal:
        done = ingest(journal, [file], None, advance=lambda *_: tell("ack"))
    tell(f"done {done.accepted} {done.duplicates} {done.rejected}")


def main() -> None:
    """Serve commands until stdin ends."""
    folder = Path(sys.argv[1])
    pa.array([1])  # what Arrow imports at its first use
    tell("ready")
    for line in sys.stdin:
        command, *numbers = line.split()
        child = os.fork()
        if child == 0:
            if command == "bring":
                bring(folder, Path(numbers[0]))
            elif command == "live":
                live(folder, int(numbers[0]))
            else:
                share(folder, *map(int, numbers))
            os._exit(0)
        tell(f"pid {child}")
        os.waitpid(child, 0)
        tell("dead")


if __name__ == "__main__":
    main()
