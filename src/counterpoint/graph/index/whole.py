"""The index of a whole graph: read in stretches, by several processes where it is large, and put together.

Each stretch becomes a segment of its own. Of a large graph, other processes (`reading_process`) read one after
the other and leave each in a file; here they are merged. Whatever they do not do is done here.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from counterpoint.errors import WorkspaceError
from counterpoint.graph.cores import cores
from counterpoint.graph.index.file import read_segment
from counterpoint.graph.index.merging import merged
from counterpoint.graph.index.segment import Builder, Built, Segment
from counterpoint.graph.index.stitched import Mark
from counterpoint.graph.index.stitching import cut, mark_of, stitch_all
from counterpoint.graph.store import Graph

__all__ = ["Job", "Stretch", "build_whole", "piece_of"]

STRETCH = 10_000
"""Entities that are read at once; more are slower each, since what is held no longer fits the processor's caches."""
MOST_PROCESSES = 4
"""Readers that a server's database is asked to serve beside everybody else."""
_LOOK = 0.1
"""Seconds between two looks at whether this process is stopping."""


class Stretch(NamedTuple):
    """The entities behind one reference and up to another, in the order of references."""

    number: int
    after: str
    last: str | None
    """None for all that follow."""


class Job(NamedTuple):
    """What another process has to read, and where it leaves it."""

    address: Path | str
    file: Path
    stretches: list[Stretch]


def build_whole(graph: Graph, file: Path | None, stop: threading.Event | None) -> tuple[Built, Mark]:
    """Read the whole graph. What changes meanwhile may or may not be in it: the mark is from before.

    Args:
        graph: the graph.
        file: beside it other processes may leave their parts; without it, everything is read here.
        stop: ends it early.

    Raises:
        OverloadedError: reading took longer than the limit.
        WorkspaceError: the database cannot be reached, or `stop` was set.
    """
    with graph.read() as reader:
        mark = mark_of(reader)
        ends = cut(reader, STRETCH)
    stretches = [Stretch(number, *span) for number, span in enumerate(pairwise(["", *ends, None]))]  # type: ignore[arg-type]
    if len(stretches) == 1:
        return _read(graph, stretches[0], stop), mark
    segments: dict[int, Segment] = {}
    if file is not None:
        with _reading(Job(graph.address, file, stretches)) as processes:
            _wait(processes, stop)
            for stretch in stretches if processes else ():
                found = read_segment(piece_of(file, os.getpid(), stretch), fresh=True)
                if found is not None:
                    segments[stretch.number] = found[0]
    for stretch in stretches:
        if stretch.number not in segments:
            segments[stretch.number] = Segment.in_memory(_read(graph, stretch, stop))
    return merged([(segments[stretch.number], None) for stretch in stretches]), mark


def piece_of(file: Path, process: int, stretch: Stretch) -> Path:
    """Where a stretch is left for a process, under a name by which a forgotten one is swept away."""
    return file.with_name(f"{file.name}.{process}-{stretch.number}.draft")


def _read(graph: Graph, stretch: Stretch, stop: threading.Event | None) -> Built:
    builder = Builder()
    with graph.read() as reader:
        for ref, entity in stitch_all(reader, stretch.after, stretch.last):
            builder.add(ref, entity)
            if stop is not None and stop.is_set():
                raise _stopped()
    return builder.build()


@contextmanager
def _reading(job: Job) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Other processes that read the stretches in turns; in the end they are gone, and so are the files."""
    count = min(cores(), MOST_PROCESSES) if sys.executable else 0
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with suppress(OSError):  # whatever cannot be read beside is read here
            job.file.parent.mkdir(exist_ok=True)
            jobs = (job._replace(stretches=job.stretches[first::count]) for first in range(count))
            processes.extend(
                map(_started, jobs if count > 1 else ())
            )  # those that start are known, if one does not
        yield processes
    finally:
        for process in processes:
            _end(process)
        for stretch in job.stretches:
            with suppress(OSError):
                piece_of(job.file, os.getpid(), stretch).unlink(missing_ok=True)


def _started(job: Job) -> "subprocess.Popen[bytes]":
    # Nothing of the folder that somebody happens to be in is imported (-P).
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "counterpoint.graph.index.reading_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # whoever stops this process by its terminal stops that one by its pipe
    )
    try:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        pickle.dump(tuple(job), process.stdin)
        process.stdin.flush()
    except OSError:
        _end(process)
        raise
    return process


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    process.wait()


def _wait(processes: Sequence["subprocess.Popen[bytes]"], stop: threading.Event | None) -> None:
    for process in processes:
        while stop is None or not stop.is_set():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
                break
        else:
            raise _stopped()


def _stopped() -> WorkspaceError:
    return WorkspaceError("The index was not finished, since this process is stopping.")
