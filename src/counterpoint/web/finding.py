"""Search everywhere: what the rooms find, in one ranked list.

A room that has things which are no entities (the flags inside a set, the pages of documentation) offers a
`finding` module with `finders`; the server hands them to the pages. Entities are found here, in the graph.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from counterpoint.graph.entity import SearchHit
from counterpoint.graph.kinds import KINDS, canonical_kind
from counterpoint.graph.search import words_of
from counterpoint.web.urls import entity_url
from counterpoint.workspace import Workspace

__all__ = [
    "EXACT",
    "NAMED",
    "TOLD",
    "WITHIN",
    "Finder",
    "Found",
    "Results",
    "Sought",
    "kinds_in",
    "rank_of",
    "search",
]

EXACT, BEGINS, NAMED, TOLD, WITHIN = 0, 1, 2, 3, 4
"""Ranks: it is called so; its name begins so; the words are in the name, in the description, elsewhere."""
LENGTH = 200
"""Characters of what is sought."""


class Sought(msgspec.Struct, frozen=True):
    """What somebody looks for."""

    text: str
    words: tuple[str, ...]
    limit: int


class Found(msgspec.Struct, frozen=True, rename="camel"):
    """Something with a page that was found."""

    kind: str
    """What it is, as its mark says: a kind of entity, or `Flag`, `Decision`, or `Documentation`."""
    title: str
    url: str
    rank: int
    """0: it is called so; 1: its name begins so; 2: in its name; 3: in its description; 4: elsewhere."""
    ref: str | None = None
    """The entity that it is, or that it belongs to."""
    owner: str | None = None
    owner_title: str = ""
    field: str = "name"
    """Where the best match is: `name`, `title`, `tags`, `description` or `text`."""
    snippet: str = ""
    """The words around the match."""
    description: str = ""


class Results(msgspec.Struct, frozen=True):
    """What was found, the best first."""

    items: tuple[Found, ...]
    instead: str = ""
    """What was sought instead, since nothing had the words as they were written."""


Finder = Callable[[Workspace, Sought], Sequence[Found]]
"""Finds things of one sort, the best first."""


def search(
    workspace: Workspace, text: str, *, limit: int, finders: Iterable[Finder] = (), kinds: Iterable[str] = ()
) -> Results:
    """What has all the words of a text, or words that begin with them, from everywhere, ranked together.

    `kinds` narrows to things of these marks. Where nothing is found, words that are spelt nearly so are tried.
    """
    every = tuple(finders)
    found = _find(workspace, text, limit, every, frozenset(kinds))
    if found:
        return Results(tuple(found))
    with workspace.graph.read() as reader:
        instead = reader.respelt(text[:LENGTH])
    if not instead:
        return Results(())
    return Results(tuple(_find(workspace, instead, limit, every, frozenset(kinds))), instead)


def _find(
    workspace: Workspace, text: str, limit: int, finders: tuple[Finder, ...], kinds: frozenset[str]
) -> list[Found]:
    text = text.strip()[:LENGTH]
    sought = Sought(text, tuple(dict.fromkeys(words_of(text))), limit)
    if not sought.words:
        return []
    lists = [_entities(workspace, sought, kinds), *(finder(workspace, sought) for finder in finders)]
    placed = [
        (found.rank, at, source, found)
        for source, each in enumerate(lists)
        for at, found in enumerate(each)
        if not kinds or found.kind in kinds
    ]
    return _owned(
        workspace, [found for *_place, found in sorted(placed, key=lambda place: place[:3])][:limit]
    )


def _owned(workspace: Workspace, items: list[Found]) -> list[Found]:
    """The same with what their owners are called, whichever room has found them."""
    with workspace.graph.read() as reader:
        titles = reader.titles({item.owner for item in items if item.owner})
    return [
        msgspec.structs.replace(item, owner_title=titles.get(item.owner, "")) if item.owner else item
        for item in items
    ]


def rank_of(text: str, words: Sequence[str], name: str, *others: str) -> int:
    """How well a name fits: exactly, from its beginning, by all its words, or not (`WITHIN`).

    >>> [rank_of("web", ["web"], name) for name in ("Web", "Web player", "The web", "Mobile")]
    [0, 1, 2, 4]
    """
    wanted = text.casefold().strip()
    names = [each.casefold() for each in (name, *others)]
    if wanted in names:
        return EXACT
    if any(each.startswith(wanted) for each in names):
        return BEGINS
    held = [word for each in names for word in words_of(each)]
    return NAMED if all(any(each.startswith(word) for each in held) for word in words) else WITHIN


def _entities(workspace: Workspace, sought: Sought, kinds: frozenset[str]) -> list[Found]:
    kind, term = _kind_and_name(sought.text)
    if kind and (not kinds or kind in kinds):
        kinds = frozenset({kind})
    with workspace.graph.read() as reader:
        hits = reader.search(term, limit=sought.limit, kinds=kinds)
    return [_entity(hit, sought) for hit in hits]


def _kind_and_name(text: str) -> tuple[str, str]:
    """What a reference, or its beginning, asks for: `component:pay` is a component whose name begins so."""
    kind, colon, rest = text.partition(":")
    known = canonical_kind(kind.strip())
    name = rest.rpartition("/")[2]
    return (known, name) if colon and known in KINDS and words_of(name) else ("", text)


def _entity(hit: SearchHit, sought: Sought) -> Found:
    entity = hit.entity
    rank = rank_of(sought.text, sought.words, entity.title, entity.name, entity.ref)
    if rank == WITHIN and hit.field in {"tags", "description"}:
        rank = TOLD
    return Found(
        kind=entity.kind,
        title=entity.title,
        url=entity_url(entity.ref),
        rank=rank,
        ref=entity.ref,
        owner=entity.owner,
        field=hit.field,
        snippet=hit.snippet,
        description=entity.description,
    )


def kinds_in(items: Iterable[Found]) -> list[tuple[str, int]]:
    """The marks of what was found with their counts, the most frequent first."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
