"""The API of the calendar of experiments."""

from datetime import UTC, datetime
from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterpoint.experiments.coordination.store import Calendar, calendar_of
from counterpoint.experiments.coordination.together import Interactions, interactions_in
from counterpoint.workspace import Workspace

__all__ = ["routes"]


@get("/api/v1/experiments/calendar", tags=["experiments"], sync_to_thread=True)
def read_calendar(ws: NamedDependency[Workspace]) -> Calendar:
    """When experiments run, by surface, and the pairs that may have the same users at the same time."""
    return calendar_of(ws, datetime.now(UTC))


@get("/api/v1/experiments/{namespace:str}/{name:str}/interactions", tags=["experiments"], sync_to_thread=True)
def read_interactions(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> Interactions:
    """Whether others that ran at the same time change its effect, or it theirs; corrected for how many were looked at."""
    return interactions_in(ws, datetime.now(UTC), name=f"experiment:{namespace}/{name}")


routes: list[Any] = [read_calendar, read_interactions]
