"""kill -9 and a full disk while files are merged and let go: what was acknowledged is counted, once."""

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from counterpoint.errors import WorkspaceError
from counterpoint.journal import Journal, compaction, leases, periods, segments
from counterpoint.settings import JournalSettings

from .conftest import event
from .disks import small_disk
from .test_merging import files, ids, in_files

Opens = Callable[..., Journal]
TENDER = Path(__file__).with_name("tender.py")
LIVES = int(os.environ.get("COUNTERPOINT_FUZZ", "10"))
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@contextmanager
def tender(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for commands, ready."""
    command = [sys.executable, str(TENDER), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def one_life(process: subprocess.Popen[str], life: int, chance: random.Random) -> list[tuple[str, str, int]]:
    """Kill the child at some moment after an acknowledgement; return what it acknowledged until its end."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{life} {life % 2}\n")
    process.stdin.flush()
    acknowledgements = chance.choice([1, 3, 4, 6, 7, 9, 12])
    child, acknowledged = 0, []
    for line in process.stdout:
        word, *rest = line.split()
        if word == "pid":
            child = int(rest[0])
        elif word == "dead":
            return acknowledged
        else:
            assert word == "ack", line
            acknowledged += [tuple(each.split("/")) for each in rest]
            acknowledgements -= 1
            if acknowledgements == 0:
                end = time.monotonic() + chance.random() * 0.15
                while time.monotonic() < end:  # a moment within the work that follows
                    pass
                os.kill(child, signal.SIGKILL)
    raise AssertionError("the tender ended")


def stored(journal: Journal) -> list[str]:
    with journal.snapshot() as snapshot:
        found: list[str] = snapshot.events().id.to_pyarrow().to_pylist()
    return found


