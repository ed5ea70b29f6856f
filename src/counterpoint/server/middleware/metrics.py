"""Prometheus figures about requests; one registry for each application, so that tests do not share."""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from typing import Any, Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from counterpoint.errors import CounterpointError
from counterpoint.journal.arrivals import Arrivals
from counterpoint.journal.logs import PATH as LOGS
from counterpoint.journal.tally import BUCKETS as BUCKETS_OF_LAG
from counterpoint.server.connection import untold
from counterpoint.workspace import Workspace

__all__ = ["Meters", "RequestMetrics"]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
EVENTS: Final = frozenset({"/api/events", LOGS})
"""Where events are sent to."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Meters:
    """The figures that `/metrics` shows."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.registry = CollectorRegistry()
        self.registry.register(JournalFigures(workspace))
        labels = ("route", "method")
        self.requests = Counter(
            "counterpoint_http_requests", "Requests answered", (*labels, "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "counterpoint_http_request_seconds",
            "Time to the end of the answer",
            labels,
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "counterpoint_http_requests_in_flight", "Requests being answered", registry=self.registry
        )


class JournalFigures:
    """What the journal took and holds, read when Prometheus asks; of the workspace, not only of this process.

    Everybody may read it, so it names no types and no sources: those say what an organisation does.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def describe(self) -> list[Metric]:
        """The names, without reading anything."""
        return _families()

    def collect(self) -> Iterator[Metric]:
        """The figures; none where the journal cannot be read, which `/readyz` tells."""
        try:
            journal = self.workspace.journal
            (arrived, refused), counts = journal.ever(), journal.counts()
        except CounterpointError:
            return
        events, accepted, duplicates, rejected, lag, waiting, limit = families = _families()
        events.add_metric((), sum(each.count for each in counts))
        accepted.add_metric((), arrived.accepted)
        duplicates.add_metric((), arrived.duplicates)
        for reason, number in refused.items():
            rejected.add_metric((reason,), number)
        _add_lags(lag, arrived)
        queued, most = journal.queue()
        waiting.add_metric((), queued)
        limit.add_metric((), most)
        yield from families


def _families() -> list[Any]:
    name = "counterpoint_journal_{}".format
    return [
        GaugeMetricFamily(name("events"), "Events accepted into the journal"),
        CounterMetricFamily(name("accepted"), "Events accepted, since this workspace counts"),
        CounterMetricFamily(name("duplicates"), "Events that the journal had already"),
        CounterMetricFamily(
            name("rejected"), "Events, lines and requests that were refused", labels=["reason"]
        ),
        HistogramMetricFamily(
            name("lag_seconds"), "From the time of an event to its arrival; the sum is of those within a day"
        ),
        GaugeMetricFamily(name("queue_events"), "Events of this process that wait for the disk"),
        GaugeMetricFamily(
            name("queue_limit_events"), "Events that may wait before senders are answered with 429"
        ),
    ]


def _add_lags(family: HistogramMetricFamily, arrived: Arrivals) -> None:
    # What lies ahead of its arrival has waited for less than any time; a bound below 0 would cost us the sum.
    counts = accumulate(getattr(arrived, name) for name in BUCKETS_OF_LAG)
    ends = ("0.0", "1.0", "60.0", "3600.0", "86400.0", "+Inf")
    family.add_metric((), list(zip(ends, counts, strict=True)), arrived.waited_ms / 1000)


class RequestMetrics:
    """Counts and times each request under its route template, never under its path."""

    def __init__(self, app: ASGIApp, meters: Meters) -> None:
        self.app = app
        self.meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        status = 500
        self.meters.in_flight.inc()

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_noting_status)
        finally:
            self.meters.in_flight.dec()
            self._count(scope, status, time.perf_counter() - begun)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        if status < 500 and untold(scope["path"]) is not None:
            return  # a count that anybody may read every second would tell when something was raised
        route = scope.get("path_template") or "unmatched"
        method = scope.get("method", "")
        # A made-up method must not make up a series.
        method = method if method in METHODS else "other"
        self.meters.requests.labels(route, method, str(status)).inc()
        self.meters.seconds.labels(route, method).observe(seconds)
        if status >= 400 and method == "POST" and scope["path"] in EVENTS:
            self._note_refused(scope, status)

    def _note_refused(self, scope: Scope, status: int) -> None:
        """Let the health of ingest show a request whose events were not even looked at."""
        if not scope.get("state", {}).get("events_counted"):
            with suppress(CounterpointError):
                self.meters.workspace.journal.refuse_request(status)
