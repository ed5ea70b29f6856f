"""Durable ingest against its floor: the same rows in plain SQLite, synced as often, and the disk's bare fsync.

In process and over HTTP from another process, by batch size and number of connections. The journal checks each
event, derives its columns and its identity, and compacts in the background; the floor only inserts ready rows.
Everything answers a batch when it is on the disk. CPU is of all threads of whoever writes (over HTTP: of the
server alone), in microseconds for each event; wall times are of shared machines, so each is the best of some rounds.

    python benchmarks/run.py journal/ingest
    python benchmarks/journal/ingest.py [--quick] [--only NAME ...]
"""

import argparse
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from counterpoint.journal import Event, Journal, read_event
from counterpoint.journal.model.row import COLUMNS, row_of
from counterpoint.moments import to_datetime
from counterpoint.settings import JournalSettings

EVENTS = 100_000
BATCH = 1_000
ROUNDS = 3
COMPACT_AFTER = JournalSettings().compact_after
NEVER = 10**9
"""`compact_after` that no run reaches."""
SYNCS = 200
TICKS = os.sysconf("SC_CLK_TCK")
TYPES = {"batch": "application/cloudevents-batch+json", "ndjson": "application/x-ndjson"}
HTTP = [(form, size, connections) for form in TYPES for size in (1_000, 100, 1) for connections in (1, 8, 32)]
CROWD = ("batch", 1, 256)
REQUESTS = {1_000: 100, 100: 400, 1: 2_000}
"""Requests of one HTTP row, by the size of their batches."""

_numbers = count()


def documents(number: int) -> list[dict[str, Any]]:
    """Metric events of as many users; no two calls give the same."""
    return [
        {
            "specversion": "1.0",
            "id": f"user-{each}:order.placed",
            "source": "benchmark",
            "type": "order.placed",
            "subject": f"user-{each}",
            "time": f"2026-05-04T10:{each // 60_000 % 60:02}:{each // 1_000 % 60:02}.{each % 1_000:03}Z",
            "data": {"value": each % 97, "currency": "EUR"},
        }
        for each in (next(_numbers) for _ in range(number))
    ]


def cost(events: int, wall: float, processor: float) -> dict[str, float]:
    """Events a second by the clock and by CPU, and CPU microseconds an event."""
    return {
        "events_per_second": round(events / wall),
        "events_per_core_second": round(events / max(processor, 1e-9)),
        "cpu_us_per_event": round(processor / events * 1e6, 2),
    }


def timed(work: Callable[[], object]) -> dict[str, float]:
    """What EVENTS events cost this process; all that their work started has ended with it."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return cost(EVENTS, time.perf_counter() - wall, time.process_time() - processor)


def best(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The best of each figure."""
    return {
        name: (min if name.startswith("cpu") else max)(each[name] for each in rounds) for name in rounds[0]
    }


