"""What is kept of documentation while the workspace is open: sites, pages, what was checked.

Everything is kept by what it was made of (the text of a page, the times and sizes of files), so nothing
has to be told that it is out of date.
"""

import hashlib
import re
import time
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from html import escape, unescape
from itertools import islice

import sqlalchemy as sa

from counterpoint.catalog.docs.built import read_built
from counterpoint.catalog.docs.conversion import ENTITY_SCHEME, Converted, Heading, convert, is_calm
from counterpoint.catalog.docs.freshness import Freshness, history_mark, read_freshness
from counterpoint.catalog.docs.links import Addresses, Broken, Links, OurAddresses
from counterpoint.catalog.docs.mirror import Mirrors
from counterpoint.catalog.docs.sanitise import sanitise
from counterpoint.catalog.docs.shelf import Shelf
from counterpoint.catalog.docs.site import Site, open_site
from counterpoint.catalog.docs.source import REF, SHARED, Missing, Place, Remote, find_place
from counterpoint.graph.entity import Entity
from counterpoint.graph.query import valid
from counterpoint.graph.reader import Reader
from counterpoint.graph.tables import revision
from counterpoint.workspace import Workspace

__all__ = ["Library", "Report", "Shown", "library_of"]

REFERENCE = re.compile(rf'(<a class="entity-ref" href="{ENTITY_SCHEME}:([^"<>]{{1,300}})">)([^<]{{1,300}})')
SITES = 2_000
PAGE_CHARACTERS = 32 * 1024 * 1024
"""Characters of HTML that are kept."""
CHECKED = 500
"""Pages of one site whose links are checked."""
WILD = 10
"""Pages among them that may take seconds each."""
LARGE = 500
"""Pages beyond which a site is looked at again only after `PAUSE`."""
PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that can be shown."""

    html: str
    title: str
    headings: tuple[Heading, ...]
    broken: tuple[Broken, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to mend in a site."""

    broken: tuple[Broken, ...]
    problems: tuple[str, ...]
    """Of `mkdocs.yml`, its navigation, and pages that cannot be rendered."""
    checked: int
    """Pages whose links were checked."""


