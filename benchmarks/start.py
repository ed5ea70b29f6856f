"""What starting costs: `--help`, a server on the demo workspace until it is ready, and its pages once warm."""

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.error import URLError

COMMAND = [sys.executable, "-m", "counterpoint"]
PAGES = (
    "/",
    "/catalog",
    "/bets/default/discover-weekly",
    "/experiments/default/discover-weekly",
    "/events",
    "/settings",
)
DEADLINE = 60
"""Seconds after which a server that is not ready never will be."""


def measure() -> dict[str, object]:
    """CPU of `--help`, seconds until ready, milliseconds of each page; the best of several runs."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        subprocess.run([*COMMAND, "demo", str(demo), "--no-serve"], check=True, capture_output=True)
        servers = [_serve(demo) for _ in range(3)]
    best = min(servers, key=lambda each: each["ready_s"])
    return {"help_cpu_s": min(_cpu([*COMMAND, "--help"]) for _ in range(5)), **best}


def _cpu(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3)


def _serve(demo: Path) -> dict[str, object]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    started = time.perf_counter()
    server = subprocess.Popen(
        [*COMMAND, "-w", str(demo), "serve", "--no-auth", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )
    try:
        while not _answers(f"{url}/readyz"):
            if server.poll() is not None or time.perf_counter() - started > DEADLINE:
                raise SystemExit("The server did not start.")
            time.sleep(0.01)
        ready = round(time.perf_counter() - started, 2)
        return {"ready_s": ready, "page_ms": {page: _milliseconds(url + page) for page in PAGES}}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(DEADLINE)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
            return True
    except (URLError, OSError):
        return False


def _milliseconds(url: str) -> float:
    times = []
    for _ in range(6):  # the first fills caches
        before = time.perf_counter()
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:  # noqa: S310 - our own loopback address
            answer.read()
        times.append((time.perf_counter() - before) * 1000)
    return round(sorted(times[1:])[2], 1)