def fsync(folder: Path) -> dict[str, float]:
    """Milliseconds of writing 4 KB and syncing: the least that one commit takes."""
    took = []
    with (folder / "fsync").open("wb") as file:
        for _ in range(SYNCS):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - begun) * 1000)
    return {"ms_best": round(min(took), 3), "ms_median": round(sorted(took)[SYNCS // 2], 3)}


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


def ready_rows(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows that the floor inserts."""
    read = [read_event(document, received=to_datetime(0)) for document in events]
    rows = [row_of(event) for event in read if isinstance(event, Event)]
    return [row[: len(COLUMNS)] for row in rows if isinstance(row, tuple)]


def in_process(
    folder: Path, events: list[dict[str, Any]], compact_after: int, *, whole: bool = False
) -> None:
    """Append the documents a batch at a time, each waited for; `whole` also waits until all are compacted."""
    with Journal(folder, JournalSettings(compact_after=compact_after)) as opened:
        for start in range(0, EVENTS, BATCH):
            opened.append(events[start : start + BATCH])
        if whole:
            while opened.compact().busy:
                pass


@contextmanager
def server(folder: Path, compact_after: int) -> Iterator[tuple[int, int]]:
    """`counterpoint serve` on an empty workspace: its port and its process."""
    command = [sys.executable, "-m", "counterpoint", "-w", str(folder)]
    subprocess.run([*command, "init", str(folder)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"COUNTERPOINT_JOURNAL__COMPACT_AFTER": str(compact_after)}
    serving = [*command, "serve", "--no-auth", "--port", str(port)]
    process = subprocess.Popen(serving, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answers(port, process)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the server listens."""
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"The server ended with {process.returncode}.")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("The server does not listen.")


def processor_of(process: int) -> float:
    """CPU seconds that a process has used, all its threads."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def requests(form: str, size: int) -> list[bytes]:
    """Whole requests, ready to be sent."""
    made = []
    for _ in range(REQUESTS[size]):
        events = documents(size)
        body = msgspec.json.encode(events)
        if form == "ndjson":
            body = b"\n".join(map(msgspec.json.encode, events))
        head = f"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPES[form]}\r\nContent-Length: {len(body)}\r\n\r\n"
        made.append(head.encode() + body)
    return made


def send(port: int, ready: Iterator[bytes], problems: list[str]) -> None:
    """Send requests over one connection until there are none left."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in ready:
            connection.sendall(request)
            answer = connection.recv(65536)
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                answer += connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200") or b'"rejected":[]' not in answer:
                problems.append(answer.decode())
                return


def over_http(port: int, process: int, row: tuple[str, int, int]) -> dict[str, float]:
    """One row: what its requests cost the server."""
    form, size, connections = row
    ready = requests(form, size)
    handed, problems = iter(ready), []
    guard = threading.Lock()

    def each() -> Iterator[bytes]:
        while True:
            with guard:
                request = next(handed, None)
            if request is None:
                return
            yield request

    threads = [threading.Thread(target=send, args=(port, each(), problems)) for _ in range(connections)]
    wall, processor = time.perf_counter(), processor_of(process)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise SystemExit(f"The server answered {problems[0]}")
    wall, processor = time.perf_counter() - wall, processor_of(process) - processor
    return cost(len(ready) * size, wall, processor) | {"requests_per_second": round(len(ready) / wall)}


def one_round(folder: Path, only: Sequence[str]) -> Iterator[tuple[str, dict[str, float]]]:
    """Every row once, the floor first."""
    folder.mkdir()
    events = documents(EVENTS)
    ready = ready_rows(events)
    yield "sqlite_floor", timed(lambda: floor(folder, ready))
    yield "journal", timed(lambda: in_process(folder / "intake", events, NEVER))
    yield (
        "journal_compacting",
        timed(lambda: in_process(folder / "compacting", events, COMPACT_AFTER, whole=True)),
    )
    for way, compact_after in (("http", NEVER), ("http_compacting", COMPACT_AFTER)):
        rows = [*HTTP, CROWD] if compact_after == NEVER else [row for row in HTTP if row[1] == BATCH]
        named = [(f"{way}_{form}_of_{size}_by_{number}", (form, size, number)) for form, size, number in rows]
        chosen = [each for each in named if not only or any(part in each[0] for part in only)]
        if chosen:
            with server(folder / way, compact_after) as (port, process):
                over_http(port, process, ("batch", 1, 8))  # what is loaded at the first request
                for label, row in chosen:
                    yield label, over_http(port, process, row)


def measure(*, rounds: int = ROUNDS, only: Sequence[str] = ()) -> dict[str, object]:
    """Everything on the same disk; the rows take turns."""
    import pyarrow as pa

    pa.array([""])  # Arrow's imports, which a server pays once
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        for turn in range(rounds):
            for label, figure in one_round(Path(name) / str(turn), only):
                print(turn, label, figure, file=sys.stderr, flush=True)
                found.setdefault(label, []).append(figure)
        synced = fsync(Path(name))
    figures = {label: best(each) for label, each in found.items()}
    least = figures["sqlite_floor"]
    for each in figures.values():
        each["times_floor_cpu"] = round(each["cpu_us_per_event"] / least["cpu_us_per_event"], 2)
        each["times_floor_wall"] = round(least["events_per_second"] / each["events_per_second"], 2)
    return {"events": EVENTS, "batch": BATCH, "rounds": rounds, "fsync": synced, **figures}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of the HTTP rows")
    given = parser.parse_args()
    for label, figure in measure(rounds=1 if given.quick else ROUNDS, only=given.only).items():
        print(label, json.dumps(figure))
