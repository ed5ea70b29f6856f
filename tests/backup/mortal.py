"""A process that backs up or restores until it is killed. Run by test_kills.

It reads one command from stdin at a time, forks, and lets the child do the work. The child kills itself
(SIGKILL) before it runs the line of that number of the backup package or of the modules that it calls.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from counterpoint import Workspace
from counterpoint.backup import archive, make_backup, making, restore, restoring
from counterpoint.journal import backups, copying, erasure

WATCHED = frozenset(
    str(module.__file__) for module in (archive, making, restoring, backups, copying, erasure)
)


def die_at(number: int) -> None:
    """Kill this process before line `number` of the watched modules."""
    passed = 0

    def line(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal passed
        if event == "line":
            passed += 1
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return line if frame.f_code.co_filename in WATCHED else None

    sys.settrace(call)


def work(what: str, first: Path, second: Path) -> None:
    """Back `first` up to `second`, or restore `first` to `second`."""
    if what == "backup":
        with Workspace.open(first) as workspace:
            make_backup(workspace, second, force=True)
    else:
        restore(first, second, force=True)


def main() -> None:
    """Serve commands until stdin ends."""
    pa.array([1])  # what Arrow imports at its first use
    os.write(1, b"ready\n")
    for command in sys.stdin:
        what, first, second, number = command.split()
        child = os.fork()
        if child == 0:
            die_at(int(number))
            work(what, Path(first), Path(second))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        os.write(1, b"killed\n" if os.WIFSIGNALED(status) else b"ended\n")


if __name__ == "__main__":
    main()
