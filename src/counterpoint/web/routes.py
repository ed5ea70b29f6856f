"""The API of the house: searching everything at once."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from counterpoint.paging import check_limit
from counterpoint.web.finding import Finder, Results, search
from counterpoint.workspace import Workspace

__all__ = ["routes"]

HITS = 100


@get("/api/v1/search", tags=["entities"], sync_to_thread=True)
def search_everything(
    ws: NamedDependency[Workspace],
    finders: NamedDependency[tuple[Finder, ...]],
    q: FromQuery[str],
    kind: FromQuery[list[str] | None] = None,
    limit: FromQuery[int] = 20,
) -> Results:
    """Whatever holds every word of `q`, or a word that begins with it, the best first: entities, flags, documentation.

    `kind` narrows to things of some kinds (`Component`, `Bet`, `Flag`, `Documentation`...). `instead` says what was
    sought where nothing had the words as they were written.
    """
    check_limit(limit, HITS)
    return search(ws, q, limit=limit, finders=finders, kinds=kind or ())


routes: list[Any] = [search_everything]
