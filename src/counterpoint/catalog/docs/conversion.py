"""Markdown to HTML, with the extensions that TechDocs gives to MkDocs, within limits.

What comes out is not yet safe to show: `sanitise` follows. Some inputs cost the square of their length
(a thousand opening brackets, say). Pages that look like that are converted in a process of their own,
which is ended when it takes too long; all others take milliseconds and stay in this one.
"""

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from html import escape, unescape
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from pymdownx import emoji

from counterpoint.catalog.docs.outline import split_front_matter
from counterpoint.errors import InputError
from counterpoint.graph.ref import parse_ref

__all__ = ["ENTITY_SCHEME", "MAX_CHARACTERS", "Converted", "Heading", "convert", "described"]

MAX_CHARACTERS = 2_000_000
"""Longest page that is rendered."""
CALM_CHARACTERS = 100_000
CALM_COST = 1_500_000
"""What `_cost` may say of a page that is converted here: less than a second even where it was made to hurt."""
SECONDS = 5.0
"""How long a wild page may take."""
MEMORY = 1024**3
AT_ONCE = threading.Semaphore(2)
ENTITY_SCHEME = "entity"

EXTENSIONS = (
    "abbr", "admonition", "attr_list", "def_list", "footnotes", "md_in_html", "tables", "toc",
    "mdx_truly_sane_lists", "pymdownx.betterem", "pymdownx.caret", "pymdownx.critic", "pymdownx.details",
    "pymdownx.emoji", "pymdownx.highlight", "pymdownx.inlinehilite", "pymdownx.keys", "pymdownx.magiclink",
    "pymdownx.mark", "pymdownx.smartsymbols", "pymdownx.superfences", "pymdownx.tabbed",
    "pymdownx.tasklist", "pymdownx.tilde",
)  # fmt: skip
"""As mkdocs-techdocs-core has them. Not among them: `snippets`, which would read files, and diagrams."""
SETTINGS: dict[str, dict[str, Any]] = {
    "tables": {"use_align_attribute": True},
    "toc": {"permalink": "#", "permalink_title": "Link to this heading", "toc_depth": "1-4"},
    # Characters, not images: nothing is loaded from elsewhere.
    "pymdownx.emoji": {"emoji_index": emoji.gemoji, "emoji_generator": emoji.to_alt},
    "pymdownx.highlight": {"guess_lang": False},
    "pymdownx.tabbed": {"alternate_style": True},
}
ENTITY_LINK = r"\[\[([^\[\]|\n]{1,200})(?:\|([^\[\]\n]{1,200}))?\]\]"
OPENINGS = re.compile(r"[\[<`!{(:\\@]|http|www|--|[*_=^~+]{2,}")
RUNS = re.compile(r"([*_~^=+`])\1{20,}")
# Thirty quotes or lists inside each other.
NESTED = re.compile(r"(?m)^[ \t]*(?:>[ \t]*|(?:[*+-]|\d{1,9}[.)])[ \t]+){30,}")
STRUCTURE = re.compile(r"(?m)^[ \t]*(?:!!!|\?\?\?|===|[-*+>:|]|\d{1,9}[.)]|$)")
BLOCKS = re.compile(r"\n[ \t]*\n")
HEADINGS = re.compile(r"(?m)^(?:#|=+[ \t]*$|-+[ \t]*$)")
# What is written once and put in wherever it is named: the addresses and titles of links, abbreviations.
DEFINITION = re.compile(r"(?m)^ {0,3}(?P<abbreviation>\*?)\[[^\]]{1,200}\] ?:(?P<value>(?:.*\n?){1,3})")
FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})")
MAX_HTML = 20_000_000
"""Longest HTML of a page."""
CALM_HTML = 2_000_000
"""What the definitions of a page that is converted here may grow to."""
CODE_CHARACTERS = 50_000
"""Longest block of code that is highlighted in this process."""
NAMED = re.compile(r"<a name=")
IDS = re.compile(r"""\bid=["']?([^"'\s<>]{1,200})""")
REFS = re.compile(rf'href="{ENTITY_SCHEME}:([^"<>]{{1,300}})"')
CHECKED = re.compile(r'<input type="checkbox" disabled(?: (checked))?/?>')


