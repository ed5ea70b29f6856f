"""What the page of a piece of documentation shows, worked out for the template."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from counterpoint.catalog.docs.conversion import Heading
from counterpoint.catalog.docs.freshness import Freshness
from counterpoint.catalog.docs.library import Library, Shown
from counterpoint.catalog.docs.links import Broken, OurAddresses
from counterpoint.catalog.docs.navigation import Entry, flat
from counterpoint.catalog.docs.site import Site
from counterpoint.errors import NotFoundError
from counterpoint.graph.reader import Reader

__all__ = ["Line", "Reading", "path_of", "read_page"]

WHOLE = 500
"""Pages up to which all of a navigation is drawn; of a larger one other groups are links to their first page."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the navigation, as it is drawn."""

    title: str
    url: str
    current: bool
    open: bool
    """Whether the page that is shown is in this group."""
    external: bool = False
    children: tuple["Line", ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """One page with everything around it."""

    path: str
    shown: Shown
    contents: tuple[Heading, ...]
    """Headings below the title, for the table of contents."""
    lines: tuple[Line, ...]
    previous: Entry | None
    following: Entry | None
    addresses: OurAddresses
    changed: datetime | None
    freshness: Freshness
    problems: tuple[str, ...]
    """Of the site as a whole, told on its first page."""
    unlisted: tuple[str, ...]

    @property
    def heading(self) -> str:
        """The title to write above a page that has no heading of the first rank; empty where it has one."""
        return "" if any(each.level == 1 for each in self.shown.headings) else self.shown.title

    @property
    def broken(self) -> tuple[Broken, ...]:
        """The links of this page that lead nowhere."""
        return self.shown.broken


def path_of(site: Site, asked: str) -> str | None:
    """The page that an address means: by its slug, or by its file; none where it means none."""
    asked = asked.strip("/")
    if asked in site.slugs:
        return site.slugs[asked]
    if asked in site.pages:
        return asked
    bare = asked.removesuffix(".html").removesuffix("/index")
    return site.slugs.get("" if bare == "index" else bare)


def read_page(library: Library, reader: Reader, site: Site, path: str, addresses: OurAddresses) -> Reading:
    """A page with navigation, table of contents and what there is to mend.

    Raises:
        NotFoundError: the page has gone since the folder was looked at.
    """
    if site.file(path) is None:
        raise NotFoundError(f"{path} is not there any more; load the page again.")
    known = library.known(reader, site, [path])
    shown = library.show(site, path, known, addresses)
    freshness = library.freshness(site)
    order = [entry.page for entry in site.order]
    at = order.index(path) if path in order else None
    home = path == site.home
    problems: Iterable[str] = (*site.problems, *site.navigation_problems) if home else ()
    return Reading(
        path,
        shown,
        tuple(each for each in shown.headings if each.level in (2, 3)),
        _lines(site.navigation, site, path, addresses, whole=len(order) <= WHOLE),
        site.order[at - 1] if at else None,
        site.order[at + 1] if at is not None and at + 1 < len(order) else None,
        addresses,
        freshness.pages.get(path),
        freshness,
        tuple(problems),
        tuple(site.unlisted) if home else (),
    )


def _lines(
    entries: tuple[Entry, ...], site: Site, here: str, addresses: OurAddresses, *, whole: bool
) -> tuple[Line, ...]:
    found = []
    for entry in entries:
        is_open = entry.holds(here)
        first = entry
        if entry.children and not is_open and not whole:
            first = next(flat((entry,)), entry)
        children = entry.children if first is entry else ()
        found.append(
            Line(
                entry.title,
                addresses.page(site.pages[first.page].slug) if first.page else entry.address,
                entry.page == here,
                is_open,
                external=bool(entry.address),
                children=_lines(children, site, here, addresses, whole=whole),
            )
        )
    return tuple(found)
