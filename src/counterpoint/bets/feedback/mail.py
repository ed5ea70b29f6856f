"""The words of an email that somebody pasted: without its headers, attachments, quotes and signature."""

import re
from email import policy
from email.message import EmailMessage
from email.parser import Parser
from html.parser import HTMLParser

__all__ = ["words_of"]

HEADER = re.compile(
    r"(?:From|To|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|Delivered-To):", re.IGNORECASE
)
QUOTED = re.compile(r"^\s*>")
INTRODUCES = re.compile(
    r"^(?:On .{4,200} wrote:|-{2,}\s*(?:Original|Forwarded) message\s*-{2,})\s*$", re.IGNORECASE
)
HIDDEN = frozenset({"script", "style", "head", "title"})
BREAKS = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3"})


def words_of(text: str) -> str:
    """What its sender wrote. A text that does not begin with the headers of an email is taken as it is, without quotes.

    No address, name or date of its headers is kept: whoever pastes it says who gave it, where that matters.

    >>> words_of("From: a@b.example\\nSubject: Hello\\n\\nThe list is too long.\\n-- \\nAnn\\n")
    'The list is too long.'
    """
    plain = text.replace("\r\n", "\n").replace("\x00", "").lstrip("\ufeff\n ")
    if HEADER.match(plain):
        # The parser never raises: what is broken in an email becomes a defect of its message.
        plain = _body(Parser(policy=policy.default).parsestr(plain))
    return _own(plain)


def _body(message: EmailMessage) -> str:
    part = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        content = part.get_content()
    except (LookupError, ValueError):  # a charset that nobody knows, or bytes that are none of it
        raw = part.get_payload(decode=True)
        content = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    text = str(content)
    return _text_of(text) if part.get_content_type() == "text/html" else text


def _own(text: str) -> str:
    kept: list[str] = []
    for line in text.split("\n"):
        if line in ("-- ", "--") or INTRODUCES.match(line.strip()):
            break
        if not QUOTED.match(line):
            kept.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        if tag in BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(self._hidden - (tag in HIDDEN), 0)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _text_of(html: str) -> str:
    reading = _Text()
    reading.feed(html)
    reading.close()
    return "\n".join(" ".join(line.split()) for line in "".join(reading.parts).split("\n"))
