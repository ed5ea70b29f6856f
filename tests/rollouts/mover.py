"""A process that checks a rollout until it is killed. Run by test_rollout_kills.

It reads a number from stdin at a time, forks, and lets the child check the rollout. The child kills itself (SIGKILL)
before it runs the line of that number of the modules that decide, publish and record.
"""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from counterpoint import Workspace
from counterpoint.flags import composing
from counterpoint.flags import store as flag_store
from counterpoint.graph import store as graph_store
from counterpoint.graph import writer
from counterpoint.rollouts import controller, log

from .conftest import observed_of

WATCHED = frozenset(
    str(module.__file__) for module in (controller, log, composing, flag_store, graph_store, writer)
)


def die_at(number: int) -> list[int]:
    """Kill this process before line `number` of the watched modules; the list says how many were run."""
    lines = [0]

    def line(_frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            lines[0] += 1
            if lines[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return line if frame.f_code.co_filename in WATCHED else None

    sys.settrace(call)
    return lines


def work(folder: Path, number: int, now: datetime, crashes: float) -> int:
    """Check the rollout at a moment, and say how many lines that took."""
    controller.observe = lambda *_: observed_of(now, users=40_000, treatment=crashes)
    with Workspace.open(folder) as workspace:
        lines = die_at(number)
        controller.step(workspace, "rollout:default/weekly", now=now)
        sys.settrace(None)
    return lines[0]


def main(folder: Path) -> None:
    """Serve commands until stdin ends."""
    os.write(1, b"ready\n")
    for command in sys.stdin:
        number, now, crashes = command.split()
        child = os.fork()
        if child == 0:
            lines = work(folder, int(number), datetime.fromisoformat(now), float(crashes))
            os.write(1, f"ended {lines}\n".encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            os.write(1, b"killed\n")
        elif status:
            os.write(1, f"failed {status}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
