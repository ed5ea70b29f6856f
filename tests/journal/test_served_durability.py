"""What the server acknowledged over HTTP is there, once, however often the server is killed."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from counterpoint import Workspace
from counterpoint.journal import Journal

from .conftest import event

HOST = Path(__file__).with_name("host.py")
LIVES = 50


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout
    return (line.rstrip("\n") for line in process.stdout)


def ingest(port: int, life: int, kill: int, pid: int) -> tuple[list[str], list[list[dict[str, object]]]]:
    """Post batches until the server dies, killing it after `kill` answers while the next one is under way.

    Returns the acknowledged ids, and the batches whose answer never came.
    """
    acknowledged: list[str] = []
    unanswered: list[list[dict[str, object]]] = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    killer = threading.Timer(random.Random(life).random() / 100, os.kill, (pid, signal.SIGKILL))  # noqa: S311
    for number in range(1000):
        batch = [event(each, id=f"{life}-{number}-{each}") for each in range(5)]
        if number == kill:
            killer.start()
        try:
            connection.request(
                "POST",
                "/api/events",
                json.dumps(batch),
                {"content-type": "application/cloudevents-batch+json"},
            )
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            unanswered.append(batch)
            break
        assert (answer.status, body) == (200, {"accepted": 5, "duplicates": 0, "rejected": []})
        acknowledged += [str(each["id"]) for each in batch]
    connection.close()
    killer.join()
    return acknowledged, unanswered


def stored(journal: Journal) -> list[str]:
    with journal.snapshot() as snapshot:
        found: list[str] = snapshot.events("order.placed").id.to_pyarrow().to_pylist()
    return found


def test_a_server_killed_fifty_times_loses_no_acknowledged_event(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "ws") as workspace:
        settings = workspace.path / "counterpoint.toml"
        settings.write_text(settings.read_text().replace("# compact_after = 50000", "compact_after = 60"))
    acknowledged: list[str] = []
    unanswered: list[list[dict[str, object]]] = []
    chance = random.Random(7)  # noqa: S311 - when to kill
    command = [sys.executable, str(HOST), str(tmp_path / "ws")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        heard = lines(process)
        port = int(next(heard).removeprefix("port "))
        assert process.stdin
        for life in range(LIVES):
            process.stdin.write("serve\n")
            process.stdin.flush()
            pid = int(next(heard).removeprefix("ready "))
            found, lost = ingest(port, life, chance.choice([0, 1, 2, 3, 5, 8, 13, 21]), pid)
            acknowledged += found
            unanswered += lost
            assert next(heard) == "dead"
        process.stdin.close()
    with Workspace.open(tmp_path / "ws") as workspace:
        journal = workspace.journal
        assert list((journal.folder / "segments").glob("*/*/*.parquet")), "no life was long enough to compact"
        found = stored(journal)
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        for batch in unanswered:  # a client that heard nothing sends again, and nothing is doubled
            receipt = journal.append(batch)
            assert (receipt.accepted + receipt.duplicates, receipt.rejected) == (5, ())
        assert len(stored(journal)) == len(acknowledged) + 5 * len(unanswered)
        assert [finding.level for finding in journal.check() if finding.level == "error"] == []
        assert any(finding.level == "ok" for finding in workspace.check())
