"""Where the links of a page lead, and which of them lead nowhere.

A link to a page of the same documentation is checked down to its anchor. Addresses outside are not
asked, only read.
"""

import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urljoin, urlsplit

from counterpoint.catalog.docs.conversion import ENTITY_SCHEME
from counterpoint.catalog.docs.navigation import scheme_of
from counterpoint.catalog.docs.sanitise import PREFIX
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.locations import is_inside
from counterpoint.graph.similar.likeness import documentation_of
from counterpoint.web.urls import entity_url, thing_url

__all__ = ["Addresses", "Broken", "Links", "OurAddresses", "TechDocsAddresses", "docs_base"]

IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".avif", ".ico")
FOREIGN = frozenset({"http", "https"})
HREF = re.compile(r'<a [^<>]{0,500}?\bhref="([^"<>]{1,2000})"')


@dataclass(frozen=True, slots=True)
class Broken:
    """A link that leads nowhere."""

    page: str
    target: str
    """As it was written."""
    reason: str


def docs_base(ref: str) -> str:
    """The address of an entity's documentation."""
    return thing_url(documentation_of(ref))


@dataclass(frozen=True, slots=True)
class OurAddresses:
    """Addresses of pages and files below `/catalog/.../docs`."""

    base: str
    prefix: str = PREFIX

    def page(self, slug: str, anchor: str = "") -> str:
        """Of a page, or of a heading in it."""
        path = f"{self.base}/{quote(slug)}" if slug else self.base
        return path + self.anchor(anchor)

    def file(self, path: str) -> str:
        """Of an image or another file."""
        return f"{self.base}/{quote(path)}"

    def anchor(self, anchor: str) -> str:
        """Of a heading in the same page."""
        return f"#{self.prefix}{quote(anchor)}" if anchor else ""


@dataclass(frozen=True, slots=True)
class TechDocsAddresses:
    """Relative addresses as MkDocs writes them, which Backstage's reader turns into its own."""

    here: str
    """Slug of the page that holds the links."""
    prefix: str = ""

    def page(self, slug: str, anchor: str = "") -> str:
        """Of a page, or of a heading in it."""
        return self._relative(f"{slug}/" if slug else "") + self.anchor(anchor)

    def file(self, path: str) -> str:
        """Of an image or another file."""
        return self._relative(path)

    def anchor(self, anchor: str) -> str:
        """Of a heading in the same page."""
        return f"#{quote(anchor)}" if anchor else ""

    def _relative(self, path: str) -> str:
        found = os.path.relpath(f"/{path}", f"/{self.here}")
        return quote(found) + ("/" if path.endswith("/") or not path else "")


Addresses = OurAddresses | TechDocsAddresses


