"""Amounts side by side: horizontal bars, columns and the share bar."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, legend, line, sized, target_lines, text
from counterpoint.web.formats import number, percent
from counterpoint.web.scale import Scale, clipped, ticks

__all__ = ["Bar", "column_chart", "horizontal_bars", "share_bar"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount, not negative, with its name."""

    label: str
    value: float
    text: str = ""
    """What stands beside the bar; the number where it is empty."""
    href: str | None = None
    voice: int = 1
    """Which of the four colours, 1 to 4; 5 is grey, for the rest."""


def horizontal_bars(
    bars: Sequence[Bar], *, title: str, description: str = "", write: Callable[[float], str] = number
) -> Markup:
    """Return one bar below another, for names longer than a word; none give an empty `Markup`."""
    if not bars:
        return Markup("")
    top = max(bar.value for bar in bars) or 1.0

    def draw(size: str, width: int) -> Markup:
        left = round(width * (0.34 if size == "narrow" else 0.26))
        scale = Scale(0, top, left, width - 76)
        parts: list[Markup] = []
        for index, bar in enumerate(bars):
            y = index * 28.0
            label = text(0, y + 18, clipped(bar.label, left - 12), "c-label")
            parts.append(element("a", label, href=bar.href) if bar.href else label)
            parts.append(
                element(
                    "rect",
                    x=float(left),
                    y=y + 6,
                    width=max(scale(bar.value) - left, 1.0),
                    height=16,
                    rx=2,
                    class_=f"f{bar.voice}",
                )
            )
            parts.append(text(scale(bar.value) + 8, y + 18, bar.text or write(bar.value)))
        links = any(bar.href for bar in bars)
        return chart(
            parts,
            width=width,
            height=28 * len(bars),
            title=title,
            description=description or _words(bars, write),
            size=size,
            links=links,
        )

    return sized(draw)


def _words(bars: Sequence[Bar], write: Callable[[float], str]) -> str:
    return "; ".join(f"{bar.label}: {bar.text or write(bar.value)}" for bar in bars)


def column_chart(
    bars: Sequence[Bar],
    *,
    title: str,
    description: str = "",
    write: Callable[[float], str] = number,
    targets: Sequence[tuple[float, str]] = (),
    mark: tuple[float, str] | None = None,
    height: int = 200,
) -> Markup:
    """Return columns from left to right, for amounts in time; labels that do not fit are left out, not shrunk.

    `targets` are values with what they are called, each a dashed line across; `mark` is a dashed line down
    the chart, at that many columns from the left, with its name.
    """
    if not bars:
        return Markup("")
    top = max([bar.value for bar in bars] + [value for value, _ in targets]) or 1.0

    def draw(size: str, width: int) -> Markup:
        scale = Scale(0, top, height - 24.0, 10)
        step = (width - 44) / len(bars)
        parts: list[Markup] = []
        for value in ticks(0, top, 4):
            parts.append(line(44, scale(value), width, scale(value), "c-axis" if value == 0 else "c-grid"))
            parts.append(text(36, scale(value) + 4, write(value), "c-faint", "end"))
        every = max(1, -(-len(bars) * 56 // (width - 44)))
        for index, bar in enumerate(bars):
            x = 44 + index * step
            gap = min(step * 0.2, 12)
            tall = height - 24 - scale(bar.value)
            column = element(
                "rect",
                x=x + gap / 2,
                y=scale(bar.value),
                width=max(step - gap, 1.0),
                height=max(tall, 0.0),
                class_=f"f{bar.voice}",
            )
            parts.append(column)
            if index % every == 0:
                parts.append(text(x + step / 2, height - 8, bar.label, "c-faint", "middle"))
        parts += target_lines(targets, 44, width, scale)
        if mark is not None:
            x = 44 + min(max(mark[0], 0.0), len(bars)) * step
            late = x > width * 0.6
            parts.append(line(x, 6, x, height - 24, "c-margin"))
            parts.append(text(x + (-6 if late else 6), 16, mark[1], "c-faint", "end" if late else None))
        return chart(
            parts,
            width=width,
            height=height,
            title=title,
            description=description or _words(bars, write),
            size=size,
        )

    return sized(draw)


def share_bar(bars: Sequence[Bar], *, title: str) -> Markup:
    """Return one bar parted by share, with a legend of names and percentages; an empty sum gives an empty `Markup`."""
    total = sum(bar.value for bar in bars)
    if total <= 0:
        return Markup("")
    voices = [
        bar.voice if any(other.voice != 1 for other in bars) else min(index, 4) + 1
        for index, bar in enumerate(bars)
    ]
    parts, x = [], 0.0
    for bar, voice in zip(bars, voices, strict=True):
        width = bar.value / total * 700
        if width > 0:
            parts.append(element("rect", x=x, y=0, width=max(width - 2, 0.5), height=12, class_=f"f{voice}"))
        x += width
    words = "; ".join(f"{bar.label}: {percent(bar.value / total)}" for bar in bars)
    drawn = element(
        "svg",
        element("title", title),
        element("desc", words),
        *parts,
        class_="chart chart-share",
        view_box="0 0 700 12",
        preserveAspectRatio="none",
        role="img",
        aria_label=title,
    )
    entries = [
        (f"{bar.label} {bar.text or percent(bar.value / total)}", voice)
        for bar, voice in zip(bars, voices, strict=True)
    ]
    return element("div", drawn, legend(entries), class_="share")
