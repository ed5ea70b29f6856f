"""Starting and stopping the two servers: the real Backstage backend from npm, and ours.

Backstage needs Node 20 or newer with npm; it is installed once into a folder (`--peer`, about two minutes):
exact versions from `backstage/package.json`, everything below them as it was on the day `BEFORE`.
"""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BEFORE = "2026-09-20"
"""npm takes no release younger than this, so that what is measured stays what it was."""
KINDS = (
    "Component",
    "API",
    "Resource",
    "System",
    "Domain",
    "Group",
    "User",
    "Location",
    "Template",
    "AiResource",
)
DEADLINE = 1_800
"""Seconds after which a catalog that is not ready never will be."""


def install(folder: Path) -> None:
    """Install the Backstage backend into `folder`, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "start.js"):
        shutil.copyfile(HERE / "backstage" / name, folder / name)
    if (folder / "node_modules" / "@backstage" / "plugin-catalog-backend").is_dir():
        return
    npm = [
        "npm",
        "install",
        f"--before={BEFORE}",
        "--no-audit",
        "--no-fund",
        "--omit-lockfile-registry-resolved",
    ]
    subprocess.run(npm, cwd=folder, check=True)


@dataclass
class Server:
    """A catalog server as a child process, with the address that answers `/api/catalog`."""

    name: str
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, command: list[str], environment: dict[str, str], cwd: Path) -> None:
        """Start the process with its output in `<folder>/log`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT, cwd=cwd
            )

    def stop(self) -> None:
        """End the process, gently at first."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def get(self, path: str) -> Any:
        """The JSON of one GET below `/api/catalog`; None while nobody answers or the answer is no 200."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/api/catalog{path}")
            answer = connection.getresponse()
            body = answer.read()
            return json.loads(body) if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def wait_until_up(self, pause: float = 0.1) -> float:
        """Wait until HTTP answers; the moment, as `time.perf_counter` has it."""
        started = time.perf_counter()
        while self.get("/entities/by-query?limit=0") is None:
            if self.process is not None and self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended while it started; see {self.folder / 'log'}.")
            if time.perf_counter() - started > DEADLINE:
                raise SystemExit(f"{self.name} does not answer; see {self.folder / 'log'}.")
            time.sleep(pause)
        return time.perf_counter()

    def total(self) -> int:
        """How many entities it shows."""
        found = self.get("/entities/by-query?limit=0")
        return -1 if found is None else int(found["totalItems"])


class Backstage(Server):
    """The catalog backend of Backstage over SQLite in a folder, or over a PostgreSQL server."""

    def run(
        self,
        peer: Path,
        locations: list[Path],
        *,
        postgresql: dict[str, Any] | None = None,
        read_hosts: tuple[str, ...] = (),
    ) -> None:
        """Start it on configured `locations`; everything in its database is made anew."""
        install(peer)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        database: dict[str, Any] = {"client": "better-sqlite3", "connection": {"directory": str(self.folder)}}
        if postgresql:
            database = {"client": "pg", "connection": postgresql}
        url = f"http://127.0.0.1:{self.port}"
        config = {
            "app": {"baseUrl": url},
            "organization": {"name": "comparison"},
            "backend": {
                "baseUrl": url,
                "listen": f"127.0.0.1:{self.port}",
                "auth": {"dangerouslyDisableDefaultAuthPolicy": True},
                "database": database,
                "reading": {"allow": [{"host": host} for host in read_hosts]},
            },
            "catalog": {
                "rules": [{"allow": list(KINDS)}],
                "locations": [{"type": "file", "target": str(path)} for path in locations],
            },
        }
        file = self.folder / "app-config.yaml"  # JSON is YAML
        file.write_text(json.dumps(config, indent=2), encoding="utf-8")
        self.start(["node", str(peer / "start.js"), "--config", str(file)], {"NODE_ENV": "production"}, peer)

    def wait_until_quiet(self, calm_s: int = 8) -> None:
        """Wait until what SQLite holds unprocessed or unstitched has been the same for `calm_s` seconds.

        It is not always nothing: what cannot be stitched is tried again for ever.
        """
        file = self.folder / "catalog.sqlite"
        seen, calm, since = None, 0, time.perf_counter()
        while calm < calm_s:
            time.sleep(1)
            with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30) as database:
                rows = database.execute(
                    "SELECT (SELECT count(*) FROM stitch_queue), count(*), count(processed_entity), count(errors)"
                    ", (SELECT count(*) FROM final_entities WHERE final_entity IS NOT NULL) FROM refresh_state"
                ).fetchall()
            calm, seen = (calm + 1, seen) if rows == seen else (0, rows)
            if time.perf_counter() - since > DEADLINE:
                raise SystemExit(f"{self.name} is never done: {rows}.")


@dataclass
class Counterpoint(Server):
    """Our server over a workspace of its own."""

    settings: dict[str, str] = field(default_factory=dict)
    """Variables of its environment: `COUNTERPOINT_*` overlay the workspace's own settings."""

    def __post_init__(self) -> None:
        # As installed: compiled once. Containers often forbid it, and then every command compiles all it imports.
        bytecode = Path(tempfile.gettempdir()) / f"counterpoint-benchmark-bytecode-{os.getuid()}"
        self.settings |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(bytecode)}

    def run(self, locations: list[Path]) -> None:
        """Make a workspace, import `locations` and serve it."""
        self.create()
        if locations:
            self.command("-w", str(self.workspace), "import", "catalog", *map(str, locations), check=False)
        self.serve()

    def create(self) -> None:
        """Make an empty workspace, in place of what is there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.command("init", str(self.workspace))

    @property
    def workspace(self) -> Path:
        """The folder of the workspace."""
        return self.folder / "workspace"

    def serve(self) -> None:
        """Serve the workspace that is there."""
        command = [*COUNTERPOINT, "-w", str(self.workspace), "serve", "--no-auth", "--port", str(self.port)]
        self.start(command, self.settings, self.folder)

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One call of the command line."""
        done = subprocess.run(
            [*COUNTERPOINT, *arguments],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, **self.settings},
        )
        if check and done.returncode:
            raise SystemExit(f"counterpoint {' '.join(arguments)}: {done.stderr or done.stdout}")
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            log.write(f"$ counterpoint {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        return done


COUNTERPOINT = [sys.executable, "-m", "counterpoint"]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
