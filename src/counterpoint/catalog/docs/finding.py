"""Documentation in the search: the sections that have the words, each with its entity."""

from collections.abc import Sequence

from counterpoint.catalog.docs.search import DocsHit, search_docs
from counterpoint.web.finding import WITHIN, Finder, Found, Sought, rank_of
from counterpoint.workspace import Workspace

__all__ = ["finders"]

MOST = 10
"""Sections at most: documentation is long, and would bury what it is about."""


def find_sections(workspace: Workspace, sought: Sought) -> Sequence[Found]:
    """Sections of documentation that have all the words."""
    hits = search_docs(workspace, sought.text, min(sought.limit, MOST))
    if not hits:
        return []
    with workspace.graph.read() as reader:
        entities = reader.get_many({hit.ref for hit in hits})
    return [
        _found(hit, sought, owner=entities[hit.ref].owner, of=entities[hit.ref].title)
        for hit in hits
        if hit.ref in entities
    ]


def _found(hit: DocsHit, sought: Sought, *, owner: str | None, of: str) -> Found:
    title = hit.heading or hit.page
    rank = rank_of(sought.text, sought.words, title)
    where = of if not hit.heading or hit.heading == hit.page else f"{of}, {hit.page}"
    return Found(
        kind="Documentation",
        title=title,
        url=hit.url,
        # What a heading begins with is about the words; what is called so is the thing itself, and comes first.
        rank=max(rank, 1),
        ref=hit.ref,
        owner=owner,
        field="title" if rank != WITHIN else "text",
        snippet=hit.snippet,
        description=where,
    )


finders: list[Finder] = [find_sections]
