"""Amounts in time that are made of parts: stacked columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, legend, line, sized, text
from counterpoint.web.formats import number
from counterpoint.web.scale import Scale, ticks

__all__ = ["Stack", "stacked_columns"]

LEFT = 44
APART = 56
"""Pixels between two labels at least."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One column: its parts from the ground up, none negative."""

    label: str
    """Below the column; nothing where it should have none."""
    parts: tuple[float, ...]
    words: str
    """What it says to who points at it."""


def stacked_columns(
    stacks: Sequence[Stack],
    names: Sequence[tuple[str, int]],
    *,
    title: str,
    description: str = "",
    write: Callable[[float], str] = number,
    height: int = 180,
) -> Markup:
    """Return columns from left to right below the names of their parts, each with its colour (1 to 5).

    Labels that do not fit are left out, not shrunk. None give an empty `Markup`.
    """
    if not stacks:
        return Markup("")
    top = max(sum(stack.parts) for stack in stacks) or 1.0
    voices = [voice for _, voice in names]

    def draw(size: str, width: int) -> Markup:
        scale = Scale(0, top, height - 24.0, 10)
        step = (width - LEFT) / len(stacks)
        parts: list[Markup] = []
        for value in [each for each in ticks(0, top, 3) if top >= 3 or each == int(each)]:
            parts.append(line(LEFT, scale(value), width, scale(value), "c-axis" if value == 0 else "c-grid"))
            parts.append(text(LEFT - 8, scale(value) + 4, write(value), "c-faint", "end"))
        gap, last = min(max(step * 0.2, 1.0), 12.0), -float("inf")
        for index, stack in enumerate(stacks):
            x = LEFT + index * step
            parts.append(_column(stack, voices, scale, x + gap / 2, step - gap))
            middle = min(max(x + step / 2, LEFT + 14.0), width - 16.0)
            if stack.label and middle - last >= APART:
                parts.append(text(middle, height - 8, stack.label, "c-faint", "middle"))
                last = middle
        return chart(parts, width=width, height=height, title=title, description=description, size=size)

    return element("div", legend(names), sized(draw))


def _column(stack: Stack, voices: Sequence[int], scale: Scale, x: float, width: float) -> Markup:
    drawn, below = [element("title", stack.words)], 0.0
    for value, voice in zip(stack.parts, voices, strict=True):
        if value <= 0:
            continue
        # A few among thousands would not be seen; two pixels are.
        upper = min(scale(below + value), scale(below) - 2.0)
        drawn.append(
            element(
                "rect",
                x=x,
                y=upper,
                width=max(width, 1.0),
                height=scale(below) - upper,
                class_=f"f{voice}",
            )
        )
        below += value
    return element("g", *drawn)
