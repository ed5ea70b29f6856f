"""The HTML that documents may hold: an allow-list, on the server.

Scripts, styles, frames, forms, SVG and event handlers are no part of it. Classes are those that the
renderer itself writes, so that a page cannot dress up as a part of this program; ids get a prefix, so that
none of them can stand in for one that our scripts look for.
"""

from collections.abc import Callable
from functools import cache

import nh3
from pygments.token import STANDARD_TYPES

from counterpoint.catalog.docs.conversion import ENTITY_SCHEME

__all__ = ["PREFIX", "sanitise"]

PREFIX = "doc-"
"""Before every id of a document."""

TAGS = frozenset({
    "a", "abbr", "article", "aside", "b", "bdi", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "footer",
    "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p",
    "picture", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "wbr",
})  # fmt: skip
ATTRIBUTES = {
    "*": {"id", "class", "lang", "dir", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "details": {"open", "name"},
    "span": {"role", "aria-label"},
    "time": {"datetime"},
    "abbr": {"title"},
}
GONE = frozenset({
    "script", "style", "title", "template", "noscript", "iframe", "object", "embed", "svg", "math",
    "textarea", "select", "noembed", "noframes", "xmp", "plaintext", "head",
})  # fmt: skip
"""Elements that go with all they hold; of others that are not allowed only the marks go."""
SCHEMES = {"http", "https", "mailto", ENTITY_SCHEME}
ADMONITIONS = frozenset({
    "note", "seealso", "abstract", "summary", "tldr", "info", "todo", "tip", "hint", "important", "success",
    "check", "done", "question", "help", "faq", "warning", "caution", "attention", "failure", "fail", "missing",
    "danger", "error", "bug", "example", "snippet", "quote", "cite",
})  # fmt: skip
OURS = frozenset({
    "admonition", "admonition-title", "highlight", "filename", "headerlink", "footnote", "footnote-ref",
    "footnote-backref", "task-list", "task-list-item", "task-box", "task-done", "task-open", "doc-tabs",
    "doc-tab", "doc-plain", "hll", "entity-ref", "critic",
})  # fmt: skip
CLASSES = ADMONITIONS | OURS | (frozenset(STANDARD_TYPES.values()) - {""})
"""What the renderer writes, the classes of highlighted code among them."""
LENGTHS = frozenset({"width", "height", "colspan", "rowspan", "start", "value"})

Resolve = Callable[[str, str, str], str | None]
"""Takes the element, the attribute and an address; gives the one to write, or None to leave it out."""


def sanitise(html: str, resolve: Resolve, *, prefix: str = PREFIX) -> str:
    """HTML that can be shown to anybody; every address in it is what `resolve` made of it."""

    def check(tag: str, name: str, value: str) -> str | None:
        if name in ("href", "src"):
            return resolve(tag, name, value)
        return _checked(tag, name, value, prefix)

    return _cleaner_with(check).clean(html)


def _cleaner_with(check: Callable[[str, str, str], str | None]) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(GONE),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        # Code wider than the screen is scrolled by keyboard as well.
        set_tag_attribute_values={"pre": {"tabindex": "0"}},
        attribute_filter=check,
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def _checked(tag: str, name: str, value: str, prefix: str) -> str | None:
    if name == "id":
        return _id(value, prefix)
    if name == "class":
        return " ".join(each for each in value.split() if each in CLASSES) or None
    if name in LENGTHS:
        return value if value.isascii() and value.isdigit() and len(value) <= 4 else None
    if name == "name":
        return value if value.startswith("tabs-") and value[5:].isdigit() else None
    if name == "role":
        return "img" if value == "img" else None
    if name == "align":
        return value if value in ("left", "right", "center") else None
    return value


@cache
def _id_characters() -> frozenset[str]:
    return frozenset("-_.:")


def _id(value: str, prefix: str) -> str | None:
    """An id with the prefix; none where it holds what an anchor does not."""
    fits = 0 < len(value) <= 200 and all(each.isalnum() or each in _id_characters() for each in value)
    return prefix + value if fits else None
