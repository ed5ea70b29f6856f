"""The layer diagram: one thing in the middle, what is one and two steps away from it on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.web.charts.relations import (
    BOX,
    GAP,
    HEAD,
    ROW,
    Node,
    centre_box,
    curve,
    in_words,
    node_box,
    rest_of,
)
from counterpoint.web.charts.svg import chart, element, sized, text

__all__ = ["Layer", "Step", "layer_diagram"]

BROAD = 700
"""Pixels from which on the layers stand beside each other; below they are a list with indents."""


@dataclass(frozen=True, slots=True)
class Step:
    """A thing in a layer, with what it hangs on in the layer before."""

    key: str
    label: str
    href: str | None = None
    kind: str = ""
    parents: tuple[str, ...] = ()
    """Keys of things in the layer before; ignored in the first one."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Things that are equally far from the middle."""

    label: str
    steps: tuple[Step, ...]
    total: int = 0
    """How many there are, where `steps` are only the first."""
    rest: str | None = None
    """Where those that are not drawn are listed."""

    @property
    def count(self) -> int:
        """How many there are."""
        return max(self.total, len(self.steps))


def layer_diagram(
    centre: Node,
    left: Sequence[Layer],
    right: Sequence[Layer],
    *,
    title: str,
    limit: int = 10,
) -> Markup:
    """Return the diagram in all widths; of each layer the first `limit` are drawn and the rest counted.

    `left` and `right` have the nearer layer first. Without any step it is an empty `Markup`.
    """
    sides = [[layer for layer in side if layer.steps] for side in (left, right)]
    if not any(sides):
        return Markup("")
    words = "; ".join(
        in_words(layer.label, [step.label for step in layer.steps], limit, layer.count)
        for side in sides
        for layer in side
    )

    def draw(size: str, width: int) -> Markup:
        drawn = _columns if width >= BROAD else _list
        parts, height = drawn(centre, sides, float(width), limit)
        return chart(parts, width=width, height=height, title=title, description=words, size=size, links=True)

    return sized(draw)


def _columns(centre: Node, sides: list[list[Layer]], width: float, limit: int) -> tuple[list[Markup], float]:
    columns = [*reversed(sides[0]), None, *sides[1]]
    gap = width * 0.04
    wide = (width - gap * (len(columns) - 1)) / len(columns)
    height = max(_height(layer, limit) for side in sides for layer in side)
    height = max(height, 64.0)
    middle = height / 2
    here = len(sides[0])
    start = here * (wide + gap)
    links: list[Markup] = []
    parts = centre_box(centre, start, middle - 18, wide)
    for side, direction in ((sides[0], -1), (sides[1], 1)):
        docks: dict[str, float] = {}
        for distance, layer in enumerate(side, start=1):
            x = (here + direction * distance) * (wide + gap)
            inner = x + (wide if direction < 0 else 0)
            outer = inner + (gap if direction < 0 else -gap)
            drawn, ends = _column(layer, x, (height - _height(layer, limit)) / 2, wide, limit)
            parts += drawn
            for step in layer.steps[:limit]:
                froms = [middle] if distance == 1 else [docks[key] for key in step.parents if key in docks]
                links += [curve(inner, ends[step.key], outer, at) for at in froms]
            docks = ends
    return [*links, *parts], height


def _column(
    layer: Layer, x: float, y: float, width: float, limit: int
) -> tuple[list[Markup], dict[str, float]]:
    parts = [text(x, y + 14, layer.label, "c-faint")]
    ends: dict[str, float] = {}
    y += HEAD
    for step in layer.steps[:limit]:
        parts.append(node_box(Node(step.label, step.href, step.kind), x, y, width))
        ends[step.key] = y + BOX / 2
        y += ROW
    if layer.count > limit:
        parts.append(rest_of(layer.count - limit, x, y, layer.rest))
    return parts, ends


def _list(centre: Node, sides: list[list[Layer]], width: float, limit: int) -> tuple[list[Markup], float]:
    parts = centre_box(centre, 0, 0, width * 0.8)
    links: list[Markup] = []
    y = 48.0
    for side in sides:
        for distance, layer in enumerate(side, start=1):
            x = 28.0 * distance
            drawn, ends = _column(layer, x, y, width - x, limit)
            parts += drawn
            if distance == 1:
                links += [
                    element("path", d=f"M10 36V{at - 8:.1f}Q10 {at:.1f} 18 {at:.1f}H28", class_="c-link")
                    for at in ends.values()
                ]
            y += _height(layer, limit) + GAP
    return [*links, *parts], y


def _height(layer: Layer, limit: int) -> float:
    return HEAD + min(layer.count, limit + 1) * ROW
