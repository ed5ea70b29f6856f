"""Processes that die on command: each line written to one says when, each line that it answers how it ended."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def told_to_die(command: Sequence[str]) -> Iterator[Callable[[str], str]]:
    """A process that is ready; the call writes a line to it, and returns what it answers."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=Path(__file__).parents[1]
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        def call(line: str) -> str:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{line}\n")
            return process.stdout.readline().rstrip()

        try:
            yield call
        finally:
            process.stdin.close()
