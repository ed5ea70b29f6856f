"""The API of scorecards and facts. Scorecards themselves are written as entities, like everything else."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from counterpoint.catalog.scorecards import reported, store
from counterpoint.catalog.scorecards.history import Point
from counterpoint.catalog.shown import moment_of
from counterpoint.errors import InputError, Problem
from counterpoint.graph.actor import Actor
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.paging import check_limit, cursor_of, read_cursor
from counterpoint.workspace import Workspace

__all__ = ["routes"]

KIND = "scorecard"
MOST = 200
"""Owners, or entities, on one page."""
First = Annotated[str | None, QueryParameter(name="from")]
Last = Annotated[str | None, QueryParameter(name="to")]


class Scorecards(msgspec.Struct, frozen=True):
    """Every scorecard, by title."""

    items: list[store.ScorecardView]


class OwnerPage(msgspec.Struct, frozen=True, rename="camel"):
    """What owners do next, in the order of their names."""

    items: list[store.OwnerTodo]
    total: int
    next_cursor: str | None = None


class EntityPage(msgspec.Struct, frozen=True, rename="camel"):
    """Entities that a scorecard is about, by their names."""

    items: list[store.EntityScorecard]
    total: int
    next_cursor: str | None = None


class EntityScorecards(msgspec.Struct, frozen=True):
    """What every scorecard says of an entity."""

    items: list[store.EntityScorecard]


class Trend(msgspec.Struct, frozen=True):
    """The outcomes of a scorecard at the end of each day."""

    items: list[Point]


class Facts(msgspec.Struct, frozen=True):
    """What is reported of an entity, by name."""

    items: list[reported.ReportedFact]


@get("/api/v1/scorecards", tags=["scorecards"], sync_to_thread=True)
def list_scorecards(ws: NamedDependency[Workspace], at: FromQuery[str | None] = None) -> Scorecards:
    """Every scorecard with how many entities pass each check, now or at a date; broken ones say why."""
    return Scorecards(store.list_scorecards(ws, _moment(at)))


@get("/api/v1/scorecards/next", tags=["scorecards"], sync_to_thread=True)
def list_next(
    ws: NamedDependency[Workspace],
    owner: FromQuery[str | None] = None,
    nested: FromQuery[bool] = True,  # noqa: FBT002 - a query parameter
    scorecard: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> OwnerPage:
    """What each owner does next, by the owner's name; `owner` means a unit and all below it, unless `nested=false`."""
    check_limit(limit, MOST)
    card = parse_ref(scorecard, default_kind=KIND) if scorecard else None
    found = store.of_owners(ws, owner=owner, nested=nested, scorecard=card, at=_moment(at))
    places = [(each.owner is None, each.title.lower(), each.owner or "") for each in found]
    items, following = _page(found, places, limit, cursor)
    return OwnerPage(items, len(found), following)


@get("/api/v1/scorecards/{namespace:str}/{name:str}", tags=["scorecards"], sync_to_thread=True)
def read_scorecard(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str | None] = None,
) -> store.ScorecardView:
    """One scorecard, now or at a date."""
    return store.read_one(ws, Ref(KIND, namespace, name), _moment(at))


@get("/api/v1/scorecards/{namespace:str}/{name:str}/entities", tags=["scorecards"], sync_to_thread=True)
def list_entities(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    check: FromQuery[str | None] = None,
    outcome: FromQuery[str | None] = None,
    at: FromQuery[str | None] = None,
    limit: FromQuery[int] = 50,
    cursor: FromQuery[str | None] = None,
) -> EntityPage:
    """The entities of a scorecard by reference; `check` and `outcome` (passes, fails, exempt) narrow them."""
    check_limit(limit, MOST)
    if outcome not in {None, "passes", "fails", "exempt"}:
        message = f"query parameter 'outcome' is {outcome!r}; it is passes, fails or exempt"
        raise InputError("The request is not valid.", [Problem(message)])
    refs, tell = store.entities_of(
        ws, Ref(KIND, namespace, name), check=check, outcome=outcome, at=_moment(at)
    )
    items, following = _page(refs, [(False, "", ref) for ref in refs], limit, cursor)
    return EntityPage(tell(items), len(refs), following)


@get("/api/v1/scorecards/{namespace:str}/{name:str}/trend", tags=["scorecards"], sync_to_thread=True)
def read_trend(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    first: First = None,
    last: Last = None,
    check: FromQuery[str | None] = None,
) -> Trend:
    """Outcomes at the end of each day from `from` to `to`: the last 90 days, of all checks, unless asked otherwise."""
    days = {"first": _day("from", first), "last": _day("to", last)}
    return Trend(store.trend_of(ws, Ref(KIND, namespace, name), check=check, **days))


@get(
    "/api/v1/entities/{kind:str}/{namespace:str}/{name:str}/scorecards",
    tags=["scorecards"],
    sync_to_thread=True,
)
def read_entity_scorecards(
    ws: NamedDependency[Workspace],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str | None] = None,
) -> EntityScorecards:
    """What every scorecard that is about an entity says of it, with what to do next; empty where none is."""
    return EntityScorecards(store.of_entity(ws, Ref(kind, namespace, name), _moment(at)))


@get("/api/v1/facts/{kind:str}/{namespace:str}/{name:str}", tags=["scorecards"], sync_to_thread=True)
def read_facts(
    ws: NamedDependency[Workspace],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    at: FromQuery[str | None] = None,
) -> Facts:
    """The facts that other systems report of an entity, now or as known at a date."""
    return Facts(reported.reported_facts(ws, Ref(kind, namespace, name), at=_moment(at)))


@put("/api/v1/facts/{kind:str}/{namespace:str}/{name:str}", tags=["scorecards"], sync_to_thread=True)
def report_facts(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    kind: FromPath[str],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[reported.Report],
) -> Facts:
    """Report facts of an entity by name; those that are not named stay, null takes one back.

    What was measured before the value at hand changes nothing.
    """
    return Facts(reported.report(ws, actor, Ref(kind, namespace, name), data))


def _moment(at: str | None) -> datetime | None:
    return moment_of(at) if at else None


def _day(name: str, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        message = f"query parameter {name!r} is {(text or '')[:40]!r}; write a date such as 2026-05-03"
        raise InputError("The request is not valid.", [Problem(message)]) from None


def _page(
    found: list[Any], places: list[tuple[bool, str, str]], limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """The part of an ordered list that comes after a cursor, and the next cursor."""
    start = 0
    if cursor is not None:
        last, *rest = read_cursor(cursor, tuple[int, str, str])
        after = (bool(last), *rest)
        start = next((index for index, place in enumerate(places) if place > after), len(found))
    items = found[start : start + limit]
    more = start + limit < len(found)
    end = places[start + limit - 1] if more else None
    return items, cursor_of(int(end[0]), end[1], end[2]) if end else None


routes: list[Any] = [
    list_scorecards,
    list_next,
    read_scorecard,
    list_entities,
    read_trend,
    read_entity_scorecards,
    read_facts,
    report_facts,
]
