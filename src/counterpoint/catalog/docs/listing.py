"""All documentation of a workspace, with how fresh it is and what there is to mend."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from counterpoint.catalog.docs.freshness import Freshness
from counterpoint.catalog.docs.library import Library, Report
from counterpoint.catalog.docs.links import docs_base
from counterpoint.catalog.docs.site import Site
from counterpoint.catalog.docs.source import Missing
from counterpoint.graph.entity import Entity
from counterpoint.graph.reader import Reader
from counterpoint.paging import cursor_of

__all__ = ["OLD_DAYS", "Documented", "DocumentedPage", "Row", "list_rows", "record_of"]

OLD_DAYS = 365
"""Days without a change after which documentation is called old."""
PATIENCE = 1.0
"""Seconds that one list may spend on checking links that were not checked yet."""


@dataclass(frozen=True, slots=True)
class Row:
    """The documentation of one entity."""

    entity: Entity
    site: Site | None
    missing: Missing | None
    freshness: Freshness | None
    report: Report | None
    """None where the links are not checked yet."""
    url: str

    @property
    def changed(self) -> datetime | None:
        """When the newest page was changed."""
        return self.freshness.newest if self.freshness else None

    @property
    def is_old(self) -> bool:
        """Whether nobody has touched it for a year."""
        return self.changed is not None and (datetime.now(UTC) - self.changed).days > OLD_DAYS


class Documented(msgspec.Struct, frozen=True, rename="camel"):
    """The documentation of one entity."""

    ref: str
    title: str
    owner: str | None
    url: str
    present: bool
    reason: str
    """Why there is none to read, though the entity names it; empty where there is."""
    pages: int
    changed_at: datetime | None
    broken_links: int | None
    """None where they are not checked yet; ask again."""
    problems: tuple[str, ...]


class DocumentedPage(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the list."""

    items: tuple[Documented, ...]
    total: int
    next_cursor: str | None = None


def list_rows(
    library: Library, reader: Reader, *, limit: int, after: str | None = None
) -> tuple[list[Row], int, str | None]:
    """Entities that name documentation, in order of their references; how many there are; the next cursor.

    Links that nobody has checked are checked for a second at most, so that a first look at thousands of
    pages answers.
    """
    refs = library.documented(reader)
    rest = [ref for ref in refs if after is None or ref > after]
    chosen = rest[:limit]
    entities = reader.get_many(chosen)
    until = time.monotonic() + PATIENCE
    rows = [_row(library, reader, entities[ref], until) for ref in chosen if ref in entities]
    following = cursor_of(chosen[-1]) if chosen and len(rest) > limit else None
    return rows, len(refs), following


def _row(library: Library, reader: Reader, entity: Entity, until: float) -> Row:
    found = library.open(reader, entity, fetch=False)
    url = docs_base(entity.ref)
    if isinstance(found, Missing):
        return Row(entity, None, found, None, None, url)
    in_time = time.monotonic() < until
    report = library.report(reader, found) if in_time else library.report_at_hand(reader, found)
    return Row(entity, found, None, library.freshness(found), report, url)


def record_of(row: Row) -> Documented:
    """A row as the API tells it."""
    return Documented(
        row.entity.ref,
        row.entity.title,
        row.entity.owner,
        row.url,
        row.site is not None,
        row.missing.reason if row.missing else "",
        len(row.site.pages) if row.site else 0,
        row.changed,
        len(row.report.broken) if row.report else None,
        row.report.problems if row.report else (),
    )
