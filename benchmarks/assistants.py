"""What a read over the Model Context Protocol costs on loopback, beside the same read of the API: milliseconds on the demo."""

import asyncio
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

from mcp.client.client import Client

COMMAND = [sys.executable, "-m", "counterpoint"]
CALLS = 200
READS = {
    "get_bet": ({"bet": "discover-weekly"}, "/api/v1/bets/default/discover-weekly"),
    "read_board": ({}, "/api/v1/boards"),
    "search": ({"q": "discover"}, "/api/v1/search?q=discover&limit=20"),
    "get_rollout": ({"rollout": "discover-weekly"}, "/api/v1/rollouts/default/discover-weekly"),
}


def measure() -> dict[str, object]:
    """p50 and p95 of each read, over the protocol in both of its forms and over the API."""
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo"
        subprocess.run([*COMMAND, "demo", str(demo), "--no-serve"], check=True, capture_output=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [*COMMAND, "-w", str(demo), "serve", "--no-auth", "--port", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return asyncio.run(_figures(f"http://127.0.0.1:{port}"))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


async def _figures(url: str) -> dict[str, object]:
    while not await asyncio.to_thread(_answers, f"{url}/readyz"):
        await asyncio.sleep(0.1)
    figures: dict[str, object] = {}
    # The API first: what the server does once it has started is over then.
    for name, (_, path) in READS.items():
        figures[f"{name} API"] = await _timed(lambda path=path: asyncio.to_thread(_answers, url + path))
    for mode in ("auto", "legacy"):
        async with Client(f"{url}/mcp", mode=mode) as client:
            for name, (arguments, _) in READS.items():
                figures[f"{name} {client.protocol_version}"] = await _timed(
                    lambda name=name, arguments=arguments, client=client: client.call_tool(name, arguments)
                )
    return figures


async def _timed(call: Callable[[], Awaitable[object]]) -> dict[str, float]:
    times = []
    await call()
    for _ in range(CALLS):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    times.sort()
    return {"p50_ms": round(times[CALLS // 2] * 1e3, 2), "p95_ms": round(times[int(CALLS * 0.95)] * 1e3, 2)}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the server that we started
            return bool(answer.status == 200 and answer.read() is not None)
    except OSError:
        return False


if __name__ == "__main__":
    print(measure())
