"""A journal of its own for every test, and events to put into it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counterpoint.journal import Journal
from counterpoint.settings import JournalSettings

Document = dict[str, Any]


def event(number: int = 1, **changes: Any) -> Document:
    """A metric event; its id and subject carry the number."""
    document: Document = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "test",
        "type": "order.placed",
        "subject": f"user-{number}",
        "time": "2026-05-04T10:00:00Z",
        "data": {"value": number},
    }
    return {name: value for name, value in {**document, **changes}.items() if value is not ...}


def exposure(number: int = 1, variant: str = "on", **changes: Any) -> Document:
    """An exposure of the flag `checkout`."""
    data = {
        "feature_flag.key": "checkout",
        "feature_flag.result.variant": variant,
        "feature_flag.set.id": "default",
    }
    return event(number, id=f"x{number}", type="feature_flag.evaluation", data=data, **changes)


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Opens the test's journal, as often as asked; all are closed at the end."""
    opened: list[Journal] = []

    def opens(folder: Path | None = None, clock: Any = None, **settings: Any) -> Journal:
        further = {"clock": clock} if clock else {}
        opened.append(Journal(folder or tmp_path / "journal", JournalSettings(**settings), **further))
        return opened[-1]

    yield opens
    for journal in opened:
        journal.close()


@pytest.fixture
def journal(open_journal: Callable[..., Journal]) -> Journal:
    """An empty journal."""
    return open_journal()
