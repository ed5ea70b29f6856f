"""A process that reads stretches of a large graph: `python -m counterpoint.graph.index.reading_process`, see `whole`."""

import gc
import os
import pickle
import sys
import threading
from typing import BinaryIO

from counterpoint.graph.index.file import write_segment
from counterpoint.graph.index.segment import Builder
from counterpoint.graph.index.stitched import Mark
from counterpoint.graph.index.stitching import stitch_all
from counterpoint.graph.index.whole import Job, piece_of
from counterpoint.graph.reader import Reader
from counterpoint.graph.store import Graph

__all__ = ["main"]

MAPPED = 1 << 36
"""Bytes of SQLite's file that are mapped at most: each entity lies elsewhere, and pages would be read one by one."""


def main() -> None:
    """Read what standard input says, and end with the process that says it."""
    job = Job(*pickle.load(sys.stdin.buffer))  # noqa: S301 - the first process has made it
    threading.Thread(target=_end_with, args=(sys.stdin.buffer,), daemon=True).start()
    gc.disable()  # documents have no cycles
    parent = os.getppid()
    with Graph(job.address) as graph:
        for stretch in job.stretches:
            builder = Builder()
            with graph.read() as reader:
                _map(reader)
                for ref, entity in stitch_all(reader, stretch.after, stretch.last):
                    builder.add(ref, entity)
            write_segment(piece_of(job.file, parent, stretch), builder.build(), Mark())


def _map(reader: Reader) -> None:
    if reader.connection.dialect.name == "sqlite":
        reader.connection.exec_driver_sql(f"PRAGMA mmap_size = {MAPPED}")


def _end_with(pipe: BinaryIO) -> None:
    """End this process once nobody holds the other end of the pipe."""
    pipe.read()
    os._exit(1)


if __name__ == "__main__":
    main()
