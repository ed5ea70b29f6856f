"""Bringing files into a journal: read ahead while the disk syncs, and keep account."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import msgspec

from counterpoint.errors import OverloadedError, Problem
from counterpoint.journal.journal import Journal
from counterpoint.journal.model.mapping import EventMapping
from counterpoint.journal.model.outcome import Receipt
from counterpoint.journal.readers import Batch, EventFile, open_events

__all__ = ["Ingested", "ingest"]

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


class _Account:
    def __init__(self) -> None:
        self.accepted = self.duplicates = self.rejected = 0
        self.problems: list[Problem] = []
        self.waiting: deque[tuple[EventFile, Batch, Future[Receipt]]] = deque()

    def settle(self, leave: int) -> None:
        """Wait until at most `leave` batches are under way."""
        while len(self.waiting) > leave:
            file, batch, future = self.waiting.popleft()
            receipt = future.result()
            self.accepted += receipt.accepted
            self.duplicates += receipt.duplicates
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
    return Ingested(account.accepted, account.duplicates, account.rejected, tuple(account.problems))


def _submit(journal: Journal, batch: Batch, account: _Account) -> "Future[Receipt]":
    try:
        return journal.submit(batch.documents)
    except OverloadedError:
        account.settle(0)  # the queue is small; go at the disk's pace
        return journal.submit(batch.documents)
