"""The API of the house: searching everything at once, and the line of sight."""

from typing import Annotated, Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from counterpoint.errors import InputError, Problem
from counterpoint.paging import check_limit
from counterpoint.web.finding import Finder, Results, search
from counterpoint.web.sight import Sight, sight_of, sight_of_flag
from counterpoint.workspace import Workspace

__all__ = ["routes"]

HITS = 100
OfSet = Annotated[str, QueryParameter(name="set")]


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


@get("/api/v1/line", tags=["entities"], sync_to_thread=True)
def read_line(
    ws: NamedDependency[Workspace],
    ref: FromQuery[str] = "",
    flag: FromQuery[str] = "",
    set_: OfSet = "default",
) -> Sight:
    """What leads from an entity, or from a `flag` of a set, up to purposes, and what leads down from it."""
    if bool(ref) == bool(flag):
        message = "Name either an entity in `ref` or a flag in `flag`."
        raise InputError(message, [Problem(message, "/ref")])
    with ws.graph.read() as reader:
        return sight_of_flag(reader, set_, flag) if flag else sight_of(reader, ref)


routes: list[Any] = [search_everything, read_line]
