"""How the statistics of an experiment grew day by day, out of what is kept of users and of each day's events.

It is what `course_query` asks an engine for, of plans whose sums are kept: users are taken as they are now (the arm, the
first exposure), and the days' events are added to their sums in order. Whoever has changed by the end of a day is
taken out of the sums over users as before and put in as now.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.experiments.arrays import DAY, Events, Pooled, matches
from counterpoint.experiments.kept_tables import Users, same_checks
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.moments import to_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["days_of_kept"]

EPOCH = date(1970, 1, 1)
OUTSIDE = ("early", "late")
"""Counts of events that do not count; they change no statistic."""


def days_of_kept(
    plan: Experiment,
    pooled: Pooled,
    texts: Sequence[str],
    users: Iterator[Users],
    happened: Mapping[int, Callable[[], Iterator[Events]]],
) -> list[tuple[date, Totals]]:
    """The totals at the end of each day, from the first to the last on which something changed.

    Args:
        plan: Of metrics that can be kept.
        pooled: Of all users as they are now.
        texts: The variants by their places.
        users: Everybody who counts, as they are now, some at a time.
        happened: By day since 1970, the events that are kept of it.
    """
    changes: dict[int, Pooled] = {}
    arms = [2 * (place + 1) for place, text in enumerate(texts) if text in plan.arms]
    last = None if plan.end is None else to_micros(plan.end) // DAY
    days = sorted(day for day in happened if last is None or day <= last)
    for block in users:
        ours = block.take(np.isin(block.code, arms))
        order = np.argsort(ours.key, kind="stable")
        _grow(pooled, ours.take(order), days, happened, changes)
    return list(_added(plan, pooled, list(texts), changes))


def _grow(
    whole: Pooled,
    users: Users,
    days: Sequence[int],
    happened: Mapping[int, Callable[[], Iterator[Events]]],
    changes: dict[int, Pooled],
) -> None:
    """Put what changes on each day by these users to what changes by others."""
    layout, first = whole.layout, users.shown.first
    sums = np.zeros_like(users.sums)
    begun = first // DAY
    over = _over(whole, first)
    tells = np.array([name not in OUTSIDE for name in layout.columns])
    for day in sorted({*days, *np.unique(begun).tolist(), *over}):
        touched: list[Any] = [np.flatnonzero(begun == day), over.get(day, np.zeros(0, dtype=np.int64))]
        found = []
        for events in happened[day]() if day in happened else ():
            place, row = matches(users.key, events.key)
            if len(place):
                mine = events.take(row)
                same_checks(mine.check, users.shown.check[place])
                found.append((place, mine))
                touched.append(place)
        who = np.unique(np.concatenate(touched))
        before = sums[:, who]
        for place, mine in found:
            layout.add(sums, first, place, mine)
        after = sums[:, who]
        new = begun[who] == day
        moved = (before != after)[tells].any(axis=0) | np.isin(who, touched[1])
        moved &= begun[who] < day
        pooled = changes.setdefault(int(day), whole.empty())
        pooled.reach = _until(whole, day - 1)
        pooled.put(users.code[who[moved]], first[who[moved]], before[:, moved], -1.0)
        pooled.reach = _until(whole, day)
        now = moved | new
        pooled.put(users.code[who[now]], first[who[now]], after[:, now])


def _until(whole: Pooled, day: int) -> int | None:
    """The moment up to which events were known at the end of a day."""
    return None if whole.reach is None else min((day + 1) * DAY, whole.reach)


def _over(whole: Pooled, first: "Ints") -> "dict[int, Ints]":
    """By day, the users of whom a window ends on it, at its very end at the latest."""
    found: dict[int, list[Ints]] = {}
    for window in set(whole.layout.windows.values()):
        end = first + window
        day = np.where(end <= (whole.reach or 0), -(-end // DAY) - 1, -1)
        for one in np.unique(day[day >= 0]).tolist():
            found.setdefault(one, []).append(np.flatnonzero(day == one))
    return {day: np.unique(np.concatenate(parts)) for day, parts in found.items()}


def _added(
    plan: Experiment, pooled: Pooled, texts: list[str], changes: Mapping[int, Pooled]
) -> Iterator[tuple[date, Totals]]:
    changed = [day for day, each in changes.items() if each.groups]
    whole = pooled.empty()
    for day in range(min(changed, default=0), max(changed, default=-1) + 1):
        if day in changes:
            whole.join(changes[day])
        at = datetime.combine(EPOCH + timedelta(days=day), time.max, UTC)
        times = {"first": at, "last": at, "outside": 0}
        if rows := [{**row, **times} for row in whole.rows(texts)]:
            yield at.date(), totals_of(plan, rows)
