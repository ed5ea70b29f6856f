"""A PostgreSQL cluster of its own, with default settings, for either server; needs Debian's package `postgresql`."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg

QUIET = (
    "SELECT (SELECT count(*) FROM stitch_queue)"
    " + (SELECT count(*) FROM refresh_state WHERE processed_entity IS NULL AND errors IS NULL)"
)
"""How many entities Backstage has still to process or to stitch."""


class Cluster:
    """A running cluster in `folder` on loopback, trusted, as the user `postgres` where we are root."""

    def __init__(self, folder: Path, port: int) -> None:
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: float(place.parent.name))
        if not places:
            raise SystemExit("PostgreSQL's server is not installed; install the package postgresql.")
        self.binaries, self.data, self.port = places[-1], folder / "data", port
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.run_as: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self.run_as = ["runuser", "-u", "postgres", "--"]
        self._call("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        options = f"-k {folder} -c listen_addresses=127.0.0.1 -p {port}"
        self._call("pg_ctl", "-w", "-s", "-l", str(folder / "log"), "-o", options, "start")

    def _call(self, program: str, *arguments: str) -> None:
        command = [*self.run_as, str(self.binaries / program), "-D", str(self.data), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self.data.parent)
        if done.returncode:
            raise SystemExit(f"{program} failed: {done.stderr or done.stdout}")

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @property
    def connection(self) -> dict[str, Any]:
        """What Backstage's configuration says of it."""
        return {"host": "127.0.0.1", "port": self.port, "user": "postgres", "password": "postgres"}

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement in autocommit; its rows, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Stop it."""
        self._call("pg_ctl", "-w", "-s", "-m", "fast", "stop")
