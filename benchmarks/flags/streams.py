"""Event streams: a PUT until the last of many connected clients knows, and the server's memory for each.

python benchmarks/flags/streams.py [CLIENTS]

The server is `counterpoint serve` with sign-in, on SQLite; clients open the address that a bulk answer gives to
a client key, as browsers do. A second server on the same workspace takes every other PUT, so that the
streams' own process is not the one that wrote. One process plays all clients, on the same machine.
"""

import json
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.server.identity.tokens import create_token

CHANGES = 12
PATIENCE = 30.0


class Server(NamedTuple):
    """A running server."""

    url: str
    process: int

    @property
    def memory(self) -> int:
        """Bytes that it holds now."""
        status = Path(f"/proc/{self.process}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024  # type: ignore[index]

    @property
    def cpu(self) -> float:
        """Seconds of CPU that it has taken."""
        fields = Path(f"/proc/{self.process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server of the workspace on a free port."""
    command = [sys.executable, "-m", "counterpoint", "-w", str(folder), "serve", "--port", "0"]
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
    child = subprocess.Popen(command, stderr=log)
    try:
        end = time.monotonic() + PATIENCE
        while not (
            found := re.search(r" at (http://\S+)", Path(f"/proc/self/fd/{log.fileno()}").read_text())
        ):
            if child.poll() is not None or time.monotonic() > end:
                raise SystemExit("The server did not start.")
            time.sleep(0.05)
        yield Server(found[1], child.pid)
    finally:
        child.terminate()
        child.wait(PATIENCE)
        log.close()


class Clients:
    """Sockets that each read one stream."""

    def __init__(self, server: Server, path: str, number: int) -> None:
        self.selector = selectors.DefaultSelector()
        self.seen: dict[int, bytes] = {}
        host = urlsplit(server.url)
        asked = f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode()
        for each in range(number):
            sock = socket.create_connection((host.hostname, host.port))
            sock.sendall(asked)
            sock.setblocking(False)
            self.selector.register(sock, selectors.EVENT_READ, each)
            self.seen[each] = b""

    def told(self, etag: str) -> tuple[float, float]:
        """Wait until every client knows the etag; when the first and the last did, by the clock of performance."""
        wanted, missing = f'"etag":"{etag}"'.encode(), set(self.seen)
        first = None
        end = time.perf_counter() + PATIENCE
        while missing:
            for key, _ in self.selector.select(1.0):
                part = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not part:
                    raise SystemExit("A stream has ended.")
                self.seen[key.data] = (self.seen[key.data] + part)[-600:]
                if key.data in missing and wanted in self.seen[key.data]:
                    missing.discard(key.data)
                    first = first or time.perf_counter()
            if time.perf_counter() > end:
                raise SystemExit(f"{len(missing)} clients were not told.")
        return first or 0.0, time.perf_counter()


def definition(number: int) -> bytes:
    """One flag, of which something changes with the number."""
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    return json.dumps({"metadata": {"version": str(number)}, "flags": {"new": flag}}).encode()


def put(server: Server, token: str, number: int) -> str:
    """Change the set; its etag."""
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = httpx2.put(f"{server.url}/api/flags/sets/default", content=definition(number), headers=headers)
    answer.raise_for_status()
    return str(answer.headers["etag"]).strip('"')


def change(server: Server, token: str, number: int, clients: Clients) -> dict[str, float]:
    """Milliseconds from sending a PUT to its answer, to the first client and to the last."""
    begun = time.perf_counter()
    etag = put(server, token, number)
    answered = time.perf_counter()
    first, last = clients.told(etag)
    return {
        "answer": (answered - begun) * 1000,
        "first": (first - begun) * 1000,
        "last": (last - begun) * 1000,
    }


def measure(number: int = 1000) -> dict[str, object]:
    """Worst and middle of some PUTs, by whether the streams' own server took them."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "workspace"
        with Workspace.create(place) as workspace:
            key = create_token(workspace.graph, local_actor(), "page", frozenset({"flags:evaluate"}))[1]
            token = create_token(workspace.graph, local_actor(), "writer", frozenset({"write", "read"}))[1]
        with serving(place) as server, serving(place) as other:
            etag = put(server, token, 0)
            bulk = httpx2.post(f"{server.url}/ofrep/v1/evaluate/flags", headers={"x-api-key": key})
            path = bulk.json()["eventStreams"][0]["endpoint"]["requestUri"]
            before, cpu = server.memory, server.cpu
            begun = time.perf_counter()
            clients = Clients(server, path, number)
            _, opened = clients.told(etag)
            memory = (server.memory - before) / number
            figures: dict[str, object] = {
                "clients": number,
                "seconds until all were connected": round(opened - begun, 2),
                "CPU ms of the server for each connection": round((server.cpu - cpu) / number * 1000, 2),
                "memory of the server for each client, kB": round(memory / 1000, 1),
            }
            for name, writer in (("own server", server), ("another server", other)):
                times, cpu = [], server.cpu
                for each in range(CHANGES):
                    offset = CHANGES if writer is other else 0
                    times.append(change(writer, token, each + 1 + offset, clients))
                figures[f"PUT to {name}, ms: middle (worst)"] = {
                    what: f"{sorted(t[what] for t in times)[CHANGES // 2]:.0f} ({max(t[what] for t in times):.0f})"
                    for what in ("answer", "first", "last")
                }
                figures[f"CPU ms of the streams' server for each PUT to {name}"] = round(
                    (server.cpu - cpu) / CHANGES * 1000
                )
            return figures


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000), indent=2))
