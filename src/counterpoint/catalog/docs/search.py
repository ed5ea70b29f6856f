"""Searching the headings and the text of all documentation at once.

The index is kept in memory (SQLite's FTS5), is built when somebody first searches, and follows the files:
a site whose pages have other times or sizes than before is read again. It holds at most `SECTIONS`
sections and `CHARACTERS` characters; pages beyond that are still shown, but not found.
"""

import re
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from counterpoint.catalog.docs.library import Library, library_of
from counterpoint.catalog.docs.links import OurAddresses, docs_base
from counterpoint.catalog.docs.outline import outline
from counterpoint.catalog.docs.sanitise import sanitise
from counterpoint.catalog.docs.site import Site
from counterpoint.graph.search import words_of
from counterpoint.workspace import Workspace

__all__ = ["DocsHit", "refresh", "search_docs", "sections_of"]

SECTIONS = 200_000
CHARACTERS = 100_000_000
SECTION_CHARACTERS = 20_000
WORDS = 8
"""Words of a query that count."""
PAUSE = 1.0
"""Seconds between two looks at the files, at least; a look that takes long is repeated less often."""
SHARE = 20
"""The share of the time that looking may take is one in this many."""
QUICK = 0.02
"""Seconds that a look may have taken for the next one to be made while somebody waits."""
TABLE = """
CREATE VIRTUAL TABLE section USING fts5(
    heading, title, text, ref UNINDEXED, slug UNINDEXED, anchor UNINDEXED,
    tokenize = "unicode61 remove_diacritics 2", prefix = '2 3 4'
)
"""
FIND = "SELECT rowid, ref, slug, anchor, title, heading, text FROM section WHERE section MATCH ? LIMIT ?"
CANDIDATES = 100
"""Sections that are weighed for each way of asking; of words that stand everywhere the first ones do."""
WEIGHED = 1_000
"""Characters of a section's text in which words are counted."""
BEFORE, AFTER = 60, 120
"""Characters around a match that are shown."""


@dataclass(frozen=True, slots=True)
class DocsHit:
    """A section of documentation that was found."""

    ref: str
    """The entity that it belongs to."""
    page: str
    """The title of the page."""
    heading: str
    """The title of the page for what stands before its first heading."""
    snippet: str
    """Plain text around the match."""
    url: str
    """Where it can be read."""


def search_docs(workspace: Workspace, term: str, limit: int = 20) -> list[DocsHit]:
    """Sections that hold every word of `term`, or a word that begins with it; the best first.

    Headings count most, then titles of pages, then text. Of words that stand in very many sections not all
    are weighed.
    """
    return workspace.keep(_Index, _Index).search(term, limit)


def refresh(workspace: Workspace) -> None:
    """Look at all files now; searching does so by itself, at most once a second."""
    workspace.keep(_Index, _Index).refresh()


@dataclass(slots=True)
class _Held:
    """What the index holds of a site."""

    stamp: str
    first: int
    last: int
    characters: int


