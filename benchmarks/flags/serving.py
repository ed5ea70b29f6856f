"""Single remote evaluations a second: `counterpoint serve` on one core, wrk with 32 connections on another.

The server runs as in production: with sign-in, a client key, exposures and a line of log for each request.
The flag is that of the workload. Beside it what uvicorn with httptools and uvloop can do at all, answering
the same bytes and looking at nothing; and flagd, where `flagd` is on the path. The rows take turns, since the
machine may be shared; CPU microseconds are the server's own, all its threads, and suffer least from that.

    python benchmarks/flags/serving.py [--seconds 5] [--rounds 3] [--only NAME ...]
"""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from workload import DEFINITION, KEY, users

SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 32
WARM_UP = 3
"""Seconds before each measurement; a fast machine has seen every user in them."""
PATH = f"/ofrep/v1/evaluate/flags/{KEY}"
FIXED = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
PAGE = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
"""What a browser adds to the request of a page."""
TICKS = os.sysconf("SC_CLK_TCK")

FLOOR = """
import json, sys, uvicorn
BODY = json.dumps({"key": "new-checkout", "reason": "TARGETING_MATCH", "variant": "off", "metadata": {}, "value": False}).encode()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]

async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})

uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", lifespan="off", ws="none",
            http="httptools", loop="uvloop", server_header=False)
"""
"""The least that an ASGI application can do."""

LUA = """
local bodies = {}
for line in io.lines("%(bodies)s") do bodies[#bodies + 1] = line end
local requests, at, fresh = {}, 0, %(fresh)s
function init()
  for index, body in ipairs(bodies) do requests[index] = wrk.format("POST", "%(path)s", %(headers)s, body) end
end
function request()
  at = at + 1
  if fresh then
    local body = string.gsub(bodies[at %% #bodies + 1], '"targetingKey": "', '%%0' .. fresh .. at .. "-", 1)
    return wrk.format("POST", "%(path)s", %(headers)s, body)
  end
  return requests[at %% #requests + 1]
end
"""


@dataclass(frozen=True)
class Measured:
    """One run of wrk."""

    rate: float
    """Requests a second."""
    p50: float
    p99: float
    """Milliseconds."""
    cpu: float
    """Microseconds of the server's CPU for each request."""
    failed: int


@dataclass(frozen=True)
class Target:
    """A running server and what is asked of it."""

    process: subprocess.Popen[bytes]
    url: str
    headers: dict[str, str]
    path: str = PATH
    fresh: bool = False
    """Whether every request is for a subject that was never seen, so that each is an exposure."""


def measured(target: Target, folder: Path, seconds: int, run: str) -> Measured:
    """Let wrk ask, and read what it says and what the server used."""
    bodies = folder / "bodies"
    bodies.write_text(
        "\n".join(json.dumps({"context": {"targetingKey": key, **attributes}}) for key, attributes in users())
    )
    headers = {"Content-Type": "application/json", **target.headers}
    table = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
    script = folder / "ask.lua"
    said = {"bodies": bodies, "path": target.path, "headers": "{" + table + "}"}

    def ask(part: str, lasting: int) -> str:
        script.write_text(LUA % (said | {"fresh": f'"{run}-{part}-"' if target.fresh else "false"}))
        return _wrk(target, script, lasting)

    ask("first", WARM_UP)
    before = _cpu(target.process.pid)
    told = ask("then", seconds)
    used = _cpu(target.process.pid) - before
    total = int(_found(r"(\d+) requests in", told))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    return Measured(
        rate=float(_found(r"Requests/sec:\s+([\d.]+)", told)),
        p50=_milliseconds(_found(r"50%\s+([\d.]+\w+)", told)),
        p99=_milliseconds(_found(r"99%\s+([\d.]+\w+)", told)),
        cpu=used / total * 1e6,
        failed=int(failed.group(1)) if failed else 0,
    )


