"""The pages of recommenders: the list, one with its versions, who gets the places, and creators' audiences."""

from typing import Any

from litestar import MediaType, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from counterpoint.discover import audiences, evaluations
from counterpoint.discover.evaluating import Compared
from counterpoint.discover.evaluation_pages import bets_of, evaluation_pages
from counterpoint.discover.listener_pages import listener_pages
from counterpoint.discover.overview import lines_of, overview_of
from counterpoint.discover.plots import (
    MEASURES,
    artist_plot,
    calibration_plot,
    lorenz_plot,
    measure_plot,
    tier_plot,
)
from counterpoint.discover.shown import (
    EXAMPLE,
    found_chart,
    growth_chart,
    left_out_rows,
    overlap_chart,
    plan_rows,
    suggestion_chart,
    week_chart,
)
from counterpoint.graph.actor import Actor
from counterpoint.web import PageContext, render
from counterpoint.web.forms import one_of
from counterpoint.web.urls import entity_url, with_query
from counterpoint.workspace import Workspace

__all__ = ["pages"]

Posted = URLEncodedBody[dict[str, Any]]
HERE = "/discover/{namespace:str}/{name:str}"
LISTED = 100
PLACES = 20
"""Places of the lists that a fit judges a version by."""


@get("/discover", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_list(ws: NamedDependency[Workspace], page: NamedDependency[PageContext]) -> str:
    """Every recommender."""
    lines = lines_of(ws)
    with ws.graph.read() as reader:
        titles = reader.titles({line.entity.owner for line in lines if line.entity.owner})
    return render(page, "discover/list.html", lines=lines, titles=titles, example=EXAMPLE)


@get(HERE, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    measure: FromQuery[str] = "recall",
) -> str:
    """One recommender: which version serves whom, how methods compare, versions, shadows, what was left out."""
    found = overview_of(ws, f"recommender:{namespace}/{name}")
    measure = measure if measure in MEASURES else "recall"
    newest = found.newest
    kept = found.evaluation.kept.compared if found.evaluation else None
    methods: Any = kept.methods if kept else newest.evaluation if newest else ()
    places = kept.places if kept else PLACES
    return render(
        page,
        "discover/recommender.html",
        found=found,
        entity=found.entity,
        here=entity_url(found.entity.ref),
        newest=newest,
        kept=kept,
        methods=methods,
        places=places,
        measure=measure,
        measures=[
            (label, with_query(entity_url(found.entity.ref), measure=key)) for key, label in MEASURES.items()
        ],
        plot=measure_plot(methods, measure, places),
        plan=plan_rows(found.plan),
        left_out=left_out_rows(newest),
        least=ws.settings.discover.least_listeners,
        sentence=evaluations.sentence_of(kept) if kept else None,
        bets=bets_of(ws, found) if kept else [],
    )


@post(HERE + "/evidence", include_in_schema=False, sync_to_thread=True)
def offer(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: Posted,
) -> Redirect:
    """Put the newest evaluation on a bet, and show the bet's evidence."""
    entry = evaluations.offer_newest(ws, actor, f"recommender:{namespace}/{name}", one_of(data, "bet"))
    return Redirect(with_query(entity_url(entry.subject), told="evidence-offered"), status_code=303)


@get(HERE + "/exposure", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_exposure(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    method: FromQuery[str] = "",
) -> str:
    """Who gets the places: by popularity, over the catalogue, and beside what each listener hears."""
    found = overview_of(ws, f"recommender:{namespace}/{name}")
    kept = found.evaluation.kept.compared if found.evaluation else None
    chosen = _chosen(kept, method)
    here = f"{entity_url(found.entity.ref)}/exposure"
    return render(
        page,
        "discover/exposure.html",
        found=found,
        entity=found.entity,
        kept=kept,
        chosen=chosen,
        here=here,
        tabs=[(each.method, with_query(here, method=each.method)) for each in kept.methods] if kept else [],
        tiers=tier_plot(chosen) if chosen else "",
        artists=artist_plot(chosen) if chosen else "",
        lorenz=lorenz_plot(kept) if kept else "",
        calibration=calibration_plot(kept) if kept else "",
    )


@get(HERE + "/creators", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_creators(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    find: FromQuery[str] = "",
) -> str:
    """Artists and shows with listeners enough to be told of."""
    entity, listed = audiences.creators(ws, f"recommender:{namespace}/{name}", words=find, limit=LISTED + 1)
    return render(
        page,
        "discover/creators.html",
        entity=entity,
        listed=listed[:LISTED],
        more=len(listed) > LISTED,
        find=find,
        least=ws.settings.discover.least_listeners,
        here=f"{entity_url(entity.ref)}/creators",
    )


@get(
    HERE + "/creators/{creator:path}", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True
)
def show_creator(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    namespace: FromPath[str],
    name: FromPath[str],
    creator: FromPath[str],
) -> str:
    """One artist or show: where listeners come from, growth, overlap, and whom to try next."""
    entity, told = audiences.audience(ws, f"recommender:{namespace}/{name}", creator.removeprefix("/"))
    return render(
        page,
        "discover/creator.html",
        entity=entity,
        told=told,
        here=f"{entity_url(entity.ref)}/creators",
        found=found_chart(told),
        growth=growth_chart(told),
        weeks=week_chart(told),
        overlap=overlap_chart(told),
        suggested=suggestion_chart(told),
    )


def _chosen(kept: Compared | None, method: str) -> Any:
    if kept is None or not kept.methods:
        return None
    return next((each for each in kept.methods if each.method == method), kept.methods[0])


pages: list[Any] = [
    show_list,
    show,
    offer,
    show_exposure,
    show_creators,
    show_creator,
    *evaluation_pages,
    *listener_pages,
]
