"""A timeline: spans of days in groups, with the months above and a line at today."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, line, sized, text
from counterpoint.web.scale import Scale, clipped

__all__ = ["Span", "timeline"]

HEAD, GROUP, FOOT = 24.0, 34.0, 8.0
"""Pixels above the first group, of a group's name, and below the last row."""
MONTH = 44.0
"""Pixels that the name of a month needs."""


@dataclass(frozen=True, slots=True)
class Span:
    """One bar; an end that is None lies outside of the timeline."""

    label: str
    start: datetime | None
    end: datetime | None
    state: str
    """A word that is written beside the label, since colour alone says nothing to some."""
    voice: int
    """Colour of the bar: 1 to 4, or 5 for grey."""
    href: str | None = None


def timeline(
    groups: Sequence[tuple[str, Sequence[Span]]],
    *,
    low: datetime,
    high: datetime,
    today: datetime,
    title: str,
    today_label: str = "today",
) -> Markup:
    """Return the timeline from `low` to `high` in all widths. No spans give an empty `Markup`."""
    spans = [span for _, group in groups for span in group]
    if not spans:
        return Markup("")
    words = "; ".join(f"{span.label}: {span.state}" for span in spans)

    def draw(size: str, width: int) -> Markup:
        narrow = size == "narrow"
        left = 6.0 if narrow else round(width * 0.34)
        scale = Scale(low.timestamp(), high.timestamp(), left, width - 6.0)
        row = 44.0 if narrow else 30.0
        bottom = HEAD + sum(GROUP + row * len(group) for _, group in groups)
        parts = [*_months(scale, low, high, bottom)]
        if low <= today <= high:
            x = scale(today.timestamp())
            parts += [
                line(x, HEAD - 6, x, bottom, "c-zero"),
                text(x, bottom + 16, today_label, "c-faint", "middle"),
            ]
        top = HEAD
        for name, group in groups:
            parts.append(text(0, top + 22, clipped(name, width - 8), "c-strong"))
            top += GROUP
            for span in group:
                parts += _row(span, scale, top, row, left, narrow=narrow, width=width)
                top += row
        links = any(span.href for span in spans)
        return chart(
            parts,
            width=width,
            height=bottom + FOOT + 14,
            title=title,
            description=words,
            size=size,
            links=links,
        )

    return sized(draw)


def _months(scale: Scale, low: datetime, high: datetime, bottom: float) -> Iterator[Markup]:
    """A line at the begin of months, as many as have room for their names."""
    firsts = list(_firsts(low, high))
    room = max(int((scale.end - scale.start) / MONTH), 1)
    every = next((step for step in (1, 2, 3, 6, 12, 24, 60) if len(firsts) / step <= room), 120)
    for first in firsts:
        if (first.year * 12 + first.month - 1) % every:
            continue
        x = scale(first.timestamp())
        yield line(x, HEAD - 6, x, bottom, "c-grid")
        written = f"{first:%b %Y}" if first.month == 1 else f"{first:%b}"
        yield text(min(x + 3, scale.end - len(written) * 6.5), HEAD - 10, written, "c-faint")


def _firsts(low: datetime, high: datetime) -> Iterator[datetime]:
    year, month = low.year, low.month
    while (first := datetime(year, month, 1, tzinfo=UTC)) <= high:
        if first >= low:
            yield first
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _row(
    span: Span, scale: Scale, top: float, row: float, left: float, *, narrow: bool, width: float
) -> Iterator[Markup]:
    room = width - 90 if narrow else left - 84
    label = text(0, top + (16 if narrow else row / 2 + 4), clipped(span.label, room), "c-label c-over")
    yield element("a", label, href=span.href) if span.href else label
    state_x = width - 6 if narrow else left - 12
    yield text(state_x, top + (16 if narrow else row / 2 + 4), span.state, "c-faint c-over", "end")
    y, height = (top + 24, 10.0) if narrow else (top + row / 2 - 6, 12.0)
    start = scale.start if span.start is None else scale.clamped(span.start.timestamp())
    end = scale.end if span.end is None else scale.clamped(span.end.timestamp())
    yield element(
        "rect", x=start, y=float(y), width=max(end - start, 3.0), height=height, rx=3, class_=f"f{span.voice}"
    )
