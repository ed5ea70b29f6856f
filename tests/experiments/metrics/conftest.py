from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from counterpoint import Workspace
from counterpoint.experiments.metrics import readings, store
from counterpoint.experiments.metrics.period import Period
from counterpoint.experiments.metrics.reading import Reading
from counterpoint.graph.actor import local_actor
from tests.experiments.conftest import ENTITIES, entity

FIRST = datetime(2026, 5, 4, tzinfo=UTC)
"""A Monday."""
WEEK = Period(date(2026, 5, 4), date(2026, 5, 10))


def event(
    day: int, user: int | None, data: Any = None, *, kind: str = "e", seconds: int = 0
) -> dict[str, Any]:
    """An event of a user on a day from `FIRST`."""
    event.made = getattr(event, "made", 0) + 1  # type: ignore[attr-defined]
    return {
        "specversion": "1.0",
        "id": f"i{event.made}",  # type: ignore[attr-defined]
        "source": "test",
        "type": kind,
        **({} if user is None else {"subject": f"u{user}"}),
        "time": (FIRST + timedelta(days=day, seconds=seconds)).isoformat(),
        "data": data,
    }


@pytest.fixture
def squad(workspace: Workspace) -> Workspace:
    """A workspace with a squad that can own metrics."""
    with workspace.graph.write(local_actor()) as writer:
        writer.put(ENTITIES[0])
    return workspace


def measured(workspace: Workspace, name: str = "m", **spec: Any) -> store.Loaded:
    """A metric of the events of type `e`, written into the workspace."""
    whole = {"direction": "increase", "aggregation": "mean"} | spec
    if whole["aggregation"] != "ratio":
        whole.setdefault("event", "e")
    return store.write(workspace, entity("Metric", name, whole), actor=local_actor())


@pytest.fixture
def read(squad: Workspace) -> Callable[..., Reading]:
    """Reads a metric over a week on the events given."""

    def _read(
        events: Iterable[dict[str, Any]],
        *,
        name: str = "m",
        period: Period = WEEK,
        split: str | None = None,
        series: int = 4,
        **spec: Any,
    ) -> Reading:
        squad.journal.append(list(events))
        return readings.preview(squad, measured(squad, name, **spec), readings.Asked(period, split, series))

    return _read
