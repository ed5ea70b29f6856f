"""How many were given each variant of a flag lately, from the exposures in the journal."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from counterpoint.workspace import Workspace

__all__ = ["DAYS", "ExposureCounts", "VariantCount", "counts_of_flag"]

EXPOSURE: Final = "feature_flag.evaluation"
DAYS: Final = 90
"""Days that are looked at, today included."""
MOST: Final = 500
"""Flags whose counts are kept."""
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class VariantCount:
    """The exposures to one variant."""

    variant: str
    hour: int
    """In the last 60 minutes."""
    day: int
    """In the last 24 hours."""
    total: int
    """In the last `DAYS` days."""
    last: datetime


@dataclass(frozen=True, slots=True)
class ExposureCounts:
    """The exposures of one flag."""

    variants: tuple[VariantCount, ...]
    """Those that anybody was given, most frequent first."""
    days: tuple[tuple[datetime, Mapping[str, int]], ...]
    """Each day (UTC) from the first with an exposure until today, with the count of each variant."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(each.total for each in self.variants)


NONE: Final = ExposureCounts((), ())


class _Kept:
    """What was counted, for as long as no exposure came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[object, ExposureCounts]] = {}

    def get(self, workspace: Workspace, name: str, key: str, now: datetime) -> ExposureCounts:
        stamp = _stamp(workspace), now.replace(second=0, microsecond=0)
        known = self._known.get((name, key))
        if known and known[0] == stamp:
            return known[1]
        made = _counted(_rows(workspace, name, key, now - DAYS * DAY), now)
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[name, key] = stamp, made
        return made


def counts_of_flag(
    workspace: Workspace, name: str, key: str, *, now: datetime | None = None
) -> ExposureCounts:
    """The exposures of a flag in the last `DAYS` days.

    Args:
        workspace: whose journal.
        name: the flag set; exposures that name none count for the default one.
        key: the flag.
        now: the time; default the clock.
    """
    kept: _Kept = workspace.keep(_Kept, lambda _: _Kept())
    return kept.get(workspace, name, key, now or datetime.now(UTC))


def _stamp(workspace: Workspace) -> object:
    """What is another as soon as there is one exposure more."""
    return next((each for each in workspace.journal.counts() if each.type == EXPOSURE), None)


def _rows(workspace: Workspace, name: str, key: str, since: datetime) -> list[dict[str, Any]]:
    """Minute, variant and count."""
    if _stamp(workspace) is None:
        return []
    with workspace.journal.snapshot() as snapshot:
        table = snapshot.events(EXPOSURE)
        wanted = table.filter(
            (table.flag_set.fill_null("default") == name)
            & (table.flag == key)
            & (table.time >= since)
            & table.variant.notnull()
        )
        minutes = wanted.group_by(wanted.variant, minute=wanted.time.truncate("m"))
        rows: list[dict[str, Any]] = minutes.aggregate(count=wanted.count()).to_pyarrow().to_pylist()
    return rows


def _counted(rows: Sequence[Mapping[str, Any]], now: datetime) -> ExposureCounts:
    """The rows put together; a minute counts for the hour and the day that it begins in."""
    if not rows:
        return NONE
    found: dict[str, list[int]] = {}
    lasts: dict[str, datetime] = {}
    days: dict[datetime, dict[str, int]] = {}
    for row in rows:
        at, variant, count = _utc(row["minute"]), row["variant"], row["count"]
        counts = found.setdefault(variant, [0, 0, 0])
        counts[0] += count if at > now - HOUR else 0
        counts[1] += count if at > now - DAY else 0
        counts[2] += count
        lasts[variant] = max(at, lasts.get(variant, at))
        of_day = days.setdefault(at.replace(hour=0, minute=0), {})
        of_day[variant] = of_day.get(variant, 0) + count
    order = sorted(found, key=lambda name: (-found[name][2], name))
    variants = tuple(
        VariantCount(name, hour, day, total, lasts[name])
        for name in order
        for hour, day, total in [found[name]]
    )
    first, today = min(days), max(now.replace(hour=0, minute=0, second=0, microsecond=0), *days)
    every = (first + n * DAY for n in range((today - first).days + 1))
    return ExposureCounts(variants, tuple((day, days.get(day, {})) for day in every))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