class Library:
    """The documentation of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        hosts = workspace.settings.catalog.read_hosts
        self._mirrors = Mirrors(workspace.path / "index" / "docs", hosts)
        self._sites: Shelf[tuple[Site | Missing, float]] = Shelf(SITES)
        self._converted: Shelf[Converted] = Shelf(PAGE_CHARACTERS, lambda page: len(page.html) + 200)
        self._shown: Shelf[Shown] = Shelf(PAGE_CHARACTERS, lambda page: len(page.html) + 200)
        self._refs: Shelf[frozenset[str]] = Shelf(SITES)
        self._chosen: Shelf[tuple[str, ...]] = Shelf(SITES)
        self._reports: Shelf[Report] = Shelf(SITES)
        self._freshness: Shelf[Freshness] = Shelf(SITES)
        self._documented: tuple[int, tuple[str, ...]] = (-1, ())

    def documented(self, reader: Reader) -> tuple[str, ...]:
        """References of the entities that say they have documentation, in order."""
        at = reader.last_activity()
        if self._documented[0] != at:
            self._documented = (at, _annotated(reader))
        return self._documented[1]

    def place(self, reader: Reader, entity: Entity, *, fetch: bool = True) -> Place | Missing:
        """The folder of an entity's documentation, or why there is none.

        What is at an address is fetched into one first; without `fetch` what was fetched before is taken.
        """
        found = find_place(reader, entity)
        return self._mirrors.place(found, fetch=fetch) if isinstance(found, Remote) else found

    def open(self, reader: Reader, entity: Entity, *, fetch: bool = True) -> Site | Missing:
        """The documentation of an entity as it is on disk now, or why there is none."""
        place = self.place(reader, entity, fetch=fetch)
        return place if isinstance(place, Missing) else self.site(place)

    def sites(self, reader: Reader) -> dict[str, Site]:
        """The documentation of all entities that can be read, each once, under the entity that it belongs to."""
        refs = self.documented(reader)
        entities = reader.get_many(refs)
        opened = [self.open(reader, entities[ref], fetch=False) for ref in refs if ref in entities]
        return {site.place.ref: site for site in opened if isinstance(site, Site)}

    def site(self, place: Place) -> Site | Missing:
        """The documentation at a place; the same object as long as nothing has changed."""
        key = replace(place, start="")
        kept = self._sites.get(key)
        now = time.monotonic()
        if kept is not None:
            site, looked = kept
            if isinstance(site, Site) and len(site.pages) > LARGE and now - looked < PAUSE:
                return site
        found = open_site(key)
        if kept is not None and _is_same(kept[0], found):
            found = kept[0]
        self._sites.put(key, (found, now))
        return found

    def converted(self, site: Site, path: str) -> Converted:
        """A page as HTML that is not yet safe."""
        text = site.read(path)
        key = (site.built, hashlib.sha256(text.encode("utf-8", "replace")).digest())
        return self._converted.make(key, lambda: read_built(text) if site.built else convert(text))

    def show(self, site: Site, path: str, known: Mapping[str, str], addresses: Addresses) -> Shown:
        """A page that can be shown, with its links resolved and checked."""
        page = self.converted(site, path)
        exist = {ref: known[ref] for ref in sorted(page.refs) if ref in known}
        key = (site.stamp, path, hash(page.html), tuple(exist.items()), addresses)
        return self._shown.make(key, lambda: self._show(site, path, page, exist, addresses))

    def _show(
        self, site: Site, path: str, page: Converted, known: Mapping[str, str], addresses: Addresses
    ) -> Shown:
        links = Links(
            site, path, page.anchors, lambda other: self.converted(site, other).anchors, known, addresses
        )
        html = sanitise(_entitled(page.html, known), links.resolve, prefix=addresses.prefix)
        links.check_addresses(page.html)
        title = page.title or site.title_of(path)
        return Shown(html, title, page.headings, tuple(links.broken), page.problem)

    def known(self, reader: Reader, site: Site, paths: Iterable[str]) -> dict[str, str]:
        """Titles of the entities that pages refer to and that exist."""
        refs = {ref for path in paths for ref in self.converted(site, path).refs}
        return reader.titles(refs) if refs else {}

    def report(self, reader: Reader, site: Site) -> Report:
        """What there is to mend; all links are checked, those of very large sites in part."""
        refs = self._refs.make(site.stamp, lambda: self._referred(site))
        known = reader.titles(refs) if refs else {}
        return self._reports.make(_report_key(site, known), lambda: self._check(site, known))

    def report_at_hand(self, reader: Reader, site: Site) -> Report | None:
        """The report, if nothing has to be read for it."""
        refs = self._refs.get(site.stamp)
        if refs is None:
            return None
        return self._reports.get(_report_key(site, reader.titles(refs) if refs else {}))

    def _referred(self, site: Site) -> frozenset[str]:
        """The entities that the pages of a site refer to."""
        return frozenset(ref for path in self._checked(site) for ref in self.converted(site, path).refs)

    def _checked(self, site: Site) -> tuple[str, ...]:
        """The pages whose links are checked: the first ones, of those that take seconds only a few."""
        return self._chosen.make(site.stamp, lambda: tuple(_affordable(site)))

    def _check(self, site: Site, known: Mapping[str, str]) -> Report:
        paths = self._checked(site)
        addresses = OurAddresses("")
        broken: list[Broken] = []
        problems = [*site.problems, *site.navigation_problems]
        for path in paths:
            shown = self.show(site, path, known, addresses)
            broken += shown.broken
            if shown.problem:
                problems.append(f"{path}: {shown.problem}")
        if len(site.pages) > len(paths):
            problems.append(f"only the links of {len(paths)} of {len(site.pages):,} pages are checked")
        return Report(tuple(broken), tuple(problems), len(paths))

    def freshness(self, site: Site) -> Freshness:
        """When the pages were changed."""
        return self._freshness.make((site.stamp, history_mark(site)), lambda: read_freshness(site))


def library_of(workspace: Workspace) -> Library:
    """The library of a workspace, made when it is first asked for."""
    return workspace.keep(Library, Library)


def _affordable(site: Site) -> Iterator[str]:
    wild = 0
    for path in islice(site.pages, CHECKED):
        if not site.built and not is_calm(site.read(path)):
            wild += 1
            if wild > WILD:
                continue
        yield path


def _entitled(html: str, known: Mapping[str, str]) -> str:
    """References to entities that were given no words of their own get the titles of the entities."""

    def entitle(found: re.Match[str]) -> str:
        ref = unescape(found.group(2))
        short = ref.partition(":")[2].removeprefix("default/")
        title = known.get(ref)
        return found.group(1) + (
            escape(title) if title and unescape(found.group(3)) == short else found.group(3)
        )

    return REFERENCE.sub(entitle, html) if known else html


def _report_key(site: Site, known: Mapping[str, str]) -> Hashable:
    return site.stamp, tuple(sorted(known.items()))


def _is_same(kept: Site | Missing, found: Site | Missing) -> bool:
    return isinstance(kept, Site) and isinstance(found, Site) and kept.stamp == found.stamp


def _annotated(reader: Reader) -> tuple[str, ...]:
    texts = [revision.c.document.like(f'%"{name}"%') for name in (REF, SHARED)]
    query = sa.select(revision.c.ref).where(valid(revision, None), sa.or_(*texts)).order_by(revision.c.ref)
    return tuple(reader.connection.execute(query).scalars())
