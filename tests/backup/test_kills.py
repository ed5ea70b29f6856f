"""`kill -9` anywhere in a backup or a restore: a whole one, or none, and the next one cleans up."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from counterpoint import Workspace
from counterpoint.backup import make_backup, restore, verify
from counterpoint.journal.residue import search
from counterpoint.journal.sought import Named

from .conftest import PERSON, event, events_of

MORTAL = Path(__file__).with_name("mortal.py")
KILLS = int(os.environ.get("COUNTERPOINT_FUZZ", "0")) or 6


@contextmanager
def mortal() -> Iterator[Callable[..., str]]:
    """A process that does a piece of work and dies at a line of it; the call says how it ended."""
    with subprocess.Popen(
        [sys.executable, str(MORTAL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        def call(*words: object) -> str:
            assert process.stdin
            assert process.stdout
            process.stdin.write(" ".join(map(str, words)) + "\n")
            return process.stdout.readline().rstrip()

        try:
            yield call
        finally:
            process.stdin.close()


def places(most: int) -> list[int]:
    chance = random.Random(5)  # noqa: S311 - when to kill
    return sorted({chance.randrange(1, most) for _ in range(KILLS)})


def test_a_killed_backup_leaves_the_one_before_it(filled: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "b.zip"
    make_backup(filled, target)
    filled.close()
    ended = set()
    with mortal() as call:
        for number, line in enumerate(places(400)):
            with Workspace.open(filled.path) as workspace:
                workspace.journal.append([event(1000 + number)])
            before = verify(target).journal.events
            ended.add(call("backup", filled.path, target, line))
            assert verify(target).journal.events in (before, 32 + number), line
        assert call("backup", filled.path, target, 10**9) == "ended"
    assert "killed" in ended
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b.zip", "workspace"]
    # What killed backups have copied goes with the next erasure.
    with Workspace.open(filled.path) as workspace:
        workspace.journal.forget([Named(PERSON)])
    assert search(filled.path, [PERSON]).traces == ()


def test_a_killed_restore_leaves_a_whole_workspace_or_none(filled: Workspace, tmp_path: Path) -> None:
    make_backup(filled, tmp_path / "b.zip")
    before = events_of(filled)
    filled.journal.forget([Named(PERSON)])
    remembered = filled.journal.folder / "forgotten.json"
    ended = set()
    with mortal() as call:
        for line in places(600):
            place = tmp_path / f"place-{line}"
            ended.add(call("restore", tmp_path / "b.zip", place, line))
            if place.exists():
                with Workspace.open(place) as workspace:
                    assert events_of(workspace) == before
            restored = restore(tmp_path / "b.zip", place, force=True, forgotten=[remembered])
            assert restored.forgotten == 6
            assert search(place, [PERSON]).traces == ()
            assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(f".{place.name}.")]
    assert "killed" in ended
