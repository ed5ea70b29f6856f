"""What the journal's operations answer."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

__all__ = ["Compacted", "Due", "Expired", "Gone", "Kept", "Receipt", "Rejected", "TypeCount"]


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


class Expired(msgspec.Struct, frozen=True):
    """Events of one type that are older than they are kept."""

    type: str
    before: int
    """Microseconds since 1970: what happened earlier goes."""
    events: int
    files: int
    """Files of which nothing stays."""
    rewritten: int = 0
    """Files of which a part stays."""


class Due(msgspec.Struct, frozen=True):
    """What a compaction would do now."""

    events: int
    """In the intake."""
    merged: int
    """Files that larger ones would replace, besides those that are made of the intake."""
    expired: tuple[Expired, ...]
    unknown: tuple[str, ...]
    """Types that the setting `[journal] retention` names and of which the journal holds nothing."""


class Gone(msgspec.Struct, frozen=True):
    """A receipt: what went, and when."""

    at: datetime
    what: Expired


class Kept(msgspec.Struct, frozen=True):
    """How long events are kept."""

    rules: Mapping[str, int]
    """Days by type; `*` is for all others."""
    due: tuple[Expired, ...]
    """What the next compaction lets go."""
    gone: tuple[Gone, ...]
    """What went, the newest first."""
    unknown: tuple[str, ...]
    """Types of the rules of which the journal holds nothing."""


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction did."""

    events: int = 0
    """Events moved from the intake into segments."""
    segments: int = 0
    """Parquet files written."""
    orphans: int = 0
    """Files of broken-off compactions that were removed."""
    merged: int = 0
    """Files that were replaced by larger ones."""
    expired: tuple[Expired, ...] = ()
    """What went because the setting `[journal] retention` says so."""
    busy: bool = False
    """Another process was compacting, so nothing was done."""
