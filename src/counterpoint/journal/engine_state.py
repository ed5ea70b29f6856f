"""The engine that computes on the journal: which one, what is installed, and whether it answers.

What is asked over the network is asked in a thread and kept for a minute, so that no page waits for it.
"""

import socket
import threading
import time
from functools import cache
from importlib import metadata
from typing import Final
from urllib.parse import urlsplit

import msgspec

from counterpoint.engine import EngineAddress, read_engine

__all__ = ["EngineState", "Engines"]

PACKAGES: Final = {
    "duckdb": ("duckdb", "ibis-framework", "pyarrow"),
    "spark": ("pyspark", "ibis-framework", "pyarrow"),
    "clickhouse": ("clickhouse-connect", "chdb", "ibis-framework", "pyarrow"),
}
PORTS: Final = {"spark": 7077, "clickhouse": 8123}
FRESH: Final = 60.0
"""Seconds for which an answer is believed."""
PATIENCE: Final = 2.0
"""Seconds that an engine has to take a connection."""


class EngineState(msgspec.Struct, frozen=True, rename="camel"):
    """One engine."""

    name: str
    place: str
    """`in this process`, `on this machine`, or host and port; never a password."""
    packages: list[tuple[str, str | None]]
    """What it needs, with the version that is installed."""
    reachable: bool | None = None
    """None: nobody has asked yet."""
    detail: str = ""
    """Why it is not."""


class Engines:
    """Remembers whether the engine answered."""

    def __init__(self, setting: str) -> None:
        """Take the setting `engine`.

        Raises:
            ValueError: it is no address of an engine.
        """
        address = read_engine(setting)
        self._name = address.kind
        self._remote = _remote(address)
        self._lock = threading.Lock()
        self._asked = -FRESH
        self._answer: tuple[bool | None, str] = (None, "")

    def state(self, *, wait: bool = False) -> EngineState:
        """The engine as far as it is known now; a new answer is asked for when the last one is a minute old.

        `wait` asks now, and waits for the answer.
        """
        remote = self._remote
        if remote is not None:
            self._ask(remote, wait=wait)
        place = "on this machine" if self._name == "spark" else "in this process"
        place = place if remote is None else f"{remote[0]}:{remote[1]}"
        packages = [(package, _version(package)) for package in PACKAGES.get(self._name, ())]
        reachable, detail = (True, "") if remote is None else self._answer
        return EngineState(self._name, place, packages, reachable, detail)

    def _ask(self, remote: tuple[str, int], *, wait: bool) -> None:
        with self._lock:
            if time.monotonic() - self._asked < FRESH:
                return
            self._asked = time.monotonic()
        thread = threading.Thread(target=self._connect, args=remote, name="journal-engine", daemon=True)
        thread.start()
        if wait:
            thread.join()

    def _connect(self, host: str, port: int) -> None:
        try:
            socket.create_connection((host, port), timeout=PATIENCE).close()
        except OSError as error:
            self._answer = False, f"{host}:{port}: {error.strerror or error}"
        else:
            self._answer = True, ""


def _remote(address: EngineAddress) -> tuple[str, int] | None:
    """Where an engine is over the network; None where it is this machine's own."""
    if address.kind == "spark" and address.master.startswith("spark://"):
        found = urlsplit(address.master.split(",")[0])  # of several masters, one will do
        return (found.hostname or "", found.port or PORTS["spark"])
    if address.host:
        return address.host, address.port or PORTS["clickhouse"]
    return None


@cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
