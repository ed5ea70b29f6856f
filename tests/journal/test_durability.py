"""What was acknowledged is there, once, whatever happened to the process."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import pytest

from counterpoint.journal import Journal

from .disks import small_disk

APPENDER = Path(__file__).with_name("appender.py")
FILLER = Path(__file__).with_name("filler.py")
LIVES = int(os.environ.get("COUNTERPOINT_FUZZ", "50"))


@contextmanager
def appender(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for commands, ready."""
    command = [sys.executable, str(APPENDER), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert next(lines_of(process)) == "ready"
        try:
            yield process
        finally:
            if process.stdin:
                process.stdin.close()


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout
    return (line.rstrip("\n") for line in process.stdout)


def order(process: subprocess.Popen[str], command: str) -> None:
    assert process.stdin
    process.stdin.write(f"{command}\n")
    process.stdin.flush()


def one_life(
    process: subprocess.Popen[str],
    life: int,
    acknowledgements: int,
    is_over: Callable[[], bool] | None = None,
) -> list[str]:
    """Kill the child after so many acknowledgements; return the ids that it acknowledged until its end.

    With `is_over` it is killed at the first acknowledgement after them at which that is so.
    """
    order(process, f"live {life}")
    heard = lines_of(process)
    child = int(next(line for line in heard if line.startswith("pid ")).removeprefix("pid "))
    if killed := acknowledgements == 0:
        os.kill(child, signal.SIGKILL)
    acknowledged: list[str] = []
    for count, line in enumerate(heard, 1):
        if line == "dead":
            return acknowledged
        word, *numbers = line.split()
        assert word == "ack", line
        acknowledged += [f"{numbers[0]}-{numbers[1]}-{each}" for each in range(5)]
        if count >= acknowledgements and not killed and (is_over is None or is_over()):
            os.kill(child, signal.SIGKILL)
            killed = True
    raise AssertionError("the appender ended")


def segments(folder: Path) -> set[Path]:
    return set((folder / "segments").glob("*/*/*.parquet"))


def stored(journal: Journal) -> list[str]:
    with journal.snapshot() as snapshot:
        found: list[str] = snapshot.events().id.to_pyarrow().to_pylist()
    return found


def test_fifty_kills_lose_no_acknowledged_event_and_double_none(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - when to kill
    acknowledged: list[str] = []
    with appender(tmp_path) as process:
        for life in range(LIVES):
            # None at all kills during the opening; a dozen and more during a compaction as well, where the disk is slow.
            if life % 10 != 9:
                acknowledged += one_life(process, life, chance.choice([0, 1, 2, 3, 5, 8, 13, 21]))
                continue
            before = segments(
                tmp_path
            )  # on a quick disk a compaction is only met by waiting for its first file
            acknowledged += one_life(process, life, 1, lambda before=before: segments(tmp_path) != before)
    with Journal(tmp_path) as journal:
        assert segments(tmp_path)
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
            int(next(line for line in lines_of(each) if line.startswith("accepted")).split()[1])
            for each in (first, second)
        ]
    assert sum(counts) == 450
    with Journal(tmp_path) as journal:
        assert sorted(stored(journal)) == sorted(f"shared-{number}" for number in range(450))


def test_an_import_that_is_killed_again_and_again_ends_with_each_event_once(tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - when to kill
    lines = [
        f'{{"specversion":"1.0","id":"line-{number}","source":"file","type":"t"}}\n'
        for number in range(1_000)
    ]
    file = tmp_path / "events.ndjson"
    file.write_text("".join(lines))
    kills, end = 0, ""
    with appender(tmp_path / "journal") as process:
        while not end:
            order(process, f"bring {file}")
            heard = lines_of(process)
            child = int(next(line for line in heard if line.startswith("pid ")).removeprefix("pid "))
            patience = chance.randint(5, 45) if kills < 8 else 10_000
            for count, line in enumerate(heard, 1):
                if line.startswith("done "):
                    end = line
                if line == "dead":
                    break
                if count == patience and not end:
                    os.kill(child, signal.SIGKILL)
                    kills += 1
    assert kills >= 3
    with Journal(tmp_path / "journal") as journal:
        assert sorted(stored(journal)) == sorted(f"line-{number}" for number in range(1_000))
    accepted, duplicates, rejected = map(int, end.split()[1:])
    assert (accepted + duplicates, rejected) == (1_000, 0)
    assert duplicates > 0, "what an earlier life brought in was known"


@pytest.mark.parametrize("way", ["limit", "any"])
def test_a_full_disk_refuses_loses_nothing_and_goes_on_when_there_is_space(tmp_path: Path, way: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "5m") if way == "any" else nullcontext("limit") as how:
        command = [sys.executable, str(FILLER), str(disk / "workspace"), how]
        done = subprocess.run(command, check=True, capture_output=True, timeout=120)
        seen = json.loads(done.stdout)
        assert seen["acknowledged"], "there was space at first"
        for status, problem in seen["answers"]:
            assert (status, problem["title"]) == (503, "The workspace cannot be used")
            assert "events that were acknowledged are safe" in problem["detail"]
        assert seen["readable"] == 200
        # A transaction that failed as it was synced may be there all the same: then it is a duplicate now.
        assert all(each["accepted"] + each["duplicates"] == 200 for each in seen["after"])
        with Journal(disk / "workspace" / "journal") as journal:
            found = stored(journal)
            assert [finding.level for finding in journal.check() if finding.level == "error"] == []
        assert len(found) == len(set(found)) == len(seen["acknowledged"]) + 200 * len(seen["after"])
        assert set(seen["acknowledged"]) <= set(found)
