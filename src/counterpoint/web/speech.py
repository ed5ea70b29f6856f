"""Templates that speak the reader's words: our nouns in them are found when a template is compiled.

Whoever writes a template writes our nouns in plain text. What stands in the template itself, as text,
as an attribute that people read, or as a phrase in an expression, becomes a call that tells it when
the page is made. Values are left alone: they are told by their type (`said`) or by the filter `told`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jinja2 import pass_context
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context

from counterpoint.vocabulary import OUR_WORDS, Told, Words, mentions

__all__ = ["Speech", "noun", "nouns", "speaking", "spoken", "told_own", "told_text"]

READ_ALOUD = frozenset(
    {"title", "aria-label", "placeholder", "alt", "data-label", "data-busy", "summary", "label"}
)
"""Attributes that people read."""
VERBATIM = frozenset({"code", "kbd", "pre", "samp", "script", "style", "svg"})
"""Elements whose text is code."""
KEYS = frozenset(
    {"kind", "value", "name", "id", "href", "type", "icon_name", "base", "sort", "order", "autocomplete"}
)
"""Arguments that are no texts."""
STRUCTURE = frozenset({"extends", "import", "from", "include", "block", "endblock"})
FILTERS = frozenset({"noun", "nouns", "kind_word", "kind_words"})
"""Filters that tell by themselves."""
KEYWORDS = frozenset({"else", "if", "in", "not", "and", "or", "is"})
COMPARED = frozenset({"eq", "ne", "lt", "gt", "lteq", "gteq"})

_speaking: ContextVar[Words] = ContextVar("speaking", default=OUR_WORDS)


@contextmanager
def speaking(words: Words) -> Iterator[None]:
    """Let the templates that are rendered inside speak these words."""
    token = _speaking.set(words)
    try:
        yield
    finally:
        _speaking.reset(token)


def told_own(text: str) -> str:
    """A text of a template in the words of the page."""
    return Told(_speaking.get().tell_own(text))


def told_text(text: object) -> object:
    """The filter `told`: a text of ours that comes as a value, perhaps with names in it."""
    return _speaking.get().tell(text) if type(text) is str else text


def noun(key: str | None) -> str:
    """The filter `noun`: what one of a kind is called; a capital stays, a word that is no noun of ours too."""
    return Told(_speaking.get().word(key or ""))


def nouns(key: str) -> str:
    """The filter `nouns`: what several are called."""
    said = _speaking.get().form(key, many=True)
    return Told(said[:1].upper() + said[1:] if key[:1].isupper() else said)


def spoken(function: Callable[..., object]) -> Callable[..., object]:
    """A filter whose answer depends on who reads: jinja computes the others once, when a template is compiled."""

    @pass_context
    def call(_context: Context, *arguments: object, **named: object) -> object:
        return function(*arguments, **named)

    return call


class Speech(Extension):
    """Finds our nouns in a template and puts `_told` around them."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """The tokens of a template, with calls where it names a noun."""
        html, tokens = _Html(), list(stream)
        expression = _Expression()
        for index, token in enumerate(tokens):
            if token.type == "data":
                for chunk, aloud in html.feed(token.value):
                    yield from _spoken(token.lineno, chunk) if aloud else [Token(token.lineno, "data", chunk)]
                continue
            expression.see(tokens, index)
            if token.type == "string" and expression.is_text(tokens, index):
                yield from _call(token.lineno, token.value)
            else:
                yield token


def _spoken(line: int, text: str) -> Iterator[Token]:
    end = 0
    for found in mentions(text):
        if found.start() > end:
            yield Token(line, "data", text[end : found.start()])
        yield Token(line, "variable_begin", "{{")
        yield from _call(line, found[0])
        yield Token(line, "variable_end", "}}")
        end = found.end()
    if text[end:]:
        yield Token(line, "data", text[end:])


def _call(line: int, text: str) -> Iterator[Token]:
    yield Token(line, "name", "_told")
    yield Token(line, "lparen", "(")
    yield Token(line, "string", text)
    yield Token(line, "rparen", ")")


class _Expression:
    """Which strings of a template's expressions are texts, and which are keys."""

    def __init__(self) -> None:
        self.structure = False
        self.loop = False
        """Whether the next `in` belongs to a loop, and compares nothing."""
        self.depths: list[bool] = []
        """For each open bracket whether what is in it is compared."""

    def see(self, tokens: list[Token], index: int) -> None:
        token, before = tokens[index], tokens[index - 1] if index else None
        if before is not None and before.type == "block_begin":
            self.structure, self.loop = token.value in STRUCTURE, token.value == "for"
        elif token.type in ("block_end", "variable_end"):
            self.structure, self.depths = False, []
        if token.type in ("lparen", "lbracket", "lbrace"):
            compared = before is not None and before.type == "name" and before.value == "in" and not self.loop
            self.loop = self.loop and not (before is not None and before.value == "in")
            self.depths.append(
                compared or (bool(self.depths) and self.depths[-1]) or self._subscript(token, before)
            )
        elif token.type in ("rparen", "rbracket", "rbrace") and self.depths:
            self.depths.pop()

    @staticmethod
    def _subscript(token: Token, before: Token | None) -> bool:
        if token.type != "lbracket" or before is None or before.value in KEYWORDS:
            return False
        return before.type in ("name", "rbracket", "rparen", "rbrace")

    def is_text(self, tokens: list[Token], index: int) -> bool:
        """Whether the string is a text that names a noun: a phrase, or a word with a capital."""
        text, before, after = tokens[index].value, tokens[index - 1], tokens[index + 1]
        if self.structure or any(self.depths) or not next(mentions(text), None):
            return False
        if not (re.search(r"\s", text) or text[:1].isupper()) or re.match(r"\s*counterpoint ", text):
            return False
        if after.type == "pipe" and tokens[index + 2].value in FILTERS:
            return False
        if before.type in COMPARED or after.type in {*COMPARED, "colon"}:
            return False
        if "string" in (before.type, after.type) or (before.type, before.value) in (
            ("name", "in"),
            ("dot", "."),
        ):
            return False
        return not (before.type == "assign" and tokens[index - 2].value in KEYS)


