"""What was acknowledged is there, once, whatever happened to the process."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from counterpoint.journal import Journal

APPENDER = Path(__file__).with_name("appender.py")
LIVES = 50


@contextmanager
def appender(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for commands, ready."""
    command = [sys.executable, str(APPENDER), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert next(lines(process)) == "ready"
        try:
            yield process
        finally:
            if process.stdin:
                process.stdin.close()


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout
    return (line.rstrip("\n") for line in process.stdout)


def order(process: subprocess.Popen[str], command: str) -> None:
    assert process.stdin
    process.stdin.write(f"{command}\n")
    process.stdin.flush()


def one_life(process: subprocess.Popen[str], life: int, acknowledgements: int) -> list[str]:
    """Kill the child after so many acknowledgements; return the ids that it acknowledged until its end."""
    order(process, f"live {life}")
    heard = lines(process)
    child = int(next(line for line in heard if line.startswith("pid ")).removeprefix("pid "))
    if acknowledgements == 0:
        os.kill(child, signal.SIGKILL)
    acknowledged: list[str] = []
    for count, line in enumerate(heard, 1):
        if line == "dead":
            return acknowledged
        word, *numbers = line.split()
        assert word == "ack", line
        acknowledged += [f"{numbers[0]}-{numbers[1]}-{each}" for each in range(5)]
        if count == acknowledgements:
            os.kill(child, signal.SIGKILL)
    raise AssertionError("the appender ended")


def stored(journal: Journal) -> list[str]:
    with journal.snapshot() as snapshot:
        found: list[str] = snapshot.events().id.to_pyarrow().to_pylist()
    return found


def test_fifty_kills_lose_no_acknowledged_event_and_double_none(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - when to kill
    acknowledged: list[str] = []
    with appender(tmp_path) as process:
        for life in range(LIVES):
            # None at all kills during the opening; a dozen and more during a compaction as well.
            acknowledged += one_life(process, life, chance.choice([0, 1, 2, 3, 5, 8, 13, 21]))
    with Journal(tmp_path) as journal:
        assert list((tmp_path / "segments").glob("*/*/*.parquet")), "no life was long enough to compact"
        found = stored(journal)
        assert len(found) == len(set(found))
        assert set(acknowledged) <= set(found)
        assert [finding.level for finding in journal.check() if finding.level == "error"] == []
        assert journal.compact().busy is False
        assert sorted(stored(journal)) == sorted(found)
        assert [finding.level for finding in journal.check()] == ["ok"]


def test_two_processes_append_to_one_journal(tmp_path: Path) -> None:
    with ExitStack() as both:
        first, second = (both.enter_context(appender(tmp_path)) for _ in range(2))
        order(first, "share 0 300")
        order(second, "share 150 450")
        counts = [
            int(next(line for line in lines(each) if line.startswith("accepted")).split()[1])
            for each in (first, second)
        ]
    assert sum(counts) == 450
    with Journal(tmp_path) as journal:
        assert sorted(stored(journal)) == sorted(f"shared-{number}" for number in range(450))
