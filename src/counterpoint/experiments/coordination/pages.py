"""The calendar of experiments: a timeline by surface, and which may change each other's result."""

from datetime import UTC, datetime, timedelta
from typing import Any

from litestar import MediaType, get
from litestar.di import NamedDependency
from markupsafe import Markup

from counterpoint.experiments.coordination.model import State
from counterpoint.experiments.coordination.store import Calendar, calendar_of
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


pages: list[Any] = [show_calendar]
