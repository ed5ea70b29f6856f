"""`kill -9` anywhere in a check: either all of a move has happened or none of it, and the next check goes on."""

import os
import random
import sys
from datetime import datetime
from pathlib import Path

from counterpoint import Workspace
from counterpoint.graph.actor import local_actor
from counterpoint.rollouts import store
from counterpoint.rollouts.controller import facts_of
from counterpoint.rollouts.model import ACTIVE, State
from tests.dying import told_to_die

from .conftest import HOUR, NOW, furnish

KILLS = int(os.environ.get("COUNTERPOINT_FUZZ", "0")) or 2


def test_killed_at_any_line_flag_and_log_agree_and_the_next_check_goes_on(
    each_database: None, tmp_path: Path
) -> None:
    randomness = random.Random(20260504)  # noqa: S311 - when to kill
    folder = tmp_path / "w"
    with Workspace.create(folder, name="Test") as workspace:
        furnish(workspace)
    with told_to_die([sys.executable, "-m", "tests.rollouts.mover", str(folder)]) as call:

        def agree() -> State:
            with Workspace.open(folder) as workspace:
                state = store.load(workspace, "weekly").state
                with workspace.graph.read() as reader:
                    assert state.plan is not None
                    assert facts_of(reader, state.plan).percent == state.percent
            return state

        now = NOW
        for crashes, moved in ((0.1, ("running", 10)), (0.3, ("rolled-back", 0))):
            start(folder, now)
            now += HOUR
            ended, lines = call(f"0 {now.isoformat()} {crashes}").split()
            assert ended == "ended"
            for _ in range(KILLS):
                start(folder, now)
                before = agree().sequence
                now += HOUR
                answer = call(f"{randomness.randrange(1, int(lines))} {now.isoformat()} {crashes}")
                assert answer.startswith(("killed", "ended"))
                after = agree()
                assert (after.phase, after.percent) in {("running", 1), moved}
                assert after.sequence in {before, before + 1}
                assert call(f"0 {now.isoformat()} {crashes}").startswith("ended")
                assert (agree().phase, agree().percent) == moved


def start(folder: Path, now: datetime) -> None:
    """Take back what runs, start anew, and approve the second step; an hour later it is due."""
    with Workspace.open(folder) as workspace:
        if store.load(workspace, "weekly").state.phase in ACTIVE:
            store.command(workspace, local_actor(), "weekly", "roll-back", now=now)
        store.command(workspace, local_actor(), "weekly", "start", reason="Once more.", now=now)
        store.command(workspace, local_actor(), "weekly", "approve", now=now)
