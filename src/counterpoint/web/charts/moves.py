"""The moves chart: a share that changes by steps over time, with what else happened on the way."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, line, sized, text
from counterpoint.web.formats import percent
from counterpoint.web.scale import Scale, ticks

__all__ = ["Mark", "Moved", "moves_chart"]

HEIGHT, LEFT, TOP, FOOT = 220.0, 48.0, 30.0, 30.0
GAP = 96
"""Pixels that a written moment needs."""


@dataclass(frozen=True, slots=True)
class Moved:
    """From when on the share was what."""

    at: datetime
    share: float
    tone: str = ""
    """"good" or "bad" where the move ends something; its point is drawn in that colour."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something else that happened, such as a deployment: a line over the whole height with a number at its top."""

    at: datetime
    label: str


def moves_chart(moves: Sequence[Moved], marks: Sequence[Mark], *, until: datetime, title: str) -> Markup:
    """Return the chart in all widths, from the first move or mark to `until`; no moves give an empty `Markup`.

    Marks are numbered in their order; what they are stands in the table beside the chart.
    """
    if not moves:
        return Markup("")
    moments = [*(each.at.timestamp() for each in moves), *(each.at.timestamp() for each in marks)]
    low, high = min(moments), max(until.timestamp(), *moments)
    high = max(high, low + 60.0)
    top = max(each.share for each in moves) or 1.0
    words = "; ".join(f"{each.at:%Y-%m-%d %H:%M} {percent(each.share, 0)}" for each in moves)
    told = "; ".join(f"{each.at:%Y-%m-%d %H:%M} {each.label}" for each in marks)

    def draw(size: str, width: int) -> Markup:
        x = Scale(low, high, LEFT, width - 10.0)
        y = Scale(0.0, top, HEIGHT - FOOT, TOP)
        parts = [*_axes(x, y, top, width), *_marks(marks, x), *_line(moves, x, y, high)]
        return chart(
            parts,
            width=width,
            height=HEIGHT,
            title=title,
            description=f"{words}. {told}".strip(". "),
            size=size,
        )

    return sized(draw)


def _axes(x: Scale, y: Scale, top: float, width: float) -> Iterator[Markup]:
    values = [each for each in ticks(0.0, top, 4) if each <= top + 1e-9]
    places = max(0, -math.floor(math.log10(100 * values[1]) + 1e-9)) if len(values) > 1 else 0
    for value in values:
        yield line(LEFT, y(value), x.end, y(value), "c-axis" if value == 0 else "c-grid")
        yield text(LEFT - 8, y(value) + 4, percent(value, places), "c-faint", "end")
    seconds = x.high - x.low
    form = "%H:%M" if seconds < 86_400 else "%d %b %H:%M" if seconds < 5 * 86_400 else "%d %b"
    many = max(2, min(6, int((width - LEFT) // GAP)))
    for index in range(many):
        at = x.low + seconds * index / (many - 1)
        anchor = None if index == 0 else "end" if index == many - 1 else "middle"
        yield text(x(at), HEIGHT - 8, f"{datetime.fromtimestamp(at, UTC):{form}}", "c-faint", anchor)


def _marks(marks: Sequence[Mark], x: Scale) -> Iterator[Markup]:
    before = -100.0
    for number, each in enumerate(marks, 1):
        at = x(each.at.timestamp())
        yield line(at, TOP - 8, at, HEIGHT - FOOT, "c-margin")
        if at - before >= 14:  # numbers that would cover each other are in the table
            yield text(at, TOP - 13, str(number), "c-label", "middle")
            before = at


def _line(moves: Sequence[Moved], x: Scale, y: Scale, high: float) -> Iterator[Markup]:
    path = f"M{x(moves[0].at.timestamp()):.1f} {y(moves[0].share):.1f}"
    for _, after in pairwise(moves):
        path += f"H{x(after.at.timestamp()):.1f}V{y(after.share):.1f}"
    yield element("path", d=f"{path}H{x(high):.1f}", class_="c-line v1")
    for each in moves:
        class_ = f"c-point is-{each.tone}" if each.tone else "f1"
        yield element("circle", cx=x(each.at.timestamp()), cy=y(each.share), r=4.0, class_=class_)
