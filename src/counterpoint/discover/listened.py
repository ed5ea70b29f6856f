"""Listening as arrays: who heard what, how much it says, when, from where, and what was left out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from counterpoint.discover.interactions import Matrix
from counterpoint.discover.plan import Plan

__all__ = ["FACETS", "Attributes", "KeptPlaylist", "Listened", "Plays"]

Names = NDArray[np.object_]
Attributes = Mapping[str, Mapping[str, tuple[str, ...]]]
"""For each item, the values of each of its facets."""
FACETS = ("title", "kind", "artist", "album", "genre", "show", "language", "released")
"""Keys of an item's event that are kept; a value is a text, a number, or a list of them."""


@dataclass(frozen=True, slots=True)
class Plays:
    """One entry for each event that counts, in the order of listener, moment, item and signal."""

    listeners: NDArray[np.int32]
    """Rows of the matrix."""
    items: NDArray[np.int32]
    """Columns of the matrix."""
    at: NDArray[np.int64]
    """Microseconds since 1970."""
    weights: NDArray[np.float64]
    """What the event's signal says, before its age counts; below 0 against the item."""
    contexts: NDArray[np.int32]
    """Places in `names`; -1 where the event says nothing."""
    sessions: NDArray[np.int32]
    """Number of the listener's session, from 0: a new one begins after half an hour of silence."""
    names: tuple[str, ...]
    """From where things were played, as events say it."""
    zones: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """Places in `zone_names`, -1 where the event names none; empty where events are not asked for zones."""
    zone_names: tuple[str, ...] = ()

    def zone(self, at: int) -> str | None:
        """The time zone that an entry names."""
        place = int(self.zones[at]) if len(self.zones) else -1
        return self.zone_names[place] if place >= 0 else None


@dataclass(frozen=True, slots=True)
class KeptPlaylist:
    """A playlist as its newest event has it."""

    name: str
    listener: str | None
    """Whose it is; none where the event has no subject."""
    title: str
    items: tuple[str, ...]
    at: int
    """Microseconds since 1970."""


@dataclass(frozen=True)
class Listened:
    """What was heard until a moment, with names in code-point order."""

    plan: Plan
    until: datetime
    listeners: Names
    items: Names
    matrix: Matrix
    """(listeners, items): what each says of each, old events less, at most `most`; only above 0."""
    moments: Matrix
    """In the same cells: when it was last heard, in seconds since 1970."""
    against: Matrix
    """(listeners, items): how much more speaks against an item than for it, above 0."""
    plays: Plays
    attributes: Attributes
    """Of the items that were heard or stand in a playlist."""
    playlists: tuple[KeptPlaylist, ...]
    """In the order of their names."""
    left_out: Mapping[str, int]
    """Events, listeners and playlists that do not count, by reason."""
    digest: str
    """SHA-256 of everything that a fit reads of this: the same listening has the same digest."""

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each listener."""
        return {str(name): row for row, name in enumerate(self.listeners)}

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each item."""
        return {str(name): column for column, name in enumerate(self.items)}
