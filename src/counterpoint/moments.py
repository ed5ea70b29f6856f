"""Moments in UTC: as both databases keep them, and as JSON writes them."""

from datetime import UTC, date, datetime, timedelta

from counterpoint.errors import InputError

__all__ = ["rfc3339", "to_datetime", "to_micros", "today_utc"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """A moment as whole microseconds since 1970.

    Raises:
        InputError: the moment has no time zone.
    """
    if at.tzinfo is None:
        raise InputError(f"The time {at.isoformat()} has no zone; add one, such as Z for UTC.")
    return (at - _EPOCH) // _MICROSECOND


def to_datetime(micros: int) -> datetime:
    """The moment that many microseconds after 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def rfc3339(at: datetime) -> str:
    """A moment in UTC as JSON writes it: `2026-05-03T12:00:00Z`."""
    return at.isoformat().replace("+00:00", "Z")


def today_utc() -> date:
    """The day it is in UTC."""
    return datetime.now(UTC).date()
