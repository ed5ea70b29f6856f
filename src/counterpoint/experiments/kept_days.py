"""How the statistics of an experiment grew day by day, out of what is kept of users and of each day's events.

It is what `course_query` asks an engine for, of plans whose sums are kept: users are taken as they are now (the arm, the
first exposure), and the days' events are added to their sums in order. Whoever has changed by the end of a day is
taken out of the sums over users as before and put in as now.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.experiments.arrays import DAY, Events, Layout, Pooled, matches
from counterpoint.experiments.kept_tables import Users, same_checks
from counterpoint.experiments.model import Experiment
from counterpoint.experiments.totals import Totals, totals_of
from counterpoint.moments import to_micros

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["days_of_kept"]

EPOCH = date(1970, 1, 1)
OUTSIDE = ("early", "late")
"""Counts of events that do not count; they change no statistic."""


def days_of_kept(
    plan: Experiment,
    layout: Layout,
    texts: Sequence[str],
    centres: "Floats",
    users: Iterator[Users],
    happened: Mapping[int, Callable[[], Iterator[Events]]],
) -> list[tuple[date, Totals]]:
    """The totals at the end of each day, from the first to the last on which something changed.

    Args:
        plan: Of metrics that can be kept.
        layout: Of its sums.
        texts: The variants by their places.
        centres: Near to the means of what is measured.
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
        _grow(layout, centres, ours.take(order), days, happened, changes)
    return list(_added(plan, layout, list(texts), centres, changes))


def _grow(
    layout: Layout,
    centres: "Floats",
    users: Users,
    days: Sequence[int],
    happened: Mapping[int, Callable[[], Iterator[Events]]],
    changes: dict[int, Pooled],
) -> None:
    """Put what changes on each day by these users to what changes by others."""
    sums = np.zeros_like(users.sums)
    begun = users.shown.first // DAY
    tells = np.array([name not in OUTSIDE for name in layout.columns])
    for day in sorted({*days, *np.unique(begun).tolist()}):
        touched: list[Any] = [np.flatnonzero(begun == day)]
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
            layout.add(sums, users.shown.first, place, mine)
        after = sums[:, who]
        new = begun[who] == day
        moved = (before != after)[tells].any(axis=0) & (begun[who] < day)
        pooled = changes.setdefault(int(day), Pooled(layout, centres, {}))
        pooled.put(users.code[who[moved]], before[:, moved], -1.0)
        pooled.put(users.code[who[moved | new]], after[:, moved | new])


def _added(
    plan: Experiment, layout: Layout, texts: list[str], centres: "Floats", changes: Mapping[int, Pooled]
) -> Iterator[tuple[date, Totals]]:
    changed = [day for day, each in changes.items() if each.groups]
    whole = Pooled(layout, centres, {})
    for day in range(min(changed, default=0), max(changed, default=-1) + 1):
        if day in changes:
            whole.join(changes[day])
        at = datetime.combine(EPOCH + timedelta(days=day), time.max, UTC)
        times = {"first": at, "last": at, "outside": 0}
        if rows := [{**row, **times} for row in whole.rows(texts)]:
            yield at.date(), totals_of(plan, rows)