class Heading(msgspec.Struct, frozen=True):
    """A heading, as the table of contents shows it."""

    level: int
    anchor: str
    title: str


class Converted(msgspec.Struct, frozen=True):
    """A page as HTML that is not yet safe."""

    html: str
    title: str
    """Of the front matter, else of the first heading; empty where there is neither."""
    headings: tuple[Heading, ...] = ()
    anchors: frozenset[str] = frozenset()
    """Everything in the page that can be linked to."""
    refs: frozenset[str] = frozenset()
    """The entities that it refers to."""
    problem: str = ""
    """Why the page is shown as plain text, with the remedy; empty where it could be rendered."""


def convert(text: str) -> Converted:
    """A page as HTML. One that is too long or too wild comes back as plain text, with the reason."""
    if len(text) > MAX_CHARACTERS:
        return _as_text(
            text[:CALM_CHARACTERS],
            f"The page has {len(text):,} characters, and {MAX_CHARACTERS:,} are the most that are rendered. "
            "Only its beginning is shown, as text. Split it into several pages.",
        )
    if is_calm(text):
        return _guarded(text)
    return _apart(text)


def is_calm(text: str) -> bool:
    """Whether converting a text costs no more than its length."""
    if len(text) > CALM_CHARACTERS or NESTED.search(text):
        return False
    prose, fences, code = _parted(text)
    return code <= CODE_CHARACTERS and _growth(prose) <= CALM_HTML and _cost(prose, fences) <= CALM_COST


def _growth(prose: str) -> int:
    """How long a page may become by what it defines once and names often: a page of 40 KB could fill the memory."""
    links, words = prose.count("["), len(prose) // 2
    values = [(len(each["value"]), bool(each["abbreviation"])) for each in DEFINITION.finditer(prose)]
    return max((length * (words if named else links) for length, named in values if length > 300), default=0)


def _cost(prose: str, fences: int) -> int:
    """What a page costs at worst, by what multiplies in it: about 100 ns each, as measured on made-up input.

    Marks multiply within their block (text between blank lines), those of `caret` and `tilde` most; blocks,
    headings and fences multiply within the page.
    """
    structure = (
        len(STRUCTURE.findall(prose)) ** 2 // 3 + 10 * len(HEADINGS.findall(prose)) ** 2 + 10 * fences**2
    )
    runs = sum(3 * len(run.group()) ** 2 for run in RUNS.finditer(prose))
    return structure + runs + sum(_block_cost(block) for block in BLOCKS.split(prose))


def _block_cost(block: str) -> int:
    emphasis, scripts = block.count("*") + block.count("_"), block.count("~") + block.count("^")
    return len(OPENINGS.findall(block)) ** 2 + emphasis**2 // 20 + 100 * scripts**2


def _parted(text: str) -> tuple[str, int, int]:
    """A text without its fenced code, how many fences it has, and the length of the longest."""
    prose: list[str] = []
    held: list[str] = []
    fence, fences, longest = "", 0, 0
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if not fence and mark:
            fence, held, fences = mark.group(1), [line], fences + 1
        elif fence:
            held.append(line)
            if mark and mark.group(1).startswith(fence) and not line.strip(" \t`~"):
                longest, fence = max(longest, sum(map(len, held))), ""
        else:
            prose.append(line)
    return "\n".join([*prose, *(held if fence else ())]), fences, longest


def _guarded(text: str) -> Converted:
    try:
        page = _convert(text)
        if len(page.html) > MAX_HTML:
            return _as_text(
                text[:CALM_CHARACTERS],
                f"The page becomes {len(page.html):,} characters of HTML, and {MAX_HTML:,} are the most. "
                "Look for a long definition that is named very often.",
            )
        return page
    except (RecursionError, ValueError, AssertionError, IndexError, KeyError, AttributeError, TypeError):
        # Extensions fail on odd input in ways of their own; one page must not take the others with it.
        return _as_text(
            text, "The page could not be rendered, so it is shown as text. Is something nested too deeply?"
        )


