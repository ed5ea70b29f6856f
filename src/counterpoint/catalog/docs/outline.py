"""What a page of Markdown says of itself, without rendering it: front matter, title, headings, text.

Rendering costs milliseconds a page; thousands of pages are searched and listed by this instead. The
anchors are those that rendering makes.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import yaml

__all__ = ["Section", "outline", "split_front_matter", "title_in"]

FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
FRONT_LENGTH = 16_384
LINE = 2_000
"""Characters of a heading that are read."""
FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})")
ATX = re.compile(r"^(#{1,6})(?!#)")
SETEXT = re.compile(r"^(=+|-+)[ \t]*$")
ATTRIBUTES = re.compile(r"[ \t]*\{:?([^{}\n]{0,200})\}[ \t]*$")
OWN_ID = re.compile(r"#([A-Za-z][\w:.-]*)")
CODE = re.compile(r"(`{1,3}[^`\n]{1,500}`{1,3})")
IMAGE = re.compile(r"!\[[^\[\]]{0,300}\](?:\([^()\s]{0,500}(?:[ \t][^()]{0,200})?\)|\[[^\[\]]{0,200}\])")
LINK = re.compile(r"\[([^\[\]]{0,300})\](?:\([^()\s]{0,500}(?:[ \t][^()]{0,200})?\)|\[[^\[\]]{0,200}\])")
CODE_LINK = re.compile(r"\[(`[^`\n]{1,200}`)\](?:\([^()\s]{0,500}\)|\[[^\[\]]{0,200}\])")
EMOJI = re.compile(r"(?<!\w):[a-z0-9_+-]{1,40}:(?!\w)")
ENTITY = re.compile(r"\[\[([^\[\]|\n]{1,200})(?:\|([^\[\]\n]{1,200}))?\]\]")
CELLS = frozenset("|:- \t")
"""What the line under the head of a table is made of."""
TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
MARKS = re.compile(
    r"(?m)[*`~^]|(?<!\w)_+|_+(?!\w)|^[ \t]*(?:>|[-+*]|\d{1,9}[.)])[ \t]+|^[ \t]*(?:!!!|\?\?\?\+?|===)[ \t]*"
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text under it."""

    anchor: str
    """Empty for what stands before the first heading."""
    level: int
    title: str
    text: str


def split_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The texts of the YAML between `---` at the beginning, and what follows it."""
    head = FRONT.match(text[:FRONT_LENGTH]) if text.startswith("---") else None
    if head is None:
        return {}, text
    try:
        meta = yaml.load(head.group(1) or "", Loader=yaml.CBaseLoader)  # noqa: S506 - makes texts only
    except (yaml.YAMLError, RecursionError):
        return {}, text
    if meta and not isinstance(meta, dict):
        return {}, text
    found = {str(key): value for key, value in (meta or {}).items() if isinstance(value, str)}
    return found, text[head.end() :]


def title_in(text: str) -> str:
    """The title of a page: that of its front matter, else its first heading; empty where it has neither."""
    meta, body = split_front_matter(text)
    if meta.get("title"):
        return meta["title"].strip()
    return next((title for _at, _level, title, _anchor in _headings(body.splitlines())), "")


def outline(text: str) -> list[Section]:
    """The sections of a page in order, with the anchors that rendering gives them."""
    _meta, body = split_front_matter(text)
    lines = body.splitlines()
    found = list(_headings(lines))
    sections = []
    used: dict[str, int] = {}
    before = "\n".join(lines[: found[0][0][0]] if found else lines)
    if before.strip():
        sections.append(Section("", 0, "", _plain(before)))
    for number, ((_first, end), level, title, own) in enumerate(found):
        until = found[number + 1][0][0] if number + 1 < len(found) else len(lines)
        anchor = own or _unique(_slug(title), used)
        used.setdefault(anchor, 0)
        sections.append(Section(anchor, level, title, _plain("\n".join(lines[end:until]))))
    return sections


def _headings(lines: list[str]) -> Iterator[tuple[tuple[int, int], int, str, str]]:
    """First line, line after it, level, title and own anchor of each heading outside of code."""
    fence = ""
    for at, line in enumerate(lines):
        mark = FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence) and not line.strip(" `~"):
                fence = ""
            continue
        if mark:
            fence = mark.group(1)
            continue
        atx = ATX.match(line)
        if atx:
            title, own = _named(line[atx.end() :][:LINE].strip().rstrip("#"))
            if title:
                yield (at, at + 1), len(atx.group(1)), title, own
        elif line.strip() and at + 1 < len(lines) and _is_underlined(lines, at):
            title, own = _named(line.strip()[:LINE])
            yield (at, at + 2), 1 if lines[at + 1].startswith("=") else 2, title, own


def _is_underlined(lines: list[str], at: int) -> bool:
    """A line of `===` or `---` makes the line above it a heading, where that stands at the start of a block."""
    starts = at == 0 or not lines[at - 1].strip()
    return (
        starts and SETEXT.match(lines[at + 1]) is not None and not lines[at].startswith((" ", "|", ">", "-"))
    )


def _named(text: str) -> tuple[str, str]:
    attributes = ATTRIBUTES.search(text)
    own = OWN_ID.search(attributes.group(1)) if attributes else None
    title = _plain(text[: attributes.start()] if attributes else text)
    return title, own.group(1) if own else ""


def _plain(text: str) -> str:
    """Text without the marks of Markdown, as a search wants it; what is in code stays as it is."""
    text = "\n".join(line for line in text.split("\n") if not ("|" in line and set(line) <= CELLS))
    pieces = CODE.split(CODE_LINK.sub(r"\1", text))
    plain = (piece.strip("`") if number % 2 else _unmarked(piece) for number, piece in enumerate(pieces))
    return " ".join("".join(plain).split())


def _unmarked(text: str) -> str:
    text = ENTITY.sub(lambda found: found.group(2) or found.group(1), text)
    text = LINK.sub(r"\1", IMAGE.sub("", text))
    return unescape(MARKS.sub("", EMOJI.sub("", TAG.sub("", text)))).replace("|", " ")


def _slug(title: str) -> str:
    """The anchor of a heading, as Python-Markdown's `toc` makes it."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())


def _unique(anchor: str, used: dict[str, int]) -> str:
    """As Python-Markdown does: `name`, `name_1`, `name_2`. `used` has the last number of each name."""
    found = anchor
    while found in used or not found:
        base, _, count = found.rpartition("_")
        stem, number = (base, int(count)) if base and count.isdecimal() else (found, 0)
        number = max(number, used.get(stem, 0)) + 1
        used[stem] = number
        found = f"{stem}_{number}"
    return found
