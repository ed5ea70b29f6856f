"""Documentation as it is compared: of each site the title, its headings and the beginnings of its pages."""

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

from counterpoint.catalog.docs.library import library_of
from counterpoint.catalog.docs.search import sections_of
from counterpoint.catalog.docs.site import Site
from counterpoint.graph.entity import Entity
from counterpoint.graph.similar.corpus import Tokens, Vocabulary
from counterpoint.graph.similar.likeness import Thing, documentation_of
from counterpoint.graph.similar.things import DOCUMENTATION, Shelf, Step, thing_of
from counterpoint.workspace import Workspace

__all__ = ["Documents", "documents_of"]

SITES = 5_000
"""Sites that are compared, the first by reference."""
PAGES = 40
"""Pages of one site that are read, in reading order."""
HEADINGS = 30
"""Headings of one page."""
FIRST, OTHERS = 1_500, 250
"""Characters of text that are taken of the first page, and of each other one."""
ANYWHERE = frozenset(
    """
    acknowledgements|authors|badges|changelog|code of conduct|contact|contents|contributing|contributors|copyright
    |credits|getting started|install|installation|installing|licence|license|maintainers|related|running tests
    |security|see also|sponsors|support|table of contents|test|testing|tests|thanks|versioning
    """.replace("\n", "")
    .replace("  ", "")
    .split("|")
)
"""Headings under which all documentation says the same. Without them, and without addresses, three of four pairs
that were found in six hundred READMEs were about one subject; with them, one of three."""
ADDRESS = re.compile(r"\S*(?:://|\]:|www\.)\S*|\[[^\]]{0,200}\]:\s*\S*")
"""Addresses, and the definitions of links."""
LOOK = 1.0
"""Seconds between two looks at the files, at least."""
SHARE = 20
"""How many times as long as a look took there is none: a twentieth of a core at most."""


class Documents:
    """The documentation of a workspace that may be written twice. Only sites whose files changed are read again."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._library = library_of(workspace)
        self._lock = threading.Lock()
        self._stamps: dict[str, Any] = {}
        self._things: dict[str, Thing] = {}
        self._tokens: dict[str, Tokens] = {}
        self._words = Vocabulary()
        self._shelf = Shelf({}, {}, self._words)
        self._looked: float | None = None
        self._took = 0.0
        self.left_out = 0
        """Sites beyond `SITES`, which are not compared."""

    def shelf(self, step: Step = lambda: None) -> Shelf:
        """Everything as the files were a moment ago; `step` is called after each site that is read."""
        with self._lock:
            if self.is_due:
                self._look(step)
            return self._shelf

    def refresh(self) -> Shelf:
        """Everything as the files are now."""
        with self._lock:
            self._look()
            return self._shelf

    @property
    def is_due(self) -> bool:
        """Whether the files were not looked at for long enough."""
        return self._looked is None or time.monotonic() - self._looked > max(LOOK, SHARE * self._took)

    def _look(self, step: Step = lambda: None) -> None:
        begun = time.monotonic()
        with self._workspace.graph.read() as reader:
            sites = self._library.sites(reader)
            entities = reader.get_many(sites)
        refs = sorted(set(sites) & set(entities))
        self.left_out = max(len(refs) - SITES, 0)
        stamps = {ref: (sites[ref].stamp, entities[ref].etag) for ref in refs[:SITES]}
        if stamps != self._stamps:
            for ref in self._stamps.keys() - stamps.keys():
                self._things.pop(
                    documentation_of(ref), None
                )  # gone already, where a look was ended by its step
                self._tokens.pop(documentation_of(ref), None)
            for ref, stamp in stamps.items():
                if stamp != self._stamps.get(ref):
                    step()
                    self._take(sites[ref], entities[ref])
            self._stamps = stamps
            self._shelf = Shelf(self._things, self._tokens, self._words)
        self._looked = time.monotonic()
        self._took = self._looked - begun

    def _take(self, site: Site, entity: Entity) -> None:
        thing = Thing(
            ref=documentation_of(entity.ref),
            kind=DOCUMENTATION,
            title=site.name,
            body="\n".join(self._texts(site)),
            owner=entity.owner,
            ended=thing_of(entity).ended,
        )
        self._things[thing.ref] = thing
        self._tokens[thing.ref] = self._words.tokens(thing.title, thing.body)

    def _texts(self, site: Site) -> Iterator[str]:
        """What a site is about: how its first page begins, then the titles, headings and beginnings of others."""
        yield site.description
        order = dict.fromkeys([site.home, *(entry.page for entry in site.order), *site.pages])
        for path in [each for each in order if each in site.pages][:PAGES]:
            sections = [
                (heading, text)
                for _anchor, heading, text in sections_of(self._library, site, path)
                if heading.strip().lower() not in ANYWHERE
            ]
            yield from (heading for heading, _text in sections[:HEADINGS])
            length = FIRST if path == site.home else OTHERS
            # Twice as much is read as is taken, since addresses may be half of it.
            text = " ".join(text[: 2 * length] for _heading, text in sections)[: 2 * length]
            yield ADDRESS.sub(" ", text)[:length]


def documents_of(workspace: Workspace) -> Documents:
    """The documentation of a workspace that may be written twice; kept in memory while it is open."""
    return workspace.keep(Documents, Documents)
