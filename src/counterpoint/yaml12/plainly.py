"""A quick way through plain YAML: block mappings and lists of simple scalars, one to a line, as most descriptors are.

libyaml's events take ten times as long. What is not certainly plain is left to the composer, document by
document: quotes with escapes, texts over several lines, anchors, tags, flow mappings with anything in them,
keys that are given twice, tabs. What is read here reads the same there, which a test holds it to; so places are
not noted at all, but found by composing the document once more when somebody asks for one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from counterpoint.yaml12.composer import MAX_VALUES, Position
from counterpoint.yaml12.scalars import FALSE, NULL, TRUE, plain

__all__ = ["Places", "Plain", "read_plain"]

LINE = re.compile(r"^( *)(- +)?(?:([A-Za-z_][A-Za-z0-9_./-]{0,100}):(?: +|$))?(.*)$", re.MULTILINE)
"""Every line: its indent, the dash of a list, the key of a mapping, and what is left of it."""
UNUSUAL = ("\t", "\r", "\x85", "\u2028", "\u2029", "\ufeff", "\n%", "\n...")
"""Tabs, line breaks other than \\n, directives, ends of documents: such a stream is not read here at all."""
FLOW_ITEM = re.compile(r"[A-Za-z0-9_/.+$(~](?:[\w ./+$()@=-]|:(?=[\w/.]))*")
PLAIN_FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_/.+$(~<")
WORDS = NULL | TRUE | FALSE
"""Keys that stand for something else than their text."""
DEEPEST = 50
"""Levels of nesting, well within the composer's limit."""
NAME = "/metadata/name"


class Places(Mapping[str, Position]):
    """Where each value of a document stands, found when somebody asks."""

    def __init__(
        self,
        find: Callable[[], Mapping[str, Position]],
        size: int,
        lines: Mapping[str, int],
        span: tuple[int, int, int],
    ) -> None:
        """Take what finds all of them, how many there are, and the lines of those that are asked for most.

        `span` is where the document stands: its first and last character, and the line of the first from 0.
        """
        self._find: Callable[[], Mapping[str, Position]] | None = find
        self._found: Mapping[str, Position] = {}
        self._size = size
        self.lines = lines
        self.span = span

    def _all(self) -> Mapping[str, Position]:
        if self._find is not None:
            self._found, self._find = self._find(), None
        return self._found

    def __getitem__(self, pointer: str) -> Position:
        return self._all()[pointer]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return self._size


@dataclass(slots=True)
class Plain:
    """One document of a stream, between two separators."""

    line: int
    """Its first line, counted from 0: that of its separator if it has one."""
    value: Any = None
    size: int = 1
    """How many values it has."""
    name_line: int | None = None
    """The line of `metadata.name`, counted from 1."""
    is_plain: bool = True
    """Whether it was read; the composer must, if not."""
    is_separated: bool = False
    """Whether it begins with a separator, so that it counts as a document even if it is empty."""


def read_plain(text: str) -> list[Plain] | None:
    """The documents of a stream that holds no control characters; None where it must be composed as a whole."""
    if text.startswith(("%", "...")) or any(each in text for each in UNUSUAL):
        return None
    return _Reading().documents(text)


