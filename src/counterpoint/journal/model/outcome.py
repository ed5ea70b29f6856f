"""What the journal's operations answer."""

from datetime import datetime

import msgspec

__all__ = ["Compacted", "Receipt", "Rejected", "TypeCount"]


class Rejected(msgspec.Struct, frozen=True):
    """An event that was not taken."""

    index: int
    """Its place in what was sent, from 0."""
    reason: str


class Receipt(msgspec.Struct, frozen=True):
    """What became of the events of one append. The accepted ones are on the disk."""

    accepted: int = 0
    duplicates: int = 0
    """Events whose (source, id) the journal has already."""
    rejected: tuple[Rejected, ...] = ()
    future: int = 0
    """Events, duplicates among them, whose time lies more than five minutes ahead of ours."""
    late: int = 0
    """Events, duplicates among them, whose time lies before the year 2000, as of a clock that was never set."""


class TypeCount(msgspec.Struct, frozen=True):
    """How much the journal holds of one event type."""

    type: str
    count: int
    first: datetime
    """Time of the earliest event, in UTC."""
    last: datetime
    """Time of the latest event, in UTC."""


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction did."""

    events: int = 0
    """Events moved from the intake into segments."""
    segments: int = 0
    """Parquet files written."""
    orphans: int = 0
    """Files of broken-off compactions that were removed."""
    busy: bool = False
    """Another process was compacting, so nothing was done."""
