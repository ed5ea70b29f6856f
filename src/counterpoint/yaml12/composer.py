"""Builds values from the events of libyaml's parser, within limits, with the place of each value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from counterpoint.errors import escape
from counterpoint.yaml12.scalars import NULL, STANDARD_TAGS, ScalarError, is_lost, key_of, plain, tagged

__all__ = ["MAX_DEPTH", "MAX_REPEATED", "MAX_VALUES", "Composed", "Composer", "Position", "Refusal"]

MAX_DEPTH = 100
"""Deepest nesting of a document; descriptors need about ten."""
MAX_REPEATED = 100_000
"""Values that aliases may repeat in a document: more is an attack on the memory of whoever copies it."""
MAX_VALUES = 250_000
"""Values of a document, as many as a catalog of ten thousand entities has in all its documents together."""
LONG = 64
"""Characters of a text that count as one value more, since each repetition is written out in full."""

Position = tuple[int, int]
"""Line and column, both counted from 1."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A document that could be built."""

    value: Any
    positions: Mapping[str, Position]
    doubts: "tuple[Refusal, ...]" = ()
    """What was not taken as it was written."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that is YAML but that is not accepted, with the first reason; or a value of one."""

    message: str
    pointer: str
    position: Position


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    value: dict[str, Any] | list[Any]
    pointer: str
    anchor: str | None
    key: str | None = None
    size: int = 1
    keys: dict[str, Position] = field(default_factory=dict)


class Composer:
    """Takes the events of a stream one by one and returns each document when it is complete."""

    def __init__(self, base: int = 0, *, typed: bool = True) -> None:
        """Start; `base` is added to the line numbers of the events. Without `typed` scalars stay texts, or null."""
        self._base = base
        self._value = _value if typed else _text_value
        self._reset()

    def _reset(self) -> None:
        self._open: list[_Open] = []
        self._root: Any = None
        self._positions: dict[str, Position] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self.refusal: Refusal | None = None
        """Why the document is not accepted, as soon as that is known; nothing more of it need be fed."""
        self._doubts: list[Refusal] = []
        self._repeated = 0

    def feed(self, event: Any) -> Composed | None:
        """Take one event; the document, where this event ends one that is accepted."""
        if isinstance(event, yaml.ScalarEvent):  # most are
            self._scalar(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._reset()
            self._positions[""] = self._place(event)
        elif isinstance(event, yaml.DocumentEndEvent):
            return Composed(self._root, self._positions, tuple(self._doubts))
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        return None

    def position(self, mark: Any) -> Position:
        """Where a mark of the parser stands; without one, where the text begins."""
        return (self._base + 1, 1) if mark is None else (mark.line + self._base + 1, mark.column + 1)

    def _place(self, event: Any) -> Position:
        return self.position(event.start_mark)

    def _refuse(self, message: str, event: Any, pointer: str | None = None) -> None:
        self.refusal = Refusal(message, self._pointer() if pointer is None else pointer, self._place(event))

    def _pointer(self) -> str:
        """The pointer of the value that comes next."""
        if not self._open:
            return ""
        parent = self._open[-1]
        if isinstance(parent.value, list):
            return f"{parent.pointer}/{len(parent.value)}"
        if parent.key is None:
            return parent.pointer
        return f"{parent.pointer}/{escape(parent.key)}"

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _scalar(self, event: Any) -> None:
        if self._expects_key():
            self._take_key(event)
            return
        if event.tag not in (None, "!") and event.tag not in STANDARD_TAGS:
            self._refuse(f"the tag {event.tag} is not allowed; only plain data is read", event)
            return
        try:
            value = self._value(event)
        except ScalarError as error:
            self._refuse(str(error), event)
            return
        if value is None and not event.style and is_lost(event.value, value):
            message = f"{event.value[:40]} is no number that JSON can hold, so it is null; put it in quotes if it is meant as text"
            self._doubts.append(Refusal(message, self._pointer(), self._place(event)))
        if isinstance(value, str) and "\0" in value:
            self._refuse("a text holds a NUL character, which cannot be stored", event)
            return
        self._add(value, event, anchor=event.anchor, size=1 + len(event.value) // LONG)

    def _take_key(self, event: Any) -> None:
        plainly = event.tag is None and event.implicit[0]
        key: str = key_of(event.value) if plainly else event.value
        parent = self._open[-1]
        first = parent.keys.get(key)
        if first is not None:
            self._refuse(f"the key {key!r} is given twice; it stands in line {first[0]} already", event)
        elif "\0" in key:
            self._refuse("a key holds a NUL character, which cannot be stored", event)
        else:
            parent.keys[key] = self._place(event)
            parent.key = key
            if event.anchor:
                self._anchors[event.anchor] = (key, 1 + len(key) // LONG)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            known = any(each.anchor == event.anchor for each in self._open)
            reason = "refers to a value that it is part of" if known else "refers to no anchor before it"
            self._refuse(f"the alias *{event.anchor} {reason}", event)
            return
        value, size = self._anchors[event.anchor]
        if self._expects_key():
            self._refuse(f"the alias *{event.anchor} is used as a key; write the key out", event)
            return
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            self._refuse(
                f"aliases repeat more than {MAX_REPEATED:,} values; write them out or use fewer", event
            )
            return
        self._add(value, event, size=size)

    def _begin(self, event: Any) -> None:
        if event.tag not in (None, "!") and event.tag not in STANDARD_TAGS:
            self._refuse(f"the tag {event.tag} is not allowed; only plain data is read", event)
        elif self._expects_key():
            self._refuse("a list or mapping is used as a key; keys are text", event)
        elif len(self._open) >= MAX_DEPTH:
            self._refuse(f"is nested deeper than {MAX_DEPTH} levels", event)
        else:
            pointer = self._pointer()
            self._mark(pointer, event)
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, pointer, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.value, done.size)
        self._attach(done.value, done.size)

    def _add(self, value: Any, event: Any, *, anchor: str | None = None, size: int = 1) -> None:
        self._mark(self._pointer(), event)
        if anchor:
            self._anchors[anchor] = (value, size)
        self._attach(value, size)

    def _mark(self, pointer: str, event: Any) -> None:
        """A scalar is found at its value, a collection under a key at that key."""
        if len(self._positions) > MAX_VALUES:
            self._refuse(f"holds more than {MAX_VALUES:,} values; split it into documents", event, "")
            return
        key = None
        if not isinstance(event, yaml.ScalarEvent) and self._open:
            key = self._open[-1].key
        self._positions[pointer] = self._place(event) if key is None else self._open[-1].keys[key]

    def _attach(self, value: Any, size: int) -> None:
        if not self._open:
            self._root = value
            return
        parent = self._open[-1]
        parent.size += size
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None


def _text_value(event: Any) -> Any:
    """The scalar as it was typed, `007` and all."""
    return None if event.implicit[0] and event.value in NULL else event.value


def _value(event: Any) -> Any:
    if event.tag in STANDARD_TAGS:
        return tagged(event.tag, event.value)
    if event.tag == "!" or not event.implicit[0]:
        return event.value
    return plain(event.value)
