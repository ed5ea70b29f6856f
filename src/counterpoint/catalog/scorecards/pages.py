"""The pages of scorecards: all of them, one with what to do next, and what one unit does next."""

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from counterpoint.catalog.scorecards import shown, store
from counterpoint.catalog.scorecards.sight import see
from counterpoint.catalog.shown import moment_of
from counterpoint.graph.ref import Ref, parse_ref
from counterpoint.web import PageContext, render
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace
from counterpoint.yaml12.writing import yaml_text

__all__ = ["pages"]

OWNERS = 25
"""Owners on one page."""
ENTITIES = 50
SPARK_DAYS = 30


@get("/scorecards", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_list(
    ws: NamedDependency[Workspace], page: NamedDependency[PageContext], at: FromQuery[str] = ""
) -> str:
    """Every scorecard, now or at a date."""
    moment = moment_of(at) if at else None
    views = store.list_scorecards(ws, moment)
    last = (moment or datetime.now(UTC)).astimezone(UTC).date()
    trends = {
        view.ref: shown.short_trend(
            store.trend_of(ws, parse_ref(view.ref), first=last - timedelta(days=SPARK_DAYS - 1), last=last),
            view.title,
        )
        for view in views
    }
    with ws.graph.read() as reader:
        titles = reader.titles({view.owner for view in views if view.owner})
    return render(
        page,
        "catalog/scorecards/list.html",
        views=views,
        todo={view.ref: shown.todo_of(view) for view in views},
        trends=trends,
        titles=titles,
        at=moment,
        example=shown.EXAMPLE,
    )


@get("/scorecards/next", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_next(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    owner: FromQuery[str] = "",
    scorecard: FromQuery[str] = "",
    at: FromQuery[str] = "",
    start: FromQuery[int] = 0,
) -> str:
    """What owners do next: everybody by name, or one unit with all below it."""
    moment = moment_of(at) if at else None
    card = parse_ref(scorecard, default_kind="Scorecard") if scorecard else None
    unit = str(parse_ref(owner, default_kind="Group")) if owner else None
    owners = store.of_owners(ws, owner=unit, scorecard=card, at=moment)
    with ws.graph.read() as reader:
        titles = reader.titles([ref for ref in (unit, str(card) if card else None) if ref])
    here = with_query("/scorecards/next", owner=unit, scorecard=str(card) if card else None, at=at)
    first = max(start, 0)
    more = len(owners) > first + OWNERS
    return render(
        page.about(unit),
        "catalog/scorecards/next.html",
        owners=owners[first : first + OWNERS],
        total=len(owners),
        unit=unit,
        card=str(card) if card else None,
        titles=titles,
        at=moment,
        here=here,
        next_url=with_query(here, start=first + OWNERS) if more else None,
        first_url=here if first else None,
    )


@get(
    "/scorecards/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    check: FromQuery[str] = "",
    outcome: FromQuery[str] = "fails",
    at: FromQuery[str] = "",
    start: FromQuery[int] = 0,
) -> str:
    """One scorecard: its checks with their counts, what to do next by owner, the trend, the exemptions."""
    moment = moment_of(at) if at else None
    ref = Ref("scorecard", namespace, name)
    view = store.read_one(ws, ref, moment)
    sight = see(ws, moment)
    card = sight.card(str(ref))
    scorecard = card.scorecard if card else None
    owners = store.of_owners(ws, scorecard=ref, at=moment)
    points = store.trend_of(ws, ref, last=sight.today)
    first = max(start, 0)
    listed, entities = 0, list[store.EntityScorecard]()
    if check:
        refs, tell = store.entities_of(ws, ref, check=check, outcome=outcome, at=moment)
        listed, entities = len(refs), tell(refs[first : first + ENTITIES])
    with ws.graph.read() as reader:
        wanted = {each.entity for each in entities} | {each.owner for each in entities if each.owner}
        wanted |= set(scorecard.exemptions) if scorecard else set()
        titles = reader.titles(wanted | ({view.owner} if view.owner else set()))
        entity = reader.get(ref, at=moment)
    here = with_query(entity_url(str(ref)), at=at)
    return render(
        page,
        "catalog/scorecards/scorecard.html",
        view=view,
        steps=shown.steps(view),
        owners=owners[:OWNERS],
        all_owners=len(owners),
        todo=shown.todo_of(view),
        chart=shown.trend_chart(points),
        points=points,
        exemptions=shown.exemption_rows(scorecard, sight.today, titles),
        check=next((each for each in view.checks if each.id == check), None),
        outcome=outcome,
        entities=entities,
        listed=listed,
        titles=titles,
        at=moment,
        here=here,
        next_url=with_query(here, check=check, outcome=outcome, start=first + ENTITIES)
        if listed > first + ENTITIES
        else None,
        first_url=with_query(here, check=check, outcome=outcome) if first else None,
        about=yaml_text(entity.spec["filter"])
        if entity and isinstance(entity.spec.get("filter"), dict)
        else None,
        source=yaml_text(entity.document) if entity else None,
    )


pages: list[Any] = [show_list, show_next, show]
