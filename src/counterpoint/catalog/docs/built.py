"""Pages of sites that were built elsewhere: the content of the HTML, without the frame that a theme drew."""

import re
from html import unescape

from counterpoint.catalog.docs.conversion import MAX_CHARACTERS, Converted, Heading, described

__all__ = ["read_built"]

TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,500})</title>", re.IGNORECASE)
STARTS = ("<article", "<main", "<body")
"""Where the content begins, the narrowest first."""
HEADING = re.compile(
    r"""<h([1-4])[^<>]{0,100}?\bid=["']([^"'<>]{1,200})["'][^<>]{0,100}>(.{1,300}?)</h\1>""", re.DOTALL
)
SCANNED = 300_000
"""Characters in which headings are looked for."""
TAG = re.compile(r"<[^<>]{0,500}>")
PERMALINK = re.compile(r"""<a [^<>]{0,300}\bheaderlink\b[^<>]{0,300}>[^<]{0,20}</a>""")


def read_built(text: str) -> Converted:
    """The content of a page that was built elsewhere; it is not yet safe to show."""
    if len(text) > MAX_CHARACTERS:
        reason = f"The page has {len(text):,} characters; {MAX_CHARACTERS:,} are the most that are shown."
        return Converted("", "", problem=reason)
    content = _content(text)
    found = TITLE.search(text)
    title = unescape(found.group(1)).strip() if found else ""
    headings = tuple(
        Heading(int(level), anchor, unescape(TAG.sub("", PERMALINK.sub("", inner))).strip())
        for level, anchor, inner in HEADING.findall(content[:SCANNED])
    )
    return described(content, headings[0].title if headings else title, headings)


def _content(text: str) -> str:
    lower = text.lower()
    for start in STARTS:
        begin = lower.find(start)
        if begin >= 0:
            end = lower.rfind(f"</{start[1:]}")
            after = lower.find(">", begin)
            return text[after + 1 : end if end > begin else len(text)] if after >= 0 else ""
    return text
