"""Rows of entities that have never been in a graph, made without its database: by a process that only reads files.

A transaction lends out its next numbers; what is made with them fits into that transaction and no other.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from counterpoint.graph.descriptor import etag_of, normalise, owner_of, ref_of, relations_of, title_of
from counterpoint.graph.search import postings_of

__all__ = ["COLUMNS", "Numbers", "Preparing", "Rows", "Uids", "described"]

COLUMNS: dict[str, tuple[str, ...]] = {
    "revision": (
        "seq", "ref", "version", "uid", "etag", "kind", "namespace", "name", "title", "owner", "type", "lifecycle",
        "location", "action", "actor", "valid_from", "document",
    ),
    "tag": ("value", "revision"),
    "relation": ("origin", "source", "type", "target", "valid_from"),
    "posting": ("word", "revision", "rank"),
    "activity": ("seq", "at", "actor", "action", "subject", "after"),
}  # fmt: skip
"""The tables of an entity, in the order in which they are written, and the columns of a new row."""
LOW = (1 << 62) - 1

_encode = msgspec.json.Encoder().encode


class Numbers(NamedTuple):
    """What a transaction gives to the rows that are made for it."""

    revision: int
    """Number of the newest revision."""
    activity: int
    """Number of the newest activity."""
    at: int
    """Its moment, in microseconds since 1970."""
    actor: str
    """Reference of who writes."""


class Rows(NamedTuple):
    """Some entities as rows, in the order of `COLUMNS`."""

    revision: list[tuple[Any, ...]]
    tag: list[tuple[Any, ...]]
    relation: list[tuple[Any, ...]]
    posting: list[tuple[Any, ...]]
    activity: list[tuple[Any, ...]]


class Uids:
    """UUIDs of version 7 (RFC 9562): later ones sort later, so that the indexes of uids grow at their end."""

    def __init__(self, at: int) -> None:
        """Begin at a moment in microseconds since 1970; no two transactions of a graph have the same."""
        milliseconds, rest = divmod(at, 1000)
        # Without version and variant: 48 bits of milliseconds, 74 of our own.
        self._last = milliseconds << 74 | rest << 64 | secrets.randbits(63)

    def next(self) -> str:
        """One more."""
        self._last += 1 + secrets.randbits(40)
        high, low = self._last >> 62, self._last & LOW
        digits = f"{(high >> 12) << 80 | 7 << 76 | (high & 0xFFF) << 64 | 2 << 62 | low:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


@dataclass(slots=True)
class Preparing:
    """Makes the rows of one entity after the other, all new and read from the same place."""

    numbers: Numbers
    location: str
    uids: Uids = field(init=False)
    rows: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.uids = Uids(self.numbers.at)
        self.rows = _no_rows()

    def add(self, document: Mapping[str, Any]) -> None:
        """Take a valid descriptor that a file holds."""
        plain = normalise(document, declared=True)
        ref, etag, rows = str(ref_of(plain)), etag_of(plain), self.rows
        number, activity, at, actor = self.numbers
        number, activity = number + 1, activity + 1
        self.numbers = Numbers(number, activity, at, actor)
        known = described(plain)
        rows.revision.append(
            (number, ref, 1, self.uids.next(), etag, *known[:-1], self.location, "created", actor, at, known[-1])
        )  # fmt: skip
        rows.tag.extend((value, number) for value in dict.fromkeys(plain["metadata"].get("tags") or ()))
        rows.relation.extend((ref, *edge, at) for edge in sorted(relations_of(plain)))
        rows.posting.extend((word, number, rank) for word, rank in postings_of(plain).items())
        after = f'{{"version":1,"etag":"{etag}"}}'
        rows.activity.append((activity, at, actor, "entity.created", ref, after))

    def take(self) -> Rows:
        """The rows made since the last call, those of large trees in the order in which one is walked through."""
        taken, self.rows = self.rows, _no_rows()
        taken.relation.sort(key=itemgetter(1))
        taken.posting.sort(key=itemgetter(0))
        return taken


def described(
    document: Mapping[str, Any],
) -> tuple[str, str, str, str, str | None, str | None, str | None, str]:
    """What a revision says of a plain document: kind, namespace, name, title, owner, type, lifecycle, and its JSON."""
    spec, ref, owner = document.get("spec") or {}, ref_of(document), owner_of(document)
    return (
        document["kind"],
        ref.namespace,
        ref.name,
        title_of(document),
        str(owner) if owner else None,
        _word(spec.get("type")),
        _word(spec.get("lifecycle")),
        _encode(document).decode(),
    )


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) else None  # kinds that have no such field may hold anything there


def _no_rows() -> Rows:
    return Rows([], [], [], [], [])
