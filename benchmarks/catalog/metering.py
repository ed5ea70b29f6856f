"""CPU and memory of processes, and the time that requests take, measured in the same way for every server."""

import contextlib
import os
import statistics
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

from exchange import BASE
from queries import Query

TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for each in found:
        found += children(each)
    return found


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used, its descendants and those that have ended included."""
    total = 0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def memory_of(pid: int) -> float:
    """Resident megabytes of one process: what it takes now, shared libraries included."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def latency(port: int, query: Query, repeats: int) -> dict[str, float]:
    """Milliseconds of a request over one keep-alive connection: median and minimum; and bytes of the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=300)
    size, times = _ask(connection, query), []
    for _ in range(repeats):
        start = time.perf_counter()
        _ask(connection, query)
        times.append((time.perf_counter() - start) * 1000)
    connection.close()
    return {"p50": round(statistics.median(times), 3), "min": round(min(times), 3), "bytes": size}


def throughput(port: int, query: Query, seconds: float, connections: int = 8) -> float:
    """Requests a second that `connections` at once are answered."""
    counts, deadline = [0] * connections, time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=300)
        while time.perf_counter() < deadline:
            _ask(connection, query)
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / (time.perf_counter() - started), 1)


def _ask(connection: HTTPConnection, query: Query) -> int:
    headers = {"content-type": "application/json"} if query.body else {}
    connection.request(query.method, BASE + query.path, body=query.body, headers=headers)
    answer = connection.getresponse()
    size = len(answer.read())
    if answer.status != 200:
        raise SystemExit(f"{query.name} was answered with {answer.status}.")
    return size
