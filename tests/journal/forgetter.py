"""A process that forgets a person until it is killed. Run by test_erasure_kills.

It reads one command from stdin at a time, forks, and lets the child do the work. A child that is told a
number of lines kills itself (SIGKILL) before it runs that line of the erasure; so every place is reached.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np  # noqa: F401 - loaded once, for all children
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from counterpoint.errors import CounterpointError
from counterpoint.journal import Journal, compaction, erasure, leases, manifest, purging, rewriting, segments
from counterpoint.journal.sought import Named

WATCHED = frozenset(
    str(module.__file__) for module in (compaction, erasure, leases, manifest, purging, rewriting, segments)
)


def die_at(function: str, number: int) -> None:
    """Kill this process before line `number` of the watched modules since the function was called."""
    passed = -(10**9)

    def line(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal passed
        if event == "line":
            passed += 1
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal passed
        if frame.f_code.co_filename not in WATCHED:
            return None
        if frame.f_code.co_name == function:
            passed = 0
        return line

    sys.settrace(call)


def tell(text: str) -> None:
    """Write one line."""
    os.write(1, f"{text}\n".encode())


def forget(folder: Path, person: str, function: str, line: int) -> int:
    """Forget the person and say whether that ended well."""
    journal = Journal(folder)
    die_at(function, line)
    try:
        journal.forget([Named(person)], wait=0)
    except CounterpointError:
        return 1
    finally:
        sys.settrace(None)
        journal.close()
    return 0


def main(folder: Path) -> None:
    """Serve commands until stdin ends."""
    pa.array([1])  # what Arrow imports at its first use
    tell("ready")
    for command in sys.stdin:
        person, function, number = command.split()
        child = os.fork()
        if child == 0:
            os._exit(forget(folder, person, function, int(number)))
        _, status = os.waitpid(child, 0)
        tell("killed" if os.WIFSIGNALED(status) else f"ended {os.WEXITSTATUS(status)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
