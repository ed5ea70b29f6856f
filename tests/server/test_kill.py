"""`kill -9` of the server during ingest: what was acknowledged is there, nothing twice, all opens."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event, Lock
from typing import Any

import httpx2
import pytest

from counterpoint import Workspace

KILLS = int(os.environ.get("COUNTERPOINT_FUZZ", "50"))
"""A longer run is a setting away."""
SENDERS = 3
BATCH = 20
BATCHES = "application/cloudevents-batch+json"


class Sender:
    """Sends batches to one server until it dies; a batch without an answer is sent again to the next."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers = count()
        self.pending: list[dict[str, Any]] = []
        self.acknowledged: set[str] = set()

    def send(self, url: str, answered: "Acknowledgements") -> None:
        with httpx2.Client(timeout=30) as client:
            while True:
                self.pending = self.pending or [self._event() for _ in range(BATCH)]
                try:
                    response = client.post(
                        f"{url}/api/events", json=self.pending, headers={"Content-Type": BATCHES}
                    )
                except httpx2.TransportError:
                    return
                assert response.status_code == 200, response.text
                receipt = response.json()
                assert receipt["accepted"] + receipt["duplicates"] == BATCH, receipt
                self.acknowledged |= {each["id"] for each in self.pending}
                self.pending = []
                answered.set()

    def _event(self) -> dict[str, Any]:
        identity = f"{self.name}-{next(self.numbers)}"
        return {"specversion": "1.0", "id": identity, "source": "test", "type": "play", "subject": "u"}


class Acknowledgements:
    """Lets the test wait until a number of batches have been answered."""

    def __init__(self, wanted: int) -> None:
        self.left = wanted
        self.lock = Lock()
        self.reached = Event()

    def set(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left <= 0:
                self.reached.set()


@pytest.fixture
def forking(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A workspace, and a program that starts a server on it for each line written to it."""
    folder = tmp_path / "workspace"
    Workspace.create(folder).close()
    # Small segments, so that compaction is killed as well.
    environment = os.environ | {"COUNTERPOINT_JOURNAL__COMPACT_AFTER": "500"}
    program = Path(__file__).with_name("forking_server.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as parent:
        yield folder, parent
        parent.kill()


@pytest.mark.timeout(240 + 5 * KILLS)
def test_fifty_kills_during_ingest_lose_nothing_acknowledged_and_double_nothing(
    forking: tuple[Path, subprocess.Popen[str]],
) -> None:
    folder, parent = forking
    assert parent.stdin
    assert parent.stdout
    chance = random.Random(7)  # noqa: S311 - when to kill
    senders = [Sender(f"sender{number}") for number in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as pool:
        for _ in range(KILLS):
            parent.stdin.write("serve\n")
            parent.stdin.flush()
            process, port = parent.stdout.readline().split()
            answered = Acknowledgements(chance.randint(1, 12))
            sending = [pool.submit(sender.send, f"http://127.0.0.1:{port}", answered) for sender in senders]
            assert answered.reached.wait(30)
            os.kill(int(process), signal.SIGKILL)
            for each in sending:
                each.result(30)
    parent.stdin.close()
    with Workspace.open(folder) as workspace:
        with workspace.journal.snapshot() as snapshot:
            stored = Counter(snapshot.events("play").id.to_pyarrow().to_pylist())
        findings = workspace.check()
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    assert len(acknowledged) >= KILLS * BATCH
    assert acknowledged <= stored.keys()
    assert set(stored.values()) == {1}
    assert not [finding for finding in findings if finding.level == "error"]
