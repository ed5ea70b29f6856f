"""Prometheus figures about requests; one registry for each application, so that tests do not share."""

import time
from collections.abc import Iterator

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from counterpoint.errors import CounterpointError
from counterpoint.workspace import Workspace

__all__ = ["Meters", "RequestMetrics"]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Meters:
    """The figures that `/metrics` shows."""

    def __init__(self, workspace: Workspace) -> None:
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
    """What the journal holds, read when Prometheus asks; of the workspace, not only of this process."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def describe(self) -> list[Metric]:
        """The names, without reading anything."""
        return [GaugeMetricFamily("counterpoint_journal_events", "Events accepted into the journal")]

    def collect(self) -> Iterator[Metric]:
        """The figures; none where the journal cannot be read, which `/readyz` tells."""
        family = GaugeMetricFamily("counterpoint_journal_events", "Events accepted into the journal")
        try:
            family.add_metric((), sum(each.count for each in self.workspace.journal.counts()))
        except CounterpointError:
            return
        yield family


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
            route = scope.get("path_template") or "unmatched"
            method = scope.get("method", "")
            # A made-up method must not make up a series.
            method = method if method in METHODS else "other"
            self.meters.requests.labels(route, method, str(status)).inc()
            self.meters.seconds.labels(route, method).observe(time.perf_counter() - begun)