@dataclass(slots=True)
class Links:
    """Resolves the links of one page; what is broken is gathered while it does.

    `anchors` tells the anchors of a page, `known` the titles of the entities that exist.
    """

    site: Site
    page: str
    own_anchors: frozenset[str]
    anchors: Callable[[str], frozenset[str]]
    known: Mapping[str, str]
    addresses: Addresses
    broken: list[Broken] = field(default_factory=list)

    def resolve(self, tag: str, name: str, value: str) -> str | None:
        """The address to write for one that a page holds; None where it is left out."""
        target = value.strip()
        if tag == "img":
            return self._image(target)
        return self._link(target) if tag == "a" and name == "href" else None

    def _link(self, target: str) -> str | None:
        if not target:
            return None
        if target.startswith("#"):
            return self._own_anchor(target)
        scheme = scheme_of(target)
        if scheme == ENTITY_SCHEME:
            return self._entity(target)
        if scheme or target.startswith("//"):
            return target if _is_address(target) else None
        return self._inside(target)

    def _own_anchor(self, target: str) -> str | None:
        anchor = unquote(target[1:])
        if not anchor or anchor == "top":
            return "#main"
        if anchor not in self.own_anchors:
            self._tell(target, f"there is no heading {anchor} on the page")
        return self.addresses.anchor(anchor)

    def _entity(self, target: str) -> str | None:
        ref = target.partition(":")[2]
        if ref not in self.known:
            self._tell(f"[[{ref}]]", f"there is no {ref} in the catalog")
            return None
        return entity_url(ref)

    def check_addresses(self, html: str) -> None:
        """Tell of addresses that cannot be opened; the allow-list leaves them out before `resolve` sees them."""
        for found in HREF.findall(html):
            target = unescape(found).strip()
            if not _is_address(target):
                self._tell(_named_only(target), "it is no address that can be opened")

    def _image(self, target: str) -> str | None:
        if scheme_of(target) or target.startswith(("//", "/")):
            return None  # nothing is loaded from elsewhere; what it shows is told by its alternative text
        path = self._path(target)
        if path is None or self.site.file(path) is None:
            self._tell(target, "there is no such image in the documentation")
            return None
        if not path.lower().endswith(IMAGES):
            self._tell(target, "it is no image")
            return None
        return self.addresses.file(path)

    def _inside(self, target: str) -> str | None:
        path = self._path(target)
        page = self._page(path) if path is not None else None
        if page is None and not target.startswith("/"):
            page = self._page_by_address(target)
        if page is not None:
            return self._to_page(page, unquote(target.partition("#")[2]), target)
        if path is not None and self.site.file(path) is not None:
            return self.addresses.file(path)
        if target.startswith("/"):
            return target  # of this server; pages of other rooms are not checked
        return self._source(target)

    def _path(self, target: str) -> str | None:
        """The file that a relative target means; None where it leads out of the documentation."""
        text = unquote(target.partition("#")[0].partition("?")[0])
        start = "" if text.startswith("/") else PurePosixPath(self.page).parent.as_posix()
        path = os.path.normpath(os.path.join(start, text.lstrip("/") or "."))
        return None if path.startswith(("..", "/")) else path

    def _page(self, path: str) -> str | None:
        pages, slugs = self.site.pages, self.site.slugs
        if path in pages:
            return path
        bare = "" if path == "." else path.removesuffix(".html")
        bare = bare.removesuffix("/index") if bare != "index" else ""
        return slugs.get(bare)

    def _page_by_address(self, target: str) -> str | None:
        """Links as MkDocs shows them: `../setup/` seen from the address of a page, which is a folder."""
        slug = self.site.pages[self.page].slug if self.page in self.site.pages else ""
        text = unquote(target.partition("#")[0].partition("?")[0])
        path = os.path.normpath(os.path.join(slug, text))
        return None if path.startswith("..") else self._page(path)

    def _to_page(self, page: str, anchor: str, target: str) -> str:
        if anchor and anchor not in (self.own_anchors if page == self.page else self.anchors(page)):
            self._tell(target, f"{page} has no heading {anchor}")
        return self.addresses.page(self.site.pages[page].slug, anchor)

    def _source(self, target: str) -> str | None:
        """A file beside the documentation: at the address where people look at the source, if that is known."""
        place = self.site.place
        text = unquote(target.partition("#")[0].partition("?")[0])
        if "\0" not in text:
            file = self.site.folder / os.path.dirname(self.page) / text
            inside = is_inside(file, place.root)
            if inside and place.address:  # what stands there beside the documentation is not known
                below = os.path.relpath(os.path.normpath(file), place.folder)
                return urljoin(place.address, quote(below))
            exists = inside and file.exists()
            if exists and place.view:
                below = os.path.relpath(os.path.normpath(file), place.descriptor.parent)
                return urljoin(place.view, quote(below))
            if exists:
                self._tell(
                    target,
                    "it is outside of the documentation; give the entity backstage.io/view-url to lead there",
                )
                return None
        self._tell(target, "there is no such page or file")
        return None

    def _tell(self, target: str, reason: str) -> None:
        broken = Broken(self.page, target[:300], reason)
        if broken not in self.broken:
            self.broken.append(broken)


def _is_address(target: str) -> bool:
    """Whether a link is relative, to an entity, or an address that a browser may open."""
    try:
        parts = urlsplit(target)
        scheme = parts.scheme.lower() or ("https" if target.startswith("//") else "")
        if scheme == "mailto":
            return bool(parts.path)
        return scheme in ("", ENTITY_SCHEME) or (scheme in FOREIGN and bool(parts.hostname))
    except ValueError:
        return False


def _named_only(target: str) -> str:
    """An address that may not be written anywhere, told by its scheme alone."""
    scheme = scheme_of(target)
    return target if scheme in ("", *FOREIGN) else f"{scheme} address"
