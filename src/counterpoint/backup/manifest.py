"""What a backup says of itself: `manifest.json` in the archive."""

from datetime import datetime
from typing import Final, Literal

import msgspec

__all__ = ["FORMAT", "NAME", "GraphPart", "JournalPart", "Manifest", "Part", "Table"]

NAME: Final = "manifest.json"
FORMAT: Final = 1
"""Raised when an older program could not restore what a newer one wrote."""


class Part(msgspec.Struct, frozen=True):
    """One file of the archive."""

    name: str
    bytes: int
    sha256: str


class Table(msgspec.Struct, frozen=True):
    """One table of a graph that lives in PostgreSQL; its rows are in `graph/NAME.copy`."""

    name: str
    columns: list[str]


class GraphPart(msgspec.Struct, frozen=True):
    """The graph at one moment."""

    database: Literal["sqlite", "postgresql"]
    version: str
    """Of its tables: the last migration."""
    activity: int
    """The number of its newest change."""
    tables: list[Table] = []
    """Of PostgreSQL, in an order in which they can be filled."""


class JournalPart(msgspec.Struct, frozen=True):
    """The journal at one moment, which is not before the graph's."""

    layout: int
    """Of the intake's tables."""
    newest: int
    """The number of the newest event."""
    events: int
    erasures: int
    """The number of the last erasure that had happened."""


class Manifest(msgspec.Struct, frozen=True):
    """A backup."""

    format: int
    id: str
    made: datetime
    """In UTC."""
    counterpoint: str
    """The version that made it."""
    name: str
    """What the organisation calls itself."""
    graph: GraphPart
    journal: JournalPart
    files: list[Part] = []

    @property
    def bytes(self) -> int:
        """Of all files, unpacked."""
        return sum(part.bytes for part in self.files)