@dataclass(slots=True)
class _Reading:
    """One stream on its way; a line that is not plain makes its document one for the composer."""

    scalars: dict[str, Any] = field(default_factory=dict)
    """Values by how they are written: most come many times."""
    items: dict[str, Any] = field(default_factory=dict)
    """The same of those in brackets, where fewer characters are allowed."""
    holders: list[Any] = field(default_factory=list)
    indents: list[int] = field(default_factory=list)
    waiting: str | None = None
    """The key, of the innermost mapping, whose value is to follow."""
    size: int = 0

    def documents(self, text: str) -> list[Plain]:
        """All of them, in their order."""
        document = Plain(0)
        made = [document]
        for number, (indent, dash, key, rest) in enumerate(LINE.findall(text)):
            if not key and not dash:
                if not rest or rest[0] == "#":
                    continue
                if rest[:3] == "---" and not indent and rest[3:4] in ("", " "):
                    self._end(document)
                    document = Plain(number, is_separated=True, is_plain=not rest[3:].strip(" "))
                    made.append(document)
                    continue
                document.is_plain = False
            if document.is_plain and not self._take(document, number, len(indent), dash, key, rest):
                document.is_plain = False
        self._end(document)
        return made

    def _end(self, document: Plain) -> None:
        if self.waiting is not None:
            self.holders[-1][self.waiting] = None
            self.waiting = None
            self.size += 1
        document.size = max(1, self.size)
        document.is_plain &= self.size <= MAX_VALUES
        self.holders, self.indents, self.size = [], [], 0

    def _take(self, document: Plain, number: int, indent: int, dash: str, key: str, rest: str) -> bool:
        """Take one line; whether it is plain."""
        holders, indents = self.holders, self.indents
        waiting = self.waiting
        if waiting is not None:
            deeper = indent > indents[-1]
            if deeper or (dash and indent == indents[-1]):
                opened: Any = [] if dash else {}
                holders[-1][waiting] = opened
                holders.append(opened)
                indents.append(indent)
            else:
                holders[-1][waiting] = None
            self.waiting = None
            self.size += 1
        elif not holders:
            if indent:
                return False
            document.value = [] if dash else {}
            holders.append(document.value)
            indents.append(0)
            self.size += 1
        elif indent > indents[-1]:
            return False  # the line before goes on here
        while indents and (indents[-1] > indent or (not dash and type(holders[-1]) is list)):
            holders.pop()
            indents.pop()
        if not indents or indents[-1] != indent or len(indents) > DEEPEST:
            return False
        holder = holders[-1]
        if dash:
            if type(holder) is not list:
                return False
            if not key:
                holder.append(self._value(rest))
                return holder[-1] is not self
            opened = {}
            holder.append(opened)
            holder = opened
            holders.append(opened)
            indents.append(indent + len(dash))
            self.size += 1
        if key in holder or key in WORDS:
            return False
        if not rest:
            self.waiting = key
            return True
        value = holder[key] = self._value(rest)
        root = document.value
        if key == "name" and len(holders) == 2 and type(root) is dict and root.get("metadata") is holder:
            document.name_line = number + 1
        return value is not self

    def _value(self, rest: str) -> Any:
        """What stands behind a key or a dash; this reading itself where it is not plain."""
        known = self.scalars.get(rest, self)
        if known is not self:
            self.size += 1
            return known
        first = rest[0] if rest else ""
        if first == "[" or first == "{":
            return self._flow(rest.rstrip(" "))
        value = self._scalar(rest.rstrip(" "), first)
        if value is not self:
            self.scalars[rest] = value
            self.size += 1
        return value

    def _scalar(self, text: str, first: str) -> Any:
        if first in PLAIN_FIRST:
            if ": " in text or " #" in text or text[-1] == ":":
                return self
            value = plain(text)
            return self if value is None and text not in NULL else value
        inner = text[1:-1]
        if first == '"' and len(text) > 1 and text[-1] == '"' and '"' not in inner and "\\" not in inner:
            return inner
        if first == "'" and len(text) > 1 and text[-1] == "'" and "'" not in inner:
            return inner
        return self

    def _flow(self, text: str) -> Any:
        """A list of plain scalars in brackets, or an empty mapping."""
        inner = text[1:-1].strip(" ")
        if text[0] == "{":
            self.size += 1
            return {} if text[-1] == "}" and len(text) > 1 and not inner else self
        if text[-1] != "]":
            return self
        values = []
        for item in map(str.strip, inner.split(",")) if inner else ():
            value = self.items.get(item, self)
            if value is self:
                value = self._scalar(item, item[0]) if FLOW_ITEM.fullmatch(item) else self
                if value is self:
                    return self
                self.items[item] = value
            values.append(value)
        self.size += 1 + len(values)
        return values
