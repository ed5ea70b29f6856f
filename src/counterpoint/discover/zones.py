"""Clocks of listeners: by the zone that an event of theirs names, else by the one that is set for all. Pure but for the zone files."""

from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["zone_of"]


@lru_cache(maxsize=1_024)
def zone_of(name: str | None, usual: str = "UTC") -> tzinfo:
    """The zone of a name such as Europe/Stockholm; the usual one where there is none of that name."""
    for each in (name, usual):
        try:
            if each:
                return ZoneInfo(each)
        except (OSError, ValueError, KeyError):  # no such file, no name of one, or what is there is no zone
            continue
    return UTC
