"""How many entities there are of each sort: from the index in memory where it can tell, else from the database.

The index counts half a million entities in milliseconds. It knows the present, and values; words are found by
the database, and so is the past.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from counterpoint.errors import OverloadedError
from counterpoint.graph.counting import count_with_words
from counterpoint.graph.index import AllOf, Equals, Filter, index_of
from counterpoint.graph.reader import Reader
from counterpoint.graph.ref import parse_ref
from counterpoint.graph.search import words_of
from counterpoint.workspace import Workspace

__all__ = ["Counts", "counts"]

KEYS = {
    "kind": "kind",
    "type": "spec.type",
    "lifecycle": "spec.lifecycle",
    "owner": "relations.ownedby",
    "tag": "metadata.tags",
}
"""The search key of each filter; the index knows keys in lower case."""
EXACT = ("type", "lifecycle", "tag")
"""Filters whose values a list compares as they are written."""
Counts = dict[str, list[tuple[str, int]]]
"""For each filter its values with their counts, the most frequent first."""


def counts(
    workspace: Workspace, reader: Reader, chosen: Mapping[str, str], at: datetime | None
) -> tuple[int, int, Counts]:
    """How many entities pass all the filters, how many there are, and the values of each filter under the others.

    `chosen` holds a value for some of kind, type, lifecycle, owner, tag and text.
    """
    words = words_of(chosen.get("text", ""))
    if at is not None or ("text" in chosen and not words):  # signs without a word narrow nothing
        return _by_database(reader, chosen, at)
    try:
        snapshot = index_of(workspace).snapshot()
    except OverloadedError:  # it is being made, and takes longer than a reader may wait
        return _by_database(reader, chosen, at)
    if words:
        others = {name: value for name, value in chosen.items() if name != "text"}
        passing, values = count_with_words(reader, chosen["text"], others, tuple(KEYS))
        return passing, len(snapshot), values
    wanted = {name: _equals(name, value) for name, value in chosen.items()}
    found = {}
    for name, key in KEYS.items():
        rest = AllOf(tuple(each for other, each in wanted.items() if other != name))
        found[name] = _ordered(snapshot.facets([key], rest)[key])
    if any(_is_ambiguous(chosen[name], found[name]) for name in EXACT if name in chosen):
        return _by_database(reader, chosen, at)
    return snapshot.count(AllOf(tuple(wanted.values()))), len(snapshot), found


def _is_ambiguous(value: str, values: list[tuple[str, int]]) -> bool:
    """Whether the index, which asks in lower case, would take what is written otherwise for the same."""
    return any(each != value and each.lower() == value.lower() for each, _count in values)


def _by_database(reader: Reader, chosen: Mapping[str, str], at: datetime | None) -> tuple[int, int, Counts]:
    when: dict[str, Any] = {"at": at} if at else {}
    total = reader.find(limit=0, **when).total
    found = {}
    for name in KEYS if total else ():
        others: dict[str, Any] = {key: value for key, value in chosen.items() if key != name} | when
        found[name] = reader.facets(name, **others)
    narrowed: dict[str, Any] = dict(chosen)
    return reader.find(limit=0, **narrowed, **when).total, total, found


def _equals(name: str, value: str) -> Filter:
    if name == "owner":
        value = str(parse_ref(value, default_kind="Group"))
    return Equals(KEYS[name], (value.lower(),))


def _ordered(values: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(values, key=lambda pair: (-pair[1], pair[0]))