def _apart(text: str) -> Converted:
    """Convert in a process that can be ended: one regular expression cannot be interrupted within ours."""
    with AT_ONCE:
        try:
            done = subprocess.run(
                [sys.executable, "-m", __name__],
                input=text.encode("utf-8", "surrogatepass"),
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
            return msgspec.json.decode(done.stdout, type=Converted)
        except (subprocess.SubprocessError, OSError, msgspec.MsgspecError):
            return _as_text(
                text[:CALM_CHARACTERS],
                f"Rendering the page takes longer than {SECONDS:.0f} seconds, so it is shown as text. "
                "Look for thousands of brackets or quotes without a blank line between them, or split the page.",
            )


def _as_text(text: str, problem: str) -> Converted:
    return Converted(f'<pre class="doc-plain">{escape(text)}</pre>', "", problem=problem)


def _convert(text: str) -> Converted:
    meta, body = split_front_matter(text)
    with _lock():
        markdown = _markdown()
        markdown.reset()
        html = markdown.convert(body)
        tokens = getattr(markdown, "toc_tokens", [])
    headings = tuple(_flat(tokens))
    title = meta.get("title", "").strip() or (headings[0].title if headings else "")
    return described(CHECKED.sub(_box, html), title, headings)


def described(html: str, title: str, headings: tuple[Heading, ...]) -> Converted:
    """HTML with what can be linked to in it, and the entities that it refers to."""
    html = NAMED.sub("<a id=", html)  # how anchors were written before there were ids
    return Converted(
        html, title, headings, frozenset(IDS.findall(html)), frozenset(map(unescape, REFS.findall(html)))
    )


def _flat(tokens: list[dict[str, Any]]) -> list[Heading]:
    found = []
    waiting = list(reversed(tokens))
    while waiting:
        token = waiting.pop()
        found.append(Heading(token["level"], token["id"], unescape(token["name"])))
        waiting += reversed(token["children"])
    return found


def _box(found: re.Match[str]) -> str:
    """A box of a task list, drawn: documents hold no form."""
    state = "done" if found.group(1) else "open"
    return f'<span class="task-box task-{state}" role="img" aria-label="{state}"></span>'


@cache
def _lock() -> threading.Lock:
    return threading.Lock()


@cache
def _markdown() -> Markdown:
    return Markdown(
        extensions=[*EXTENSIONS, _Ours()], extension_configs=SETTINGS, output_format="html", tab_length=4
    )


class _Ours(Extension):
    """What we add: references to entities, and tabs that need neither form nor script."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        md.inlinePatterns.register(_EntityLink(ENTITY_LINK, md), "entity-link", 185)
        md.treeprocessors.register(_Tabs(md), "tabs", 3)


class _EntityLink(InlineProcessor):
    """`[[component:player]]`, and `[[component:player|the player]]`."""

    def handleMatch(  # type: ignore[override]  # noqa: N802 - Markdown's name
        self, m: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        named = m.group(1).strip()
        try:
            ref = parse_ref(named)
        except InputError:
            return None, None, None
        link = Element("a", {"href": f"{ENTITY_SCHEME}:{ref}", "class": "entity-ref"})
        link.text = (m.group(2) or ref.short).strip()
        return link, m.start(0), m.end(0)


class _Tabs(Treeprocessor):
    """Makes the radio buttons of `pymdownx.tabbed` a group of `details`, of which one is open."""

    def run(self, root: Element) -> None:
        groups = [each for each in root.iter("div") if each.get("class", "").startswith("tabbed-set")]
        for number, group in enumerate(groups, start=1):
            _to_details(group, f"tabs-{number}")


def _to_details(group: Element, name: str) -> None:
    labels = [label for each in group if each.get("class") == "tabbed-labels" for label in each]
    blocks = [block for each in group if each.get("class") == "tabbed-content" for block in each]
    tail = group.tail
    group.clear()
    group.set("class", "doc-tabs")
    group.tail = tail
    for at, (label, block) in enumerate(zip(labels, blocks, strict=False)):
        details = Element("details", {"name": name} | ({"open": "open"} if at == 0 else {}))
        label.tag = "summary"
        label.attrib.clear()
        block.attrib.clear()
        block.set("class", "doc-tab")
        details.extend([label, block])
        group.append(details)


def _main(read: Callable[[], bytes], write: Callable[[bytes], Any]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 1, int(SECONDS) + 1))
    write(msgspec.json.encode(_guarded(read().decode("utf-8", "replace"))))


if __name__ == "__main__":
    _main(sys.stdin.buffer.read, sys.stdout.buffer.write)
