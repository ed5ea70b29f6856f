"""Which entities are wanted: a small tree of conditions on search keys.

A search key is a dotted path into the final entity in lower case, such as `spec.type` or
`relations.ownedby`; `rows` says which keys an entity has. Values are compared in lower case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["AllOf", "AnyOf", "Equals", "Exists", "Filter", "Not", "Prefix", "Text", "size_of"]


@dataclass(frozen=True, slots=True)
class Exists:
    """The entity has the key, be it with a value or with null."""

    key: str


@dataclass(frozen=True, slots=True)
class Equals:
    """The key has one of the values; none lets nothing through."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """A value of the key begins with the text."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A value of one of the keys holds the text."""

    keys: tuple[str, ...]
    text: str
    wild: bool = False
    """Let `%` stand for any text and `_` for any character, as SQL's LIKE does."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; no part lets everything through."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; no part lets nothing through."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Filter"


Filter: TypeAlias = Exists | Equals | Prefix | Text | AllOf | AnyOf | Not


def size_of(given: Filter) -> int:
    """How many conditions and values a filter has in all."""
    return sum(1 for _ in _leaves(given))


def _leaves(given: Filter) -> Iterator[str]:
    match given:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _leaves(part)
        case Not(part):
            yield from _leaves(part)
        case Equals(key, values):
            yield from values or (key,)
        case Text(keys):
            yield from keys
        case Exists(key) | Prefix(key):
            yield key
