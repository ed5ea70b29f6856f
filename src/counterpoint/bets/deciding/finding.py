"""Decision records in the search: each by its title and all that was said of it. Those about bets are found by their bets."""

from collections.abc import Sequence

from counterpoint.bets.deciding.placing import numbers_of
from counterpoint.bets.deciding.records import records_of
from counterpoint.bets.deciding.words import records_with
from counterpoint.web.finding import Finder, Found, Sought, rank_of
from counterpoint.workspace import Workspace

__all__ = ["finders"]

MOST = 10
"""Decisions at most: the log has all of them, and its own search."""


def find_decisions(workspace: Workspace, sought: Sought) -> Sequence[Found]:
    """The newest decision records that have all the words."""
    if not sought.words:
        return []
    with workspace.graph.read() as reader:
        wanted = numbers_of(reader, among=records_with(sought.words), limit=min(sought.limit, MOST))
        records = records_of(reader, wanted)
    return [
        Found(
            kind="Decision",
            title=each.content.title,
            url=f"/decisions/{each.number}",
            rank=rank_of(sought.text, sought.words, each.content.title),
            owner=each.content.unit,
            description=each.content.because or each.content.context,
        )
        for each in records
    ]


finders: list[Finder] = [find_decisions]
