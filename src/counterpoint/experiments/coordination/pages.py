"""The calendar of experiments: a timeline by surface, and which may change each other's result."""

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from markupsafe import Markup

from counterpoint.errors import InputError
from counterpoint.experiments.coordination.model import State
from counterpoint.experiments.coordination.shown import pairs_of
from counterpoint.experiments.coordination.store import Calendar, calendar_of, units_of
from counterpoint.experiments.coordination.together import interactions_in
from counterpoint.experiments.coordination.wording import span_in_words
from counterpoint.experiments.store import titles_of
from counterpoint.web import PageContext, render
from counterpoint.web.charts import Span, timeline
from counterpoint.web.urls import entity_url
from counterpoint.workspace import Workspace

__all__ = ["pages"]

VOICES: dict[State, int] = {"running": 1, "planned": 2, "past": 5, "undated": 5}
LONGEST = timedelta(days=730)
"""What the timeline shows on each side of today at most."""


@get("/experiments/calendar", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_calendar(ws: NamedDependency[Workspace], page: NamedDependency[PageContext]) -> str:
    """When experiments run, surface by surface."""
    found = calendar_of(ws, datetime.now(UTC))
    entries = [entry for group in found.surfaces.values() for entry in group]
    by_ref = {entry.experiment.ref: entry.experiment for entry in entries}
    return render(
        page,
        "experiments/calendar.html",
        found=found,
        by_ref=by_ref,
        span_in_words=span_in_words,
        chart=_chart(found, title=page.tell("Experiments over time"), none=page.tell("No surface")),
        titles=titles_of(ws, {each.owner for each in by_ref.values() if each.owner}),
    )


@get("/experiments/interactions", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_interactions(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    experiment: FromQuery[str | None] = None,
    look: FromQuery[str | None] = None,
) -> str:
    """Whether experiments that have the same users change each other's effect; read when somebody asks."""
    now = datetime.now(UTC)
    met = [
        each for each in calendar_of(ws, now).collisions if each.kind == "place" and each.state != "planned"
    ]
    refs = {ref for each in met for ref in (each.one, each.other)}
    titles = titles_of(ws, refs)
    found, error = None, ""
    if met and (look or experiment):
        try:
            found = interactions_in(ws, now, name=experiment or None)
        except InputError as problem:
            error = problem.message
    items = found.items if found else ()
    tested = [each for each in items if each.state == "tested"]
    return render(
        page,
        "experiments/interactions.html",
        options=sorted(((ref, titles.get(ref, ref)) for ref in refs), key=lambda each: each[1]),
        experiment=experiment,
        found=found,
        error=error,
        hits=sum(each.found for each in items),
        tested=tested,
        withheld=any(each.alone is None for each in tested),
        pairs=pairs_of(found, units_of(ws)) if found else [],
        titles=titles,
    )


def _chart(found: Calendar, *, title: str, none: str) -> Markup:
    now = found.as_of
    dated = [entry for group in found.surfaces.values() for entry in group if entry.experiment.dated]
    moments = [at for entry in dated for at in (entry.experiment.start, entry.experiment.end) if at]
    if not moments:
        return Markup("")
    low = max(min(*moments, now) - timedelta(days=7), now - LONGEST)
    high = min(max(*moments, now) + timedelta(days=7), now + LONGEST)
    groups = []
    for surface, entries in found.surfaces.items():
        spans = [
            Span(
                entry.experiment.title,
                entry.experiment.start,
                entry.experiment.end,
                entry.state,
                VOICES[entry.state],
                entity_url(entry.experiment.ref),
            )
            for entry in entries
            if entry.experiment.dated
            and (entry.experiment.end or high) >= low
            and (entry.experiment.start or low) <= high
        ]
        if spans:
            groups.append((surface or none, spans))
    return timeline(groups, low=low, high=high, today=now, title=title)


pages: list[Any] = [show_calendar, show_interactions]
