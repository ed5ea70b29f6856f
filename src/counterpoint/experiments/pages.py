"""The pages of experiments: the list, and one experiment with its verdict first."""

from typing import Annotated, Any

from litestar import MediaType, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter, URLEncodedBody
from litestar.response import Redirect

from counterpoint.experiments import store
from counterpoint.experiments.coordination.store import collisions_with
from counterpoint.experiments.course import courses
from counterpoint.experiments.lessons import lessons_of, units_with_experiments
from counterpoint.experiments.over_time_store import over_time_at_hand
from counterpoint.experiments.overview import STATES, overview_of
from counterpoint.experiments.planning import MOST_ROWS, form_of, planned_of, read_form
from counterpoint.experiments.shown import (
    EXAMPLE,
    PLOT_TITLE,
    arm_rows,
    definitions,
    kept_readings,
    metric_rows,
    plot_of,
)
from counterpoint.experiments.shown_course import lines_shown
from counterpoint.experiments.shown_plan import costs_of, curves_of, size_rows, yaml_of
from counterpoint.experiments.shown_segments import segments_shown
from counterpoint.experiments.shown_verdict import chart_of, levels_of, trees_of
from counterpoint.experiments.stopping import METHODS
from counterpoint.graph.actor import Actor
from counterpoint.graph.ref import parse_ref
from counterpoint.said import Said
from counterpoint.web import PageContext, render
from counterpoint.web.forms import one_of
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

GROUP = 50
"""Experiments of each state that the whole list shows."""
Posted = URLEncodedBody[dict[str, Any]]


@get("/experiments", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_list(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    owner: FromQuery[str | None] = None,
    status: Annotated[str | None, QueryParameter(name="state")] = None,
) -> str:
    """The experiments by what is to be done with them."""
    owner = owner or None
    status = status if status in STATES else None
    found = overview_of(ws, owner=owner, state=status)
    lines = [line for _, group in found.groups for line in group]
    refs = {ref for line in lines for ref in (line.item.owner, line.item.bet) if ref} | set(found.owners)
    titles = store.titles_of(ws, refs)
    return render(
        page,
        "experiments/list.html",
        found=found,
        owner_options=[(ref, titles.get(ref, parse_ref(ref).short)) for ref in found.owners],
        states=STATES,
        owner=owner,
        status=status,
        most=None if status else GROUP,
        titles=titles,
        example=EXAMPLE,
    )


@get("/experiments/plan", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def plan_one(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    request: Request[Any, Any, Any],
    experiment: FromQuery[str | None] = None,
) -> str:
    """A form that sizes a plan as one types; its values stand in the address."""
    query = request.query_params.dict()
    form, about = read_form(query), None
    if experiment:
        about = store.load(ws, experiment)
        page = page.about(about.entity.owner)
        if "name1" not in query:
            form = form_of(about.plan, store.sizing_of(ws, about), experiment)
    planned = planned_of(form)
    return render(
        page,
        "experiments/plan.html",
        form=form,
        about=about,
        planned=planned,
        rows=size_rows(planned),
        costs=costs_of(planned),
        curves=curves_of(planned, page.tell),
        yaml=yaml_of(planned),
        methods=METHODS,
        most_rows=MOST_ROWS,
    )


REASONS: dict[str, Said] = {
    "invalid": "The experiment was invalid",
    "underpowered": "Too few users for the change that was asked for",
    "stopped early": "Stopped before its end",
    "no traffic": "An arm had no users",
}
"""Why an experiment taught nothing, in words."""


@get("/experiments/learning", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_learning(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    owner: FromQuery[str | None] = None,
) -> str:
    """What the experiments of one unit taught."""
    lessons = lessons_of(ws, owner) if owner else None
    if lessons:
        page = page.about(lessons.owner)
    units = units_with_experiments(ws)
    titles = store.titles_of(ws, {*units, *((lessons.owner,) if lessons else ())})
    return render(
        page,
        "experiments/learning.html",
        lessons=lessons,
        owner_options=[(ref, titles.get(ref, parse_ref(ref).short)) for ref in units],
        reasons=[(REASONS[each], times) for each, times in lessons.split.none.items()] if lessons else [],
    )


@get(
    "/experiments/{namespace:str}/{name:str}",
    media_type=MediaType.HTML,
    include_in_schema=False,
    sync_to_thread=True,
)
def show(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
) -> str:
    """One experiment: verdict, metrics, quality, definitions, and the query that ran."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    page = page.about(loaded.entity.owner)
    result, holds = store.result_at_hand(ws, loaded)
    course = over_time_at_hand(ws, loaded, result)
    readings = store.readings_of(ws, loaded.entity.ref)
    bet = next(iter(loaded.entity.targets("testsBet")), None)
    flag_set = next(iter(loaded.entity.targets("exposedBy")), None)
    return render(
        page,
        "experiments/experiment.html",
        loaded=loaded,
        result=result,
        holds=holds,
        here=entity_url(loaded.entity.ref),
        bet=bet,
        flag_set=parse_ref(flag_set).name if flag_set else None,
        titles=store.titles_of(
            ws,
            [
                ref
                for ref in (
                    loaded.entity.owner,
                    bet,
                    *(each.actor for each in readings),
                    *(look.by for look in result.looks),
                    loaded.acknowledged and loaded.acknowledged.actor,
                )
                if ref
            ],
        ),
        arms=arm_rows(result),
        metrics=metric_rows(result),
        plot=plot_of(result, title=page.tell(PLOT_TITLE)),
        readings=kept_readings(readings),
        definitions=definitions(loaded.plan, result),
        trees=trees_of(result),
        levels=levels_of(loaded.plan, result),
        course=course,
        lines=lines_shown(course, result, page.tell) if course else [],
        segments=segments_shown(result, page.tell),
        course_charts=[
            (each, chart_of(each, page.tell(f"Evidence and boundary at each look: {each.label}")))
            for each in courses(loaded.plan, result)
        ],
        meetings=collisions_with(ws, loaded.entity.ref, result.as_of),
    )


@post("/experiments/{namespace:str}/{name:str}", include_in_schema=False, sync_to_thread=True)
def read_now(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
) -> Redirect:
    """Read the result now and record it."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    store.read_now(ws, loaded, actor)
    return Redirect(with_query(entity_url(loaded.entity.ref), told="read"), status_code=303)


@post(
    "/experiments/{namespace:str}/{name:str}/acknowledgement",
    include_in_schema=False,
    sync_to_thread=True,
)
def acknowledge(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Acknowledge that the experiment is invalid, and show its figures from then on."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    store.acknowledge(ws, loaded, actor, one_of(data, "reason") or None)
    return Redirect(with_query(entity_url(loaded.entity.ref), told="acknowledged"), status_code=303)


@post(
    "/experiments/{namespace:str}/{name:str}/explorations",
    include_in_schema=False,
    sync_to_thread=True,
)
def explore(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Look at a plan that does not say when it is read, and show the look among the readings."""
    loaded = store.load(ws, f"experiment:{namespace}/{name}")
    _, recorded = store.explore(ws, loaded, actor, reason=one_of(data, "reason") or None)
    here = with_query(entity_url(loaded.entity.ref), told="explored")
    return Redirect(f"{here}#reading-{recorded.seq}", status_code=303)


pages: list[Any] = [show_list, plan_one, show_learning, show, read_now, acknowledge, explore]
