"""The API of documentation: what there is, and what a search finds in it; TechDocs' own is beside it."""

from typing import Any

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from counterpoint.catalog.api.refusals import refusal_below
from counterpoint.catalog.docs import techdocs
from counterpoint.catalog.docs.library import library_of
from counterpoint.catalog.docs.listing import DocumentedPage, list_rows, record_of
from counterpoint.catalog.docs.search import search_docs
from counterpoint.paging import check_limit, read_cursor
from counterpoint.workspace import Workspace

__all__ = ["error_shapes", "routes"]

MOST = 500
HITS = 100


class Section(msgspec.Struct, frozen=True):
    """A section of documentation that was found."""

    ref: str
    """The entity that it belongs to."""
    page: str
    heading: str
    snippet: str
    url: str


class Sections(msgspec.Struct, frozen=True):
    """What a search has found, the best first."""

    items: tuple[Section, ...]


@get("/api/v1/docs", tags=["documentation"], sync_to_thread=True)
def list_documentation(
    ws: NamedDependency[Workspace], limit: FromQuery[int] = 100, cursor: FromQuery[str | None] = None
) -> DocumentedPage:
    """Entities that name documentation: pages, when they were changed, broken links and other problems."""
    check_limit(limit, MOST)
    after = read_cursor(cursor, tuple[str])[0] if cursor else None
    with ws.graph.read() as reader:
        rows, total, following = list_rows(library_of(ws), reader, limit=limit, after=after)
    return DocumentedPage(tuple(record_of(row) for row in rows), total, following)


@get("/api/v1/docs/search", tags=["documentation"], sync_to_thread=True)
def search_documentation(
    ws: NamedDependency[Workspace], q: FromQuery[str], limit: FromQuery[int] = 20
) -> Sections:
    """Sections of documentation that hold every word of `q`, or a word that begins with it; the best first."""
    check_limit(limit, HITS)
    found = search_docs(ws, q[:200], limit)
    return Sections(tuple(Section(hit.ref, hit.page, hit.heading, hit.snippet, hit.url) for hit in found))


error_shapes: dict[str, Any] = {techdocs.BASE: refusal_below(techdocs.BASE)}
routes: list[Any] = [list_documentation, search_documentation, *techdocs.routes]