def test_kills_while_files_are_merged_and_let_go_lose_and_double_nothing(tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - when to kill
    acknowledged: list[tuple[str, str, int]] = []
    rules = JournalSettings(retention={"go": 10})
    with ExitStack() as stack:
        both = [stack.enter_context(tender(tmp_path)) for _ in range(2)]
        for life in range(LIVES):
            acknowledged += one_life(both[life % 2], life, chance)
    kept = {name for name, kind, days in acknowledged if kind == "keep" or int(days) <= 10}
    old = {name for name, _, _ in acknowledged} - kept
    with Journal(tmp_path, rules, clock=lambda: NOW) as journal:
        found = stored(journal)
        assert len(found) == len(set(found))
        assert kept <= set(found)
        assert [finding.level for finding in journal.check() if finding.level == "error"] == []
        done = journal.compact(full=True)
        assert done.busy is False
        found = stored(journal)
        assert len(found) == len(set(found))
        assert kept <= set(found)
        assert old.isdisjoint(found)
        assert sum(each.count for each in journal.counts()) == len(found)
        assert [finding.level for finding in journal.check()] == ["ok"]
        named = {file.relative_to(tmp_path).as_posix() for file in files(journal)}
        with journal.snapshot() as snapshot:
            assert named == {each.path for each in snapshot.segments}


def test_whichever_step_the_disk_refuses_nothing_is_lost_and_the_next_try_ends_the_work(
    open_journal: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sync, every write of a row group, every step of the manifest and every deletion fails once."""
    monkeypatch.setattr(periods, "DAYS", 3)  # five days make files of months, and one is on the border
    step = 0
    while step < 200:
        journal = open_journal(tmp_path / f"{step}", clock=lambda: NOW, retention={"*": 20})
        in_files(journal, [event(1)], [event(2)])
        times = [(NOW - timedelta(days=days)).isoformat() for days in (0, 3, 14, 24, 33)]
        journal.append([event(10 + number, time=time) for number, time in enumerate(times)])
        with monkeypatch.context() as patch:
            patch.setattr(compaction, "expire", lambda *_, **__: [])
            patch.setattr(compaction, "due", lambda *_, **__: [])
            journal.compact()
        journal.append([event(20, time=times[0]), event(21, time=times[-1])])
        before, kept = ids(journal), ["e1", "e10", "e11", "e12", "e2", "e20"]
        with failing(step) as failed, suppress(WorkspaceError):
            journal.compact(full=True)
        if not failed:
            break
        assert set(kept) <= set(ids(journal)) <= set(before), step
        journal.compact(full=True)
        assert ids(journal) == kept, step
        assert [finding.level for finding in journal.check()] == ["ok"], step
        journal.close()
        step += 1
    assert step > 12


@contextmanager
def failing(step: int) -> Iterator[list[str]]:
    """Let the step of that number fail, as on a full disk; what failed is in the list."""
    failed: list[str] = []
    left = step

    def breaking(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def tried(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left == -1:
                failed.append(name)
                raise OSError(errno.ENOSPC, "No space left on device")
            return plain(*arguments, **named)

        return tried

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments.os, "fsync", breaking("sync", os.fsync))
        patch.setattr(segments.SegmentWriter, "flush", breaking("write", segments.SegmentWriter.flush))
        patch.setattr(compaction, "adopt", breaking("adopt", compaction.adopt))
        patch.setattr(compaction, "replace", breaking("replace", compaction.replace))
        patch.setattr(leases.Path, "unlink", breaking("unlink", Path.unlink))
        yield failed


def test_a_full_disk_costs_the_merge_and_nothing_else(journal: Journal) -> None:
    """In a child whose files may not grow: what it writes beyond that is refused by the system."""
    in_files(
        journal,
        *(
            [event(1000 * batch + number, note=os.urandom(100).hex()) for number in range(300)]
            for batch in range(3)
        ),
    )
    journal.close()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
            with Journal(journal.folder) as same:
                try:
                    same.compact(full=True)
                except WorkspaceError as error:
                    code = 0 if "too large" in error.message else 2
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with Journal(journal.folder) as again:
        assert len(ids(again)) == 900
        assert again.compact(full=True).merged == 3
        assert len(ids(again)) == 900
        assert [finding.level for finding in again.check()] == ["ok"]


@pytest.mark.parametrize("way", ["limit", "any"])
def test_a_small_disk_fills_up_and_is_emptied_again(tmp_path: Path, way: str) -> None:
    """On a file system of 3 MiB where the user may mount one, and with files that may have half a megabyte."""
    small = tmp_path / "small"
    small.mkdir()
    with small_disk(small, "3m") if way == "any" else nullcontext("limit") as how:
        told = tmp_path / "told"
        child = os.fork()
        if child == 0:
            os._exit(_fill(small, told, limited=how == "limit"))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, "it was never full"
        acknowledged = set(told.read_text().split())
        assert acknowledged, "there was space at first"
        (small / "ballast").unlink()
        with Journal(small / "journal") as journal:
            journal.compact(full=True)
            found = ids(journal)
            assert len(found) == len(set(found))
            assert acknowledged <= set(found)
            assert [finding.level for finding in journal.check()] == ["ok"]


def _fill(disk: Path, told: Path, *, limited: bool) -> int:
    """Append and compact until the disk takes no more, and tell what was acknowledged; 0 when it came to that."""
    (disk / "ballast").write_bytes(bytes(400_000))
    acknowledged: list[str] = []
    code = 1
    with Journal(disk / "journal", JournalSettings(compact_after=1_000_000)) as journal:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        if limited:
            resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
        for number in range(400):
            batch = [event(number * 100 + each, note=os.urandom(40).hex()) for each in range(100)]
            try:
                if journal.append(batch).accepted == 100:
                    acknowledged += [str(each["id"]) for each in batch]
                if number % 5 == 4:
                    journal.compact(full=True)
            except WorkspaceError:
                code = 0
                break
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    told.write_text("\n".join(acknowledged))
    return code
