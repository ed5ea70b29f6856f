"""The interval plot: estimates with their intervals on one scale, as a forest plot shows them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, line, sized, text
from counterpoint.web.formats import percent
from counterpoint.web.scale import Scale, clipped, extent, ticks

__all__ = ["Interval", "interval_plot"]


TICK = 78
"""Pixels that a tick and its text need at least, on average."""


@dataclass(frozen=True, slots=True)
class Interval:
    """One row: an estimate and the interval around it."""

    label: str
    estimate: float
    low: float
    """May be minus infinity, for a bound on one side only."""
    high: float
    """May be infinity."""
    tone: str = "quiet"
    """"good", "bad", "warn" or "quiet"."""
    margin: float | None = None
    """A limit to mark in this row, such as a non-inferiority margin."""
    note: str = ""
    """A few words under the label."""
    href: str | None = None


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the columns of a plot lie, in pixels."""

    width: float
    row: float
    left: float
    right: float
    narrow: bool


def interval_plot(
    rows: Sequence[Interval],
    *,
    title: str,
    description: str = "",
    zero: float = 0.0,
    write: Callable[[float], str] | None = None,
    lower: str = "lower",
    higher: str = "higher",
) -> Markup:
    """Return the plot in all widths; `write` turns values into text (default: signed percentages).

    `lower` and `higher` name the two directions under the axis. No rows give an empty `Markup`.
    """
    if not rows:
        return Markup("")
    writer = write or (lambda value: percent(value, 1, signed=True))
    words = description or "; ".join(f"{row.label}: {_words(row, writer)}" for row in rows)
    domain = extent(
        [value for row in rows for value in (row.low, row.estimate, row.high)],
        include=[zero, *(row.margin for row in rows if row.margin is not None)],
    )

    def draw(size: str, width: int) -> Markup:
        narrow = size == "narrow"
        frame = (
            _Frame(width, 58, 6, width - 6, narrow=True)
            if narrow
            else _Frame(width, 44, round(width * 0.28), width - 178, narrow=False)
        )
        scale = Scale(*domain, frame.left, frame.right)
        bottom = frame.row * len(rows)
        parts = [*_axis(scale, frame, bottom, zero, write, lower, higher)]
        for index, row in enumerate(rows):
            parts += _row(row, scale, frame, index * frame.row, writer)
        links = any(row.href for row in rows)
        return chart(
            parts, width=width, height=bottom + 44, title=title, description=words, size=size, links=links
        )

    return sized(draw)


def _words(row: Interval, write: Callable[[float], str]) -> str:
    return f"{write(row.estimate)} ({write(row.low)} to {write(row.high)})"


def _axis(
    scale: Scale,
    frame: _Frame,
    bottom: float,
    zero: float,
    write: Callable[[float], str] | None,
    lower: str,
    higher: str,
) -> list[Markup]:
    parts: list[Markup] = []
    values = ticks(scale.low, scale.high, max(int((frame.right - frame.left) / TICK), 2))
    tick = write or _tick_percent(values)
    for value in values:
        x = scale(value)
        parts += _upright(x, frame, bottom, "c-grid") if value != zero else []
        parts.append(text(_inside(x, frame), bottom + 16, tick(value), "c-faint", "middle"))
    if scale.low <= zero <= scale.high:
        x = scale(zero)
        parts += _upright(x, frame, bottom, "c-zero")
    parts.append(text(frame.left, bottom + 36, f"← {lower}", "c-faint"))
    parts.append(text(frame.right, bottom + 36, f"{higher} →", "c-faint", "end"))
    return parts


def _tick_percent(values: Sequence[float]) -> Callable[[float], str]:
    """Percentages with as many places as the step between the ticks needs."""
    step = (values[1] - values[0]) * 100 if len(values) > 1 else 1.0
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return lambda value: percent(value, places, signed=True)


def _upright(x: float, frame: _Frame, bottom: float, class_: str) -> list[Markup]:
    """A line through all rows; where labels stand above the intervals, it leaves them free."""
    if not frame.narrow:
        return [line(x, 0, x, bottom, class_)]
    return [line(x, top + 26, x, top + 54, class_) for top in range(0, int(bottom), int(frame.row))]


def _inside(x: float, frame: _Frame) -> float:
    return min(max(x, 18.0), frame.width - 18.0) if frame.narrow else x


def _row(
    row: Interval, scale: Scale, frame: _Frame, top: float, write: Callable[[float], str]
) -> list[Markup]:
    y = top + (40 if frame.narrow else frame.row / 2)
    tone = f" is-{row.tone}" if row.tone != "quiet" else ""
    parts = [line(0, top, frame.width, top, "c-grid")] if top else []
    parts += _labels(row, frame, top, y, write)
    if math.isnan(row.low) or math.isnan(row.high):  # nothing could be computed; the words say so
        return parts
    start, end = scale.clamped(row.low), scale.clamped(row.high)
    parts.append(line(start, y, end, y, f"c-interval{tone}"))
    for x, inner, open_end in ((start, 1, row.low < scale.low), (end, -1, row.high > scale.high)):
        if open_end:
            parts.append(
                element(
                    "path",
                    d=f"M{x + 6 * inner:.1f} {y - 4:.1f}L{x:.1f} {y:.1f}L{x + 6 * inner:.1f} {y + 4:.1f}",
                    class_=f"c-interval c-open{tone}",
                )
            )
        else:
            parts.append(line(x, y - 5, x, y + 5, f"c-interval{tone}"))
    if row.margin is not None:
        x = scale(row.margin)
        parts.append(line(x, y - 13, x, y + 13, "c-margin"))
    if scale.low <= row.estimate <= scale.high:
        parts.append(element("circle", cx=scale(row.estimate), cy=float(y), r=5, class_=f"c-point{tone}"))
    return parts


def _labels(
    row: Interval, frame: _Frame, top: float, y: float, write: Callable[[float], str]
) -> list[Markup]:
    room = frame.width * 0.45 if frame.narrow else frame.left - 16
    label_y = top + 18 if frame.narrow else (y - 3 if row.note else y + 4)
    label = text(0, label_y, clipped(row.label, room), "c-label")
    if row.href:
        label = element("a", label, href=row.href)
    parts = [label]
    if row.note and not frame.narrow:
        parts.append(text(0, y + 13, clipped(row.note, room, 6.0), "c-faint"))
    bounds = f"{write(row.low)} to {write(row.high)}"
    if frame.narrow:
        figures = element(
            "text",
            element("tspan", write(row.estimate), class_="c-strong"),
            f"  {bounds}",
            x=float(frame.width),
            y=float(label_y),
            text_anchor="end",
        )
        return [*parts, figures]
    return [
        *parts,
        text(frame.width, y - 3, write(row.estimate), "c-strong", "end"),
        text(frame.width, y + 13, bounds, "c-faint", "end"),
    ]
