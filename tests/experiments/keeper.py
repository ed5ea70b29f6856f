"""A process that brings kept sums up to date until it is killed. Run by test_daily_kills.

It reads a number from stdin at a time, forks, and lets the child do the work. The child kills itself
(SIGKILL) before it runs the line of that number of the modules that keep sums.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa

from counterpoint.experiments import arrays, daily, kept_changes, kept_reading, kept_tables
from counterpoint.journal import Journal
from counterpoint.journal import daily as kept_files

from .test_daily import kept

WATCHED = frozenset(
    str(module.__file__) for module in (arrays, daily, kept_changes, kept_files, kept_reading, kept_tables)
)


def die_at(number: int) -> list[int]:
    """Kill this process before line `number` of the watched modules; the number that is given says how many were run."""
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


def work(folder: Path, number: int) -> int:
    """Compute a result, and say how many lines that took."""
    with Journal(folder) as journal:
        lines = die_at(number)
        kept(journal)
        sys.settrace(None)
    return lines[0]


def main(folder: Path) -> None:
    """Serve commands until stdin ends."""
    pa.array([1])  # what Arrow imports at its first use
    os.write(1, b"ready\n")
    for command in sys.stdin:
        child = os.fork()
        if child == 0:
            os.write(1, f"ended {work(folder, int(command))}\n".encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            os.write(1, b"killed\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
