"""The boundary chart: evidence in standard errors against the boundary of each look, over information."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, line, sized, text
from counterpoint.web.formats import percent
from counterpoint.web.scale import Scale, tick_text, ticks

__all__ = ["Boundary", "boundary_chart"]

HEIGHT = 260
MOST = 6.0
"""Standard errors beyond which a boundary is not drawn: it would press all others together."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """One look."""

    information: float
    boundary: float | None
    score: float | None
    frozen: bool
    """Whether it was taken; the others are planned."""


def boundary_chart(looks: Sequence[Boundary], *, title: str, description: str = "") -> Markup:
    """Return the chart in all widths; no looks give an empty `Markup`."""
    if not looks:
        return Markup("")
    drawn = [look.boundary for look in looks if look.boundary is not None and look.boundary <= MOST]
    scores = [look.score for look in looks if look.score is not None]
    low, high = min([0.0, *scores]), max([2.0, *drawn, *scores]) + 0.3
    values = ticks(low, high, 5)
    write = tick_text(values)
    end = max(1.0, *(look.information for look in looks))

    def draw(size: str, width: int) -> Markup:
        left, right = 40, width - 10
        x = Scale(0.0, end, left, right)
        y = Scale(low, high, HEIGHT - 42, 22)
        parts: list[Markup] = [text(0, 12, "Standard errors", "c-faint")]
        for value in values:
            parts.append(line(left, y(value), right, y(value), "c-axis" if value == 0 else "c-grid"))
            parts.append(text(left - 8, y(value) + 4, write(value), "c-faint", "end"))
        shares = [each for each in ticks(0.0, end, 4 if size == "narrow" else 6) if each <= end]
        for share in shares:
            anchor = "end" if share >= end - 1e-9 else "middle"
            parts.append(text(x(share), HEIGHT - 24, percent(share, 0), "c-faint", anchor))
        parts.append(text(right, HEIGHT - 6, "of the planned users →", "c-faint", "end"))
        return chart(
            [*parts, *_bounds(looks, x, y, high), *_scores(looks, x, y)],
            width=width,
            height=HEIGHT,
            title=title,
            description=description,
            size=size,
        )

    return sized(draw)


def _bounds(looks: Sequence[Boundary], x: Scale, y: Scale, high: float) -> list[Markup]:
    """The boundary, whole where it is frozen and dashed where it is only planned."""
    points = [
        (look.information, look.boundary, look.frozen)
        for look in looks
        if look.boundary is not None and look.boundary <= high
    ]
    parts = []
    for before, after in pairwise(points):
        class_ = "c-line c-bound" if after[2] else "c-line c-bound c-planned"
        parts.append(line(x(before[0]), y(before[1]), x(after[0]), y(after[1]), class_))
    for at, bound, frozen in points:
        parts.append(
            line(x(at) - 5, y(bound), x(at) + 5, y(bound), f"c-line c-bound{'' if frozen else ' c-planned'}")
        )
    return parts


def _scores(looks: Sequence[Boundary], x: Scale, y: Scale) -> list[Markup]:
    found = [(look, look.score) for look in looks if look.score is not None]
    parts = []
    if len(found) > 1:
        path = "M" + "L".join(f"{x(look.information):.1f} {y(score):.1f}" for look, score in found)
        parts.append(element("path", d=path, class_="c-line v1"))
    for look, score in found:
        over = look.boundary is not None and score >= look.boundary
        class_ = "c-point is-good" if over else "f1"
        parts.append(element("circle", cx=x(look.information), cy=y(score), r=4.5, class_=class_))
    return parts
