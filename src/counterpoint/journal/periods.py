"""Periods: the UTC day, or for types that spread over years the month or year, whose events a file holds."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DAY", "by_period", "days_of", "period_names"]

DAY: Final = 86_400_000_000
"""Microseconds."""
DAYS: Final = 32


def period_names(days: Iterable[int]) -> dict[int, str]:
    """For each day since 1970 the period that its events go to: the finest that makes at most DAYS of them.

    Where one type spreads over more than DAYS days, as in an import of years, its files are of months
    or longer: thousands of tiny files would serve nobody.
    """
    names = {day: (date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in days}
    width = next(width for width in (10, 7, 4, 0) if len({name[:width] for name in names.values()}) <= DAYS)
    return {day: name[:width] for day, name in names.items()}


def days_of(table: "pa.Table") -> set[int]:
    """The days since 1970 that the events of a table are of."""
    import pyarrow as pa
    import pyarrow.compute as pc

    micros = table["time"].cast(pa.int64())
    # Integer division of Arrow goes towards zero, and days before 1970 are below it.
    days = pc.divide(pc.subtract(micros, _remainder(micros)), DAY)
    return set(pc.unique(days).to_pylist())


def _remainder(micros: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow.compute as pc

    rest = pc.subtract(micros, pc.multiply(pc.divide(micros, DAY), DAY))
    return pc.if_else(pc.less(rest, 0), pc.add(rest, DAY), rest)


def by_period(table: "pa.Table", periods: Mapping[int, str]) -> "list[tuple[str, pa.Table]]":
    """The events of each period, by the period of each of their days; those that have none are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(set(periods.values())) <= 1:
        return [(next(iter(periods.values())), table)] if table.num_rows else []
    micros = table["time"].cast(pa.int64())
    found = []
    for period in sorted(set(periods.values())):
        days = [day for day, name in periods.items() if name == period]
        low, high = min(days) * DAY, (max(days) + 1) * DAY
        part = table.filter(pc.and_(pc.greater_equal(micros, low), pc.less(micros, high)))
        if part.num_rows:
            found.append((period, part))
    return found
