"""People who are looked for in events: by their text, or by a keyed hash of it. Pure.

An event is about a person when the person's text is, as a whole, any text of the event: its subject, id,
source or type, an attribute, a key or a value anywhere in its data (also in JSON that came as base64).
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from counterpoint.journal.model.row import BINARY

__all__ = ["COLUMNS_SEARCHED", "Hashed", "Named", "Sought", "digest", "texts_in", "texts_of"]

COLUMNS_SEARCHED: Final = ("source", "id", "type", "subject", "received", "data", "attributes")
"""What `Sought.in_row` takes, in this order."""
FEW: Final = 32
"""People whose texts are looked for before any JSON is decoded."""


class Hashed(NamedTuple):
    """A person of whom only a keyed hash is known."""

    key: bytes
    hash: bytes
    until: int | None
    """Microseconds since 1970: events received later are not meant; none means all."""


class Named(NamedTuple):
    """A person by the text itself."""

    text: str


def digest(key: bytes, text: str) -> bytes:
    """256 bits that stand for a text and tell nothing of it to whoever lacks the key (BLAKE2b, keyed)."""
    return blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=32).digest()


def texts_of(value: object) -> Iterator[str]:
    """Every text of a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)


class Sought:
    """Whom to look for; what it answers are places in the list that it was given."""

    def __init__(self, people: Sequence[Named | Hashed]) -> None:
        self.people = tuple(people)
        self._named = {each.text: place for place, each in enumerate(people) if isinstance(each, Named)}
        self._hashed: dict[bytes, dict[bytes, int]] = {}
        for place, each in enumerate(people):
            if isinstance(each, Hashed):
                self._hashed.setdefault(each.key, {})[each.hash] = place
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def names_all(self) -> bool:
        """Whether the text of each is known."""
        return not self._hashed

    @property
    def needles(self) -> tuple[str, ...] | None:
        """The texts, one of which a JSON text holds unless it holds a backslash; none where all must be decoded."""
        return tuple(self._named) if not self._hashed and len(self._named) <= FEW else None

    def places(self, text: str) -> tuple[int, ...]:
        """Who has this text."""
        if not self._hashed:
            place = self._named.get(text)
            return () if place is None else (place,)
        found = self._known.get(text)
        if found is None:
            found = tuple(self._find(text))
            if len(self._known) < 100_000:
                self._known[text] = found
        return found

    def _find(self, text: str) -> Iterator[int]:
        if text in self._named:
            yield self._named[text]
        for key, hashes in self._hashed.items():
            place = hashes.get(digest(key, text))
            if place is not None:
                yield place

    def in_row(self, row: Sequence[Any]) -> frozenset[int]:
        """Whom an event is about, from its COLUMNS_SEARCHED."""
        source, id_, type_, subject, received, data, attributes = row
        found = {
            place for text in (source, id_, type_, subject) if text is not None for place in self.places(text)
        }
        for document in (data, attributes):
            if document is not None and self.may_hold(document):
                found.update(place for text in texts_in(document) for place in self.places(text))
        return frozenset(place for place in found if self._meant(place, received))

    def may_hold(self, document: str) -> bool:
        """Whether a JSON text must be decoded: it holds one of the texts, an escape, or bytes."""
        needles = self.needles
        if needles is None or "\\" in document or BINARY in document:
            return True
        return any(needle in document for needle in needles)

    def _meant(self, place: int, received: int) -> bool:
        person = self.people[place]
        return isinstance(person, Named) or person.until is None or received <= person.until


def texts_in(document: str) -> Iterable[str]:
    """Every text of a JSON document, keys included, and of the JSON that it holds as base64; all of what is no JSON."""
    try:
        value = msgspec.json.decode(document)
    except msgspec.DecodeError:
        yield document
        return
    yield from texts_of(value)
    if isinstance(value, dict) and isinstance(packed := value.get(BINARY), str):
        yield from _unpacked(packed)


def _unpacked(packed: str) -> Iterable[str]:
    """The texts in base64: those of its JSON, or all of it."""
    try:
        content = base64.b64decode(packed)
    except (binascii.Error, ValueError):
        return
    try:
        yield from texts_of(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield content.decode("utf-8", "replace").strip()
