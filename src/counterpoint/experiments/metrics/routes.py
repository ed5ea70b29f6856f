"""The API of metrics: the catalogue, definitions with what events say of them, and readings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Response, get, post, put
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from counterpoint.errors import InputError, Problem
from counterpoint.experiments.metrics import readings, store
from counterpoint.experiments.metrics.check import Remark
from counterpoint.experiments.metrics.definition import Definition
from counterpoint.experiments.metrics.period import MOST_DAYS
from counterpoint.experiments.metrics.reading import Reading
from counterpoint.experiments.metrics.usage import Use, uses_of
from counterpoint.graph.actor import Actor
from counterpoint.web.etags import IfMatch, etag_header, read_etags
from counterpoint.workspace import Workspace

__all__ = ["lifespan", "routes"]


@asynccontextmanager
async def lifespan(workspace: Workspace) -> AsyncIterator[None]:
    """Renew readings behind the reader's back while the server runs."""
    kept = (readings.readings_of(workspace), readings.distributions_of(workspace))
    for each in kept:
        each.start()
    await sync_to_thread(readings.prepare, workspace)
    try:
        yield
    finally:
        for each in kept:
            await sync_to_thread(each.stop)


class MetricList(msgspec.Struct, frozen=True):
    """Every metric in the order of its name."""

    items: tuple[Definition, ...]


class MetricView(msgspec.Struct, frozen=True):
    """A metric with what the events say against it, and what uses it."""

    metric: Definition
    remarks: tuple[Remark, ...]
    uses: tuple[Use, ...]


class PreviewView(msgspec.Struct, frozen=True):
    """What a metric that is being written says."""

    reading: Reading
    remarks: tuple[Remark, ...]


@get("/api/v1/metrics", tags=["metrics"], sync_to_thread=True)
def list_metrics(
    ws: NamedDependency[Workspace], owner: FromQuery[str] = "", role: FromQuery[str] = ""
) -> MetricList:
    """The metrics with their definitions, of one owner or one role where asked."""
    found = (each.definition for each in store.all_metrics(ws))
    return MetricList(tuple(each for each in found if owner in ("", each.owner) and role in ("", each.role)))


@post("/api/v1/metrics", tags=["metrics"], sync_to_thread=True)
def create_metric(
    ws: NamedDependency[Workspace], actor: NamedDependency[Actor], data: JSONBody[dict[str, Any]]
) -> Response[MetricView]:
    """Add a metric by its descriptor. What the events say against it is told and refuses nothing."""
    loaded = store.write(ws, data, actor=actor, new=True)
    return Response(_view(ws, loaded), headers=_headers(loaded), status_code=201)


@post("/api/v1/metrics/preview", tags=["metrics"], status_code=200, sync_to_thread=True)
def preview_metric(
    ws: NamedDependency[Workspace], data: JSONBody[dict[str, Any]], days: FromQuery[int | None] = None
) -> PreviewView:
    """What a descriptor would say on the events that came; nothing is stored."""
    if problems := store.preview_problems(data):
        raise InputError("The metric cannot be computed.", problems)
    if data.get("kind") != "Metric":
        raise InputError("The document is no metric.", [Problem("Write `kind: Metric`.", "/kind")])
    now = datetime.now(UTC)
    loaded, types = store.loaded_from(ws, data), readings.seen(ws)
    reading = readings.preview(
        ws, loaded, readings.Asked(readings.period_for(loaded, types, days=_days(days), now=now))
    )
    return PreviewView(reading, readings.check_metric(ws, loaded, reading, types, now=now))


@get("/api/v1/metrics/{namespace:str}/{name:str}", tags=["metrics"], sync_to_thread=True)
def read_metric(
    ws: NamedDependency[Workspace], namespace: FromPath[str], name: FromPath[str]
) -> Response[MetricView]:
    """A metric's definition, what the events of its newest period say against it, and what uses it."""
    loaded = store.load(ws, f"metric:{namespace}/{name}")
    return Response(_view(ws, loaded), headers=_headers(loaded))


@put("/api/v1/metrics/{namespace:str}/{name:str}", tags=["metrics"], sync_to_thread=True)
def change_metric(
    ws: NamedDependency[Workspace],
    actor: NamedDependency[Actor],
    namespace: FromPath[str],
    name: FromPath[str],
    data: JSONBody[dict[str, Any]],
    if_match: IfMatch = None,
) -> Response[MetricView]:
    """Write a metric's descriptor; with `If-Match` only over the version that was read."""
    ref = f"metric:{namespace}/{name}"
    loaded = store.write(ws, data, actor=actor, ref=ref, if_match=read_etags(if_match))
    return Response(_view(ws, loaded), headers=_headers(loaded))


@get("/api/v1/metrics/{namespace:str}/{name:str}/reading", tags=["metrics"], sync_to_thread=True)
def read_reading(
    ws: NamedDependency[Workspace],
    namespace: FromPath[str],
    name: FromPath[str],
    days: FromQuery[int | None] = None,
    split: FromQuery[str | None] = None,
    series: FromQuery[int] = 4,
) -> Reading:
    """The figures of every span and of the whole period, which ends with the last event; by an attribute if asked.

    What is about fewer than five people is withheld. Parts beyond `series` (at most four) are one.
    """
    if not 1 <= series <= 4:
        raise InputError(
            f"series is {series}; it is from 1 to 4.", [Problem("It is from 1 to 4.", "/series")]
        )
    loaded = store.load(ws, f"metric:{namespace}/{name}")
    period = readings.period_for(loaded, readings.seen(ws), days=_days(days), now=datetime.now(UTC))
    return readings.reading_of(ws, loaded, readings.Asked(period, split or None, series))


def _days(days: int | None) -> int | None:
    if days is not None and not 1 <= days <= MOST_DAYS:
        message = f"days is {days}; it is from 1 to {MOST_DAYS}."
        raise InputError(message, [Problem(message, "/days")])
    return days


def _view(ws: Workspace, loaded: store.Loaded) -> MetricView:
    now, types = datetime.now(UTC), readings.seen(ws)
    reading = None
    if not loaded.problem:
        try:
            reading = readings.reading_of(
                ws, loaded, readings.Asked(readings.period_for(loaded, types, days=None, now=now))
            )
        except InputError:  # a field that no path can name: the definition is told all the same
            reading = None
    remarks = readings.check_metric(ws, loaded, reading, types, now=now)
    return MetricView(loaded.definition, remarks, uses_of(ws, loaded).items)


def _headers(loaded: store.Loaded) -> dict[str, str]:
    return etag_header(loaded.entity.etag) if loaded.entity else {}


routes: list[Any] = [
    list_metrics,
    create_metric,
    preview_metric,
    read_metric,
    change_metric,
    read_reading,
]
