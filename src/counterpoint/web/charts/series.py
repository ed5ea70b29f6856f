"""Values over time: the line chart and the sparkline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, line, sized, target_lines, text
from counterpoint.web.scale import Scale, clipped, extent, tick_text, ticks

__all__ = ["Series", "line_chart", "sparkline"]

NAMES = (90, 120)
"""Pixels for the names at the ends of the lines, at most: where the chart is narrow, and elsewhere."""
MARK = 64
"""Pixels that a written place on the x axis takes, with the gap to the next one."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: points in order of x, and the range around each where it is known."""

    name: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float], ...] = ()
    """Low and high at each point; as many as points, or none."""
    gaps: tuple[float, ...] = ()
    """Places on the x axis of which nothing is known; the line breaks there."""

    @property
    def runs(self) -> list[list[tuple[float, float]]]:
        """The points, apart where a gap lies between two."""
        found: list[list[tuple[float, float]]] = []
        for point in self.points:
            before = found[-1][-1][0] if found else None
            if before is None or any(before < gap < point[0] for gap in self.gaps):
                found.append([])
            found[-1].append(point)
        return found


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    description: str = "",
    write_x: Callable[[float], str] | None = None,
    write_y: Callable[[float], str] | None = None,
    from_zero: bool = False,
    targets: Sequence[tuple[float, str]] = (),
    marks: Sequence[float] = (),
    limits: tuple[float, float] | None = None,
    height: int = 240,
) -> Markup:
    """Return the chart in all widths, each line named at its end; no points give an empty `Markup`.

    `marks` are the places on the x axis that may be written, such as days: as many of them as fit. `targets` are values with what they are called, each a dashed line. `limits` are the lowest and the highest value that is drawn; what lies beyond, as a band may, ends there. At most four series get a colour of their own; more share the fourth.
    """
    drawn = [one for one in series if one.points]
    if not drawn:
        return Markup("")
    xs = [x for one in drawn for x, _ in one.points]
    ys = [y for one in drawn for _, y in one.points] + [
        bound for one in drawn for pair in one.band for bound in pair
    ]
    wanted = [value for value, _ in targets]
    y_low, y_high = extent(ys, include=[*wanted, 0.0] if from_zero else wanted)
    y_low = 0.0 if from_zero and min(ys) >= 0 else y_low
    y_low, y_high = limits or (y_low, y_high)
    y_ticks = ticks(y_low, y_high, 5)
    y_text = write_y or tick_text(y_ticks)
    x_ticks = ticks(min(xs), max(xs), 7)
    x_text = write_x or tick_text(x_ticks)

    def draw(size: str, width: int) -> Markup:
        right = width - min(NAMES[size != "narrow"], 24 + 7 * max(len(one.name) for one in drawn))
        x_scale = Scale(min(xs), max(xs), 48, right)
        y_scale = Scale(y_low, y_high, height - 28, 8)
        parts: list[Markup] = []
        for value in y_ticks:
            parts.append(
                line(48, y_scale(value), right, y_scale(value), "c-axis" if value == 0 else "c-grid")
            )
            parts.append(text(40, y_scale(value) + 4, y_text(value), "c-faint", "end"))
        shown = ticks(min(xs), max(xs), 3) if size == "narrow" else x_ticks
        if marks:
            inside = [mark for mark in marks if min(xs) <= mark <= max(xs)]
            shown = inside[:: max(1, -(-len(inside) * MARK // max(right - 48, 1)))]
        parts += [text(x_scale(value), height - 8, x_text(value), "c-faint", "middle") for value in shown]
        parts += target_lines(targets, 48, right, y_scale)
        ends = _apart([y_scale(one.points[-1][1]) for one in drawn], lowest=height - 34.0)
        for index, one in enumerate(drawn):
            parts += _line(one, min(index, 3) + 1, x_scale, y_scale)
            parts.append(text(right + 8, ends[index] + 4, clipped(one.name, width - right - 8), "c-label"))
        return chart(
            parts,
            width=width,
            height=height,
            title=title,
            description=description or _words(drawn, x_text, y_text),
            size=size,
        )

    return sized(draw)


def _words(series: Sequence[Series], x_text: Callable[[float], str], y_text: Callable[[float], str]) -> str:
    ends = ((one.name, one.points[0], one.points[-1]) for one in series)
    return "; ".join(
        f"{name}: {y_text(first[1])} at {x_text(first[0])}, {y_text(last[1])} at {x_text(last[0])}"
        for name, first, last in ends
    )


def _line(one: Series, voice: int, x_scale: Scale, y_scale: Scale) -> list[Markup]:
    parts = []
    if len(one.band) == len(one.points):
        upper = [(x, band[1]) for (x, _), band in zip(one.points, one.band, strict=True)]
        lower = [(x, band[0]) for (x, _), band in zip(one.points, one.band, strict=True)]
        parts.append(
            element(
                "path", d=_path([*upper, *reversed(lower)], x_scale, y_scale) + "Z", class_=f"c-band f{voice}"
            )
        )
    runs = one.runs
    drawn = "".join(_path(run, x_scale, y_scale) for run in runs if len(run) > 1)
    if drawn:
        parts.append(element("path", d=drawn, class_=f"c-line v{voice}"))
    # A point between two gaps has no line; the last one is marked more strongly.
    alone = [run[0] for run in runs[:-1] if len(run) == 1]
    parts += [element("circle", cx=x_scale(x), cy=y_scale(y), r=2, class_=f"f{voice}") for x, y in alone]
    x, y = one.points[-1]
    parts.append(element("circle", cx=x_scale(x), cy=y_scale(y), r=3.5, class_=f"f{voice}"))
    return parts


def _path(points: Sequence[tuple[float, float]], x_scale: Scale, y_scale: Scale) -> str:
    return "M" + "L".join(f"{x_scale(x):.1f} {y_scale.clamped(y):.1f}" for x, y in points)


def _apart(places: Sequence[float], distance: float = 15.0, *, lowest: float = float("inf")) -> list[float]:
    """Return the places of labels moved down so that none covers another, and up again from below `lowest`."""
    moved = list(places)
    order = sorted(range(len(places)), key=lambda index: places[index])
    for before, after in pairwise(order):
        moved[after] = max(moved[after], moved[before] + distance)
    for index in reversed(order):
        moved[index] = min(moved[index], lowest)
        lowest = moved[index] - distance
    return moved


def sparkline(values: Sequence[float], *, title: str) -> Markup:
    """Return a line of the size of a word, its last value marked; fewer than two values give an empty `Markup`."""
    if len(values) < 2:
        return Markup("")
    x_scale = Scale(0, len(values) - 1, 2, 92)
    y_scale = Scale(*extent(values, padding=0), 20, 4)
    points = list(enumerate(values))
    parts = [
        element("path", d=_path(points, x_scale, y_scale), class_="c-line v1"),
        element("circle", cx=x_scale(len(values) - 1), cy=y_scale(values[-1]), r=2.5, class_="f1"),
    ]
    return chart(parts, width=96, height=24, title=title, size="spark")
