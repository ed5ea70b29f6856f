"""Flags in the search: each by its key, its description and what it belongs to."""

import threading
from collections.abc import Sequence

from counterpoint.flags.listing import FlagItem, items_of
from counterpoint.flags.store import read_sets
from counterpoint.graph.search import words_of
from counterpoint.web.finding import TOLD, WITHIN, Finder, Found, Sought, rank_of
from counterpoint.web.urls import flag_url
from counterpoint.workspace import Workspace

__all__ = ["finders"]


class _Flags:
    """The flags of a workspace with their words, read again when a set has changed."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._version: dict[str, str] | None = None
        self._seen = -1
        self._items: list[tuple[FlagItem, tuple[str, ...], tuple[str, ...]]] = []

    def items(self) -> list[tuple[FlagItem, tuple[str, ...], tuple[str, ...]]]:
        """Each flag with the words of its key and of its description."""
        with self._lock, self._workspace.graph.read() as reader:
            last = reader.last_activity()
            if last != self._seen:
                sets = {entity.ref: entity.etag for entity in reader.find(kind="FlagSet", limit=1_000).items}
                if sets != self._version:
                    self._items = [
                        (item, tuple(words_of(item.key)), tuple(words_of(item.description)))
                        for item in items_of(read_sets(reader))
                    ]
                    self._version = sets
                self._seen = last
            return self._items


def find_flags(workspace: Workspace, sought: Sought) -> Sequence[Found]:
    """Flags whose key or description has all the words."""
    found = []
    for item, key, description in workspace.keep(_Flags, _Flags).items():
        if not all(any(held.startswith(word) for held in (*key, *description)) for word in sought.words):
            continue
        rank = rank_of(sought.text, sought.words, item.key)
        found.append(
            Found(
                kind="Flag",
                title=item.key,
                url=flag_url(item.set, item.key),
                rank=TOLD if rank == WITHIN else rank,
                ref=f"flagset:default/{item.set}",
                owner=item.owner,
                field="name" if rank != WITHIN else "description",
                snippet=item.description if rank == WITHIN else "",
                description=item.description,
            )
        )
    found.sort(key=lambda each: (each.rank, each.title))
    return found[: sought.limit]


finders: list[Finder] = [find_flags]
