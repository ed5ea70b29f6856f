"""What Backstage's documentation reader asks for: the endpoints of its TechDocs backend.

Nothing is built, so a `sync` finishes at once; pages are rendered when they are asked for, with addresses
as MkDocs writes them.
"""

import posixpath
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from markupsafe import Markup

from counterpoint.catalog.docs.files import file_answer
from counterpoint.catalog.docs.library import Library, library_of
from counterpoint.catalog.docs.links import TechDocsAddresses
from counterpoint.catalog.docs.navigation import Entry
from counterpoint.catalog.docs.outline import outline
from counterpoint.catalog.docs.reading import path_of
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.docs.source import Missing
from counterpoint.errors import NotFoundError
from counterpoint.graph.entity import Entity
from counterpoint.graph.final import final_entity
from counterpoint.graph.reader import Reader
from counterpoint.web.etags import IfNoneMatch
from counterpoint.workspace import Workspace

__all__ = ["BASE", "routes"]

BASE = "/api/techdocs"
BUILT = "techdocs_metadata.json"
INDEX = "search/search_index.json"
INDEX_CHARACTERS = 20_000_000
"""Characters after which the search index ends: the reader's search holds all of it in memory."""
ENTRY = 100
"""Characters that each section counts besides its text."""
COOKIE_HOURS = 1


class Metadata(msgspec.Struct, frozen=True):
    """What TechDocs' generator writes of a site."""

    site_name: str
    site_description: str
    etag: str
    build_timestamp: int
    """Milliseconds since 1970 at which the newest page was changed."""
    files: tuple[str, ...]


class Cookie(msgspec.Struct, frozen=True, rename="camel"):
    """Until when the reader need not ask again."""

    expires_at: datetime


class EntityMetadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An entity as Backstage writes it, with where its documentation is."""

    api_version: str
    kind: str
    metadata: dict[str, Any]
    relations: tuple[dict[str, str], ...]
    location_metadata: dict[str, str]
    spec: dict[str, Any] | None = None


@get(
    "/api/techdocs/metadata/techdocs/{namespace:str}/{kind:str}/{name:str}",
    tags=["documentation"],
    sync_to_thread=True,
)
def read_metadata(
    ws: NamedDependency[Workspace], namespace: FromPath[str], kind: FromPath[str], name: FromPath[str]
) -> Metadata:
    """The name of a site, its pages, and when it was changed (TechDocs)."""
    with ws.graph.read() as reader:
        _entity, site = _require(ws, reader, namespace, kind, name)
        return _metadata(library_of(ws), site)


@get(
    "/api/techdocs/metadata/entity/{namespace:str}/{kind:str}/{name:str}",
    tags=["documentation"],
    sync_to_thread=True,
)
def read_entity_metadata(
    ws: NamedDependency[Workspace], namespace: FromPath[str], kind: FromPath[str], name: FromPath[str]
) -> EntityMetadata:
    """The entity that is documented, with where its documentation is (TechDocs)."""
    with ws.graph.read() as reader:
        entity, site = _require(ws, reader, namespace, kind, name)
    relations = [(edge.type, edge.target) for edge in entity.relations]
    final = final_entity(entity.document, uid=entity.uid, etag=entity.etag, relations=relations)
    where = (
        {"type": "url", "target": site.place.address}
        if site.place.address
        else {"type": "dir", "target": str(site.place.folder)}
    )
    return msgspec.convert({**final, "locationMetadata": where}, EntityMetadata)


@get(
    "/api/techdocs/sync/{namespace:str}/{kind:str}/{name:str}",
    tags=["documentation"],
    media_type="text/event-stream",
    sync_to_thread=True,
)
def sync(
    ws: NamedDependency[Workspace], namespace: FromPath[str], kind: FromPath[str], name: FromPath[str]
) -> Response[str]:
    """Events `log` and `finish` (TechDocs). Nothing is built, so what is served is always the newest."""
    with ws.graph.read() as reader:
        entity = reader.require(f"{kind}:{namespace}/{name}".lower())
        site = library_of(ws).open(reader, entity)
    if isinstance(site, Missing):
        events = [_event("error", f"{site.reason} {site.remedy}".strip())]
    else:
        pages = f"{len(site.pages)} pages are rendered when they are read; there is nothing to build."
        events = [_event("log", pages), _event("finish", {"updated": False})]
    return Response("".join(events), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


@get("/api/techdocs/.backstage/auth/v1/cookie", tags=["documentation"])
async def read_cookie() -> Cookie:
    """Until when the reader may load images without asking again; our own session does for it (TechDocs)."""
    return Cookie(datetime.now(UTC).replace(microsecond=0) + timedelta(hours=COOKIE_HOURS))


@get(
    "/api/techdocs/static/docs/{namespace:str}/{kind:str}/{name:str}/{path:path}",
    tags=["documentation"],
    media_type=MediaType.HTML,
    sync_to_thread=True,
)
def read_static(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    kind: FromPath[str],
    name: FromPath[str],
    path: FromPath[Path],
    if_none_match: IfNoneMatch = None,
) -> Response[Any]:
    """A page as HTML (`setup/index.html` for `setup.md`), an image, or the search index (TechDocs)."""
    asked = path.as_posix().strip("/")
    library = library_of(ws)
    with ws.graph.read() as reader:
        _entity, site = _require(ws, reader, namespace, kind, name)
        if asked == BUILT:
            return Response(_metadata(library, site), media_type=MediaType.JSON)
        if asked == INDEX:
            return Response(_search_index(site), media_type=MediaType.JSON)
        is_page = asked.endswith(".html") or "." not in posixpath.basename(asked)
        found = path_of(site, asked) if is_page else None
        if found is not None:
            return Response(_html(library, reader, site, found), media_type=MediaType.HTML)
    if is_page:
        raise NotFoundError(f"The documentation of {site.place.ref} has no page {asked}.")
    return file_answer(site, asked, if_none_match)


def _require(ws: Workspace, reader: Reader, namespace: str, kind: str, name: str) -> tuple[Entity, Site]:
    """An entity and its documentation.

    Raises:
        NotFoundError: there is no such entity, or it has none; the message says why and what to do.
    """
    entity = reader.require(f"{kind}:{namespace}/{name}".lower())
    site = library_of(ws).open(reader, entity)
    if isinstance(site, Missing):
        raise NotFoundError(f"{site.reason} {site.remedy}".strip())
    return entity, site


def _metadata(library: Library, site: Site) -> Metadata:
    newest = library.freshness(site).newest or datetime.now(UTC)
    files = [f"{page.slug}/index.html" if page.slug else "index.html" for page in site.pages.values()]
    return Metadata(
        site.name, site.description, site.stamp[:40], int(newest.timestamp() * 1000), (*sorted(files), INDEX)
    )


def _search_index(site: Site) -> dict[str, Any]:
    """As MkDocs writes it, which Backstage's collator reads."""
    docs = []
    room = INDEX_CHARACTERS
    for path, page in site.pages.items():
        if room < 0:  # what is left out is still shown, but not found
            break
        location = f"{page.slug}/" if page.slug else ""
        for section in () if site.built else outline(site.read(path)):
            place = f"{location}#{section.anchor}" if section.anchor else location
            room -= len(section.text) + ENTRY
            docs.append(
                {"location": place, "title": section.title or site.title_of(path), "text": section.text}
            )
    return {"config": {"lang": ["en"], "separator": r"[\s\-]+"}, "docs": docs}


