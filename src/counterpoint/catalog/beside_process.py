"""The second process of an import: `python -m counterpoint.catalog.beside_process`, see `beside`."""

import gc
import marshal
import os
import pickle
import queue
import sys
import threading
from pathlib import Path
from typing import IO, Any

from counterpoint.catalog.beside import AHEAD, DONE, FAILED, INDEX, JOB, ROWS, SHEET, Job, receive, send
from counterpoint.catalog.fetching import Fetcher
from counterpoint.catalog.gathering import Declared, Gathering
from counterpoint.catalog.locations import shown_path
from counterpoint.catalog.slips import check_slips
from counterpoint.graph.preparing import Preparing, Rows
from counterpoint.yaml12.plainly import Places
from counterpoint.yaml12.reader import Reading, UnreadError, read_bytes, read_data

__all__ = ["main"]

BATCH = 1_000
"""Entities that are sent at once."""


class _Reading:
    """What reads files for the first process."""

    def __init__(self, answers: "queue.SimpleQueue[tuple[bytes, bytes] | None]") -> None:
        self._answers = answers
        self._built: Any = None
        """The index of all that was read."""
        self._ahead: tuple[bytes, str, Reading] | None = None
        """A file that was read before anybody asked for it: its bytes, its name, and its documents."""

    def ahead(self, path: Path) -> None:
        """Read a file that will be asked for."""
        try:
            data = read_bytes(path)
        except UnreadError:
            return
        name = shown_path(path)
        self._ahead = (data, name, read_data(data, name=name))

    def do(self, job: Job) -> None:
        """Read a file, and send its entities and its sheet."""
        preparing = Preparing(job.numbers, job.source.location)
        declared: list[Declared] = []
        remarks: list[Any] = []
        made: list[Rows] = []

        def told(each: Declared) -> None:
            preparing.add(each.document)
            declared.append(each)
            if len(declared) == BATCH:
                emit()

        def emit() -> None:
            rows = preparing.take()
            self._answers.put((ROWS, marshal.dumps((tuple(rows), [_place(each) for each in declared]))))
            if job.is_all:
                made.append(rows)
            remarks.extend(check_slips(declared))
            declared.clear()

        gathering = Gathering(
            Fetcher(job.hosts), unknown_kinds=job.unknown_kinds, read=self._documents, told=told
        )
        sheet = gathering.sheet(job.source, job.data)
        if declared:
            emit()
        sheet.declared.clear()
        sheet.slips = remarks
        self._answers.put((SHEET, pickle.dumps(sheet)))
        if made and not sheet.leads:
            self._built = _built(made)

    def index(self, file: Path, mark: tuple[int, int, int]) -> None:
        """Write the index of what was read."""
        from counterpoint.graph.index.file import write_segment
        from counterpoint.graph.index.stitched import Mark

        write_segment(file, self._built, Mark(*mark))
        self._answers.put((DONE, b""))

    def _documents(self, data: bytes, name: str) -> Reading:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[:2] == (data, name):
            return ahead[2]
        return read_data(data, name=name)


def _built(made: list[Rows]) -> Any:
    """The index of a graph that holds these rows and no others."""
    from counterpoint.graph.index.segment import Builder
    from counterpoint.graph.index.stitched import stitched

    edges: dict[str, list[tuple[str, str]]] = {}
    for rows in made:
        for _, source, kind, target, _ in rows.relation:
            edges.setdefault(source, []).append((kind, target))
    builder = Builder()
    for rows in made:
        for row in rows.revision:
            builder.add(row[1], stitched(row[-1], row[3], row[4], edges.get(row[1], ())))
    return builder.build()


def _place(declared: Declared) -> tuple[Any, ...]:
    read = declared.read
    line = read.line("/metadata/name")
    positions = read.positions
    is_as_read = declared.document.get("spec") is read.value.get("spec")
    if isinstance(positions, Places) and is_as_read:
        return line, read.index, positions.span
    return line, read.index, read.value, dict(positions), declared.document


def main() -> None:
    """Answer until the first process is gone."""
    questions, answers = _pipes()
    gc.disable()  # documents have no cycles
    waiting: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
    sender = threading.Thread(target=_send, args=(answers, waiting), daemon=True)
    sender.start()
    reading = _Reading(waiting)
    try:
        while True:
            kind, content = receive(questions)
            try:
                if kind == AHEAD:
                    reading.ahead(Path(os.fsdecode(content)))
                elif kind == JOB:
                    reading.do(Job(*pickle.loads(content)))  # noqa: S301 - the first process has made it
                elif kind == INDEX:
                    reading.index(*pickle.loads(content))  # noqa: S301 - the same
            except Exception as error:  # the first process reads the file itself then
                waiting.put((FAILED, f"{type(error).__name__}: {error}".encode("utf-8", "replace")))
    except EOFError:
        pass
    os._exit(0)  # nothing is kept here that would have to be put away


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output, which nobody else shall write to."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    sys.stdout = sys.stderr
    return questions, answers


def _send(pipe: IO[bytes], waiting: "queue.SimpleQueue[tuple[bytes, bytes] | None]") -> None:
    """Write what waits, in a thread: the first process may be busy writing."""
    while (message := waiting.get()) is not None:
        try:
            send(pipe, *message)
        except OSError:  # it is gone
            os._exit(0)


if __name__ == "__main__":
    main()
