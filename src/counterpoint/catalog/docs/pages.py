"""The pages of documentation: all of it with its state, and one page to read."""

from pathlib import Path
from typing import Any

from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from counterpoint.catalog.docs.files import file_answer
from counterpoint.catalog.docs.library import library_of
from counterpoint.catalog.docs.links import OurAddresses, docs_base
from counterpoint.catalog.docs.listing import list_rows
from counterpoint.catalog.docs.reading import path_of, read_page
from counterpoint.catalog.docs.search import search_docs
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.docs.source import Missing
from counterpoint.catalog.reuse.store import twins_of
from counterpoint.errors import NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.graph.similar.likeness import documentation_of
from counterpoint.paging import read_cursor
from counterpoint.web import PageContext, render
from counterpoint.web.etags import IfNoneMatch
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

ROWS = 100
HITS = 50


@get("/docs", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_documentation(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    q: FromQuery[str] = "",
    cursor: FromQuery[str | None] = None,
) -> str:
    """All documentation with its state, or what a search finds in it."""
    term = q.strip()[:200]
    after = read_cursor(cursor, tuple[str])[0] if cursor else None
    hits = search_docs(ws, term, HITS) if term else []
    with ws.graph.read() as reader:
        rows, total, following = list_rows(library_of(ws), reader, limit=0 if term else ROWS, after=after)
        owners = {row.entity.owner for row in rows if row.entity.owner}
        titles = reader.titles(owners | {hit.ref for hit in hits})
    return render(
        page,
        "catalog/docs/list.html",
        term=term,
        hits=hits,
        rows=rows,
        total=total,
        titles=titles,
        next_url=with_query("/docs", cursor=following) if following else None,
        first_url="/docs" if after else None,
    )


@get(
    "/catalog/{kind:str}/{namespace:str}/{name:str}/docs",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_home(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """The first page of an entity's documentation, or why there is none and what to do."""
    library = library_of(ws)
    with ws.graph.read() as reader:
        entity = reader.require(f"{kind}:{namespace}/{name}".lower())
        place = library.place(reader, entity)
        site = place if isinstance(place, Missing) else library.site(place)
        if isinstance(site, Missing):
            return _missing(reader, page, entity, site)
        start = "" if isinstance(place, Missing) else place.start
        path = (path_of(site, start) if start else None) or site.home
        return _page(ws, reader, page, entity, site, path)


@get(
    "/catalog/{kind:str}/{namespace:str}/{name:str}/docs/{path:path}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show_page(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    path: FromPath[Path],
    if_none_match: IfNoneMatch = None,
) -> Response[Any]:
    """One page of an entity's documentation, or an image or other file of it."""
    asked = path.as_posix().strip("/")
    with ws.graph.read() as reader:
        entity = reader.require(f"{kind}:{namespace}/{name}".lower())
        site = library_of(ws).open(reader, entity)
        if isinstance(site, Missing):
            return Response(_missing(reader, page, entity, site), media_type=MediaType.HTML)
        found = path_of(site, asked)
        if found is not None:
            return Response(_page(ws, reader, page, entity, site, found), media_type=MediaType.HTML)
    if site.file(asked) is None:
        raise NotFoundError(
            f"The documentation of {entity.title} has no page {asked!r}; its first page is {docs_base(entity.ref)}."
        )
    return file_answer(site, asked, if_none_match)


def _page(ws: Workspace, reader: Reader, page: PageContext, entity: Entity, site: Site, path: str) -> str:
    addresses = OurAddresses(docs_base(entity.ref))
    reading = read_page(library_of(ws), reader, site, path, addresses)
    return render(
        page,
        "catalog/docs/page.html",
        entity=entity,
        site=site,
        reading=reading,
        twins=twins_of(ws, documentation_of(site.place.ref)) if path == site.home else (),
        owner_title=reader.titles([entity.owner]).get(entity.owner) if entity.owner else None,
    )


def _missing(reader: Reader, page: PageContext, entity: Entity, missing: Missing) -> str:
    owner = reader.titles([entity.owner]).get(entity.owner) if entity.owner else None
    return render(page, "catalog/docs/missing.html", entity=entity, missing=missing, owner_title=owner)


pages: list[Any] = [show_documentation, show_home, show_page]
