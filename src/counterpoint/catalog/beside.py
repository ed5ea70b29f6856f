"""A second process that reads a large file while this one writes what it has read, so that two cores work.

It takes bytes and gives rows: it knows neither the graph nor its database, and whatever goes wrong with it,
the file can be read here instead. What goes through the pipes is made by this program on both ends.
"""

import marshal
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from counterpoint.graph.cores import cores

if TYPE_CHECKING:
    from counterpoint.catalog.gathering import Sheet
    from counterpoint.catalog.locations import Source
    from counterpoint.graph.preparing import Numbers, Rows

__all__ = ["LARGE", "Batch", "Beside", "BesideError", "Job", "receive", "send"]

LARGE = 1_000_000
"""Bytes of a file, about three thousand entities, from which a second process is worth its start."""
PIPE = 1 << 20
"""Bytes that may wait in a pipe: the most that Linux lets anybody have."""
ROWS, SHEET, FAILED, AHEAD, JOB, INDEX, DONE = b"R", b"S", b"F", b"A", b"J", b"I", b"D"
_HEAD = struct.Struct("<cQ")


class BesideError(Exception):
    """The second process has failed."""


class Job(NamedTuple):
    """A file to read, and how."""

    source: "Source"
    data: bytes
    numbers: "Numbers"
    hosts: tuple[str, ...]
    unknown_kinds: bool
    is_all: bool = False
    """Whether the file is all that the graph will hold, so that its index can be made on the way."""


class Batch(NamedTuple):
    """Some entities of a file, as rows, and where each stands in it."""

    rows: "Rows"
    places: list[Any]
    """For each the line of its name, its number in the file, and either its span or value, positions and document."""


class Beside:
    """The second process, as the first one sees it."""

    def __init__(self) -> None:
        """Start it; it costs a tenth of a second of another core.

        Raises:
            OSError: it cannot be started.
        """
        self.mark: tuple[int, int, int] | None = None
        """Number and moment of the newest change, and number of the newest relation, of which it can make the index."""
        # Nothing of the folder that somebody happens to be in is imported (-P).
        command = [sys.executable, "-P", "-m", "counterpoint.catalog.beside_process"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # whoever stops this process by its terminal stops that one by its pipes
        )

    @classmethod
    def started(cls, target: str = "") -> "Beside | None":
        """A second process, where there is a second core for it; it begins to read the file that is named at once."""
        if not sys.executable or cores() < 2:
            return None
        try:
            beside = cls()
            if target:
                beside._send(AHEAD, os.fsencode(os.path.abspath(os.path.expanduser(target))))
        except (OSError, BesideError):
            return None
        return beside

    @classmethod
    def for_large(cls, targets: tuple[str, ...]) -> "Beside | None":
        """A second process if one of the targets is a large file."""
        for target in targets:
            with suppress(OSError, ValueError):
                path = Path(target).expanduser()
                if path.is_file() and path.stat().st_size >= LARGE:
                    return cls.started(target)
        return None

    def read(self, job: Job) -> Iterator["Batch | Sheet"]:
        """The entities of a file in batches, and then all else that it says: a sheet that declares nothing any more.

        Raises:
            BesideError: the process has ended, or failed.
        """
        self._send(JOB, pickle.dumps(tuple(job)))
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        while True:
            try:
                kind, content = receive(self._process.stdout)
            except (OSError, EOFError) as error:
                raise BesideError("The second process has ended.") from error
            if kind == FAILED:
                raise BesideError(content.decode())
            if kind == SHEET:
                yield pickle.loads(content)  # noqa: S301 - our own process has made it
                return
            from counterpoint.graph.preparing import Rows

            rows, places = marshal.loads(content)  # noqa: S302 - our own process has made it
            yield Batch(Rows(*rows), places)

    def index(self, file: Path) -> bool:
        """Let it write the index of the one file that it has read, once that is in the graph; whether it has."""
        try:
            self._send(INDEX, pickle.dumps((file, self.mark)))
            assert self._process.stdout is not None  # noqa: S101 - it was asked for
            return receive(self._process.stdout)[0] == DONE
        except (BesideError, OSError, EOFError):
            return False

    def close(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def _send(self, kind: bytes, content: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            send(self._process.stdin, kind, content)
        except OSError as error:
            raise BesideError("The second process has ended.") from error


def send(pipe: IO[bytes], kind: bytes, content: bytes) -> None:
    """Write one message."""
    pipe.write(_HEAD.pack(kind, len(content)))
    pipe.write(content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[bytes, bytes]:
    """Read one message.

    Raises:
        EOFError: there is no more.
    """
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise EOFError
    kind, size = _HEAD.unpack(head)
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return kind, content
