"""Where things are in a JSON text: line and column of each pointer, and members written twice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from counterpoint.errors import escape

__all__ = ["LaterPlaces", "Places", "locate"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one JSON text, by RFC 6901 pointer."""

    offsets: Mapping[str, int]
    newlines: tuple[int, ...]
    repeated: tuple[str, ...] = ()
    """Pointers of members that the text has more than once; the last one counts."""

    def of(self, pointer: str) -> tuple[int, int] | None:
        """Line and column of a pointer, counted from 1; of its nearest ancestor where it is absent."""
        from bisect import bisect_left

        while pointer not in self.offsets:
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]
        offset = self.offsets[pointer]
        line = bisect_left(self.newlines, offset)
        return line + 1, offset - (self.newlines[line - 1] if line else -1)


@dataclass(frozen=True, slots=True)
class LaterPlaces(Places):
    """The places of a text that repeats no member, looked for when one is asked for: mostly none is."""

    text: str = ""

    def of(self, pointer: str) -> tuple[int, int] | None:
        """Line and column of a pointer, as for `Places`."""
        return _located(self.text).of(pointer)


@dataclass(slots=True)
class _Open:
    """An array or object that the scan is inside of."""

    pointer: str
    is_array: bool
    index: int = 0
    key: str | None = None
    keys: set[str] = field(default_factory=set)

    def child(self) -> str:
        return f"{self.pointer}/{self.index if self.is_array else escape(self.key or '')}"


def locate(text: str) -> Places:
    """The places of a text that is valid JSON; a member's place is where its key begins."""
    offsets: dict[str, int] = {}
    repeated: list[str] = []
    inside: list[_Open] = []
    for token in _TOKEN.finditer(text):
        mark, here = token[0], inside[-1] if inside else None
        if mark == ":":
            continue
        if mark in "]}":
            inside.pop()
        elif mark == ",":
            if here:
                here.index, here.key = here.index + 1, None
        elif here and not here.is_array and here.key is None:
            here.key = _name(mark)
            if here.key in here.keys:
                repeated.append(here.child())
            here.keys.add(here.key)
            offsets[here.child()] = token.start()
        else:
            pointer = here.child() if here else ""
            offsets.setdefault(pointer, token.start())
            if mark in "[{":
                inside.append(_Open(pointer, mark == "["))
    return Places(offsets, tuple(match.start() for match in re.finditer("\n", text)), tuple(repeated))


@lru_cache(maxsize=1)
def _located(text: str) -> Places:
    return locate(text)


def _name(quoted: str) -> str:
    import json

    return str(json.loads(quoted)) if "\\" in quoted else quoted[1:-1]
