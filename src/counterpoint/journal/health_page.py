"""The page of the health of ingest: what arrives, how late, what is refused and why, what is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from litestar import MediaType, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from markupsafe import Markup

from counterpoint.journal.arrivals import Arrivals
from counterpoint.journal.engine_state import Engines, EngineState
from counterpoint.journal.health import (
    RANGES,
    Health,
    Range,
    health_of,
    steps_of,
    told_bytes,
    told_rate,
    told_span,
)
from counterpoint.journal.live import LIVE
from counterpoint.web import PageContext, charts, render
from counterpoint.web.formats import ago, number, plural
from counterpoint.web.urls import with_query
from counterpoint.workspace import Workspace

__all__ = ["TABS", "health_pages"]

TABS: Final = [("Events", "/events"), ("Ingest", "/events/health")]
WORDS: Final[dict[Range, tuple[str, str]]] = {
    "hour": ("Last hour", "in the last hour"),
    "day": ("Last 24 hours", "in the last 24 hours"),
    "month": ("Last 30 days", "in the last 30 days"),
}
LAGS: Final = (
    ("future", "From the future", 2),
    ("second", "Within a second", 1),
    ("minute", "Within a minute", 1),
    ("hour", "Within an hour", 1),
    ("day", "Within a day", 1),
    ("later", "Later", 3),
)
PARTS: Final = [("Accepted", 1), ("Known already", 5), ("Rejected", 2)]
MOST: Final = 8
"""Types and sources that are named."""


class Lag(msgspec.Struct, frozen=True):
    """How many events took how long."""

    name: str
    label: str
    count: int
    share: float


class Named(msgspec.Struct, frozen=True):
    """What came of one type or from one source."""

    name: str
    counts: Arrivals
    share: float
    """Of all accepted."""


@get("/events/health", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_health(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    range: FromQuery[str] = "",  # noqa: A002
) -> str:
    """How ingest is doing, in the last hour, day or month; by itself the shortest in which anything arrived."""
    return render(page, "journal/health.html", **_values(ws, range))


@get("/events/health/figures", media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=True)
def show_figures(
    ws: NamedDependency[Workspace],
    page: NamedDependency[PageContext],
    range: FromQuery[str] = "",  # noqa: A002
) -> str:
    """The part of the page that scripts fetch anew when something has arrived."""
    return render(page, "journal/health_figures.html", **_values(ws, range))


def _values(ws: Workspace, asked: str) -> dict[str, Any]:
    engine = ws.keep(Engines, lambda workspace: Engines(workspace.settings.engine)).state()
    tried = [name for name in RANGES if name == asked] or list(RANGES)
    health = health_of(ws.journal, engine, range=tried[0])
    for name in tried[1:]:
        if health.total != Arrivals():
            break
        health = health_of(ws.journal, engine, range=name)
    if health.total == Arrivals() and asked not in RANGES:
        health = msgspec.structs.replace(health, range="hour")
    range_ = health.range
    steps = steps_of(health)
    rate, of_what = told_rate(health.rate)
    return {
        "health": health,
        "new": health.last is None and not health.rejections and not health.stored,
        "tabs": TABS,
        "ranges": [(name, WORDS[name][0], with_query("/events/health", range=name)) for name in RANGES],
        "within": WORDS[range_][1],
        "figures": with_query("/events/health/figures", range=range_),
        "stream": LIVE,
        "rate": rate,
        "of_what": of_what,
        "refused": sum(each.count for each in health.rejections),
        "chart": _chart(steps, range_, WORDS[range_][1]),
        "steps": [(_label(at, range_), counts) for at, counts in reversed(steps) if counts != Arrivals()],
        "lags": _lags(health.total),
        "lag_chart": _lag_chart(health.total, WORDS[range_][1]),
        "lag": None if health.total.mean_ms is None else told_span(health.total.mean_ms),
        "longest": told_span(health.total.longest_ms),
        "types": _named(health.by_type, health.total.accepted),
        "sources": _named(health.by_source, health.total.accepted),
        "more_types": max(len(health.by_type) - MOST, 0),
        "more_sources": max(len(health.by_source) - MOST, 0),
        "compaction_words": _compaction(health),
        "engine_words": _engine(health.engine),
        "packages": ", ".join(f"{name} {version or '(not installed)'}" for name, version in engine.packages),
        "told_bytes": told_bytes,
        "in_segments": sum(each.events for each in health.stored),
        "segment_bytes": sum(each.bytes for each in health.stored),
        "segment_files": sum(each.files for each in health.stored),
    }


def _label(at: datetime, range_: Range) -> str:
    return f"{at.day} {at:%b}" if range_ == "month" else f"{at:%H:%M}"


def _chart(steps: Sequence[tuple[datetime, Arrivals]], range_: Range, within: str) -> Markup:
    every = {"hour": 10, "day": 3, "month": 5}[range_]
    stacks = []
    for index, (at, counts) in enumerate(steps):
        place = {"hour": at.minute, "day": at.hour, "month": index}[range_]
        said = [plural(counts.accepted, "event")]
        said += [f"{number(counts.duplicates)} known already"] if counts.duplicates else []
        said += [f"{number(counts.rejected)} rejected"] if counts.rejected else []
        stacks.append(
            charts.Stack(
                _label(at, range_) if place % every == 0 else "",
                (counts.accepted, counts.duplicates, counts.rejected),
                f"{_label(at, range_)}: {', '.join(said)}",
            )
        )
    most_at, most = max(steps, key=lambda step: step[1].accepted)
    words = f"The most were {number(most.accepted)} accepted at {_label(most_at, range_)}; the table has all."
    step = {"hour": "minute", "day": "hour", "month": "day"}[range_]
    return charts.stacked_columns(
        stacks, PARTS, title=f"Events by {step} of arrival {within}", description=words
    )


def _compaction(health: Health) -> Markup:
    beyond = f"beyond {number(health.compact_after)} events in the intake"
    if health.compacted is None:
        return Markup("Not yet; by itself {}").format(beyond)
    return Markup("Last {}; by itself {}").format(ago(health.compacted), beyond)


def _engine(engine: EngineState) -> str:
    answers = {True: "answers", False: f"does not answer ({engine.detail})", None: "is being asked"}
    return f"{engine.name} {engine.place}; it {answers[engine.reachable]}"


def _lags(total: Arrivals) -> list[Lag]:
    return [
        Lag(name, label, found := getattr(total, name), found / total.accepted if total.accepted else 0.0)
        for name, label, _ in LAGS
    ]


def _lag_chart(total: Arrivals, within: str) -> Markup:
    if not total.accepted:
        return Markup("")
    bars = [charts.Bar(label, getattr(total, name), voice=voice) for name, label, voice in LAGS]
    return charts.horizontal_bars(bars, title=f"From the time of an event to its arrival {within}")


def _named(found: Sequence[tuple[str, Arrivals]], accepted: int) -> list[Named]:
    return [
        Named(name, counts, counts.accepted / accepted if accepted else 0.0) for name, counts in found[:MOST]
    ]


health_pages: list[Any] = [show_health, show_figures]
