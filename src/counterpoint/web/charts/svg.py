"""The smallest writer of SVG: elements with escaped text, and the frame that every chart has."""

from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

__all__ = ["WIDTHS", "chart", "element", "legend", "line", "sized", "target_lines", "text"]

WIDTHS = {"narrow": 340, "middle": 540, "broad": 780, "wide": 1100}
"""Drawn widths in pixels by name; the page's style shows the one that fits its place."""


def element(tag: str, *children: str | Markup, **attributes: object) -> Markup:
    """Return one element; `class_` is the class, `_` in names is `-`, and None leaves an attribute out."""
    # Plain texts are joined, each escaped: `Markup.format` takes several times as long, and a page has thousands of these.
    written = "".join(
        f' {_name(name)}="{escape(_value(value))}"' for name, value in attributes.items() if value is not None
    )
    inner = "".join(escape(child) for child in children)
    return Markup(f"<{tag}{written}>{inner}</{tag}>")  # noqa: S704 - the tag and the names are ours


def _name(name: str) -> str:
    return {"view_box": "viewBox", "text_anchor": "text-anchor"}.get(name) or name.rstrip("_").replace(
        "_", "-"
    )


def _value(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def target_lines(
    targets: Iterable[tuple[float, str]], left: float, right: float, place: Callable[[float], float]
) -> list[Markup]:
    """Return a dashed line across the chart for each value that is aimed at, with its name above it."""
    parts: list[Markup] = []
    for value, name in targets:
        y = place(value)
        parts += [line(left, y, right, y, "c-margin"), text(right, y - 5, name, "c-faint c-over", "end")]
    return parts


def text(x: float, y: float, words: str, class_: str | None = None, anchor: str | None = None) -> Markup:
    """Return one line of text; `anchor` is "middle" or "end"."""
    return element("text", words, x=float(x), y=float(y), class_=class_, text_anchor=anchor)


def chart(
    parts: Iterable[Markup],
    *,
    width: float,
    height: float,
    title: str,
    description: str = "",
    size: str = "",
    links: bool = False,
) -> Markup:
    """Return the SVG with its name and description for those who do not see it.

    A chart with links is a group, since the links of an image cannot be reached.
    """
    described = [element("desc", description)] if description else []
    return element(
        "svg",
        element("title", title),
        *described,
        *parts,
        class_=f"chart chart-{size}" if size else "chart",
        view_box=f"0 0 {width:g} {height:g}",
        role="group" if links else "img",
        aria_label=title,
    )


def sized(draw: Callable[[str, int], Markup]) -> Markup:
    """Return a chart in each of the drawn widths; only one is shown at a time, so text is never scaled."""
    return element("div", *(draw(name, width) for name, width in WIDTHS.items()), class_="chart-box")


def legend(entries: Iterable[tuple[str, int]]) -> Markup:
    """Return names with the colour that each has, 1 to 4, or 5 for grey."""
    marked = [
        element(
            "span",
            element(
                "svg",
                element("rect", width=10, height=10, rx=2, class_=f"f{voice}"),
                view_box="0 0 10 10",
                aria_hidden="true",
            ),
            name,
        )
        for name, voice in entries
    ]
    return element("div", *marked, class_="legend")
