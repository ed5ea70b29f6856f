"""The relation diagram: one thing in the middle, what it is related to on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from counterpoint.web.charts.svg import chart, element, sized, text
from counterpoint.web.icons import ICONS, kind_icon
from counterpoint.web.scale import clipped

__all__ = [
    "BOX",
    "GAP",
    "HEAD",
    "ROW",
    "Node",
    "RelationGroup",
    "centre_box",
    "curve",
    "in_words",
    "node_box",
    "relation_diagram",
    "rest_of",
]

ROW, HEAD, GAP = 30.0, 22.0, 10.0
"""Heights in pixels of a node with the space below it, of the label of a group, and between groups."""
BOX = 26.0
"""Height in pixels of a node itself; it is a link, which a finger must be able to hit."""
ROOMY = 150.0
"""Pixels from which on a node has room for the icon of its kind."""


@dataclass(frozen=True, slots=True)
class Node:
    """A thing with its page."""

    label: str
    href: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RelationGroup:
    """Things that stand in one relation to the middle."""

    label: str
    nodes: tuple[Node, ...]
    side: str = "right"
    """"left" for what comes before it (owner, system), "right" for what follows."""
    total: int = 0
    """How many there are, where `nodes` are only the first."""
    rest: str | None = None
    """Where those that are not drawn are listed."""

    @property
    def count(self) -> int:
        """How many there are."""
        return max(self.total, len(self.nodes))


def relation_diagram(centre: Node, groups: Sequence[RelationGroup], *, title: str, limit: int = 8) -> Markup:
    """Return the diagram in all widths; of each group the first `limit` are drawn and the rest counted.

    No group with nodes gives an empty `Markup`.
    """
    shown = [group for group in groups if group.nodes]
    if not shown:
        return Markup("")
    words = "; ".join(
        in_words(group.label, [node.label for node in group.nodes], limit, group.count) for group in shown
    )

    def draw(size: str, width: int) -> Markup:
        if size == "narrow":
            parts, height = _tree(centre, shown, width, limit)
        else:
            parts, height = _sides(centre, shown, width, limit)
        return chart(parts, width=width, height=height, title=title, description=words, size=size, links=True)

    return sized(draw)


def _height(groups: Sequence[RelationGroup], limit: int) -> float:
    rows = sum(min(group.count, limit + 1) for group in groups)
    return rows * ROW + len(groups) * HEAD + max(len(groups) - 1, 0) * GAP


def _sides(
    centre: Node, groups: Sequence[RelationGroup], width: float, limit: int
) -> tuple[list[Markup], float]:
    column = width * 0.29
    sides = {side: [group for group in groups if group.side == side] for side in ("left", "right")}
    height = max(*(_height(side, limit) for side in sides.values()), 64.0)
    middle = height / 2
    start = 0.0 if not sides["left"] else width / 2 - column * 0.45
    box = (start, start + column * 0.9)
    far = box[1] + (width - column - box[1] if sides["left"] else width * 0.22)
    links: list[Markup] = []
    parts: list[Markup] = []
    for side, members in sides.items():
        x, edge, dock = (0.0, column, box[0]) if side == "left" else (far, far, box[1])
        y = (height - _height(members, limit)) / 2
        for group in members:
            drawn, ends, y = _column(group, x, y, column, limit)
            parts += drawn
            links += [curve(edge, end, dock, middle) for end in ends]
            y += GAP
    return [*links, *parts, *centre_box(centre, box[0], middle - 18, box[1] - box[0])], height


def _column(
    group: RelationGroup, x: float, y: float, width: float, limit: int
) -> tuple[list[Markup], list[float], float]:
    parts = [text(x, y + 14, group.label, "c-faint")]
    ends: list[float] = []
    y += HEAD
    for node in group.nodes[:limit]:
        parts.append(node_box(node, x, y, width))
        ends.append(y + BOX / 2)
        y += ROW
    if group.count > limit:
        parts.append(rest_of(group.count - limit, x, y, group.rest))
        y += ROW
    return parts, ends, y


def _tree(
    centre: Node, groups: Sequence[RelationGroup], width: float, limit: int
) -> tuple[list[Markup], float]:
    parts = centre_box(centre, 0, 0, width * 0.8)
    links: list[Markup] = []
    y = 48.0
    for group in groups:
        drawn, ends, y = _column(group, 28, y, width - 28, limit)
        parts += drawn
        links += [
            element("path", d=f"M10 36V{end - 8:.1f}Q10 {end:.1f} 18 {end:.1f}H28", class_="c-link")
            for end in ends
        ]
        y += GAP
    return [*links, *parts], y


def in_words(label: str, names: Sequence[str], limit: int, count: int) -> str:
    """Return what is drawn of one group of so many as text, for those who do not see it."""
    more = f" and {count - limit:,} more" if count > limit else ""
    return f"{label}: {', '.join(names[:limit])}{more}"


def rest_of(count: int, x: float, y: float, href: str | None) -> Markup:
    """Return the line that counts what is not drawn, with a link to where it is listed."""
    line = text(x, y + 14, f"and {count:,} more", "c-rest" if href else "c-faint")
    return element("a", line, href=href) if href else line


def node_box(node: Node, x: float, y: float, width: float) -> Markup:
    """Return one thing as a box with its name, a link where it has a page."""
    box = element(
        "rect", x=x, y=y, width=width, height=BOX, rx=5, class_="c-node" if node.href else "c-node c-gone"
    )
    inset = 28.0 if node.kind and width >= ROOMY else 9.0
    label = clipped(node.label, width - inset - 7)
    parts = [box, text(x + inset, y + 17.5, label, "c-label")]
    if inset > 9:
        parts.append(_mark(node.kind, x + 9, y + 6.5))
    if label != node.label:
        parts.insert(0, element("title", node.label))
    return element("a", *parts, href=node.href) if node.href else element("g", *parts)


def _mark(kind: str, x: float, y: float) -> Markup:
    inner = Markup(ICONS[kind_icon(kind)])  # noqa: S704
    return element("g", inner, transform=f"translate({x:.1f} {y:.1f}) scale(0.8125)", class_="c-mark")


def centre_box(node: Node, x: float, y: float, width: float) -> list[Markup]:
    """Return the thing that the diagram is about."""
    return [
        element("rect", x=x, y=y, width=width, height=36, rx=6, class_="c-centre"),
        text(x + width / 2, y + 22.5, clipped(node.label, width - 16, 7.2), "c-strong", "middle"),
    ]


def curve(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """Return the line between two boxes."""
    middle = (x1 + x2) / 2
    return element(
        "path",
        d=f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}",
        class_="c-link",
    )
