"""The API of the calendar of experiments."""

from datetime import UTC, datetime
from typing import Any

from litestar import get
from litestar.di import NamedDependency

from counterpoint.experiments.coordination.store import Calendar, calendar_of
from counterpoint.workspace import Workspace

__all__ = ["routes"]


@get("/api/v1/experiments/calendar", tags=["experiments"], sync_to_thread=True)
def read_calendar(ws: NamedDependency[Workspace]) -> Calendar:
    """When experiments run, by surface, and the pairs that may have the same users at the same time."""
    return calendar_of(ws, datetime.now(UTC))


routes: list[Any] = [read_calendar]