class _Html:
    """Where in HTML a piece of a template stands; the state goes on over expressions."""

    _TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)|<!--.*?-->|<!", re.S)
    _IN_TAG = re.compile(r"""([\w:@-]+)\s*=\s*(["'])|(/?>)""")

    def __init__(self) -> None:
        self.tag: str | None = None
        self.closing = False
        self.quote = ""
        self.attribute = ""
        self.verbatim: list[str] = []

    def feed(self, text: str) -> Iterator[tuple[str, bool]]:
        """The pieces of the text, each with whether people read it."""
        place = 0
        while place < len(text):
            end, aloud = self._step(text, place)
            yield text[place:end], aloud
            place = end

    def _step(self, text: str, place: int) -> tuple[int, bool]:
        if self.quote:
            end = text.find(self.quote, place)
            if end < 0:
                return len(text), self.attribute in READ_ALOUD
            self.quote = ""
            return (end, self.attribute in READ_ALOUD) if end > place else (end + 1, False)
        if self.tag is not None:
            found = self._IN_TAG.search(text, place)
            if found is None:
                return len(text), False
            if found[3]:
                self._close(self_closing=found[3] == "/>")
            else:
                self.attribute, self.quote = found[1].lower(), found[2]
            return found.end(), False
        found = self._TAG.search(text, place)
        if found is None or found.start() > place:
            return found.start() if found else len(text), not self.verbatim
        if found[2]:
            self.tag, self.closing = found[2].lower(), bool(found[1])
        return found.end(), False

    def _close(self, *, self_closing: bool) -> None:
        if self.tag in VERBATIM and not self_closing:
            if not self.closing:
                self.verbatim.append(self.tag)
            elif self.verbatim:
                self.verbatim.pop()
        self.tag = None
