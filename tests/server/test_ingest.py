"""Ingest over real connections: bodies that lie, floods, and two servers on one journal."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from counterpoint import Workspace

HEADERS = {"Content-Type": "application/cloudevents-batch+json"}
SENDERS = 24
EACH_MB = 6
BUFFER_MB = 16
MOST_MB = 180
"""By how many megabytes the process may grow: the bodies that are let in, their rows, and what two of them become
while they are read. It was 61; with all bodies let in 495."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Workspace.create(tmp_path / "workspace").close()
    return tmp_path / "workspace"


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[tuple[str, int]]:
    """A server in a process of its own: its address and its number."""
    program = Path(__file__).with_name("forking_server.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | settings,
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        parent.stdin.write("serve\n")
        parent.stdin.flush()
        process, port = map(int, parent.stdout.readline().split())
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            os.kill(process, 15)
            parent.stdin.close()


def highest_mb(process: int) -> float:
    """The most memory that a process has ever had, in megabytes."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def events(start: int, number: int, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"specversion": "1.0", "id": str(each), "source": "flood", "type": "play", **changes}
        for each in range(start, start + number)
    ]


@pytest.mark.timeout(120)
def test_a_flood_of_large_events_is_told_to_wait_and_memory_stays_bounded(folder: Path) -> None:
    with ExitStack() as stack:
        url, process = stack.enter_context(served(folder, COUNTERPOINT_JOURNAL__BUFFER_MB=str(BUFFER_MB)))
        with httpx2.Client(timeout=60) as client:
            first = client.post(
                f"{url}/api/events", content=msgspec.json.encode(events(0, 1)), headers=HEADERS
            )
            assert first.status_code == 200
        before = highest_mb(process)
        disk = stack.enter_context(ThreadPoolExecutor(SENDERS))
        held = sqlite3.connect(folder / "journal" / "intake.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")  # as if the disk stood still
        bodies = [
            msgspec.json.encode(events(1 + 10 * sender, 10, data="x" * (EACH_MB * 100_000)))
            for sender in range(SENDERS)
        ]

        def send(body: bytes) -> Any:
            return httpx2.post(f"{url}/api/events", content=body, headers=HEADERS, timeout=60)

        sending = [disk.submit(send, body) for body in bodies]
        while sum(each.done() for each in sending) < SENDERS // 2:
            pass  # until those that were told to wait have their answer, before the disk goes on
        held.execute("ROLLBACK")
        held.close()
        answers = [each.result(60) for each in sending]
        grown = highest_mb(process) - before
    statuses = [each.status_code for each in answers]
    assert set(statuses) == {200, 429}
    assert all(each.headers["retry-after"] for each in answers if each.status_code == 429)
    assert grown < MOST_MB, f"{grown:.0f} MB"
    with Workspace.open(folder) as workspace:
        assert sum(each.count for each in workspace.journal.counts()) == 1 + 10 * statuses.count(200)


@pytest.mark.timeout(120)
def test_two_servers_take_the_same_events_at_full_rate_and_keep_each_once(folder: Path) -> None:
    size, batches = 200, 40
    small = {"COUNTERPOINT_JOURNAL__COMPACT_AFTER": "1000"}
    with ExitStack() as stack:
        urls = [stack.enter_context(served(folder, **small))[0] for _ in range(2)]
        pool = stack.enter_context(ThreadPoolExecutor(4))

        def send_all(url: str, order: Callable[[range], Any]) -> list[dict[str, int]]:
            with httpx2.Client(timeout=60) as client:
                return [
                    client.post(
                        f"{url}/api/events",
                        content=msgspec.json.encode(events(size * number, size)),
                        headers=HEADERS,
                    ).json()
                    for number in order(range(batches))
                ]

        sending = [pool.submit(send_all, url, order) for url in urls for order in (list, reversed)]
        receipts = [receipt for each in sending for receipt in each.result(100)]
    assert sum(each["accepted"] for each in receipts) == size * batches
    assert sum(each["duplicates"] for each in receipts) == 3 * size * batches
    with Workspace.open(folder) as workspace, workspace.journal.snapshot() as snapshot:
        found = snapshot.events("play").id.to_pyarrow().to_pylist()
    assert sorted(map(int, found)) == list(range(size * batches))


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


WHOLE = msgspec.json.encode(events(1, 2))
LENGTH = len(WHOLE)
BODIES = {
    "in chunks": (b"Transfer-Encoding: chunked", chunked(WHOLE[:7], WHOLE[7:], b""), b"200", 2),
    "in chunks without end": (b"Transfer-Encoding: chunked", chunked(WHOLE), b"", 0),
    "chunks of nonsense": (b"Transfer-Encoding: chunked", b"zz\r\n" + WHOLE, b"400", 0),
    "shorter than said": (b"Content-Length: %d" % (LENGTH + 10), WHOLE, b"", 0),
    "longer than said": (b"Content-Length: %d" % (LENGTH - 10), WHOLE, b"400", 0),
    "half of it": (b"Content-Length: %d" % LENGTH, WHOLE[: LENGTH // 2], b"", 0),
    "of a negative length": (b"Content-Length: -1", WHOLE, b"400", 0),
    "of two lengths": (b"Content-Length: 5\r\nContent-Length: %d" % LENGTH, WHOLE, b"400", 0),
    "without a length": (b"X-Nothing: 1", b"", b"400", 0),
    "larger than is taken": (b"Content-Length: 99999999999999999999", WHOLE, b"4", 0),
}
"""The header that says how long a body is, the body, how the status begins (nothing where nobody waits for an
answer), and how many of its events are taken."""


def test_a_body_that_is_not_what_was_said_is_not_taken(folder: Path) -> None:
    wanted = 0
    with served(folder) as (url, _):
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for index, (name, (length, body, status, taken)) in enumerate(BODIES.items()):
            kind = HEADERS["Content-Type"].encode()
            head = b"POST /api/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %b\r\n%b\r\n\r\n"
            with socket.create_connection(address, timeout=30) as connection:
                # Events of its own each time, so that none can hide as a repeat.
                connection.sendall(head % (kind, length) + body.replace(b"flood", b"fl%03d" % index))
                if status:
                    answer = connection.recv(65_536)
                    assert answer.split()[1].startswith(status), (name, answer)
            wanted += taken
        assert httpx2.get(f"{url}/healthz").status_code == 200
    with Workspace.open(folder) as workspace:
        assert sum(each.count for each in workspace.journal.counts()) == wanted