def _html(library: Library, reader: Reader, site: Site, path: str) -> str:
    """A whole document with the class names of MkDocs' theme, which the reader arranges by."""
    addresses = TechDocsAddresses(site.pages[path].slug)
    shown = library.show(site, path, library.known(reader, site, [path]), addresses)
    contents = Markup("").join(
        Markup('<li class="md-nav__item"><a class="md-nav__link" href="#{}">{}</a></li>').format(
            each.anchor, each.title
        )
        for each in shown.headings
        if each.level > 1
    )
    return Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} - {site}</title></head><body>'
        '<div class="md-container"><main class="md-main"><div class="md-main__inner">'
        '<div class="md-sidebar md-sidebar--primary" data-md-component="sidebar" data-md-type="navigation">'
        '<nav class="md-nav md-nav--primary" aria-label="Navigation"><ul class="md-nav__list">{nav}</ul></nav></div>'
        '<div class="md-sidebar md-sidebar--secondary" data-md-component="sidebar" data-md-type="toc">'
        '<nav class="md-nav md-nav--secondary" aria-label="Table of contents">'
        '<ul class="md-nav__list">{contents}</ul></nav></div>'
        '<div class="md-content" data-md-component="content">'
        '<article class="md-content__inner md-typeset">{html}</article></div>'
        "</div></main></div></body></html>"
    ).format(
        title=shown.title,
        site=site.name,
        nav=_nav(site.navigation, site, path, addresses),
        contents=contents,
        html=Markup(shown.html),  # noqa: S704 - went through the allow-list
    )


def _nav(entries: Iterable[Entry], site: Site, here: str, addresses: TechDocsAddresses) -> Markup:
    items = []
    for entry in entries:
        if entry.children:
            below = _nav(entry.children, site, here, addresses)
            item = Markup(
                '<li class="md-nav__item md-nav__item--nested"><span class="md-nav__link">{}</span>'
                '<nav class="md-nav"><ul class="md-nav__list">{}</ul></nav></li>'
            ).format(entry.title, below)
        else:
            url = addresses.page(site.pages[entry.page].slug) if entry.page else entry.address
            active = " md-nav__item--active" if entry.page == here and entry.page else ""
            item = Markup('<li class="md-nav__item{}"><a class="md-nav__link" href="{}">{}</a></li>').format(
                active, url, entry.title
            )
        items.append(item)
    return Markup("").join(items)


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {msgspec.json.encode(data).decode()}\n\n"


routes: list[Any] = [read_metadata, read_entity_metadata, sync, read_cookie, read_static]