def _wrk(target: Target, script: Path, seconds: int) -> str:
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    ran = subprocess.run(
        [*command, "-s", str(script), target.url], capture_output=True, text=True, check=True
    )
    return ran.stdout


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said something else than expected:\n{text}")
    return found.group(1)


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: list[str], port: int, log: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as written:
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            env={**os.environ, **environment},
        )
        try:
            end = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > end:
                        raise SystemExit(f"The server did not start:\n{log.read_text()}") from None
                    time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def counterpoint(folder: Path) -> Iterator[dict[str, Target]]:
    """Our server over a new workspace, with a client key."""
    from counterpoint import Workspace
    from counterpoint.flags.store import write_set
    from counterpoint.graph.actor import local_actor
    from counterpoint.server.identity import accounts, tokens

    with Workspace.create(folder / "workspace") as workspace:
        definition = {"flags": {**DEFINITION["flags"], "fixed": FIXED, "team/fixed": FIXED}}
        write_set(workspace, local_actor(), "default", definition)
        accounts.create_account(workspace.graph, local_actor(), "ana", "correct horse battery", admin=True)
        _, key = tokens.create_token(workspace.graph, local_actor(), "web", frozenset({"flags:evaluate"}))
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "counterpoint",
        "-w",
        str(folder / "workspace"),
        "serve",
        "--port",
        str(port),
    ]
    with _running(command, port, folder / "log") as process:
        url, sent = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"}
        yield {
            "counterpoint": Target(process, url, sent),
            "counterpoint, flag without a rule": Target(process, url, sent, PATH.replace(KEY, "fixed")),
            "counterpoint, every subject new": Target(process, url, sent, fresh=True),
            "counterpoint, from a page": Target(process, url, sent | PAGE),
            "counterpoint, an encoded key": Target(process, url, sent, PATH.replace(KEY, "team%2Ffixed")),
        }


@contextmanager
def floor(folder: Path) -> Iterator[dict[str, Target]]:
    """uvicorn with an application that looks at nothing."""
    script, port = folder / "floor.py", _free_port()
    script.write_text(FLOOR)
    with _running([sys.executable, str(script), str(port)], port, folder / "floor.log") as process:
        yield {
            "uvicorn, bare": Target(
                process, f"http://127.0.0.1:{port}", {"Authorization": "Bearer " + "x" * 47}
            )
        }


@contextmanager
def flagd(folder: Path) -> Iterator[dict[str, Target]]:
    """flagd on one core, where it is installed."""
    program = shutil.which("flagd")
    if program is None:
        yield {}
        return
    file, ports = folder / "flags.json", [_free_port() for _ in range(3)]
    file.write_text(json.dumps(DEFINITION))
    names = ("--ofrep-port", "--port", "--management-port")
    options = [part for name, port in zip(names, ports, strict=True) for part in (name, str(port))]
    command = [program, "start", "--uri", f"file:{file}", *options]
    with _running(command, ports[0], folder / "flagd.log", GOMAXPROCS="1") as process:
        yield {"flagd": Target(process, f"http://127.0.0.1:{ports[0]}", {})}


def measure(seconds: int = 5, rounds: int = 3, only: list[str] | None = None) -> dict[str, Any]:
    """The median of each row over the rounds, and its best; `failed` counts answers that are no success."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with counterpoint(folder) as ours, floor(folder) as bare, flagd(folder) as peer:
            targets = {
                row: target for row, target in {**bare, **peer, **ours}.items() if not only or row in only
            }
            runs: dict[str, list[Measured]] = {row: [] for row in targets}
            for number in range(rounds):
                for row, target in targets.items():
                    runs[row].append(measured(target, folder, seconds, f"r{number}"))
    return {row: _summary(found) for row, found in runs.items()}


def _summary(runs: list[Measured]) -> dict[str, float]:
    return {
        "requests/s": round(statistics.median(run.rate for run in runs)),
        "best": round(max(run.rate for run in runs)),
        "p50 ms": round(statistics.median(run.p50 for run in runs), 2),
        "p99 ms": round(statistics.median(run.p99 for run in runs), 2),
        "CPU µs": round(min(run.cpu for run in runs), 1),
        "failed": sum(run.failed for run in runs),
    }


def main() -> None:
    """Print a line for each row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="rows to measure, by their names")
    given = parser.parse_args()
    for row, figures in measure(given.seconds, given.rounds, given.only).items():
        print(f"{row:36}" + "  ".join(f"{name} {value:>8}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
