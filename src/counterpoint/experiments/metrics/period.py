"""The period that figures are told of: whole days in UTC, parted into the spans of a chart. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import msgspec

from counterpoint.experiments.metrics.definition import Calendar

__all__ = ["CHOICES", "DEFAULT_DAYS", "MOST_DAYS", "Period", "period_of"]

DEFAULT_DAYS: Final = {"day": 28, "week": 84, "month": 365}
CHOICES: Final = (7, 28, 84, 365)
"""Days that pages offer."""
MOST_DAYS: Final = 366


class Period(msgspec.Struct, frozen=True):
    """Whole days, both ends included."""

    first: date
    last: date
    calendar: Calendar = "day"

    @property
    def start(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last, time(), UTC) + timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    @property
    def spans(self) -> tuple[date, ...]:
        """The first day of every span, in order."""
        return tuple(self._spans())

    def _spans(self) -> Iterator[date]:
        day = self.first
        while day <= self.last:
            yield day
            day = _after(day, self.calendar)

    def over(self, span: date, today: date) -> bool:
        """Whether nothing more is to come in a span, late events aside."""
        return _after(span, self.calendar) <= today


def _after(day: date, calendar: Calendar) -> date:
    if calendar == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if calendar == "week" else 1)


def _begin(day: date, calendar: Calendar) -> date:
    if calendar == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if calendar == "week" else day


def period_of(calendar: Calendar, *, days: int | None, last: date) -> Period:
    """The days up to `last`, as many as asked for, begun where a span begins (weeks on Mondays)."""
    wanted = min(days or DEFAULT_DAYS[calendar], MOST_DAYS)
    first = last - timedelta(days=wanted - 1)
    begun = _begin(first, calendar)
    if begun < first and _after(begun, calendar) <= last:  # a span that is cut would look like a fall
        begun = _after(begun, calendar)
    return Period(begun, last, calendar)
