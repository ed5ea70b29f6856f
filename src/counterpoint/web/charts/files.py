"""A chart as a file of its own: one width, with the colours and styles that a page would give it."""

import re
from functools import cache

from markupsafe import Markup

from counterpoint.web.charts.svg import WIDTHS
from counterpoint.web.render import STATIC

__all__ = ["as_file"]

CHART = re.compile(
    r'<svg[^>]*\bclass="chart chart-(\w+)"[^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>(.*?)</svg>', re.S
)
RULE = re.compile(r"\.chart ([^{}\s][^{}]*\{[^}]*\})")
TOKEN = re.compile(r"(--[\w-]+): light-dark\((#\w+), (#\w+)\);")
FONT = re.compile(r"--sans: ([^;]+);")
TITLE = re.compile(r"<title>(.*?)</title>", re.S)
MARGIN, HEAD = 16, 28


def as_file(chart: Markup, size: str = "broad") -> str:
    """Return an SVG document that needs no page, with its title above it: light, and dark where the reader's system is.

    Args:
        chart: What a chart of ours returned, in all widths or in one.
        size: Which of `WIDTHS` it has in the file.

    Raises:
        ValueError: there is no chart in it, as in an empty `Markup`.
    """
    drawn = [found for found in CHART.finditer(str(chart)) if found[1] == size or found[1] not in WIDTHS]
    if not drawn:
        raise ValueError(f"There is no chart of the width {size}.")
    _, width, height, inner = drawn[0].groups()
    title = TITLE.search(inner)
    head = HEAD if title else 0
    wide, high = float(width) + 2 * MARGIN, float(height) + 2 * MARGIN + head
    box = f"{-MARGIN} {-MARGIN - head} {wide:g} {high:g}"
    shown = f'<text class="c-strong" x="0" y="{-head + 8}">{title[1]}</text>' if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" width="{wide:g}" height="{high:g}"'
        f' viewBox="{box}">\n<style>\n{_style()}</style>\n'
        f'<rect class="ground" x="{-MARGIN}" y="{-MARGIN - head}" width="100%" height="100%"/>\n{shown}{inner}\n</svg>\n'
    )


@cache
def _style() -> str:
    """The rules of charts with their colours written out, for programs that know no variables."""
    tokens = (STATIC / "tokens.css").read_text("utf-8")
    rules = "\n".join(RULE.findall((STATIC / "components.css").read_text("utf-8")))
    rules = f"text {{ font-family: {_font(tokens)}; }}\n.ground {{ fill: var(--surface); }}\n{rules}"
    light, dark = ({name: pair[at] for name, *pair in TOKEN.findall(tokens)} for at in (0, 1))
    return f"{_painted(rules, light)}\n@media (prefers-color-scheme: dark) {{\n{_painted(rules, dark)}\n}}\n"


def _font(tokens: str) -> str:
    found = FONT.search(tokens)
    return found[1] if found else "sans-serif"


def _painted(rules: str, colours: dict[str, str]) -> str:
    return re.sub(r"var\((--[\w-]+)\)", lambda found: colours.get(found[1], "currentColor"), rules)
