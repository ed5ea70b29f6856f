"""What is wrong in the catalog's files, over HTTP."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from counterpoint.catalog.problems import Standing, count_problems, list_problems
from counterpoint.catalog.remedies import REMEDIES
from counterpoint.graph.named import require_known
from counterpoint.paging import check_limit, cursor_of, read_cursor
from counterpoint.workspace import Workspace

__all__ = ["routes"]

MOST = 500
"""Problems on one page."""


class CatalogProblem(msgspec.Struct, frozen=True, rename="camel"):
    """Something that is wrong in a file or at an address, with the way out."""

    location: str
    """`file:/...` or `url:...`."""
    line: int | None
    column: int | None
    pointer: str
    level: str
    """`error`, `warning` or `note`."""
    code: str
    """What kind of problem it is, such as `invalid`, `conflict` or `orphan`."""
    message: str
    remedy: str
    entity: str | None
    """The entity that it is about, which may not exist."""
    owner: str | None
    missing: str | None
    """The entity that is missed; the problem is over as soon as it exists."""
    since: datetime


class CatalogProblems(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the problems that stand, by file and line."""

    items: tuple[CatalogProblem, ...]
    counts: dict[str, int]
    """How many of each level stand: of all, or of what `owner` and `entity` let through."""
    next_cursor: str | None = None


@get("/api/v1/problems", tags=["entities"], sync_to_thread=True)
def list_catalog_problems(
    ws: NamedDependency[Workspace],
    level: FromQuery[Literal["error", "warning", "note"] | None] = None,
    owner: FromQuery[str | None] = None,
    entity: FromQuery[str | None] = None,
    limit: FromQuery[int] = 100,
    cursor: FromQuery[str | None] = None,
) -> CatalogProblems:
    """What is wrong in the files and addresses that the catalog is read from."""
    check_limit(limit, MOST)
    after = read_cursor(cursor, tuple[str, int]) if cursor else None
    with ws.graph.read() as reader:
        owner = require_known(reader, owner, "/owner") if owner else None
        counts = count_problems(reader, owner=owner, ref=entity)
        found = list_problems(reader, level=level, owner=owner, ref=entity, after=after, limit=limit + 1)
    page = found[:limit]
    following = cursor_of(page[-1][1].location, page[-1][0]) if len(found) > limit else None
    return CatalogProblems(tuple(_problem(each) for _, each in page), counts, following)


def _problem(each: Standing) -> CatalogProblem:
    return CatalogProblem(
        location=each.location,
        line=each.line,
        column=each.column,
        pointer=each.pointer,
        level=each.level,
        code=each.code,
        message=each.message,
        remedy=REMEDIES[each.code],
        entity=each.ref,
        owner=each.owner,
        missing=each.target,
        since=each.since,
    )


routes: list[Any] = [list_catalog_problems]