class _Index:
    """The sections of all sites of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._library: Library = library_of(workspace)
        self._sites: dict[str, _Held] = {}
        self._looking = threading.Lock()
        self._using = threading.Lock()
        self._looked = -PAUSE
        self._took = 0.0
        self._built = False
        self._next = 1
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(TABLE)

    def search(self, term: str, limit: int) -> list[DocsHit]:
        words = words_of(term)[:WORDS]
        if not words or limit < 1:
            return []
        self._follow()
        found: dict[int, tuple[Any, ...]] = {}
        with self._using:
            for query in _queries(words):
                for row in self._connection.execute(FIND, (query, CANDIDATES)):
                    found.setdefault(row[0], row)
                if len(found) >= limit:
                    break
        # Sorting is stable: what was found by the stricter way of asking comes first among equals.
        best = sorted(found.values(), key=lambda row: -_weight(row, words))
        return [_hit(row, words) for row in best[:limit]]

    def _follow(self) -> None:
        """Look at the files if it is time; in the background where that takes longer than a moment."""
        if self._built and time.monotonic() - self._looked < max(PAUSE, SHARE * self._took):
            return
        if not self._built or self._took < QUICK:
            self.refresh()
        elif self._looking.acquire(blocking=False):
            self._looking.release()
            self._looked = time.monotonic()
            threading.Thread(target=self.refresh, name="docs-index", daemon=True).start()

    def refresh(self) -> None:
        with self._looking:
            started = time.monotonic()
            with self._workspace.graph.read() as reader:
                sites = self._library.sites(reader)
            for ref in [ref for ref in self._sites if ref not in sites]:
                self._drop(ref)
            for ref, site in sites.items():
                held = self._sites.get(ref)
                if held is None or held.stamp != site.stamp:
                    self._take(ref, site)
            self._built = True
            self._looked = time.monotonic()
            self._took = self._looked - started

    def _take(self, ref: str, site: Site) -> None:
        """Read a site, and put it in place of what was held of it."""
        rows = list(_within(self._rows(ref, site), CHARACTERS))
        with self._using:
            self._remove(ref)
            sections = sum(held.last - held.first for held in self._sites.values())
            room = CHARACTERS - sum(held.characters for held in self._sites.values())
            first, used = self._next, 0
            for row in rows[: max(0, SECTIONS - sections)]:
                used += len(row[2])
                if used > room:
                    break
                self._connection.execute(
                    "INSERT INTO section(rowid, heading, title, text, ref, slug, anchor) VALUES (?,?,?,?,?,?,?)",
                    (self._next, *row),
                )
                self._next += 1
            self._connection.commit()
            self._sites[ref] = _Held(site.stamp, first, self._next, used)

    def _drop(self, ref: str) -> None:
        with self._using:
            self._remove(ref)

    def _remove(self, ref: str) -> None:
        held = self._sites.pop(ref, None)
        if held is not None:
            self._connection.execute(
                "DELETE FROM section WHERE rowid >= ? AND rowid < ?", (held.first, held.last)
            )
            self._connection.commit()

    def _rows(self, ref: str, site: Site) -> Iterable[tuple[str, str, str, str, str, str]]:
        for path, page in site.pages.items():
            title = site.title_of(path)
            for number, (anchor, heading, text) in enumerate(sections_of(self._library, site, path)):
                yield (
                    heading or ("" if number else title),
                    title,
                    text[:SECTION_CHARACTERS],
                    ref,
                    page.slug,
                    anchor,
                )


def _within(rows: Iterable[tuple[str, ...]], characters: int) -> Iterator[tuple[str, ...]]:
    """The rows up to so many sections and characters; the pages after them are not even read."""
    for row in islice(rows, SECTIONS):
        characters -= sum(map(len, row))
        if characters < 0:
            return
        yield row


def sections_of(library: Library, site: Site, path: str) -> Iterable[tuple[str, str, str]]:
    """Anchor, heading and text of each section."""
    if site.built:
        page = library.converted(site, path)
        text = re.sub(r"<[^<>]*>", " ", sanitise(page.html, lambda *_: None))
        yield "", page.title, " ".join(text.split())
        yield from ((each.anchor, each.title, "") for each in page.headings[1:])
    else:
        yield from ((each.anchor, each.title, each.text) for each in outline(site.read(path)))


def _queries(words: list[str]) -> Iterator[str]:
    """Ways of asking, the strictest first: in the heading; whole words; beginnings of words.

    Each finds sections in the order of the index and stops when it has enough, so that words which stand
    everywhere cost no more than others; ranking all of them would take a second.
    """
    whole = [f'"{word}"' for word in words]
    begun = [f'"{word}"*' for word in words]
    yield f"{{heading}} : ({' AND '.join(begun)})"
    for terms in (whole, begun):
        # The title of its page helps a section, but does not make a hit of every section of the page.
        yield f"({' AND '.join(terms)}) AND {{heading text}} : ({' OR '.join(terms)})"


def _weight(row: tuple[Any, ...], words: list[str]) -> float:
    """Headings count most, then titles of pages, then text; whole words twice as much as beginnings."""
    _rowid, _ref, _slug, _anchor, title, heading, text = row
    weight = 0.0
    for field, worth in ((heading, 8.0), (title, 4.0), (text[:WEIGHED], 1.0)):
        there = words_of(_folded(field))
        for word in words:
            whole = there.count(_folded(word))
            begun = whole or sum(each.startswith(_folded(word)) for each in there)
            weight += worth * (2 if whole else 1) * min(begun, 3) / 3 if begun else 0.0
    return weight - len(heading) / 1_000


def _folded(text: str) -> str:
    """Without accents, as the index has it."""
    if text.isascii():
        return text
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _hit(row: tuple[Any, ...], words: list[str]) -> DocsHit:
    _rowid, ref, slug, anchor, title, heading, text = row
    return DocsHit(
        ref, title, heading, _snippet(text, words), OurAddresses(docs_base(ref)).page(slug, anchor)
    )


def _snippet(text: str, words: list[str]) -> str:
    """The text around the first word that was asked for; its beginning where it has none."""
    lower = text.casefold()
    places = [at for word in words if (at := lower.find(word)) >= 0]
    start = max(0, min(places, default=0) - BEFORE)
    end = start + BEFORE + AFTER
    while start and not text[start - 1].isspace():
        start -= 1
    return f"{'…' if start else ''}{text[start:end].strip()}{'…' if end < len(text) else ''}"
