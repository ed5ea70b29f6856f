"""Bringing files into a journal: read ahead while the disk syncs, and keep account."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path

import msgspec

from counterpoint.errors import OverloadedError, Problem
from counterpoint.journal.journal import Journal
from counterpoint.journal.model.mapping import EventMapping
from counterpoint.journal.model.outcome import Receipt, TypeCount
from counterpoint.journal.model.plain import rows_of
from counterpoint.journal.model.row import wrong_clocks
from counterpoint.journal.readers import Batch, EventFile, open_events
from counterpoint.moments import to_datetime

__all__ = ["Ingested", "Rehearsed", "ingest", "rehearse"]

AHEAD = 2
"""Batches that are read while earlier ones are on their way to the disk."""
KEPT = 1_000
"""Problems that are remembered; the others are only counted."""


class Ingested(msgspec.Struct, frozen=True):
    """What became of the files' events."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    """Lines and events that were refused."""
    problems: tuple[Problem, ...] = ()
    """Why, in the order of the files; the first KEPT."""
    wrong_clocks: int = 0
    """Events whose time lies ahead of now, or before the year 2000."""


class _Account:
    def __init__(self) -> None:
        self.accepted = self.duplicates = self.rejected = self.wrong_clocks = 0
        self.problems: list[Problem] = []
        self.waiting: deque[tuple[EventFile, Batch, Future[Receipt]]] = deque()

    def settle(self, leave: int) -> None:
        """Wait until at most `leave` batches are under way."""
        while len(self.waiting) > leave:
            file, batch, future = self.waiting.popleft()
            receipt = future.result()
            self.accepted += receipt.accepted
            self.duplicates += receipt.duplicates
            self.wrong_clocks += receipt.future + receipt.late
            refused = [file.problem(batch.places[item.index], item.reason) for item in receipt.rejected]
            found = sorted([*batch.problems, *refused], key=lambda problem: problem.line or 0)
            self.rejected += len(found)
            self.problems += found[: KEPT - len(self.problems)]


def ingest(
    journal: Journal,
    files: Sequence[Path],
    mapping: EventMapping | None,
    *,
    advance: Callable[[float, float], None],
) -> Ingested:
    """Append the events of the files; all files are checked before the first is read.

    `advance` is told after each batch how much of all files is done.

    Raises:
        InputError: a file cannot be read or does not fit the mapping.
        WorkspaceError: the disk refuses; what was accepted until then stays.
    """
    opened = [open_events(file, mapping) for file in files]
    total = sum(file.size for file in opened)
    account = _Account()
    before = 0
    for file in opened:
        for batch in file.batches():
            journal.refuse((problem.message for problem in batch.problems), rows=mapping is not None)
            account.settle(AHEAD)
            account.waiting.append((file, batch, _submit(journal, batch, account)))
            advance(before + batch.done, total)
        before += file.size
    account.settle(0)
    return Ingested(
        account.accepted, account.duplicates, account.rejected, tuple(account.problems), account.wrong_clocks
    )


class Rehearsed(msgspec.Struct, frozen=True):
    """What an import would find in the files."""

    readable: int = 0
    """Events that would be taken, or known already."""
    rejected: int = 0
    problems: tuple[Problem, ...] = ()
    """Why, in the order of the files; the first KEPT."""
    types: tuple[TypeCount, ...] = ()
    """The readable ones by type."""
    wrong_clocks: int = 0
    """Of the readable ones, those whose time lies ahead of now, or before the year 2000."""


def rehearse(
    files: Sequence[Path],
    mapping: EventMapping | None,
    *,
    now: datetime,
    advance: Callable[[float, float], None],
) -> Rehearsed:
    """Read and check the files as `ingest` would, without a journal: nothing is written.

    Raises:
        InputError: a file cannot be read or does not fit the mapping.
    """
    opened = [open_events(file, mapping) for file in files]
    total = sum(file.size for file in opened)
    problems: list[Problem] = []
    found: dict[str, tuple[int, int, int]] = {}
    before = rejected = wrong = 0
    for file in opened:
        for batch in file.batches():
            read = rows_of(batch.documents, received=now)
            wrong += sum(wrong_clocks(read.rows))
            for row in read.rows:
                count, first, last = found.get(row[2], (0, row[4], row[4]))
                found[row[2]] = count + 1, min(first, row[4]), max(last, row[4])
            refused = [file.problem(batch.places[each.index], each.reason) for each in read.rejected]
            rejected += len(batch.problems) + len(refused)
            problems += sorted([*batch.problems, *refused], key=lambda each: each.line or 0)[
                : KEPT - len(problems)
            ]
            advance(before + batch.done, total)
        before += file.size
    types = tuple(
        TypeCount(name, number, to_datetime(first), to_datetime(last))
        for name, (number, first, last) in sorted(found.items())
    )
    return Rehearsed(sum(each.count for each in types), rejected, tuple(problems), types, wrong)


def _submit(journal: Journal, batch: Batch, account: _Account) -> "Future[Receipt]":
    try:
        return journal.submit(batch.documents)
    except OverloadedError:
        account.settle(0)  # the queue is small; go at the disk's pace
        return journal.submit(batch.documents)
